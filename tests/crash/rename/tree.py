# SPDX-License-Identifier: ISC
"""tree.py - a tree of mailboxes and its RENAME.

    tree.py fill            make "old" with mailboxes and mail in it
    tree.py rename GO       log in, say "ready", wait for the file GO, RENAME old new; OK, NO or "gone"
    tree.py back            RENAME new old
    tree.py look WHERE      where the tree is ("old", "new"; WHERE any: either), then what is in it
"""
import imaplib
import os
import re
import sys
import time

BOXES = ("", "/a", "/a/deep", "/b")


def enter():
    host, port = os.environ["TALK_IMAP"].split(":")
    m = imaplib.IMAP4(host, int(port), timeout=60)
    m.login("alice", os.environ["PASSWORD"])
    return m


def fill():
    m = enter()
    for n, box in enumerate(BOXES):
        m.create("old" + box)
        for i in range(n + 1):
            m.append("old" + box, None, None, b"Subject: %d\r\n\r\n%s\r\n" % (i, box.encode()))
        m.select("old" + box)
        m.store("1", "+FLAGS", "\\Deleted")
        m.expunge()


def rename(go):
    m = enter()
    print("ready", flush=True)
    while not os.path.exists(go):
        time.sleep(0.02)
    try:
        print("\n" + m.rename("old", "new")[0])
    except (imaplib.IMAP4.abort, OSError):
        print("\ngone")


def look(where):
    m = enter()
    names = [re.sub(rb'.*"/" ', b"", line).decode().strip('"') for line in m.list()[1]]
    tops = {n.split("/")[0] for n in names} - {"INBOX"}
    if len(tops) != 1 or (where != "any" and tops != {where}):
        raise SystemExit("mailboxes are %s" % names)
    top = tops.pop()
    print(top)
    for box in sorted(n for n in names if n != "INBOX"):
        m.select('"%s"' % box, readonly=True)
        uids = m.uid("SEARCH", "ALL")[1]
        texts = m.fetch("1:*", "(UID BODY.PEEK[])")[1] if uids != [b""] else []
        print(box[len(top):], m.response("UIDVALIDITY"), uids, texts)


if sys.argv[1] == "fill":
    fill()
elif sys.argv[1] == "rename":
    rename(sys.argv[2])
elif sys.argv[1] == "back":
    sys.exit(enter().rename("new", "old")[0] != "OK")
else:
    look(sys.argv[2])
