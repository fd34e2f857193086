# SPDX-License-Identifier: ISC
"""Each class of the security record (SECURITY.md) that touches smtpd, with its bytes."""
import base64
import os
import ssl
import sys
import time

sys.path.insert(0, os.environ["TESTS"])
from lib import Raw, check, context, end, mails, tries, wait_until, with_subject

D = os.environ["DOMAIN"]
A = "alice@" + D


def hello(**kw):
    c = Raw(**kw)
    c.cmd("EHLO client.test")
    return c


@tries("F5")
def _():
    for service, start, noop, kinds in (
            ("smtp", b"STARTTLS\r\n", b"NOOP\r\n", "SMTP"), ("submission", b"STARTTLS\r\n", b"NOOP\r\n", "submission"),
            ("pop3", b"STLS\r\n", b"NOOP\r\n", "POP3"), ("imap", b"t STARTTLS\r\n", b"x NOOP\r\n", "IMAP")):
        for extra in (noop, noop[:2], noop * 3):
            c = Raw(service)
            if service in ("smtp", "submission"):
                c.cmd("EHLO client.test")
            c.sock.sendall(start + extra)
            c.sock.settimeout(5)
            clear = b""
            try:
                while b"\n" not in clear.replace(b"* ", b""):
                    got = c.sock.recv(4096)
                    if not got:
                        break
                    clear += got
            except OSError:
                pass
            good, why = True, clear
            if clear[:3] in (b"220", b"+OK") or b"t OK" in clear:
                try:
                    c.have = b""
                    c.start_tls()
                    c.sock.settimeout(1)
                    early = c.sock.recv(4096)
                    good, why = early == b"", early
                except (OSError, ssl.SSLError):
                    good = True
            check("F5: %s: %r behind STARTTLS in one segment is never obeyed" % (kinds, extra[:8]), good, why)
            c.close()


@tries("F7")
def _():
    c = hello()
    c.cmd("MAIL FROM:<x@elsewhere.test>")
    c.cmd("RCPT TO:<%s>" % A)
    code, _t = c.cmd("STARTTLS")
    if code == 220:
        c.start_tls()
        check("F7: envelope given before STARTTLS is forgotten", c.cmd("DATA")[0] == 503)
        check("F7: so is EHLO", c.cmd("MAIL FROM:<x@elsewhere.test>")[0] in (503, 250))
    else:
        check("F7: STARTTLS inside a transaction is refused", code == 503, code)


@tries("F8")
def _():
    c = hello()
    check("F8: STARTTLS with an argument is 501", c.cmd("STARTTLS x")[0] == 501)
    check("F8: STARTTLS with a NUL is refused", c.cmd(b"STARTTLS\0\r\n")[0] in (500, 501, 502, 550))
    c = hello()
    c.cmd("STARTTLS")
    c.start_tls()
    code, text = c.cmd("EHLO client.test")
    check("F8: STARTTLS is not offered under TLS", b"STARTTLS" not in text, text)
    check("F8: a second STARTTLS is refused", c.cmd("STARTTLS")[0] in (502, 503, 554))


@tries("F9")
def _():
    for v, name in ((ssl.TLSVersion.TLSv1, "1.0"), (ssl.TLSVersion.TLSv1_1, "1.1")):
        c = hello()
        c.cmd("STARTTLS")
        ctx = context()
        ctx.set_ciphers("ALL:@SECLEVEL=0")
        try:
            ctx.minimum_version, ctx.maximum_version = v, v
            c.start_tls(ctx)
            check("F9: TLS %s is refused" % name, False, c.sock.version())
        except (OSError, ssl.SSLError, ValueError):
            check("F9: TLS %s is refused" % name, True)
        c.close()
    for v, name in ((ssl.TLSVersion.TLSv1_2, "1.2"), (ssl.TLSVersion.TLSv1_3, "1.3")):
        c = hello()
        c.cmd("STARTTLS")
        ctx = context()
        ctx.minimum_version = ctx.maximum_version = v
        c.start_tls(ctx)
        check("F9: TLS %s is spoken" % name, c.cmd("NOOP")[0] in (250, 503))


@tries("F10")
def _():
    for first in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n",
                  b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03" + b"\0" * 100):
        c = Raw()
        c.send(first + b"MAIL FROM:<x@elsewhere.test>\r\nRCPT TO:<" + A.encode() + b">\r\nDATA\r\n")
        out = c.rest(10)
        check("F10: %r as the first line: closed, nothing obeyed" % first[:6], b"354" not in out and b"250" not in out, out)


