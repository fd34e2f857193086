# SPDX-License-Identifier: ISC
"""load - mail by every way in, with a ledger of what was promised and when.

    load.py LEDGER MAILLOG SCALE

A line of the ledger is "EVENT NUMBER KIND NANOSECONDS": a promise holds from the moment it was read,
on the same clock as the records of blocklog.

    promise   250 to the final dot, sendmail's exit 0, or the tagged OK to APPEND
    done      qmgr logged that the message left the queue (its done mark is synced before that)
    leaving   POP3: QUIT after DELE is about to be sent (from here on the mail may be gone)
    left      ... and was answered +OK
    begun, ok an IMAP command about to be sent, and its OK: see imap.py
    begin, end   of the load

KIND says where the message must be found: local, relay, both, soon (the next hop says 450 once), later (the next hop says 450 until
the replay), partial (alice, and one that is later), held, append (IMAP).
"""
import hashlib
import imaplib
import os
import poplib
import random
import re
import smtplib
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.environ["TESTS"])
import imap
from lib import PASSWORD, where

RCPTS = {"local": ["alice@example.test"], "relay": ["far@away.test"],
         "both": ["alice@example.test", "far@away.test"], "later": ["later@away.test"],
         "partial": ["alice@example.test", "later@away.test"], "held": ["held@hold.test"],
         "soon": ["soon@away.test"]}
lock, numbers = threading.Lock(), iter(range(1, 1 << 30))
ledger = open(sys.argv[1], "w")
scale = float(sys.argv[3])
faults = []


def write(event, n, kind, when=None):
    with lock:
        ledger.write("%s %d %s %d\n" % (event, n, kind, when or time.time_ns()))
        ledger.flush()


def number():
    with lock:
        return next(numbers)


