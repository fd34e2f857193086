# SPDX-License-Identifier: ISC
"""Replies that clients and other servers act upon."""
import os
import re
import sys

sys.path.insert(0, os.environ["TESTS"])
from lib import Raw, check, end, mails, tries, wait_until, with_subject

D = os.environ["DOMAIN"]


@tries("greeting and EHLO")
def _():
    c = Raw()
    check("the greeting is 220 and names ESMTP", c.greeting[0] == 220 and b"ESMTP" in c.greeting[1], c.greeting)
    code, text = c.cmd("EHLO client.test")
    words = [w.split()[0] for w in text.split(b"\n")[1:]]
    for w in (b"PIPELINING", b"SIZE", b"8BITMIME", b"ENHANCEDSTATUSCODES", b"STARTTLS"):
        check("EHLO announces %s" % w.decode(), w in words, text)
    check("EHLO announces no DSN, CHUNKING or SMTPUTF8 yet",
          not {b"DSN", b"CHUNKING", b"SMTPUTF8"} & set(words), text)
    check("RCPT before MAIL is 503", c.cmd("RCPT TO:<alice@%s>" % D)[0] == 503)
    check("DATA before RCPT is 503", c.cmd("DATA")[0] == 503)
    check("MAIL is 250", c.cmd("MAIL FROM:<x@elsewhere.test>")[0] == 250)
    check("a second MAIL is 503", c.cmd("MAIL FROM:<y@elsewhere.test>")[0] == 503)
    code, text = c.cmd("RCPT TO:<nobody-here@%s>" % D)
    check("an unknown local recipient gets 550 5.1.1", code == 550 and text.startswith(b"5.1.1"), (code, text))
    code, text = c.cmd("RCPT TO:<x@far.away.test>")
    check("postmaster is taken", c.cmd("RCPT TO:<postmaster@%s>" % D)[0] == 250)
    check("a bare postmaster is taken", c.cmd("RCPT TO:<postmaster>")[0] == 250)
    check("RSET is 250", c.cmd("RSET")[0] == 250)
    check("NOOP is 250", c.cmd("NOOP")[0] == 250)
    check("VRFY tells nothing that is secret", c.cmd("VRFY alice")[0] in (250, 252, 502))
    check("HELP is 214 or 502", c.cmd("HELP")[0] in (214, 502))
    check("an unknown command is 500 or 502", c.cmd("FROBNICATE")[0] in (500, 502))
    check("a too large SIZE is 552", c.cmd("MAIL FROM:<x@elsewhere.test> SIZE=99999999999")[0] == 552)
    check("a bad address is 501", c.cmd("MAIL FROM:<x@elsewhere.test")[0] in (501, 553))
    check("QUIT is 221", c.cmd("QUIT")[0] == 221)
    check("and the connection ends", c.line() is None)


@tries("dots")
def _():
    c = Raw()
    c.cmd("EHLO client.test")
    c.cmd("MAIL FROM:<x@elsewhere.test>")
    c.cmd("RCPT TO:<alice@%s>" % D)
    c.cmd("DATA")
    code, text = c.cmd(b"Subject: dots\r\nFrom: x@elsewhere.test\r\n\r\n..one\r\n...two\r\n..\r\nend\r\n.\r\n")
    check("a message with dots is taken", code == 250, (code, text))
    wait_until(lambda: with_subject("alice", "dots"))
    got = with_subject("alice", "dots")
    check("dots are unstuffed once", len(got) == 1 and got[0].endswith(b"\n\n.one\n..two\n.\nend\n"), got)


@tries("eight bits")
def _():
    c = Raw()
    c.cmd("EHLO client.test")
    c.cmd("MAIL FROM:<> BODY=8BITMIME")
    c.cmd("RCPT TO:<alice@%s>" % D)
    c.cmd("DATA")
    body = bytes(b for b in range(1, 256) if b not in (10, 13))
    check("eight-bit content and the null sender are taken",
          c.cmd(b"Subject: bits\r\n\r\n" + body + b"\r\n.\r\n")[0] == 250)
    wait_until(lambda: with_subject("alice", "bits"))
    got = with_subject("alice", "bits")
    check("and every byte arrives", len(got) == 1 and got[0].endswith(b"\n" + body + b"\n"), got)
    check("with an empty Return-Path", got and got[0].startswith(b"Return-Path: <>\n"), got)


@tries("no header")
def _():
    c = Raw()
    c.cmd("EHLO client.test")
    for sender in ("x@elsewhere.test", ""):
        c.cmd("MAIL FROM:<%s>" % sender)
        c.cmd("RCPT TO:<bob@%s>" % D)
        c.cmd("DATA")
        code, text = c.cmd(b"only text <%s>\r\nSubject: not one\r\n.\r\n" % sender.encode())
        check("text without a header is taken, from <%s>" % sender, code == 250, (code, text))
        want = b"\n\nonly text <%s>\nSubject: not one\n" % sender.encode()
        check("and stays text, behind a blank line", wait_until(lambda: any(m.endswith(want) for m in mails("bob"))),
              mails("bob"))
    head = [m for m in mails("bob") if b"only text <>" in m][0]
    check("From of the null sender is an address", re.search(rb"(?m)^From: <MAILER-DAEMON@\S+>$", head), head)
    check("the Message-ID that was added is in the log", re.search(rb"(?mi)^Message-ID: (<\S+>)", head).group(1) in
          open(os.environ["LOG"], "rb").read(), head)


@tries("a loop")
def _():
    c = Raw()
    c.cmd("EHLO client.test")
    c.cmd("MAIL FROM:<x@elsewhere.test>")
    c.cmd("RCPT TO:<alice@%s>" % D)
    c.cmd("DATA")
    text = b"Received: from a by b; Mon, 1 Jan 2024 00:00:00 +0000\r\n" * 500
    code, text = c.cmd(text + b"Subject: loop\r\n\r\n.\r\n")
    check("D2: 500 Received headers are refused as a loop", code == 554, (code, text))


@tries("no HELO")
def _():
    c = Raw()
    c.cmd("MAIL FROM:<x@elsewhere.test>")
    c.cmd("RCPT TO:<alice@%s>" % D)
    c.cmd("DATA")
    c.cmd(b"Subject: no helo\r\n\r\n.\r\n")
    wait_until(lambda: with_subject("alice", "no helo"))
    got = with_subject("alice", "no helo")
    check("the Received of a client without HELO still names one", len(got) == 1 and
          re.search(rb"(?m)^Received: from [^ ]+ \(", got[0]), got)


@tries("size")
def _():
    c = Raw()
    c.cmd("EHLO client.test")
    c.cmd("MAIL FROM:<x@elsewhere.test> BODY=8BITMIME")
    c.cmd("RCPT TO:<bob@%s>" % D)
    c.cmd("DATA")
    body = (b"%064d\r\n" * 16 % tuple(range(16))) * 1024 * 3
    code, text = c.cmd(b"Subject: big\r\n\r\n" + body + b".\r\n")
    check("three megabytes are taken", code == 250, (code, text))
    wait_until(lambda: with_subject("bob", "big"))
    got = with_subject("bob", "big")
    check("and arrive whole", len(got) == 1 and got[0].endswith(b"\n\n" + body.replace(b"\r\n", b"\n")),
          [len(g) for g in got])


end()