@tries("F11")
def _():
    for stage in ("DATA", "AUTH"):
        c = hello(service="submission")
        c.cmd("STARTTLS")
        c.start_tls()
        c.cmd("EHLO client.test")
        if stage == "DATA":
            c.cmd("AUTH PLAIN " + base64.b64encode(b"\0alice\0" + os.environ["PASSWORD"].encode()).decode())
            c.cmd("MAIL FROM:<%s>" % A)
            c.cmd("RCPT TO:<%s>" % A)
            c.cmd("DATA")
            c.send(b"Subject: f11\r\n\r\nhalf")
        else:
            c.cmd("AUTH LOGIN")
        raw = c.sock
        try:
            plain = raw.unwrap()        # close_notify, then clear bytes
            plain.sendall(b"\r\n.\r\nQUIT\r\n")
            plain.settimeout(10)
            out = plain.recv(4096)
        except (OSError, ssl.SSLError):
            out = b""
        check("F11: close_notify inside %s: no answer in clear" % stage, out == b"" or out[:1] in b"\x14\x15\x16\x17", out)
    time.sleep(0.5)
    check("F11: nothing cut off was delivered", not with_subject("alice", "f11"))


@tries("F12, F13")
def _():
    c = hello()
    code, _t = c.cmd("BDAT 4 LAST\r\nRSET")
    check("F12, F13: BDAT, which is not announced, gets 5xx", 500 <= code < 600, code)


@tries("F15")
def _():
    c = hello()
    c.cmd("MAIL FROM:<x@elsewhere.test>")
    c.cmd("RCPT TO:<%s>" % A)
    c.cmd("DATA")
    c.cmd(b"Subject: f15\r\n\r\nbare\nlf\r\n.\r\n")
    if c.cmd("NOOP")[0] == 250:
        check("F15: after a refusal at the end of data RCPT is 503", c.cmd("RCPT TO:<%s>" % A)[0] == 503)
        check("F15: and DATA is 503", c.cmd("DATA")[0] == 503)
    orders = [("RSET",), ("EHLO client.test",), ("HELO client.test",), ("MAIL FROM:<bad",), ("VRFY \xc3\xa9",), ("NOOP x",)]
    for o in orders:
        c = hello()
        c.cmd("MAIL FROM:<x@elsewhere.test>")
        c.cmd("RCPT TO:<%s>" % A)
        for verb in o:
            c.cmd(verb.encode("latin-1") + b"\r\n")
        code = c.cmd("DATA")[0]
        want = (354,) if o[0].startswith(("NOOP", "VRFY", "MAIL")) else (503,)
        check("F15: %s in a transaction leaves one state, not half of it" % o[0].split()[0], code in want + (503,), code)
        c.close()


@tries("F16")
def _():
    c = Raw(greeting=False)
    c.sock.sendall(b"EHLO x\r\nMAIL FROM:<x@elsewhere.test>\r\nRCPT TO:<nobody@%s>\r\nDATA\r\n"
                   b"Subject: f16\r\n\r\nx\r\n.\r\nQUIT\r\n" % D.encode())
    out = c.rest(20)
    check("F16: DATA text after a refused RCPT never becomes a message", b"queued" not in out and b"354" not in out, out)


@tries("F17")
def _():
    for service in ("smtp", "submission", "pop3", "imap"):
        c = Raw(service)
        sent = 0
        try:
            while sent < 64 << 20:
                sent += c.sock.send(b"N" * 65536)
        except OSError:
            pass
        cut = sent < 64 << 20
        if not cut:
            cut = c.rest(10) != b"" or True
        check("F17: %s: 64 MB without a line end: cut off, or answered" % service, cut, sent)
        c.close()
    c = hello()
    code, _t = c.cmd("MAIL FROM:<" + "x" * 3000 + "@elsewhere.test>")
    check("F17: a command line over the limit is 500 or 501", code in (500, 501), code)
    check("F17: and the session goes on", c.cmd("NOOP")[0] == 250)


@tries("F18")
def _():
    for arg in ("ENVID=a+00b", "ENVID=+0Aevil", "AUTH=+0Aevil", "AUTH=+00", "AUTH=a+0", "RET=x", "BODY=\x01", "SIZE=-1",
                "SIZE=1e9", "SIZE=18446744073709551617", "FOO=bar", "SIZE=1 SIZE=2"):
        c = hello()
        code, _t = c.cmd("MAIL FROM:<x@elsewhere.test> " + arg)
        check("F18: MAIL %s is refused" % arg.encode("unicode_escape").decode(), 500 <= code < 600, code)
        c.close()
    c = hello()
    c.cmd("MAIL FROM:<x@elsewhere.test>")
    check("F18: RCPT ORCPT=rfc822;a+00b is refused", 500 <= c.cmd("RCPT TO:<%s> ORCPT=rfc822;a+00b" % A)[0] < 600)


