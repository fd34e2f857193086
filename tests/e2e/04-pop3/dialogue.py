# SPDX-License-Identifier: ISC
"""POP3 as RFC 1939 has it, by poplib."""
import os
import poplib
import sys
import time

sys.path.insert(0, os.environ["TESTS"])
from lib import PASSWORD, Raw, check, context, end, tries, where


def opened(kind, again=50):
    host, port = where("pop3s" if kind == "tls" else "pop3")
    if kind == "tls":
        p = poplib.POP3_SSL(host, port, context=context(), timeout=60)
    else:
        p = poplib.POP3(host, port, timeout=60)
        if kind == "stls":
            p.stls(context())
    try:
        p.user("alice")
        p.pass_(PASSWORD)
    except poplib.error_proto as e:
        if b"[IN-USE]" not in e.args[0] or again == 0:      # the session before is still ending
            raise
        p.close()
        time.sleep(0.2)
        return opened(kind, again - 1)
    return p


for kind in ("clear", "stls", "tls"):
    @tries("poplib, " + kind)
    def _():
        p = opened(kind)
        n, size = p.stat()
        check("%s: STAT counts three" % kind, n == 3, (n, size))
        sizes = [int(x.split()[1]) for x in p.list()[1]]
        check("%s: LIST adds up to STAT" % kind, sum(sizes) == size, (sizes, size))
        text = b"\r\n".join(p.retr(2)[1]) + b"\r\n"
        check("%s: RETR gives as many octets as LIST said" % kind, len(text) == sizes[1], (len(text), sizes))
        ids = [x.split()[1] for x in p.uidl()[1]]
        check("%s: UIDL are three different" % kind, len(set(ids)) == 3, ids)
        top = p.top(1, 0)[1]
        check("%s: TOP 0 ends with the header" % kind, b"Subject: pop 1" in top and top[-1] == b"", top)
        check("%s: NOOP" % kind, p.noop().startswith(b"+OK"))
        caps = p.capa()
        check("%s: CAPA has UIDL, TOP, RESP-CODES, PIPELINING, SASL, UTF8" % kind,
              {"UIDL", "TOP", "RESP-CODES", "PIPELINING", "UTF8"} <= set(caps), caps)
        p.dele(1)
        try:
            p.retr(1)
            check("%s: a deleted message is gone from the session" % kind, False)
        except poplib.error_proto:
            check("%s: a deleted message is gone from the session" % kind, True)
        p.rset()
        check("%s: RSET brings it back" % kind, p.stat()[0] == 3)
        p.dele(1)
        p.close()


@tries("I8: DELE without QUIT")
def _():
    p = opened("clear")
    check("I8: DELE without QUIT deletes nothing", p.stat()[0] == 3)
    for bad in ("0", "-1", "4", "4294967297", "18446744073709551617", "x", ""):
        c = p._shortcmd if False else None
        try:
            p._shortcmd("RETR " + bad)
            check("I8: RETR %r is -ERR" % bad, False)
        except poplib.error_proto:
            check("I8: RETR %r is -ERR" % bad, True)
    p.quit()


@tries("wrong password")
def _():
    host, port = where("pop3")
    p = poplib.POP3(host, port, timeout=60)
    p.user("alice")
    try:
        p.pass_("wrong")
        check("a wrong password is -ERR [AUTH]", False)
    except poplib.error_proto as e:
        check("a wrong password is -ERR [AUTH]", b"[AUTH]" in e.args[0], e)


@tries("I8: APOP")
def _():
    c = Raw("pop3")
    check("I8: the banner offers no APOP", b"@" not in c.greeting, c.greeting)
    c.send("STAT")
    check("STAT before login is -ERR", (c.line() or b"").startswith(b"-ERR"))


end()
