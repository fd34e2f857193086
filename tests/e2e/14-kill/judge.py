# SPDX-License-Identifier: ISC
"""Compare the ledgers of accepted messages with what lies in the mailboxes and at the next hop.

    judge.py KILLS NAME=FOLDER ... LEDGER:NAME,NAME ...

Each message of a ledger must be in each of its places; "hop" is the next hop.
"""
import collections
import hashlib
import os
import re
import sys

sys.path.insert(0, os.environ["TESTS"])
from lib import check, end

kills = int(sys.argv[1])
places = dict(a.split("=", 1) for a in sys.argv[2:] if "=" in a)
promised, wanted = {}, {}
for a in sys.argv[2:]:
    if "=" in a:
        continue
    ledger, names = a.rsplit(":", 1)
    for line in open(ledger):
        n, unknown = map(int, line.split())
        promised[n], wanted[n] = unknown, names.split(",")
copies, damaged, strange = collections.Counter(), [], []
for place, top in places.items():
    for base, _, files in os.walk(top):
        for f in files:
            if not (f.endswith(".eml") if place == "hop" else os.path.basename(base) in ("new", "cur")):
                continue
            with open(os.path.join(base, f), "rb") as m:
                text = m.read().replace(b"\r\n", b"\n")
            number = re.search(rb"(?m)^X-Number: (\d+)$", text)
            total = re.search(rb"(?m)^X-Sum: (\w+)$", text)
            if not number or not total:
                damaged.append(os.path.join(base, f))
                continue
            n = int(number.group(1))
            copies[n, place] += 1
            if place not in wanted.get(n, [place]):
                strange.append((n, place))
            body = text.split(b"\n\n", 1)[1].rstrip(b"\n")
            if hashlib.sha256(body).hexdigest().encode() != total.group(1):
                damaged.append(os.path.join(base, f))

lost = [(n, p) for n in promised for p in wanted[n] if copies[n, p] == 0]
check("none of %d accepted messages is lost" % len(promised), not lost, "lost: %s" % lost)
check("none is damaged", not damaged, "\n".join(damaged))
check("none is where it does not belong", not strange, strange)
# A sender that saw no answer tried again: as many more copies as unknown tries.  At the next hop
# some more for each kill of the client between its final dot and the acknowledged result.
extra = [(n, p, c, promised.get(n)) for (n, p), c in copies.items()
         if p != "hop" and c > 1 + promised.get(n, 0)]
check("none came twice into a mailbox", not extra, "extra: %s" % extra)
hop_extra = sum(max(0, c - 1 - promised.get(n, 0)) for (n, p), c in copies.items() if p == "hop")
check("few came twice at the next hop", hop_extra <= max(60, kills), hop_extra)
print("# copies: %d, twice in mailboxes by a lost answer: %d, at the hop: %d" % (
    sum(copies.values()), sum(1 for (n, p), c in copies.items() if p != "hop" and c > 1), hop_extra))
end()