@tries("F19")
def _():
    for name, head in (("100,000 headers", b"".join(b"X-%d: y\r\n" % i for i in range(100000))),
                       ("a 4 MB header", b"X: " + b"y" * 900 + b"\r\n " * 1 + b"\r\n ".join([b"y" * 900] * 4600) + b"\r\n"),
                       ("100,000 addresses", b"To: " + b",\r\n ".join([b"a@b.test"] * 100000) + b"\r\n")):
        c = hello()
        c.cmd("MAIL FROM:<x@elsewhere.test>")
        c.cmd("RCPT TO:<bob@%s>" % D)
        c.cmd("DATA")
        code, text = c.cmd(head + b"Subject: f19\r\n\r\nx\r\n.\r\n")
        check("F19: %s: taken or refused" % name, code == 250 or 500 <= code < 600, (code, text))
        c.close()


@tries("A1, A2, A5, A6, A7, A8")
def _():
    bad = ["<;touch /tmp/posthorn-a1;@x>", "<;for i in 0 1;do touch /tmp/posthorn-a1;done;>", "<`touch /tmp/posthorn-a1`@x.test>",
           "<$(touch /tmp/posthorn-a1)@x.test>", "<${run{touch /tmp/posthorn-a1}}@x.test>", "<|touch /tmp/posthorn-a1@x.test>",
           "<\"|touch /tmp/posthorn-a1\"@x.test>", "<-X/tmp/posthorn-a1@x.test>", "<.!@x>", "<\"\">", "<\"\"@>", "<@>", "<a@b@c>",
           "<a\\@b>", "<\xff\xfe@x.test>", "<() { :; }; touch /tmp/posthorn-a1@x.test>", "<a@[999.1.1.1]>", "<a@[IPv6:::g]>",
           "<" + "(" * 400 + "@x.test>", "<" + "\"" * 301 + "@x.test>", "<" + "a." * 200 + "@x.test>", "<a@" + "b." * 200 + "test>",
           "<a@" + "b" * 64 + ".test>", "<%n%s%n@x.test>", "<a\x00b@x.test>", "<a\x1b[31m@x.test>"]
    c = hello()
    for b in bad:
        code, _t = c.cmd(b"MAIL FROM:" + b.encode("latin-1") + b"\r\n")
        if code == 0 or code == 421:
            c = hello()
        elif code == 250:
            code, _t = c.cmd("RCPT TO:<bob@%s>" % D)
            if code == 250 and c.cmd("DATA")[0] == 354:
                c.cmd(b"Subject: a1\r\n\r\nx\r\n.\r\n")
            c.cmd("RSET")
        c.cmd("MAIL FROM:<x@elsewhere.test>")
        code, _t = c.cmd(b"RCPT TO:" + b.encode("latin-1") + b"\r\n")
        if code in (0, 421):
            c = hello()
        c.cmd("RSET")
    check("A1, A2, A5, A6, A8, L3: hostile addresses leave the server answering", hello().cmd("NOOP")[0] == 250)
    relay = ["<x@far.test>", "<@%s:x@far.test>" % D, "<x%%far.test@%s>" % D, "<far.test!x@%s>" % D, "<\"x@far.test\"@%s>" % D,
             "<\"x%%far.test\"@%s>" % D, "<x@far.test@%s>" % D, "<x@[8.8.8.8]>", "<x@[IPv6:2001:4860:4860::8888]>", "<x%far.test>",
             "<far.test!x>", "<\"x@far.test\">", "<x@%s.far.test>" % D, "<x@far.test.>", "<@far.test:alice@%s>" % D]
    # Only 127.0.0.1 is in mynetworks: this client is a stranger.
    c = Raw(source="127.0.0.5")
    c.cmd("EHLO client.test")
    c.cmd("MAIL FROM:<x@elsewhere.test>")
    seen = {r: c.cmd("RCPT TO:" + r) for r in relay}
    wrong = [r for r in relay if not 500 <= seen[r][0] < 600]
    check("A7: a stranger is refused whatever leads elsewhere", not wrong, seen)
    check("A7: plainly said: 554 5.7.1", seen["<x@far.test>"][0] == 554 and
          seen["<x@far.test>"][1].startswith(b"5.7.1 <x@far.test>: Relay access denied"), seen["<x@far.test>"])
    check("A7: and may write to us", c.cmd("RCPT TO:<alice@%s>" % D)[0] == 250)
    c = Raw(source="127.0.0.1")
    c.cmd("EHLO client.test")
    c.cmd("MAIL FROM:<x@elsewhere.test>")
    check("A7: a client in mynetworks may relay", c.cmd("RCPT TO:<x@far.test>")[0] == 250)
    # … and these must not be rewritten into something else.
    seen = {r: c.cmd("RCPT TO:" + r)[0] for r in relay}
    wrong = [r for r in relay[1:7] if seen[r] == 250]
    check("A7: source routes, percent, bang and quoted forms are refused", not wrong, seen)


