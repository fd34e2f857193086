#!/bin/sh
# SPDX-License-Identifier: ISC
# layers - include arrows point up the list of layers only, program folders never include each
# other, and a dangerous library's header stands in its own room only.
# usage: layers.sh [SOURCE-FOLDER]
cd "${1:-${srcdir:-$(dirname "$0")}/..}" || exit 99

layers="base fiber io ipc conf table mail proto wire ask spool store daemon"
programs="master smtpd pickup cleanup qmgr smtp local bounce router dnsd tlsd keyd authd login
	pop3d imapd anvil sendmail admin"

find lib $programs \( -name '*.c' -o -name '*.h' \) | sort | xargs grep -Hn '^[ 	]*#[ 	]*include' |
awk -v layers="$layers" -v programs="$programs" '
BEGIN {
	n = split(layers, l, /[ \t\n]+/); for (i = 1; i <= n; i++) level[l[i]] = i
	n = split(programs, p, /[ \t\n]+/); for (i = 1; i <= n; i++) program[p[i]] = 1
	# header (a pattern) -> the folders or files it may stand in
	room["^event2/"] = "lib/fiber/ dnsd/"
	room["^ucontext\\.h"] = "lib/fiber/"
	room["^openssl/"] = "tlsd/ keyd/"
	room["^unbound"] = "dnsd/"
	room["^(db|pcre2?|lmdb|ldap|libpq-fe|sqlite3)\\.h"] = "lib/table/"
	room["^crypt\\.h"] = "authd/"
	room["^shadow\\.h"] = "authd/"
	room["^(seccomp|linux/seccomp|linux/landlock)\\.h"] = "lib/daemon/"
}
{
	# folder/file.c:12:#include "layer/x.h"
	split($0, part, ":"); file = part[1]; where = part[1] ":" part[2]
	text = $0; sub(/^[^:]*:[^:]*:/, "", text)
	if (!match(text, /["<][^">]*[">]/)) next
	h = substr(text, RSTART + 1, RLENGTH - 2); quoted = substr(text, RSTART, 1) == "\""
	split(file, dir, "/"); split(h, to, "/")
	for (r in room) if (h ~ r) {
		ok = 0; m = split(room[r], at, " ")
		for (i = 1; i <= m; i++) if (index(file, at[i]) == 1) ok = 1
		# LMDB is also the mailbox index, in lib/store alone
		if (h == "lmdb.h" && index(file, "lib/store/") == 1) ok = 1
		if (!ok) bad(h " outside its room (" room[r] ")")
	}
	if (!quoted) next
	if (h !~ /\//) { if (h != "config.h") bad("\"" h "\" does not name its folder"); next }
	if (dir[1] == "lib") {
		if (!(dir[2] in level)) bad("unknown layer " dir[2])
		else if (!(to[1] in level)) bad("lib includes \"" h "\", which is not in lib")
		else if (level[to[1]] > level[dir[2]]) bad(dir[2] " includes " to[1] ", which stands above it in use")
	} else if (to[1] in program && to[1] != dir[1])
		bad(dir[1] " includes " to[1])
	else if (to[1] == "table" && dir[1] != "router" && dir[1] != "admin")
		bad("lib/table is for router and the map tools")
	else if (to[1] == "spool" && dir[1] !~ /^(cleanup|qmgr|admin)$/)
		bad("the spool is for cleanup, qmgr and the tools")
	else if (to[1] == "store" && dir[1] !~ /^(local|pop3d|imapd)$/)
		bad("lib/store is for local, pop3d and imapd")
}
function bad(why) { printf "%s: %s\n", where, why; wrong++ }
END { if (wrong) printf "layers: %d wrong\n", wrong; exit wrong > 0 }
'
status=$?

# Words that have no place in C here (comments do not count).
words='strcpy|strcat|sprintf|vsprintf|atoi|atol|atoll|strtol|strtoul|strtoll|strtoull|gets|system|popen|tmpnam|mktemp|strtok'
if find lib $programs \( -name '*.c' -o -name '*.h' \) | sort |
    xargs grep -nE "(^|[^A-Za-z0-9_>.])($words)[ ]?\(" | grep -vE ':[0-9]+:[ 	]*(\*|/\*)'; then
	echo "layers: calls that are not used here"
	status=1
fi
exit $status
