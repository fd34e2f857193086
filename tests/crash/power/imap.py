# SPDX-License-Identifier: ISC
"""imap - what an OK of IMAP promises, across power cuts: H10 to H13 of the security record.

load() appends to carol's mailbox, flags, copies, moves and expunges, and writes to the ledger when a
command was about to be sent ("begun") and when its OK had been read ("ok").  The third word says what:

    append:INBOX   copy:Kept   move:Moved (from INBOX)   flag:INBOX   expunge:INBOX

and, with an "ok" that told a UID, ":UIDVALIDITY:UID" behind it.  Promises.judge() asks the suite that
was started on a cut disk what has become of all that.
"""
import collections
import imaplib
import os
import re
import sys
import time

sys.path.insert(0, os.environ["TESTS"])
from lib import PASSWORD, where

USER, FOLDERS = "carol", ("INBOX", "Kept", "Moved")
Op = collections.namedtuple("Op", "what folder begun ok told")


def enter():
    m = imaplib.IMAP4(*where("imap"), timeout=60)
    m.login(USER, PASSWORD)
    return m


def must(answer):
    if answer[0] != "OK":
        raise RuntimeError("%s" % (answer,))
    return answer[1]


def told(m, code):
    """(UIDVALIDITY, the UIDs) of an APPENDUID or COPYUID."""
    words = m.response(code)[1][-1].decode().split()
    uids = []
    for part in words[-1].split(","):
        first, _, last = part.partition(":")
        uids += range(int(first), int(last or first) + 1)
    return words[0], uids


def load(write, number, message, rounds, pause=0):
    m = enter()
    for folder in FOLDERS[1:]:
        m.create(folder)
    must(m.select("INBOX"))

    def change(what, folder, numbers, command, code=None):
        for n in numbers:
            write("begun", n, "%s:%s" % (what, folder))
        must(command())
        validity, uids = told(m, code) if code else (None, [])
        for i, n in enumerate(numbers):
            write("ok", n, "%s:%s%s" % (what, folder, ":%s:%d" % (validity, uids[i]) if code else ""))
        time.sleep(pause)
        return uids

    for i in range(rounds):
        numbers, uids = [number() for _ in range(4)], []
        for n in numbers:
            text = message(n, "imap", (50, 3000, 20000)[n % 3]).replace("\n", "\r\n").encode()
            uids += change("append", "INBOX", [n], lambda: m.append("INBOX", None, None, text), "APPENDUID")
        a, b, c, d = ["%d" % u for u in uids]
        change("flag", "INBOX", numbers[:1], lambda: m.uid("STORE", a, "+FLAGS", r"(\Flagged \Seen)"))
        change("copy", "Kept", numbers[:2], lambda: m.uid("COPY", "%s,%s" % (a, b), "Kept"), "COPYUID")
        change("move", "Moved", numbers[1:3], lambda: m.uid("MOVE", "%s,%s" % (b, c), "Moved"), "COPYUID")
        must(m.uid("STORE", d, "+FLAGS.SILENT", r"(\Deleted)"))
        change("expunge", "INBOX", numbers[3:], lambda: m.uid("EXPUNGE", d))
    m.logout()


class Folder:
    """What the suite shows of one: UIDVALIDITY, UIDNEXT, and for each number its UIDs and flags."""

    def __init__(self, m, name):
        self.there = m.select(name)[0] == "OK"
        self.at = collections.defaultdict(list)
        if not self.there:
            return
        self.validity = m.response("UIDVALIDITY")[1][-1].decode()
        self.next = int(m.response("UIDNEXT")[1][-1])
        for part in must(m.uid("FETCH", "1:*", "(UID FLAGS BODY.PEEK[HEADER.FIELDS (X-Number)])")):
            if isinstance(part, tuple):
                n = int(re.search(rb"X-Number: (\d+)", part[1]).group(1))
                flags = re.search(rb"FLAGS \(([^)]*)\)", part[0]).group(1).decode().split()
                self.at[n].append((int(re.search(rb"UID (\d+)", part[0]).group(1)), flags))


class Promises:
    def __init__(self):
        self.ops = collections.defaultdict(list)

    def read(self, event, n, what, when):
        """One line of the ledger."""
        what, folder, *uid = what.split(":")
        if event == "begun":
            self.ops[n].append(Op(what, folder, when, 1 << 63, None))
        else:
            self.ops[n][-1] = self.ops[n][-1]._replace(ok=when, told=(uid[0], int(uid[1])) if uid else None)

    def judge(self, when, fault):
        """Call fault(KIND, number, text) for what does not hold; gives how many OKs were due."""
        m, due = enter(), 0
        seen = {name: Folder(m, name) for name in FOLDERS}
        for n, ops in self.ops.items():
            due += self.message(n, [o for o in ops if o.begun <= when], when, seen, fault)
        last = self.last_told(when)
        for name, (validity, uid) in last.items():
            if seen[name].there and (seen[name].validity != validity or seen[name].next <= uid):
                fault("uid", 0, "%s: UIDVALIDITY %s, UIDNEXT %d; told were %s and UID %d" % (
                    name, seen[name].validity, seen[name].next, validity, uid))
        must(m.append("INBOX", None, None, b"Subject: new\r\nX-Number: 0\r\n\r\n"))
        validity, uids = told(m, "APPENDUID")
        if "INBOX" in last and uids[0] <= last["INBOX"][1]:
            fault("uid", 0, "a new message has UID %d; told was %d" % (uids[0], last["INBOX"][1]))
        m.logout()
        return due

    def last_told(self, when):
        last = {}
        for o in (o for ops in self.ops.values() for o in ops if o.told and o.ok <= when):
            last[o.folder] = max(last.get(o.folder, o.told), o.told, key=lambda t: t[1])
        return last

    def message(self, n, ops, when, seen, fault):
        """Where it must be (1), may be (None), and must not be (0) after these commands."""
        place, due = {name: 0 for name in FOLDERS}, 0
        for o in ops:
            done = o.ok <= when
            due += done
            if o.what in ("append", "copy"):
                place[o.folder] = 1 if done else None
            elif o.what == "move":
                # Also after the OK both is allowed; neither never.
                place["INBOX"], place[o.folder] = None, 1 if done else None
                if not done and not (seen["INBOX"].at[n] or seen[o.folder].at[n]):
                    fault("kept", n, "MOVE under way: neither here nor there")
            elif o.what == "expunge":
                place["INBOX"] = None if not done else 0
            elif done and not all({r"\Flagged", r"\Seen"} <= set(f) for _, f in seen["INBOX"].at[n]):
                fault("flags", n, "flags are %s" % seen["INBOX"].at[n])
            if done and o.told and any(uid != o.told[1] for uid, _ in seen[o.folder].at[n]):
                fault("uid", n, "%s: UID %s, told was %d" % (o.folder, seen[o.folder].at[n], o.told[1]))
        for name, want in place.items():
            have = len(seen[name].at[n])
            if have == 0 and want == 1:
                fault("kept", n, "not in %s" % name)
            elif have > 1 or (have == 1 and want == 0):
                fault("expunged", n, "%d in %s" % (have, name))
        return due
