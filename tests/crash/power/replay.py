# SPDX-License-Identifier: ISC
"""replay - cut the power at many moments, start the suite on what is left, and hold it to its word.

    replay.py LOG LEDGER MEGABYTES CUTS FSTYPE

For each cut: the disk as blocklog recorded it up to there, whole or without (some of) what no flush
had made safe; mounted (which replays the journal) where the box was; the suite started on it; the
queue drained; every message of the ledger looked for.  The environment names the box (BOX,
MAIL_CONFIG), the mount point (DISK), the next hop's folder (HOP), and a folder to work in (WORK).
"""
import bisect
import collections
import hashlib
import json
import os
import random
import re
import shutil
import struct
import subprocess
import sys
import time

sys.path.insert(0, os.environ["TESTS"])
import imap
from lib import check, end, not_ok

LOG, LEDGER, MB, CUTS, FS = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5]
WORK, DISK, BOX, HOP = (os.environ[v] for v in ("WORK", "DISK", "BOX", "HOP"))
MODES = ("ordered", "sectors", "nothing", "writes")
# What the disk writes whole or not at all.  btrfs counts on that for its superblock of 4096 bytes:
# with a torn one it does not mount, and does not look at the copies by itself.
SECTOR = 4096 if FS == "btrfs" else 512
DRAIN = 45
HEAD = struct.Struct("=QQQQ")


def records():
    """(kind, disk offset, length, offset of the data in LOG) and the times."""
    rows, times = [], []
    with open(LOG, "rb") as f:
        end_at = os.fstat(f.fileno()).st_size
        at = 0
        while at + HEAD.size <= end_at:
            f.seek(at)
            kind, off, n, when = HEAD.unpack(f.read(HEAD.size))
            size = n if kind == 1 else 0
            rows.append((kind, off, size, at + HEAD.size))
            times.append(when)
            at += HEAD.size + size
    return rows, times


class Ledger:
    def __init__(self):
        self.kind, self.at, self.imap = {}, collections.defaultdict(dict), imap.Promises()
        for line in open(LEDGER):
            event, n, kind, when = line.split()
            if event in ("begin", "end"):
                setattr(self, event, int(when))
            elif event in ("begun", "ok"):
                self.imap.read(event, int(n), kind, int(when))
            else:
                self.at[event][int(n)] = int(when)
                if event == "promise":
                    self.kind[int(n)] = kind
        self.hop = {}
        for f in os.listdir(HOP):
            if f.endswith(".eml"):
                path = os.path.join(HOP, f)
                n = number_of(open(path, "rb").read())
                self.hop[n] = min(self.hop.get(n, 1 << 63), os.stat(path).st_mtime_ns)

    def before(self, event, n, when):
        return self.at[event].get(n, 1 << 63) <= when


def number_of(text):
    m = re.search(rb"(?m)^X-Number: (\d+)\r?$", text)
    return int(m.group(1)) if m else None


def whole(text):
    text = text.replace(b"\r\n", b"\n")
    m = re.search(rb"(?m)^X-Sum: (\w+)$", text)
    return m and hashlib.sha256(text.split(b"\n\n", 1)[1].rstrip()).hexdigest().encode() == m.group(1)


def run(*args, **kw):
    """A program's exit status and words, which go by a file: what it leaves running may keep a pipe open."""
    with open(os.path.join(WORK, "said"), "w+b") as out:
        p = subprocess.run(args, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, **kw)
        out.seek(0)
        return subprocess.CompletedProcess(args, p.returncode, out.read())


