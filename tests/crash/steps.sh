# SPDX-License-Identifier: ISC
# What steps/ and faults/ share: a box, and strace at one system call of one program.
. "$(dirname "$0")/../../lib.sh"
need strace
step_box() {
	printf '%s\n' 'rcpt =*@bad.test* reply 550 5.1.1 No such user' \
	    'rcpt =*@later.test* x1 reply 450 4.2.0 Not now' \
	    'rcpt =*@stays.test* x4 reply 450 4.2.0 Not now' >"$work/hop.rules"
	sink hop
	new_box a
	setting a relayhost "[127.0.0.1]:$(cat "$work/hop.port")"
	setting a minimal_backoff_time 1s
	setting a maximal_backoff_time 2s
	setting a queue_run_delay 1s
	setting a virtual_alias_maps "inline:{ {alias@$DOMAIN=alice@$DOMAIN}, {stays@$DOMAIN=far@stays.test} }"
	add_user a alice >/dev/null; add_user a bob >/dev/null
	start a; export_site a
	# One of each, so that every program has a process, and free/ has files.
	for i in 1 2 3; do
		mail local "first $i"; mail relay "first $i"; mail bounce "first $i"; mail sendmail "first $i"
	done
	TEST_WAIT=30 wait_for "before the first step all mail arrives" bash -c \
	    '[ $(find "$1/new" -type f | wc -l) = 6 ] && [ $(find "$2/new" -type f | wc -l) = 3 ] && [ $(ls "$3"/*.eml | wc -l) = 3 ]' \
	    - "$(maildir a alice)" "$(maildir a bob)" "$work/hop"
	strace -o /dev/null true 2>/dev/null || skip_all "strace may not trace here"
}

# mail KIND SUBJECT: local, alias and sendmail's go to alice, relay, later (put off once) and stays (an
# alias, put off four times) to the next hop, a bounce back to bob.
mail() {
	case $1 in
	local) send a x@elsewhere.test alice@$DOMAIN "$2" ;;
	alias) send a x@elsewhere.test alias@$DOMAIN "$2" ;;
	relay) send a x@elsewhere.test far@away.test "$2" ;;
	later) send a x@elsewhere.test far@later.test "$2" ;;
	stays) send a x@elsewhere.test stays@$DOMAIN "$2" ;;
	bounce) send a bob@$DOMAIN no@bad.test "$2" ;;
	large) "$TOOLS/send" --to "$(addr a smtp)" --from x@elsewhere.test --rcpt alice@$DOMAIN \
	    --subject "$2" --size 150000 ;;
	sendmail) printf 'Subject: %s\n\nhello\n' "$2" | box_sendmail a -f x@elsewhere.test alice@$DOMAIN ;;
	esac
}
# How often a mail of that kind and subject is where it belongs.
found() {
	case $1 in
	relay|later|stays) grep -lx -- "Subject: $2.\?" "$work"/hop/*.eml 2>/dev/null | wc -l ;;
	# bob@: the notice quotes the subject
	bounce) grep -lx -- "Subject: $2.\?" "$(maildir a bob)"/new/* 2>/dev/null | wc -l ;;
	*) grep -lx -- "Subject: $2.\?" "$(maildir a alice)"/new/* 2>/dev/null | wc -l ;;
	esac
}
arrived() { [ "$(found "$1" "$2")" -ge 1 ]; }

# inject PROGRAM WHAT…: strace the program, every thread, with these injections; its pid is in $tracer.
inject() {
	local program=$1 e i
	shift
	victim= tracer=
	for i in $(seq 300); do
		# "relay" is a smtp too
		victim=$(for e in $(program_pids a "$program"); do
			ps -o pid=,args= -p $e; done | awk -v n="$program" '/ -n / && $0 ~ " -n " n " " { print $1; exit }')
		[ -n "$victim" ] && break
		sleep 0.2
	done
	[ -n "$victim" ] || { fail "no $program runs"; return 1; }
	e=()
	for i; do e+=(-e "inject=$i"); done
	trace "${e[@]}"
}
# The same for whatever master starts next.
inject_next() {
	local e i
	end_inject
	victim=$(master_pid a)
	e=()
	for i; do e+=(-e "inject=$i"); done
	trace "${e[@]}"
}
trace() {
	local i
	strace -f -qq -o "$work/strace.out" -p "$victim" "$@" 2>"$work/strace.err" &
	tracer=$!
	for i in $(seq 100); do
		grep -q '^TracerPid:[[:space:]]*[1-9]' "/proc/$victim/status" 2>/dev/null && break
		sleep 0.02
	done
	sleep 0.1	# for its threads
}
end_inject() {
	{ kill "$tracer" && wait "$tracer"; } 2>/dev/null
}
was_hit() { grep -qE 'INJECTED|killed by SIGKILL' "$work/strace.out"; }
