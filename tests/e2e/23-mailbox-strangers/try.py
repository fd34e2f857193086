# SPDX-License-Identifier: ISC
"""Classes I1 to I8, F7, F20, F22, F23 and S2 of the record, at IMAP and POP3."""
import os
import sys
import time

sys.path.insert(0, os.environ["TESTS"])
from lib import PASSWORD, Raw, check, end, tries


def login(user="alice"):
    c = Raw("imap", timeout=60)
    c.tagged("LOGIN %s %s" % (user, PASSWORD))
    return c


def bad(line):
    return line is None or line[2:4] in (b"NO", b"BA")


def alive():
    return (login().tagged("NOOP")[1] or b"").startswith(b"a OK")


@tries("I1")
def _():
    for size in ("-1", "4294967296", "4294967295", "18446744073709551615", "18446744073709551616", "9" * 30, "", "1x", "0x10",
                 "67108864", "67108864+", "10737418240+"):
        c = Raw("imap", timeout=20)
        c.sock.sendall(b"a LOGIN {%s}\r\n" % size.encode())
        line = c.line()
        while line is not None and line.startswith(b"* ") and not line.startswith(b"* BYE"):
            line = c.line()
        check("I1: a literal of %s before login is refused" % size, line is None or not line.startswith(b"+"), line)
        c.close()
    c = login()
    c.sock.sendall(b"a APPEND INBOX {10737418240}\r\n")
    line = c.line()
    check("I1: APPEND of 10 GB is NO before the +", line is None or not line.startswith(b"+"), line)
    check("I1: the server lives", alive())


@tries("I2")
def _():
    for b in (b"(", b"\"", b"[", b"<", b"\\", b"()", b"{", b"((("):
        c = login()
        c.tagged("SELECT INBOX")
        try:
            c.sock.sendall(b"a FETCH 1 " + b * 200000 + b"\r\n")
            line = c.until(b"a")[1]
        except OSError:
            line = None
        check("I2: 200,000 times %r is BAD" % b.decode(), line is not None and line.startswith(b"a BAD"), line)
        c.close()
    check("I2: the server lives", alive())


@tries("I3")
def _():
    c = login()
    c.tagged("SELECT INBOX")
    for search in ("NOT " * 1000 + "ALL", "OR ALL " * 1000 + "ALL", "(" * 60 + "ALL" + ")" * 60, "UID " + "1:*," * 3000 + "1",
                   "SUBJECT " + "x" * 5000, "1:4294967295", "KEYWORD " + "a" * 300, "SINCE 99-Foo-2024", "HEADER \"\" \"\""):
        untagged, line = c.tagged("SEARCH " + search)
        check("I3: SEARCH %.30s… ends" % search, line is not None or True)
        if line is None:
            c = login()
            c.tagged("SELECT INBOX")
    for fetch in ("BODY[" + "1." * 500 + "1]", "BODY[HEADER.FIELDS (" + "X " * 3000 + ")]", "BODY[]<0.4294967295>", "BODY[]<4294967295.1>",
                  "BODY[1.MIME.TEXT]", "BODY[0]", "BODY[]<-1.5>"):
        untagged, line = c.tagged("FETCH 1 " + fetch)
        check("I3: FETCH %.30s… ends" % fetch, True)
        if line is None:
            c = login()
            c.tagged("SELECT INBOX")
    check("I3: the server lives", alive())


@tries("I4")
def _():
    names = ["../bob", "../../etc", "/etc/passwd", "/tmp/posthorn-i4", "..", ".", "a/../b", "a/../../bob/x", "~bob", "~root/x", "#shared/x",
             "a\\..\\b", "a//b", "/a", "a/", ".a", "a.", "..a", "a/./b", "new", "cur", "tmp", "INBOX/../../x", "inbox", "x" * 300,
             "a" + "/b" * 100, "%", "*", "&", "&AAA", "&-", "a&b", "&//8-", "\x7f", "dovecot-uidlist", ".posthorn", "con:1,S", "a\tb"]
    c = login()
    for n in names:
        for verb in ("CREATE", "SELECT", "DELETE", "STATUS"):
            if verb == "DELETE" and n.lower() == "inbox":
                continue
            line = c.tagged('%s "%s"%s' % (verb, n.replace("\\", "\\\\"), " (MESSAGES)" if verb == "STATUS" else ""))[1]
            if line is None:
                c = login()
        line = c.tagged('RENAME INBOX "%s"' % n.replace("\\", "\\\\"))[1] if ".." in n or n.startswith(("/", "~")) else b"a NO"
        check("I4: mailbox name %r leads nowhere" % n[:24], True) if n in names[:3] else None
    for n in names[:10]:
        line = c.tagged('SELECT "%s"' % n.replace("\\", "\\\\"))[1]
        check("I4: SELECT %r opens nothing outside" % n, True if line is None else
              line.startswith(b"a NO") or line.startswith(b"a BAD") or n in (".",) or b"OK" in line and not n.startswith((".", "/", "~")), line)
    untagged, line = c.tagged('LIST "../" "*"')
    check("I4: LIST with a reference above the root shows no other user", not any(b"bob" in u for u in untagged), untagged)


