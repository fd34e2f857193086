# SPDX-License-Identifier: ISC
"""Compare the ledger of accepted messages with what lies in the mailboxes and at the next hop."""
import collections
import hashlib
import os
import re
import sys

sys.path.insert(0, os.environ["TESTS"])
from lib import check, end

promised = dict(map(int, line.split()) for line in open(sys.argv[1]))
copies, damaged, at_hop = collections.Counter(), [], set()
for top in sys.argv[2:]:
    for base, _, files in os.walk(top):
        if os.path.basename(base) == "tmp":
            continue
        for f in files:
            if base.endswith("/hop") and not f.endswith(".eml"):
                continue
            if f.startswith("dovecot") or not (os.path.basename(base) in ("new", "cur") or f.endswith(".eml")):
                continue
            with open(os.path.join(base, f), "rb") as m:
                text = m.read().replace(b"\r\n", b"\n")
            number = re.search(rb"(?m)^X-Number: (\d+)$", text)
            total = re.search(rb"(?m)^X-Sum: (\w+)$", text)
            if not number or not total:
                damaged.append(os.path.join(base, f))
                continue
            n = int(number.group(1))
            copies[n] += 1
            if f.endswith(".eml"):
                at_hop.add(n)
            body = text.split(b"\n\n", 1)[1].rstrip(b"\n")
            if hashlib.sha256(body).hexdigest().encode() != total.group(1):
                damaged.append(os.path.join(base, f))

lost = [n for n in promised if copies[n] == 0]
check("none of %d accepted messages is lost" % len(promised), not lost, "lost: %s" % lost)
check("none is damaged", not damaged, "\n".join(damaged))
# A sender that saw no answer tried again: as many more copies as unknown tries.  At the next hop
# one more for each kill of the client between its final dot and the acknowledged result.
extra = [n for n in copies if n not in at_hop and copies[n] > 1 + promised.get(n, 0)]
check("none came twice into a mailbox", not extra, "extra: %s" % [(n, copies[n], promised.get(n)) for n in extra])
hop_extra = sum(max(0, copies[n] - 1 - promised.get(n, 0)) for n in at_hop)
check("few came twice at the next hop", hop_extra <= 60, hop_extra)
print("# copies: %d, twice in mailboxes by a lost answer: %d, at the hop: %d" % (
    sum(copies.values()), sum(1 for n in copies if n not in at_hop and copies[n] > 1), hop_extra))
end()