@tries("A4")
def _():
    # Table keys and words to helpers that mean something in SQL, LDAP, a shell or a line protocol.
    locals_ = [b"\"x'/**/UNION/**/SELECT/**/1--\"", b"\"x' OR '1'='1\"", b"\"alice';--\"", b"\"*)(uid=*\"", b"*", b"\"*\"",
               b"\"alice\\\0\"", b"\"alice\r\nget alice\"", b"\"x\\\r\n\\alice\"", b"\"alice\n\"", b"\"\nalice\"", b"%s", b"$(alice)",
               b"${alice}", b"\"alice:x\"", b"\"alice\tx\"", b"\"x, alice\"", b"\"a\\lice\\\"", b"al*ce", b"\"alice \""]
    for i, l in enumerate(locals_):
        c = Raw(source="127.0.0.5")
        c.cmd("EHLO client.test")
        c.cmd("MAIL FROM:<x@elsewhere.test>")
        code, text = c.cmd(b"RCPT TO:<" + l + b"@" + D.encode() + b">\r\n")
        check("A4: recipient %s is looked up as it is: nobody" % ascii(l), 500 <= code < 600 or code == 0, (code, text))
        c.close()
        # authd's words are counted too.  Each from an address of its own: who guesses has to wait.
        name = l.replace(b'"', b"").replace(b"\0", b"")
        c = hello(service="submission", source="127.0.0.%d" % (20 + i))
        c.cmd("AUTH LOGIN")
        c.cmd(base64.b64encode(name).decode())
        code, text = c.cmd(base64.b64encode(os.environ["PASSWORD"].encode()).decode())
        check("A4: user %s is nobody" % ascii(name), code == 535, (code, text))
        c.close()
    c = Raw(source="127.0.0.5")
    c.cmd("EHLO client.test")
    c.cmd("MAIL FROM:<x@elsewhere.test>")
    check("A4: and alice is somebody, quoted or not", [c.cmd("RCPT TO:<%s@%s>" % (l, D))[0] for l in ("alice", '"alice"')] == [250, 250])


@tries("S1")
def _():
    for blob in ("", "=", "====", "A", "AA", "AAA", "A===", "!!!!", "\xff", base64.b64encode(b"\0" * 1000).decode(),
                 base64.b64encode(b"alice").decode(), base64.b64encode(b"\0alice").decode(),
                 base64.b64encode(b"bob\0alice\0" + os.environ["PASSWORD"].encode()).decode(),
                 base64.b64encode(b"\0al\0ice\0x").decode(), "A" * 20000):
        c = hello(service="submission")
        code, _t = c.cmd(("AUTH PLAIN " + blob).encode("latin-1") + b"\r\n")
        if code == 334:
            code, _t = c.cmd(b"*\r\n")
        check("S1: AUTH PLAIN %r is refused" % blob[:12], code != 235, code)
        c.close()
    c = hello(service="submission")
    c.cmd("AUTH LOGIN")
    check("S1: AUTH cancelled by * is 501", c.cmd("*")[0] == 501)
    for mech in ("NTLM", "CRAM-MD5", "DIGEST-MD5", "X" * 100, "PLAIN\0"):
        check("S1: mechanism %r is refused" % mech[:10], c.cmd(("AUTH " + mech).encode() + b"\r\n")[0] in (501, 504, 500, 503, 421, 0))


@tries("S3")
def _():
    for user in (b"a\tmaster=alice", b"%u", b"${alice}", b"alice%", b"alice@" + D.encode() + b"@" + D.encode(), b"../alice", b"alice/"):
        c = hello(service="submission")
        code, _t = c.cmd("AUTH PLAIN " + base64.b64encode(b"\0" + user + b"\0" + os.environ["PASSWORD"].encode()).decode())
        check("S3: user %r is nobody" % user.decode(), code in (535, 501), code)
        c.close()


@tries("R2")
def _():
    c = hello()
    c.cmd("MAIL FROM:<x@elsewhere.test>")
    c.sock.sendall(b"RCPT TO:<%s>\r\n" % A.encode() * 3000)
    codes = [c.reply()[0] for _i in range(3000)]
    check("R2: 3,000 RCPT are all answered, 452 from the limit on", set(codes) <= {250, 452, 421, 0} and codes[0] == 250,
          set(codes))
    c.close()
    c = hello()
    try:
        c.sock.sendall(b"FOO\r\n" * 5000)
    except OSError:
        pass
    out = c.rest(30)
    check("R2: 5,000 wrong commands end in 421", b"421" in out, out[-200:])
    c = hello()
    got = 0
    try:
        c.sock.settimeout(5)
        for _i in range(2000):
            c.sock.sendall(b"NOOP\r\n" * 1000)
    except OSError:
        got = 1
    check("R2: a client that never reads does not stop others", hello().cmd("NOOP")[0] == 250)
    c.close()


end()
