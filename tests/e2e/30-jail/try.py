# SPDX-License-Identifier: ISC
"""The table of SECURITY.md as attempts: program, what it may; everything else must be denied."""
import os
import subprocess
import sys

sys.path.insert(0, os.environ["TESTS"])
from lib import BOX, PASSWORD, Raw, check, end, not_ok, where

# What the passport says.  One local serves all mailboxes of one uid; imapd and pop3d one each.
MAY = {
    "smtpd": set(), "pickup": {"maildrop"}, "cleanup": {"spool"}, "qmgr": {"spool"},
    "smtp": {"connect"}, "local": {"alice", "bob"}, "bounce": set(), "router": {"passwd", "tables"},
    "dnsd": {"connect"}, "tlsd": set(), "keyd": set(), "authd": {"passwd", "users"},
    "login": set(), "pop3d": {"alice"}, "imapd": {"alice"}, "anvil": set(),
}
DENIED = {"EPERM", "EACCES"}
abi = os.environ["abi"]
spool, mail = BOX + "/spool", BOX + "/mail"
bobs = [os.path.join(d, f) for d, _, fs in os.walk(mail + "/bob") for f in fs]
PROBES = {
    "passwd": "open:/etc/passwd", "spool": "open:" + spool + "/active", "spool2": "write:" + spool + "/incoming/probe",
    "maildrop": "open:" + spool + "/maildrop", "alice": "open:" + mail + "/alice/new", "bob": "open:" + bobs[0],
    "key": "open:" + BOX + "/etc/key.pem", "users": "open:" + BOX + "/etc/users", "tables": "open:" + BOX + "/etc/virtual",
    "home": "open:/root", "tmp": "write:/tmp/posthorn-jail-probe", "connect": "connect:%d" % where("smtp")[1],
    "exec": "exec", "kill": "kill:" + os.environ["other"],
}

imap, pop = Raw("imap"), Raw("pop3")
imap.tagged("LOGIN alice " + PASSWORD)
imap.tagged("SELECT INBOX")
for line in ("USER alice", "PASS " + PASSWORD):
    pop.send(line)
    pop.line()

seen = {}
with open(sys.argv[1]) as f:
    for line in f:
        name, pid = line.split()
        seen.setdefault(name, []).append(pid)
prefix = os.environ["PREFIX"] + "/libexec/posthorn/"
for pid in filter(str.isdigit, os.listdir("/proc")):     # the workers that the logins started
    try:
        args = open("/proc/%s/cmdline" % pid).read()
    except OSError:
        continue
    exe = args.split("\0")[0]
    name = exe[len(prefix):]
    if exe.startswith(prefix) and name in ("imapd", "pop3d") and BOX in args:
        seen.setdefault(name, []).append(pid)


def status(pid):
    out = {}
    with open("/proc/%s/status" % pid) as f:
        for line in f:
            k, _, v = line.partition(":")
            out[k] = v.split()
    return out


for name in sorted(MAY):
    if name not in seen:
        print("# %s: none is running" % name)
        if name not in ("bounce", "smtp", "pickup"):
            not_ok("abi %s: %s is running" % (abi, name))
        continue
    pid = seen[name][0]
    st = status(pid)
    check("abi %s: %s is not root, has no capabilities, cannot gain any" % (abi, name),
          (st["Uid"] != ["0"] * 4) and st["CapEff"] == ["0" * 16] and st["NoNewPrivs"] == ["1"], st)
    check("abi %s: %s has its system-call filter" % (abi, name), st["Seccomp"] == ["2"], st.get("Seccomp"))
    r = subprocess.run([os.environ["inject"], pid] + list(PROBES.values()), capture_output=True, text=True)
    got = dict(line.rsplit(" ", 1) for line in r.stdout.splitlines() if " " in line)
    for what, probe in PROBES.items():
        result = got.get(probe, "no answer: " + r.stderr)
        if what == "spool2":
            what_may = "spool"
        else:
            what_may = what
        if what_may in MAY[name]:
            check("abi %s: %s may: %s" % (abi, name, what), result not in DENIED, result)
        elif what in ("maildrop", "tables", "users") and (name in ("cleanup", "qmgr") or "tables" in MAY[name] or "users" in MAY[name]):
            continue            # neighbours of what it may: not promised either way
        elif what == "passwd" and name in ("local", "imapd", "pop3d", "dnsd", "smtp"):
            check("abi %s: %s is denied: %s" % (abi, name, what), result in DENIED, result)
        else:
            check("abi %s: %s is denied: %s" % (abi, name, what), result in DENIED, result)
for pid in seen.get("master", [])[-1:]:
    with open("/proc/%s/maps" % pid) as f:
        maps = f.read()
    libs = sorted({m.split()[-1].split("/")[-1].split(".")[0] for m in maps.splitlines() if ".so" in m})
    check("abi %s: master links nothing but libc" % abi, set(libs) <= {"libc", "ld-linux-x86-64", "libc-2", "ld-2"}, libs)
end()