class Disk:
    """The disk as it was at a record; goes only forward."""

    def __init__(self, rows):
        self.rows, self.next, self.flushed = rows, 0, 0
        self.base, self.cut = os.path.join(WORK, "base.img"), os.path.join(WORK, "cut.img")
        self.log = open(LOG, "rb")
        with open(self.base, "wb") as f:
            f.truncate(MB << 20)

    def data(self, row):
        self.log.seek(row[3])
        return self.log.read(row[2])

    def go(self, upto):
        """Everything before the last flush before record `upto`, into the base."""
        last = max((i for i in range(self.next, upto) if self.rows[i][0] == 2), default=None)
        if last is None:
            return
        with open(self.base, "r+b") as f:
            for row in self.rows[self.next:last]:
                if row[0] == 1:
                    f.seek(row[1])
                    f.write(self.data(row))
        self.next = last + 1

    def make(self, upto, mode, rng):
        self.go(upto)
        if os.path.exists(self.cut):
            os.unlink(self.cut)
        subprocess.run(["cp", "--sparse=always", self.base, self.cut], check=True)
        with open(self.cut, "r+b") as f:
            for row in self.rows[self.next:upto]:
                if row[0] != 1 or mode == "nothing" or (mode == "writes" and rng.random() < 0.5):
                    continue
                data = self.data(row)
                for s in range(0, len(data), SECTOR):
                    if mode != "sectors" or rng.random() < 0.5:
                        f.seek(row[1] + s)
                        f.write(data[s:s + SECTOR])


def mount(image):
    opts = "loop,nodiscard" + (",nouuid" if FS == "xfs" else "")
    return run("mount", "-t", FS, "-o", opts, image, DISK)


def queue():
    out = run("postqueue", "-c", os.environ["MAIL_CONFIG"], "-j").stdout.decode("utf-8", "replace")
    rows = [json.loads(x) for x in out.splitlines() if x.startswith("{")]
    return None if rows == [] and out.strip() and "empty" not in out else rows


def copies(top, fits):
    got, damaged = collections.Counter(), []
    for base, _dirs, files in os.walk(top):
        for f in files:
            if fits(base, f):
                with open(os.path.join(base, f), "rb") as m:
                    text = m.read()
                if not whole(text):
                    damaged.append(os.path.join(base, f))
                got[number_of(text)] += 1
    return got, damaged


class Image:
    """One cut: what the suite made of it."""

    def __init__(self, name, when, ledger):
        self.name, self.when, self.l, self.faults = name, when, ledger, []
        self.due = collections.Counter()

    def fault(self, kind, n, text):
        self.faults.append((kind, "%s: message %s (%s): %s" % (self.name, n, self.l.kind.get(n), text)))

    def drain(self):
        run("postqueue", "-c", os.environ["MAIL_CONFIG"], "-f")
        stop, quiet, rows = time.monotonic() + DRAIN, 0, None
        while time.monotonic() < stop:
            rows = queue()
            left = None if rows is None else [r for r in rows if r["queue_name"] != "hold"]
            # A file that sendmail had not finished stays: it may still be written, for all pickup knows.
            dropped = len(os.listdir(os.path.join(BOX, "spool/maildrop")))
            quiet = quiet + 1 if left == [] else 0
            if quiet == (40 if dropped else 3):
                return rows
            time.sleep(0.05)
        self.fault("stuck", 0, "the queue does not empty: %s" % str(rows)[:500])
        return rows or []

    def judge(self, rows, hop_seen):
        inbox = lambda base, f: os.path.basename(base) in ("new", "cur")
        boxes, bad = copies(os.path.join(BOX, "mail"), inbox)
        hop, bad2 = copies(HOP, lambda base, f: f.endswith(".eml") and f not in hop_seen)
        held = collections.Counter()
        for r in rows:
            out = run("postcat", "-c", os.environ["MAIL_CONFIG"], "-bh", "-q", r["queue_id"]).stdout
            held[number_of(out)] += 1
            if not whole(out.split(b"\n", 1)[1].rsplit(b"*** MESSAGE FILE END", 1)[0]):
                bad.append("held " + r["queue_id"])
        for f in bad + bad2:
            self.fault("damaged", 0, f)
        for n, kind in self.l.kind.items():
            self.message(n, kind, boxes[n], hop[n], held[n])
        self.due["imap"] = self.l.imap.judge(self.when, self.fault)

    def message(self, n, kind, box, hop, held):
        l, t = self.l, self.when
        promised, done = l.before("promise", n, t), l.before("done", n, t)
        least = 1 if promised else 0
        self.due["promises"] += promised
        self.due["done"] += done
        if kind in ("local", "both", "partial", "append"):
            want = least
            if l.before("leaving", n, t):
                want = 0
            most = 0 if l.before("left", n, t) and (done or kind == "append") else 1
            self.due["left"] += most == 0
            self.count(n, "mailbox", box, want, most)
        if kind in ("relay", "soon", "both", "later", "partial"):
            before = l.hop.get(n, 1 << 63) <= t
            self.count(n, "next hop", hop, 0 if before else least, 0 if done else 1)
        if kind == "held":
            self.count(n, "hold", held, least, 1)

    def count(self, n, where, have, least, most):
        if have < least:
            self.fault("lost", n, "not at the %s" % where)
        if have > most:
            self.fault("again" if most == 0 else "twice", n, "%d at the %s" % (have, where))

    def go(self, image):
        m = mount(image)
        if m.returncode != 0:
            return self.fault("mount", 0, m.stdout.decode())
        try:
            seen = set(os.listdir(HOP))
            run("rm", "-f", os.path.join(BOX, "run/master.pid"))
            s = run("posthorn", "-c", os.environ["MAIL_CONFIG"], "start", timeout=60)
            if s.returncode != 0:
                self.fault("start", 0, s.stdout.decode())
            else:
                self.judge(self.drain(), seen)
            self.due["corrupt"] = len(os.listdir(os.path.join(BOX, "spool/corrupt")))
        finally:
            run("posthorn", "-c", os.environ["MAIL_CONFIG"], "stop", timeout=60)
            for _ in range(50):
                if run("umount", DISK).returncode == 0:
                    break
                time.sleep(0.1)


