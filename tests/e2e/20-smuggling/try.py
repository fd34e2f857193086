# SPDX-License-Identifier: ISC
"""Nineteen line ends around a dot, squared, and odd forms; whole, byte by byte, and across borders."""
import os
import sys

sys.path.insert(0, os.environ["TESTS"])
from lib import Raw, check, end, mails, tries, wait_until

D = os.environ["DOMAIN"]
ENDS = [b"\n", b"\r", b"\r\n", b"\n\r", b"\r\r", b"\n\n", b"\r\r\n", b"\r\n\r", b"\n\r\n", b"\r\0\n", b"\0\r\n",
        b"\r\n\0", b"\x85", b"\xc2\x85", b"\xe2\x80\xa8", b"\x8a", b"\x8d", b"\x0b", b"\x0c"]
ODD = [b"\r\n.\r", b"\r\n.\n", b"\r\n\0.\r\n", b"\r\n.\0\r\n", b"\r\n. \r\n", b"\r\n .\r\n", b"\r\n.\t\r\n",
       b"\r\n\xef\xbc\x8e\r\n", b"\r\n\x2e\x08\r\n", b"\n\r.\n\r", b"\r.\r\n", b"\n.\r\n", b"\r\n.\r\r\n",
       b"\r\n..\r\n", b"\r\n\xe3\x80\x82\r\n", b"\r\n.\x7f\r\n"]
INNER = b"MAIL FROM:<smuggled@evil.test>\r\nRCPT TO:<bob@" + D.encode() + b">\r\nDATA\r\nSubject: smuggled\r\n\r\nx\r\n.\r\n"


def attempt(seq, how):
    """Number of messages the server says it took; None when it hung up first."""
    c = Raw(timeout=60)
    c.cmd("EHLO client.test")
    c.cmd("MAIL FROM:<x@elsewhere.test>")
    c.cmd("RCPT TO:<alice@%s>" % D)
    if c.cmd("DATA")[0] != 354:
        raise RuntimeError("no 354")
    body = b"Subject: outer\r\n\r\nbody" + seq + INNER
    if how == "border":
        body = b"Subject: outer\r\n\r\n" + b"x" * (4096 - 18 - len(seq) // 2) + seq + INNER
    try:
        if how == "trickle":
            c.trickle(body + b"QUIT\r\n")
        else:
            c.sock.sendall(body + b"QUIT\r\n")
    except OSError:
        pass
    replies = []
    while True:
        code, text = c.reply()
        if code == 0:
            break
        replies.append((code, text))
        if code == 221:
            break
    c.close()
    return replies


def judge(seq, how):
    """The first reply is for the outer message, then at most that of QUIT: no 354, no second 250."""
    replies = attempt(seq, how)
    codes = [r[0] for r in replies]
    return 354 not in codes and codes.count(250) <= 1, (seq, how, replies)


@tries("F1: all pairs")
def _():
    for how in ("write", "border"):
        wrong = []
        for a in ENDS:
            for b in ENDS:
                if (a, b) == (b"\r\n", b"\r\n") or (a + b"." + b).find(b"\r\n.\r\n") >= 0:
                    continue
                good, why = judge(a + b"." + b, how)
                if not good:
                    wrong.append(why)
        check("F1, F4: no pair of 19 x 19 line ends smuggles a message (%s)" % how, not wrong, wrong[:5])
    wrong = []
    for a in ENDS[:9]:
        for b in ENDS[:9]:
            if (a + b"." + b).find(b"\r\n.\r\n") < 0:
                good, why = judge(a + b"." + b, "trickle")
                wrong += [] if good else [why]
    check("F1: nor byte by byte", not wrong, wrong[:5])


@tries("F1: odd forms")
def _():
    wrong = []
    for seq in ODD:
        for how in ("write", "trickle", "border"):
            good, why = judge(seq, how)
            wrong += [] if good else [why]
    check("F1: nor any of 16 odd forms", not wrong, wrong[:5])


@tries("F1: refusal")
def _():
    for what, seq in (("bare LF", b"\n"), ("bare CR", b"\r")):
        c = Raw()
        c.cmd("EHLO client.test")
        c.cmd("MAIL FROM:<x@elsewhere.test>")
        c.cmd("RCPT TO:<alice@%s>" % D)
        c.cmd("DATA")
        code, text = c.cmd(b"Subject: bare\r\n\r\na" + seq + b"b\r\n.\r\n")
        check("F1: a %s in content is refused with 550 5.5.2" % what, code == 550 and text.startswith(b"5.5.2"),
              (code, text))
        check("F1: and the session goes on, or ends", c.cmd("NOOP")[0] in (250, 421, 0))
        c = Raw()
        c.send(b"EHLO client.test\r\nNOOP" + seq + b"NOOP\r\nQUIT\r\n")
        c.reply()
        code, text = c.reply()
        check("F1: a %s in a command is refused" % what, 500 <= code < 600 or code in (421, 0), (code, text))


@tries("F3: an unfinished header line")
def _():
    c = Raw()
    c.cmd("EHLO client.test")
    c.cmd("MAIL FROM:<x@elsewhere.test>")
    c.cmd("RCPT TO:<far@away.test>")
    c.cmd("DATA")
    code, _t = c.cmd(b"Subject: f3\r\nX-Last: unfinished\r\n.\r\n")
    check("F3: a message of headers only, without an empty line, is taken", code == 250, code)


wait_until(lambda: False, 2)
check("F1: nobody got a smuggled message", not mails("bob") and
      not any(m.startswith(b"Return-Path: <smuggled") for m in mails("alice")))
end()
