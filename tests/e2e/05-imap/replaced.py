# SPDX-License-Identifier: ISC
# A mail folder is put aside and another one put in its place under open sessions, as by a restore:
# who logs in next is in the one that is there now, and the others are told to go.
import imaplib, os, poplib, subprocess, sys

box = sys.argv[1]
imap = os.environ["TALK_IMAP"].split(":")
pop3 = os.environ["TALK_POP3"].split(":")


def enter():
    m = imaplib.IMAP4(*imap)
    m.login("alice", os.environ["PASSWORD"])
    return m, int(m.select()[1][0])


def drop():
    p = poplib.POP3(*pop3)
    p.user("alice")
    p.pass_(os.environ["PASSWORD"])
    n = p.stat()[0]
    p.quit()
    return n


old, n = enter()
assert drop() == n
for turn in range(2):
    os.rename(box, f"{box}.{turn}")
    subprocess.check_call(["cp", "-a", f"{box}.{turn}", box])
    name = f"{box}/new/{turn}.put.here"
    with open(name, "w") as f:
        f.write("Subject: put here by a restore\n\nx\n")
    os.chown(name, os.stat(box).st_uid, os.stat(box).st_gid)
    new, got = enter()
    assert got == n + 1, f"IMAP: {got} messages, not {n + 1}"
    assert drop() == n + 1, "POP3 is in the old folder"
    try:
        old.noop()
        raise AssertionError("the old session goes on")
    except imaplib.IMAP4.abort:
        pass
    old, n = new, got
old.logout()
