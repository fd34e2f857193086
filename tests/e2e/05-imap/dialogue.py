# SPDX-License-Identifier: ISC
"""IMAP as imaplib speaks it."""
import imaplib
import os
import sys
import time

sys.path.insert(0, os.environ["TESTS"])
from lib import PASSWORD, Raw, check, context, end, tries, where


def opened(kind, user="alice"):
    host, port = where("imaps" if kind == "tls" else "imap")
    if kind == "tls":
        m = imaplib.IMAP4_SSL(host, port, ssl_context=context(), timeout=60)
    else:
        m = imaplib.IMAP4(host, port, timeout=60)
        if kind == "starttls":
            m.starttls(context())
    m.login(user, PASSWORD)
    return m


for kind in ("clear", "starttls", "tls"):
    @tries("imaplib, " + kind)
    def _():
        m = opened(kind)
        typ, data = m.select("INBOX")
        check("%s: SELECT counts three" % kind, typ == "OK" and data == [b"3"], data)
        typ, data = m.fetch("1:3", "(UID FLAGS RFC822.SIZE ENVELOPE INTERNALDATE)")
        check("%s: FETCH of envelopes" % kind, typ == "OK" and len(data) == 3 and b"imap 1" in data[0], data)
        typ, data = m.fetch("2", "(BODY.PEEK[] RFC822.SIZE)")
        text = data[0][1]
        check("%s: BODY[] is as long as RFC822.SIZE says" % kind,
              b"RFC822.SIZE %d" % len(text) in data[0][0] + data[1], (len(text), data[0][0], data[1]))
        check("%s: BODY[HEADER.FIELDS]" % kind,
              m.fetch("2", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1][0][1] == b"Subject: imap 2\r\n\r\n")
        check("%s: a part of a body" % kind, m.fetch("2", "(BODY.PEEK[TEXT]<5.4>)")[1][0][1] == b"2 ne",
              m.fetch("2", "(BODY.PEEK[TEXT]<5.4>)"))
        check("%s: BODYSTRUCTURE" % kind, b"TEXT" in m.fetch("1", "(BODYSTRUCTURE)")[1][0].upper())
        check("%s: SEARCH SUBJECT" % kind, m.search(None, "SUBJECT", '"imap 3"')[1] == [b"3"])
        check("%s: SEARCH BODY" % kind, m.search(None, "BODY", "needle1")[1] == [b"1"])
        check("%s: SEARCH NOT and OR" % kind,
              m.search(None, "OR SUBJECT 1 NOT SUBJECT imap")[1] == [b"1"])
        check("%s: UID SEARCH" % kind, len(m.uid("SEARCH", "ALL")[1][0].split()) == 3)
        m.logout()