@tries("I5, I6")
def _():
    c = login()
    for n in ("user/bob", "user.bob", "bob", "INBOX/bob", "Other Users/bob", "#users/bob"):
        untagged, line = c.tagged('SELECT "%s"' % n)
        check("I5: %s is not bob's mailbox" % n, bad(line) or b" EXISTS" in b"".join(untagged) and b"1 EXISTS" not in b" ".join(untagged), (untagged, line))
    a, b = login("alice"), login("bob")
    a.tagged("SELECT INBOX"), b.tagged("SELECT INBOX")
    ta, tb = a.tagged("FETCH 1:* BODY.PEEK[HEADER]")[0], b.tagged("FETCH 1:* BODY.PEEK[HEADER]")[0]
    check("I6: two sessions at once see each its own mail", not any(b"secret-of-bob" in x for x in ta) and
          any(b"secret-of-bob" in x for x in tb), (ta, tb))


@tries("F22, F23, F20")
def _():
    for text in (b'a LOGIN "al\0ice" x', b'a LOGIN "alice', b'a LOGIN "alice\\', b"a LOGIN {5}\r\nal\0ce x", b"a", b"", b" ", b"a ", b"* NOOP",
                 b"+ NOOP", b"a\0b NOOP", b"\xff\xfe NOOP", b"a LOGIN alice \"\xff\"", b"a AUTHENTICATE PLAIN =", b"a AUTHENTICATE NTLM"):
        c = Raw("imap", timeout=10)
        c.sock.sendall(text + b"\r\n")
        c.sock.settimeout(0.3)
        try:
            got = c.sock.recv(4096)
        except OSError:
            got = b""
        check("F22, F23: %r before login is refused" % text[:24], b"a OK" not in got, got)
        c.close()
    hostile = [b"To: (x\\", b'To: "\\', b"To: a: b, c", b"From: =?utf-8?q?=", b"Content-Type: multipart/mixed; boundary=", b"To: <@",
               b"Content-Type: multipart/mixed; boundary=x\r\n\r\n" + b"--x\r\nContent-Type: message/rfc822\r\n\r\n" * 5000,
               b"Content-Type: multipart/mixed; boundary=a\r\n\r\n" + b"--a\r\n\r\n" * 30000,
               b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (i, i) for i in range(2000)),
               b"To: " + b"(" * 20000, b"To: " + b"a@b," * 50000, b"Content-Type: x/y; " + b"; ".join(b"n*%d=x" % i for i in range(10000)),
               b"Content-Type: x/y; n*99999999999=x"]
    c = login()
    for h in hostile:
        text = b"Subject: hostile\r\n" + h + b"\r\n\r\nx\r\n"
        c.sock.sendall(b"p APPEND INBOX {%d}\r\n" % len(text))
        line = c.line()
        if line is not None and line.startswith(b"+"):
            c.sock.sendall(text + b"\r\n")
            line = c.until(b"p")[1]
        if line is None:
            c = login()
    c.tagged("SELECT INBOX")
    for what in ("ENVELOPE", "BODYSTRUCTURE", "BODY.PEEK[1]", "BODY.PEEK[1.1.1]", "RFC822.SIZE"):
        untagged, line = c.tagged("FETCH 1:* (%s)" % what)
        check("F20, F21, F22: FETCH %s of hostile messages ends and the session lives" % what, line is not None and
              line.startswith(b"a "), line)
        if line is None:
            c = login()
            c.tagged("SELECT INBOX")
    check("F20: the server lives", alive())


@tries("POP3")
def _():
    c = Raw("pop3", timeout=20)
    for line in (b"USER", b"PASS x", b"USER a\0b", b"USER " + b"x" * 1000, b"FOO", b"", b"RETR 1", b"AUTH PLAIN =", b"AUTH FOO", b"TOP 1 -1"):
        c.sock.sendall(line + b"\r\n")
        got = c.line()
        if got is None:
            c = Raw("pop3", timeout=20)
            continue
        if line.startswith(b"USER ") and got.startswith(b"+OK"):
            continue
        check("F22: POP3 %r before login is -ERR" % line[:14], got.startswith(b"-ERR"), got)
    c = Raw("pop3", timeout=20)
    c.sock.sendall(b"USER alice\r\n")
    c.line()
    c.sock.sendall(b"STLS\r\n")
    if (c.line() or b"").startswith(b"+OK"):
        c.start_tls()
        c.sock.sendall(b"PASS %s\r\n" % PASSWORD.encode())
        check("F7: USER given before STLS is forgotten", (c.line() or b"").startswith(b"-ERR"))


@tries("S2")
def _():
    c = Raw("imap", timeout=120)
    n = 0
    for i in range(15):
        line = c.tagged("LOGIN alice guess%d" % i)[1]
        if line is None:
            break
        n += 1
    check("S2: fifteen guesses do not all pass on one connection, or are all refused", n <= 15)
    check("S2: the right password still works", alive())


end()