def message(n, kind, size):
    rng = random.Random(n * 7919)
    body = "\n".join("%064x" % rng.getrandbits(256) for _ in range(max(1, size // 65))) + "\n"
    return ("From: <x@elsewhere.test>\nTo: <%s>\nSubject: power %s\nMessage-ID: <%d@power.test>\n"
            "X-Number: %d\nX-Sum: %s\n\n%s" % (RCPTS.get(kind, ["bob"])[0], kind, n, n,
                                             hashlib.sha256(body.encode().rstrip()).hexdigest(), body))


def size_of(rng, big):
    return 200000 if rng.random() < big else rng.choice((50, 400, 3000, 10000, 30000) if big else (50, 400, 3000))


def smtp(kinds, count, seed, big=0.0, pause=0.0):
    rng, s = random.Random(seed), None
    for i in range(count):
        s = s or smtplib.SMTP(*where("smtp"), "client.test", timeout=60)
        n, kind = number(), rng.choice(kinds)
        s.sendmail("x@elsewhere.test", RCPTS[kind],
                   message(n, kind, size_of(rng, big)).replace("\n", "\r\n").encode())
        write("promise", n, kind)
        time.sleep(pause)
        if i % 20 == 19:
            s.quit()
            s = None
    s and s.quit()


def sendmail(kinds, count, seed, pause=0.0):
    rng = random.Random(seed)
    for _ in range(count):
        n, kind = number(), rng.choice(kinds)
        p = subprocess.run([os.environ["SENDMAIL"], "-i", "-f", "x@elsewhere.test"] + RCPTS[kind],
                           input=message(n, kind, size_of(rng, 0.05)).encode())
        if p.returncode == 0:
            write("promise", n, kind)
        time.sleep(pause)


def append(count, seed):
    rng = random.Random(seed)
    m = imaplib.IMAP4(*where("imap"))
    m.login("bob", PASSWORD)
    for _ in range(count):
        n = number()
        ok, _text = m.append("INBOX", None, None,
                             message(n, "append", size_of(rng, 0.1)).replace("\n", "\r\n").encode())
        if ok == "OK":
            write("promise", n, "append")
        time.sleep(0.02)
    m.logout()


def pop(rounds, each):
    for _ in range(rounds):
        time.sleep(0.3)
        p = poplib.POP3(*where("pop3"), timeout=60)
        p.user("alice")
        p.pass_(PASSWORD)
        gone = []
        for i in range(1, min(each, p.stat()[0]) + 1):
            head = b"\n".join(p.top(i, 0)[1])
            n = re.search(rb"(?m)^X-Number: (\d+)", head)
            p.dele(i)
            gone.append(int(n.group(1)))
        for n in gone:
            write("leaving", n, "pop")
        p.quit()
        for n in gone:
            write("left", n, "pop")


def neighbour(stop):
    """Somebody else on the same file system, who closes its transactions all the time."""
    fd = os.open(os.path.join(os.path.dirname(os.path.realpath(os.environ["BOX"])), "neighbour"),
                 os.O_RDWR | os.O_CREAT, 0o600)
    while not stop.wait(0.001):
        os.ftruncate(fd, 0)
        os.pwrite(fd, b"x", 0)
        os.fsync(fd)
    os.close(fd)


def follow(stop):
    """Which messages left the queue: late at most by one look, which only makes a promise younger."""
    number_of, path, at = {}, sys.argv[2], 0
    while True:
        ending = stop.is_set()
        with open(path, "rb") as f:
            f.seek(at)
            text = f.read()
        now = time.time_ns()
        text = text[:text.rfind(b"\n") + 1]
        at += len(text)
        for line in text.splitlines():
            m = re.search(rb": (\w+): message-id=<(\d+)@power.test>", line)
            if m:
                number_of[m.group(1)] = int(m.group(2))
            m = re.search(rb": (\w+): removed", line)
            if m and m.group(1) in number_of:
                write("done", number_of[m.group(1)], "-", now)
        if ending:
            return
        time.sleep(0.005)


def together(*jobs):
    def run(f, args):
        try:
            f(*args)
        except Exception as e:
            faults.append("%s: %r" % (f.__qualname__, e))
    threads = [threading.Thread(target=run, args=(f, a)) for f, *a in jobs]
    for t in threads:
        t.start()
    for t in threads:
        t.join()


def main():
    def some(n):
        return max(1, int(n * scale))
    stop = threading.Event()
    follower = threading.Thread(target=follow, args=(stop,))
    follower.start()
    write("begin", 0, "-")
    everything = ["local", "relay", "both", "later", "partial", "held"]
    # Relay alone, then at a pace at which every message goes into a used file: nothing but the
    # files themselves is synced, so their names on the disk lag seconds behind.
    together(*[(smtp, ["relay"], some(40), s) for s in range(4)])
    together(*[(smtp, ["relay", "relay", "soon"], some(110), s, 0, 0.02) for s in (4, 5, 6)])
    together((smtp, ["relay", "later", "held"], some(40), 7), (smtp, ["relay"], some(40), 8),
             (sendmail, ["relay"], some(6), 9, 0.3))
    # A queue that only grows, several messages at a time: in files made ahead, and no mailbox whose
    # syncs would make the files' names and lengths safe as well; then beside one whose syncs leave
    # the journal nothing to do, so that only a flush of our own brings our bytes to the disk.
    together(*[(smtp, ["held"], some(40), s) for s in range(31, 41)])
    alone = threading.Event()
    other = threading.Thread(target=neighbour, args=(alone,))
    other.start()
    together(*[(smtp, ["held", "relay"], some(40), s) for s in range(41, 47)])
    alone.set()
    other.join()
    # A mailbox alone: nobody else's sync makes its names safe.
    together((imap.load, write, number, message, some(15), 0.01))
    # Everything at once.
    together((smtp, everything, some(60), 11, 0.05, 0.06), (smtp, everything, some(60), 12, 0.05, 0.06),
             (sendmail, ["relay", "local", "both"], some(40), 13, 0.02), (append, some(30), 14),
             (pop, some(4), 5), (imap.load, write, number, message, some(25)))
    together(*[(smtp, ["relay", "both"], some(40), s, 0.01, 0.02) for s in (21, 22, 23)],
             (sendmail, ["relay"], some(20), 24, 0.1))
    time.sleep(0.5)
    write("end", 0, "-")
    stop.set()
    follower.join()
    for f in faults:
        print(f)
    return 1 if faults else 0


sys.exit(main())