@tries("folders")
def _():
    m = opened("tls")
    sep = m.list('""', '""')[1][0].split(b'"')[1].decode()
    name = "Work%s2024" % sep
    check("CREATE", m.create(name)[0] == "OK")
    check("CREATE twice is NO", m.create(name)[0] == "NO")
    names = b"\n".join(x for x in m.list()[1] if x)
    check("LIST shows it, and INBOX", name.encode() in names and b"INBOX" in names, names)
    check("SUBSCRIBE", m.subscribe(name)[0] == "OK")
    check("LSUB shows it", name.encode() in b"\n".join(x or b"" for x in m.lsub()[1]))
    check("UNSUBSCRIBE", m.unsubscribe(name)[0] == "OK")
    check("RENAME", m.rename(name, "Archive")[0] == "OK")
    text = b"From: a@b.test\r\nSubject: appended\r\n\r\nhello\r\n"
    check("APPEND with flags and date", m.append("Archive", r"(\Seen)", imaplib.Time2Internaldate(1000000000),
                                                  text)[0] == "OK")
    check("APPEND to no mailbox is NO [TRYCREATE]",
          b"TRYCREATE" in m.append("Nowhere", None, None, text)[1][0])
    typ, data = m.status("Archive", "(MESSAGES UNSEEN UIDNEXT UIDVALIDITY RECENT)")
    check("STATUS", typ == "OK" and b"MESSAGES 1" in data[0] and b"UNSEEN 0" in data[0], data)
    m.select("Archive")
    data = m.fetch("1", "(FLAGS INTERNALDATE BODY.PEEK[])")[1]
    check("what was appended is there, whole", text in data[0], data)
    check("with its date", b"09-Sep-2001" in data[0][0] or b"09-Sep-2001" in data[1] or b" 9-Sep-2001" in data[0][0], data)
    check("STORE +FLAGS", m.store("1", "+FLAGS", r"(\Flagged $Label1)")[0] == "OK")
    flags = m.fetch("1", "(FLAGS)")[1][0]
    check("flags and keywords are kept", b"\\Flagged" in flags and b"$Label1" in flags and b"\\Seen" in flags, flags)
    check("COPY", m.copy("1", "INBOX")[0] == "OK")
    m.store("1", "+FLAGS.SILENT", r"(\Deleted)")
    check("EXPUNGE", m.expunge() == ("OK", [b"1"]))
    m.close()
    m.select("INBOX")
    n = m.search(None, "SUBJECT", "appended")[1][0]
    check("the copy is in INBOX", len(n.split()) == 1, n)
    m.store(n.decode(), "+FLAGS", r"(\Deleted)")
    m.expunge()
    check("DELETE", m.delete("Archive")[0] == "OK")
    check("SELECT of it is NO", m.select("Archive")[0] == "NO")
    m.logout()


@tries("two sessions")
def _():
    a, b = opened("clear"), opened("clear")
    a.select("INBOX")
    b.select("INBOX")
    a.store("1", "+FLAGS", r"(\Flagged)")
    b.noop()
    seen = b"".join(x for x in b.response("FETCH")[1] if x)
    check("another session hears of a changed flag", b"Flagged" in seen, seen)
    a.store("1", "-FLAGS", r"(\Flagged)")
    a.append("INBOX", None, None, b"Subject: for the other\r\n\r\nx\r\n")
    b.noop()
    check("and of a new message", b.response("EXISTS")[1][-1] == b"4", b.untagged_responses)
    a.noop()
    a.store("4", "+FLAGS", r"(\Deleted)")
    a.expunge()
    b.noop()
    check("and of one that is gone", b.response("EXPUNGE")[1] == [b"4"])
    a.logout()
    b.logout()


@tries("IDLE")
def _():
    c = Raw("imap")
    c.tagged("LOGIN alice %s" % PASSWORD)
    c.tagged("SELECT INBOX")
    c.sock.sendall(b"i IDLE\r\n")
    check("IDLE is taken", (c.line() or b"").startswith(b"+"))
    m = opened("clear")
    m.append("INBOX", None, None, b"Subject: idle\r\n\r\nx\r\n")
    line = c.line()
    while line is not None and b"EXISTS" not in line:
        line = c.line()
    check("and tells of a new message by itself", line is not None and line.startswith(b"* 4 "), line)
    c.sock.sendall(b"DONE\r\n")
    check("until DONE", (c.until(b"i")[1] or b"").startswith(b"i OK"))
    m.select("INBOX")
    m.store("4", "+FLAGS", r"(\Deleted)")
    m.expunge()
    m.logout()


@tries("refusals")
def _():
    c = Raw("imap")
    check("a wrong password is NO [AUTHENTICATIONFAILED]",
          b"AUTHENTICATIONFAILED" in (c.tagged("LOGIN alice wrong")[1] or b""))
    check("SELECT before login is refused", (c.tagged("SELECT INBOX", b"b")[1] or b"")[:4] in (b"b NO", b"b BA"))
    check("CAPABILITY", any(b"IMAP4rev1" in x for x in c.tagged("CAPABILITY", b"c")[0]))


end()
