#!/bin/sh
# SPDX-License-Identifier: ISC
# headers - every public function of lib has a comment directly above it, or shares one with the
# declaration right above (constants between do not count), or with the commented struct in front
# of it; every header says what it is for and has its guard.
# usage: headers.sh [SOURCE-FOLDER]
cd "${1:-${srcdir:-$(dirname "$0")}/..}" || exit 99
find lib -name '*.h' | sort | xargs awk '
FNR == 1 {
	carry = 0; shared = 0; depth = 0; statement = ""; comment = 0; incomment = 0; macro = 0
	if ($0 !~ /SPDX-License-Identifier: ISC/) bad("no licence line")
}
FNR == 2 && $0 !~ /^\/\*/ { bad("no comment saying what the header is for") }
{
	if (incomment) { if (/\*\//) { incomment = 0; shared = 1 } next }
	if (macro) { macro = /\\$/; next }
	if (/^#/) { macro = /\\$/; next }
	if (/^[ \t]*$/) { if (statement == "") { shared = carry; carry = 0 } next }
	if (/^[ \t]*\/\*/ && !/\*\/[ \t]*[^ \t]/) {
		if (!/\*\//) incomment = 1
		else shared = 1
		next
	}
	line = $0; gsub(/\/\*.*\*\//, "", line); sub(/\/\*.*/, "", line)
	if ($0 ~ /\/\*/ && $0 !~ /\*\//) incomment = 1
	if (statement == "") { first = FNR; had = shared || $0 ~ /\/\*/ }
	statement = statement line
	opens = gsub(/\{/, "{", line); closes = gsub(/\}/, "}", line)
	depth += opens - closes
	if (depth == 0 && (line ~ /;[ \t]*$/ || line ~ /\}[ \t]*$/)) {
		# a function: not a struct, enum, typedef or extern table
		if (statement ~ /\(/ && statement !~ /^(struct|enum|union)[ \t]+[a-z_0-9]+[ \t]*\{/ &&
		    statement !~ /^typedef/ && statement !~ /^(struct|enum|union)[ \t]+[a-z_0-9]+;/) {
			if (!had) { match(statement, /[a-z_0-9]+\(/); bad(substr(statement, RSTART, RLENGTH) ") has no comment", first) }
		}
		carry = had && statement ~ /^(struct|enum|union)[ \t]+[a-z_0-9]+[ \t]*\{/
		statement = ""
	}
}
function bad(why, at) { printf "%s:%d: %s\n", FILENAME, at ? at : FNR, why; wrong++ }
END { if (wrong) printf "headers: %d wrong\n", wrong; exit wrong > 0 }
'
