#!/bin/sh
# SPDX-License-Identifier: ISC
# settings - every setting that main.cf(5) describes is read by some program, so that none of its
# lines promises what nobody does.
cd "${srcdir:-.}/.." || exit 1
programs="admin anvil authd bounce cleanup dnsd imapd keyd lib/ask lib/daemon lib/store lib/table local login
	master pickup pop3d qmgr router sendmail smtp smtpd tlsd"

# A word in a program's source?
# shellcheck disable=SC2086
read_by_one() { grep -rqw --include='*.c' --include='*.h' -e "$1" $programs; }

sed -n 's/.*{ "\([a-z0-9_]*\)", CONF_[A-Z]*, &[a-zA-Z_]*\.\([a-z0-9_.]*\),.*/\1 \2/p' \
    lib/conf/common.c lib/conf/room_*.c | {
	bad=0 n=0
	while read -r name field; do
		n=$((n + 1))
		case $name in
		data_directory) continue ;;		# says itself that it is empty
		syslog_facility) field=common_facility ;;
		local_* | virtual_*)			# read for its transport, by the suffix
			grep -q "{ \"_${name#*_}\"" lib/conf/room_queue.c && continue ;;
		esac
		read_by_one "${field##*.}" || read_by_one "$name" && continue
		echo "nobody reads $name: its line in main.cf(5) is not true"
		bad=1
	done
	[ $n -gt 100 ] || { echo "only $n settings were found"; bad=1; }
	exit $bad
}
