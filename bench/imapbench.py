# SPDX-License-Identifier: ISC
"""IMAP and POP3 measurements, and LMTP delivery (see `run`)."""
import os
import random
import shutil
import socket
import statistics
import subprocess
import time

WORDS = ("mail queue message server delivery relay header domain sender address "
         "report meeting invoice project release kernel socket thread budget lunch").split()


def message(rng, n, size):
    """A plausible message: some headers, text, sometimes an attachment."""
    subject = " ".join(rng.choice(WORDS) for _ in range(5))
    head = ("Return-Path: <p%d@example.org>\r\nReceived: from h%d.example.org by "
            "mx.bench.example; Sun, 22 Nov 2026 10:%02d:%02d +0000\r\n"
            "From: Person %d <p%d@example.org>\r\nTo: u0@local.bench.example\r\n"
            "Cc: list%d@example.org\r\nSubject: %s\r\n"
            "Date: Sun, 22 Nov 2026 10:%02d:%02d +0000\r\n"
            "Message-ID: <%d.%d@example.org>\r\nMIME-Version: 1.0\r\n"
            "Content-Type: text/plain; charset=utf-8\r\n\r\n" %
            (n % 97, n % 13, n // 60 % 60, n % 60, n % 97, n % 97, n % 7, subject,
             n // 60 % 60, n % 60, n, rng.randrange(10 ** 9)))
    lines, have = [], len(head)
    while have < size:
        ln = " ".join(rng.choice(WORDS) for _ in range(10)) + "\r\n"
        lines.append(ln)
        have += len(ln)
    return head + "".join(lines)


def make_maildir(path, count, size, uid, gid):
    """count messages in new/, of sizes around size."""
    if os.path.isdir(path):
        shutil.rmtree(path)
    for d in ("cur", "new", "tmp"):
        os.makedirs(os.path.join(path, d))
    rng = random.Random(1)
    pool = [message(rng, i, size * rng.choice((1, 1, 1, 2, 3)) // 2) for i in range(200)]
    for i in range(count):
        text = pool[i % 200].replace("Message-ID: <", "Message-ID: <%d." % i, 1)
        with open(os.path.join(path, "new", "%d.M%dP1.bench" % (1700000000 + i, i)),
                  "w", newline="") as f:
            f.write(text)
    subprocess.run(["chown", "-R", "%d:%d" % (uid, gid), path], check=True)


def drop_caches():
    subprocess.run(["sync"])
    with open("/proc/sys/vm/drop_caches", "w") as f:
        f.write("3")


def du(path):
    n = 0
    for base, _, files in os.walk(path):
        n += sum(os.path.getsize(os.path.join(base, f)) for f in files)
    return n


def run(a, B, T):
    steps = a.steps or ["login", "select", "fetch", "append", "pop3", "idle"]
    with B.Env():
        made = set()
        for rnd in range(a.rounds):
            for t, v in B.parse_targets(a.targets):
                t.stop()
                t.start(v)
                if not B.wait_port(t.imap):
                    raise RuntimeError("no answer from " + t.name)
                st = os.stat(t.path("/srv/mail"))
                where = t.path("/srv/mail")

                def emit(step, r, **kw):
                    B.emit(m="imap", target=t.name, variant=v, round=rnd, step=step,
                           **{**r, **kw})

                def imap(*args):
                    return B.load(["imap", t.imap[0], t.imap[1], "-w", "pw"] + list(args))

                if a.cmd == "lmtp":
                    lmtp(a, B, T, t, v, rnd, where)
                    t.stop()
                    continue
                for n in (10000, 100000):
                    if (n, t.name) not in made and ("select" in steps or "fetch" in steps
                                                    or "pop3" in steps):
                        if n == 100000 and "select" not in steps:
                            continue
                        p = os.path.join(where, "u%d" % (900 if n == 10000 else 901))
                        make_maildir(p, n, 4096 if n == 10000 else 1500, st.st_uid, st.st_gid)
                        made.add((n, t.name))
                        if rnd == 0:
                            B.emit(m="imap-data", target=t.name, n=n, bytes=du(p))
                if "login" in steps:
                    for s in (1, 20):
                        emit("login", imap("-u", "u%d", "-s", s, "-m", 200 if s == 1 else 600),
                             sessions=s, tls=False)
                        emit("login", imap("-u", "u%d", "-s", s, "-m", 100 if s == 1 else 400,
                                           "-T"), sessions=s, tls=True)
                if "select" in steps:
                    for u, n in (("u900", 10000), ("u901", 100000)):
                        p = os.path.join(where, u)
                        for f in os.listdir(p):
                            if f.startswith("dovecot"):
                                os.unlink(os.path.join(p, f))
                        drop_caches()
                        for state in ("first-cold", "warm", "cold-indexed"):
                            if state == "cold-indexed":
                                drop_caches()
                            r = imap("-u", u, "-s", 1, "-m", 1 if "cold" in state else 5,
                                     "-c", "SELECT INBOX")
                            emit("select-%d-%s" % (n, state), r)
                if "fetch" in steps:
                    size = du(os.path.join(where, "u900", "cur")) + \
                        du(os.path.join(where, "u900", "new"))
                    for state in ("first", "again"):
                        if state == "first":
                            for f in os.listdir(os.path.join(where, "u900")):
                                if f.startswith("dovecot.index.cache"):
                                    os.unlink(os.path.join(where, "u900", f))
                        r = imap("-u", "u900", "-m", 1, "-c", "SELECT INBOX",
                                 "-c", "FETCH 1:* (UID FLAGS)",
                                 "-c", "FETCH 1:* (FLAGS ENVELOPE)",
                                 "-c", "FETCH 1:* (BODY.PEEK[])",
                                 "-c", "SEARCH SUBJECT nosuchword",
                                 "-c", "SEARCH BODY nosuchword",
                                 "-c", "STORE 1:* +FLAGS.SILENT (\\Seen)",
                                 "-c", "STORE 1:* -FLAGS.SILENT (\\Seen)")
                        r["body_MBps"] = round(size / 1e3 / max(1e-3, r.get("c4_ms", 1)), 1)
                        emit("fetch-" + state, r, bytes=size)
                if "append" in steps:
                    for s in (1, 20):
                        r = B.load(["append", t.imap[0], t.imap[1], "-w", "pw", "-u", "u%d",
                                    "-s", s, "-m", 500 * (1 if s == 1 else 4), "-l", 4096])
                        emit("append", r, sessions=s)
                if "pop3" in steps:
                    r = B.load(["pop3", t.pop3[0], t.pop3[1], "-u", "u900", "-w", "pw"])
                    r["retr_per_s"] = round(10000 / (r.get("c1_ms", 1e9) / 1e3), 1)
                    emit("pop3", r)
                if "idle" in steps:
                    for n in a.connections:
                        h = None
                        if n:
                            h = B.Hold(t.imap + ("-s", n, "-p", "imap", "-u", "u%d",
                                                 "-w", "pw"))
                            time.sleep(1)
                        pids = t.pids()
                        emit("idle", h.r if h else {}, connections=n, pss_kb=B.pss(pids),
                             processes=len(pids))
                        if h:
                            h.close()
                            time.sleep(3)
                t.stop()


def lmtp(a, B, T, t, v, rnd, where):
    """LMTP is near enough to SMTP: LHLO and one reply per recipient."""
    import threading
    n, done = a.count, []
    # clients inside the name space: a small script of our own per session
    code = (
        "import socket,sys\n"
        "h,p,n,size,u=sys.argv[1],int(sys.argv[2]),int(sys.argv[3]),int(sys.argv[4]),sys.argv[5]\n"
        "s=socket.create_connection((h,p));f=s.makefile('rb')\n"
        "s.setsockopt(6,1,1)\n"
        "def r():\n"
        "  while True:\n"
        "    l=f.readline()\n"
        "    if l[3:4]!=b'-': return l\n"
        "r();s.sendall(b'LHLO x\\r\\n');r()\n"
        "b=b'Subject: x\\r\\n\\r\\n'+b'x'*70+b'\\r\\n';b+=(b'y'*70+b'\\r\\n')*(size//72)+b'.\\r\\n'\n"
        "ok=0\n"
        "for i in range(n):\n"
        "  s.sendall(b'MAIL FROM:<a@b.example>\\r\\n');r()\n"
        "  s.sendall(b'RCPT TO:<'+u.encode()+b'>\\r\\n');r()\n"
        "  s.sendall(b'DATA\\r\\n');r();s.sendall(b)\n"
        "  ok+=r()[:1]==b'2'\n"
        "s.sendall(b'QUIT\\r\\n')\n"
        "print(ok)\n")
    import sys
    for s in a.sessions:
        t0 = time.monotonic()
        ps = [subprocess.Popen(T.netns([sys.executable, "-c", code, t.lmtp[0], str(t.lmtp[1]),
                                        str(n // s), str(a.sizes[0]), "u%d" % (i % 20)]),
                               stdout=subprocess.PIPE, text=True) for i in range(s)]
        ok = sum(int(p.communicate()[0] or 0) for p in ps)
        secs = time.monotonic() - t0
        B.emit(m="lmtp", target=t.name, variant=v, round=rnd, sessions=s, size=a.sizes[0],
               ok=ok, secs=round(secs, 2), per_s=round(ok / secs, 1))
