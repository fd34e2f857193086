# SPDX-License-Identifier: ISC
"""sync.py - a mailbox in two places: what a synchronising client must make equal.

    sync.py fill LOCAL             make mail on the server
    sync.py change LOCAL           change both sides, as a user with two devices does
    sync.py both LOCAL             change the flags of one message on both sides
    sync.py same LOCAL             are both sides the same?  Says what differs.
    sync.py state                  what the server has, with UIDs: one line a message

LOCAL is a folder of Maildirs, one folder in another for levels.  A message is known by its
Message-ID, which only one message of a folder has.
"""
import imaplib
import os
import re
import sys
import time

FLAGS = {"D": "\\Draft", "F": "\\Flagged", "R": "\\Answered", "S": "\\Seen"}
local = sys.argv[2] if len(sys.argv) > 2 else None


def connect():
    host, port = os.environ["TALK_IMAP"].split(":")
    m = imaplib.IMAP4(host, int(port))
    m.login("alice", os.environ["PASSWORD"])
    return m


def good(answer):
    if answer[0] != "OK":
        raise SystemExit("refused: %r" % (answer,))
    return answer[1]


def message(name, body="text\n"):
    return ("From: Ann <ann@elsewhere.test>\nTo: alice@example.test\nSubject: %s\n"
            "Date: Mon, 7 Feb 1994 21:52:25 -0800\nMessage-ID: <%s@x>\n\n%s"
            % (name, name, body)).encode()


def append(m, box, name, flags=None, body="text\n"):
    date = imaplib.Time2Internaldate(760686745)
    good(m.append(box, flags, date, message(name, body).replace(b"\n", b"\r\n")))


def find(m, box, name):
    good(m.select(box))
    uids = good(m.uid("SEARCH", "HEADER", "Message-ID", "<%s@x>" % name))[0].split()
    if len(uids) != 1:
        raise SystemExit("%s: %s is there %d times" % (box, name, len(uids)))
    return uids[0].decode()


def server(uids=False):
    """{folder: {name: (flags, text)}}, with UIDs: [line]"""
    m, out, lines = connect(), {}, []
    for line in good(m.list()):
        attributes, name = re.match(rb'\((.*?)\) "/" (.*)', line).groups()
        if b"\\Noselect" in attributes:
            continue
        name = name.decode().strip('"')
        good(m.select('"%s"' % name, readonly=True))
        box = out[name] = {}
        for item in good(m.fetch("1:*", "(UID FLAGS INTERNALDATE BODY.PEEK[])")) or []:
            if not isinstance(item, tuple):
                continue
            key = re.search(rb"Message-ID: <(.*)@x>", item[1], re.I).group(1).decode()
            flags = {f.decode() for f in imaplib.ParseFlags(item[0])} & set(FLAGS.values())
            if key in box:
                raise SystemExit("%s has %s twice" % (name, key))
            box[key] = (flags, plain(item[1]))
            lines.append("%s %s %s" % (name, key, item[0].decode().replace("\\Recent", "")))
    m.logout()
    return lines if uids else out


def plain(text):
    """Without line ends and what a client adds to know a message again."""
    text = text.replace(b"\r\n", b"\n")
    return re.sub(rb"(?m)^X-(TUID|OfflineIMAP): .*\n", b"", text)


def here():
    out = {}
    for path, dirs, _ in os.walk(local):
        if "cur" not in dirs or "new" not in dirs:
            continue
        box = out[os.path.relpath(path, local)] = {}
        for part in ("cur", "new"):
            for name in os.listdir(os.path.join(path, part)):
                with open(os.path.join(path, part, name), "rb") as f:
                    text = plain(f.read())
                key = re.search(rb"Message-ID: <(.*)@x>", text, re.I).group(1).decode()
                letters = name.rpartition(":2,")[2] if ":2," in name else ""
                if key in box:
                    raise SystemExit("%s has %s twice here" % (path, key))
                box[key] = ({FLAGS[c] for c in letters if c in FLAGS}, text)
    return out