def main():
    rows, times = records()
    ledger, disk, rng = Ledger(), Disk(rows), random.Random(int(os.environ.get("POWER_SEED", "1")))
    first, last = bisect.bisect(times, ledger.begin), bisect.bisect(times, ledger.end)
    cuts = sorted(rng.randrange(first, last + 1) for _ in range(CUTS))
    total, faults = collections.Counter(), []
    for i, cut in enumerate(cuts):
        mode = MODES[i % len(MODES)]
        name = "cut %d (record %d, %s)" % (i + 1, cut, mode)
        disk.make(cut, mode, rng)
        # The last moment at which the disk looked so: all that was promised by then is due.
        when = times[cut] - 1 if cut < len(times) else times[-1]
        image = Image(name, when, ledger)
        image.go(disk.cut)
        faults += image.faults
        total.update(image.due)
        if image.faults and os.environ.get("POWER_KEEP"):
            shutil.copy(os.path.join(WORK, "cut.img"), os.path.join(os.environ["POWER_KEEP"], "cut%d.img" % (i + 1)))
        print("# %s: %s%s" % (name, dict(image.due), "".join("\n#   " + t for _, t in image.faults[:8])), flush=True)
    print("# %s: %d records, %d flushes, %d messages, %d images; promises due %d, finished %d, of IMAP %d" % (
        FS, last - first, sum(1 for r in rows[first:last] if r[0] == 2), len(ledger.kind), len(cuts),
        total["promises"], total["done"], total["imap"]))
    for kind, text in (("mount", "every image can be mounted"), ("start", "the suite starts on each"),
                       ("stuck", "every queue empties"), ("lost", "no promise is broken"),
                       ("damaged", "nothing damaged is delivered"),
                       ("again", "no finished message comes back"), ("twice", "nothing comes twice"),
                       ("kept", "H10, H11: what APPEND, COPY and MOVE were told OK for is there"),
                       ("uid", "H10, H13: with the UID that was told, and none is used again"),
                       ("flags", "H12: flags stay"), ("expunged", "H13: what was expunged is gone")):
        bad = [t for k, t in faults if k == kind]
        check("%s: %s" % (FS, text), not bad, "%d: %s" % (len(bad), "\n".join(bad[:10])))
    end()


main()
