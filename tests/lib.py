# SPDX-License-Identifier: ISC
"""What the end-to-end tests that are written in Python share.

Where the box listens stands in the environment (TALK_SMTP and so on, see lib.sh); results are the
same lines as there: ok(NAME), not_ok(NAME, WHY), check(NAME, TRUE, WHY).
"""
import os
import re
import socket
import ssl
import sys
import time
import traceback

NAME = os.environ.get("test_name", "test")
PASSWORD = os.environ.get("PASSWORD", "secret-Horn7")
BOX = os.environ.get("BOX", "")
WAIT = float(os.environ.get("TEST_WAIT", "90"))


def ok(name):
    print("ok - %s: %s" % (NAME, name), flush=True)


def not_ok(name, why=""):
    print("not ok - %s: %s" % (NAME, name))
    for line in str(why).splitlines()[:12]:
        print("#   " + line.encode("ascii", "backslashreplace").decode()[:300])
    sys.stdout.flush()
    not_ok.count += 1


not_ok.count = 0


def check(name, good, why=""):
    ok(name) if good else not_ok(name, why)
    return good


def tries(name):
    """Decorator: run now; an exception is a failure of that name."""
    def run(f):
        try:
            f()
        except Exception as e:
            not_ok(name, "%s\n%s" % (e, traceback.format_exc()))
        return f
    return run


def end():
    sys.exit(1 if not_ok.count else 0)


def where(service):
    host, _, port = os.environ["TALK_" + service.upper()].rpartition(":")
    return host.strip("[]"), int(port)


def context(**kw):
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    ctx.check_hostname, ctx.verify_mode = False, ssl.CERT_NONE
    for k, v in kw.items():
        setattr(ctx, k, v)
    return ctx


class Raw:
    """A connection for bytes that no well-behaved client would send."""

    def __init__(self, service="smtp", tls=False, timeout=None, greeting=True, source=None):
        self.sock = socket.create_connection(where(service), timeout or WAIT,
                                             source_address=(source, 0) if source else None)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.have = b""
        if tls:
            self.start_tls()
        self.greeting = self.reply() if greeting and "smtp" in service or service.startswith("sub") \
            else self.line() if greeting else None

    def start_tls(self, ctx=None):
        self.sock = (ctx or context()).wrap_socket(self.sock)

    def send(self, data):
        self.sock.sendall(data if isinstance(data, bytes) else data.encode() + b"\r\n")

    def trickle(self, data):
        for i in range(len(data)):
            self.sock.sendall(data[i:i + 1])

    def more(self):
        try:
            got = self.sock.recv(65536)
        except (ConnectionResetError, BrokenPipeError, ssl.SSLError):
            got = b""
        self.have += got
        return bool(got)

    def line(self):
        """One line without CRLF; None at the end."""
        while b"\n" not in self.have:
            if not self.more():
                return None
        line, _, self.have = self.have.partition(b"\n")
        return line.rstrip(b"\r")

    def reply(self):
        """(code, text) of an SMTP reply; (0, b"") at the end."""
        text = []
        while True:
            line = self.line()
            if line is None:
                return 0, b"\n".join(text)
            text.append(line[4:])
            if line[3:4] != b"-":
                return int(line[:3] or 0) if line[:3].isdigit() else -1, b"\n".join(text)

    def cmd(self, text):
        try:
            self.send(text)
        except OSError:
            pass
        return self.reply()

    def rest(self, timeout=WAIT):
        """Everything until the other side closes (or is silent that long)."""
        self.sock.settimeout(timeout)
        try:
            while self.more():
                pass
        except (socket.timeout, TimeoutError, OSError):
            pass
        out, self.have = self.have, b""
        return out

    def tagged(self, text, tag=b"a"):
        """An IMAP command; (untagged lines, the tagged line or None)."""
        if not isinstance(text, bytes):
            text = text.encode()
        try:
            self.sock.sendall(tag + b" " + text + b"\r\n")
        except OSError:
            pass
        return self.until(tag)

    def until(self, tag=b"a"):
        lines = []
        while True:
            line = self.line()
            if line is None or line.startswith(tag + b" "):
                return lines, line
            lines.append(line)

    def close(self):
        try:
            self.sock.close()
        except OSError:
            pass


def mails(user, box=None):
    """Contents of the mails in a user's inbox."""
    out = []
    for d in ("new", "cur"):
        top = os.path.join(box or BOX, "mail", user, d)
        for f in sorted(os.listdir(top)) if os.path.isdir(top) else []:
            with open(os.path.join(top, f), "rb") as m:
                out.append(m.read())
    return out


def wait_until(f, seconds=None):
    stop = time.monotonic() + (seconds or WAIT)
    while time.monotonic() < stop:
        if f():
            return True
        time.sleep(0.1)
    return bool(f())


def with_subject(user, subject):
    return [m for m in mails(user) if re.search(rb"(?m)^Subject: " + re.escape(subject.encode()) + rb"\r?$", m)]