def file_of(box, name):
    for part in ("cur", "new"):
        folder = os.path.join(local, box, part)
        for f in os.listdir(folder):
            with open(os.path.join(folder, f), "rb") as text:
                if b"<%s@x>" % name.encode() in text.read():
                    return os.path.join(folder, f)
    raise SystemExit("%s: no %s here" % (box, name))


def flag_here(box, name, letters):
    path = file_of(box, name)
    base = os.path.basename(path).partition(":2,")[0]
    os.rename(path, os.path.join(local, box, "cur", "%s:2,%s" % (base, letters)))


def put_here(box, name):
    """A new message, as a mail reader files it."""
    with open(os.path.join(local, box, "new", "%d.%s.here" % (time.time(), name)), "wb") as f:
        f.write(message(name))


def fill():
    m = connect()
    for box in ("Work", "Work/Deep", "Entw&APw-rfe"):
        good(m.create(box))
    for i in range(8):
        append(m, "INBOX", "in%d" % i, "\\Seen" if i % 2 else None, "line\n" * i)
    append(m, "Work", "work1", "(\\Answered \\Seen)")
    append(m, "Work/Deep", "deep1", "\\Flagged", "x" * 200000 + "\n.\n..\nFrom here\n")
    append(m, "Entw&APw-rfe", "draft1", "\\Draft")
    m.logout()


def change():
    # Here.
    flag_here("INBOX", "in1", "FS")
    flag_here("INBOX", "in3", "")
    os.unlink(file_of("INBOX", "in2"))
    put_here("Work", "filed")
    with open(file_of("INBOX", "in5"), "rb") as f:
        text = f.read()
    os.unlink(file_of("INBOX", "in5"))
    with open(os.path.join(local, "Work", "new", "1.moved.here"), "wb") as f:
        f.write(text)
    for part in ("cur", "new", "tmp"):
        os.makedirs(os.path.join(local, "Made", part))
    put_here("Made", "made1")
    # There.
    m = connect()
    uid = find(m, "INBOX", "in0")
    good(m.uid("STORE", uid, "+FLAGS", "(\\Flagged $Label1)"))
    good(m.uid("STORE", find(m, "INBOX", "in4"), "+FLAGS.SILENT", "\\Deleted"))
    good(m.expunge())
    good(m.uid("MOVE", find(m, "INBOX", "in6"), "Work/Deep"))
    good(m.create("There/Below"))
    append(m, "There/Below", "there1", "\\Seen")
    append(m, "INBOX", "late")
    good(m.uid("COPY", find(m, "Work", "work1"), "There/Below"))
    m.logout()


def both():
    flag_here("INBOX", "in7", "RS")
    m = connect()
    good(m.uid("STORE", find(m, "INBOX", "in7"), "+FLAGS", "\\Flagged"))
    m.logout()


def same():
    ours, theirs, bad = here(), server(), []
    for box in sorted(set(ours) | set(theirs)):
        if box not in ours or box not in theirs:
            bad.append("folder %s is only %s" % (box, "here" if box in ours else "there"))
            continue
        for name in sorted(set(ours[box]) | set(theirs[box])):
            a, b = ours[box].get(name), theirs[box].get(name)
            if a is None or b is None:
                bad.append("%s %s is only %s" % (box, name, "here" if b is None else "there"))
            elif a[0] != b[0]:
                bad.append("%s %s: flags here %s, there %s" % (box, name, a[0], b[0]))
            elif a[1] != b[1]:
                bad.append("%s %s: another text" % (box, name))
    print("\n".join(bad) or "the same: %s" % {b: len(v) for b, v in theirs.items()})
    sys.exit(1 if bad else 0)


if sys.argv[1] == "state":
    print("\n".join(server(uids=True)))
else:
    {"fill": fill, "change": change, "both": both, "same": same}[sys.argv[1]]()
