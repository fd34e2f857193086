# SPDX-License-Identifier: ISC
# The verbs of the end-to-end tests (bash).  A test sources this file, makes boxes, does things to
# them, and says with pass/fail/skip (or check) what held.  When it ends, its boxes are stopped and
# its files removed; it ends only processes that it started.
#
#	new_box NAME [INIT-ARGS]	posthorn init, on free loopback ports
#	start NAME, stop NAME, reload NAME
#	check "promise" COMMAND		pass if COMMAND succeeds, else fail and show what it said
#	wait_for "promise" COMMAND	the same, trying until it succeeds (TEST_WAIT seconds)
set -u
TESTS=${TESTS:-$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)}
TOOLS=$TESTS/tools
PREFIX=${POSTHORN_PREFIX:?POSTHORN_PREFIX: where Posthorn is installed}
PATH=$PREFIX/sbin:$PREFIX/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin
SENDMAIL=$PREFIX/sbin/sendmail
TEST_WAIT=${TEST_WAIT:-90}
DOMAIN=example.test
PASSWORD=secret-Horn7		# of every mailbox user the tests make
export PYTHONDONTWRITEBYTECODE=1 LC_ALL=C TESTS TOOLS PREFIX DOMAIN PASSWORD SENDMAIL
work=$(mktemp -d "${TMPDIR:-/tmp}/ph.XXXXXX") || exit 1
chmod 755 "$work"
export work
boxes=() pids=() mounts=() locks=()
test_pid=$BASHPID
bad=0

pass() { printf 'ok - %s: %s\n' "$test_name" "$1"; }
fail() { printf 'not ok - %s: %s\n' "$test_name" "$1"; bad=1; }
skip() { printf 'ok - %s: %s # SKIP %s\n' "$test_name" "$1" "$2"; }
skip_all() { skip "all of it" "$1"; exit 0; }
need() { local c; for c; do command -v "$c" >/dev/null || skip_all "$c is not installed"; done; }
test_name=$(basename "$(dirname "$(readlink -f "$0")")")
export test_name
# For the runner, which cleans up behind a test that was killed.
[ -z "${TEST_OUT:-}" ] || echo "$work" >"$TEST_OUT/$test_name.work"

check() {
	local what=$1
	shift
	if "$@" >"$work/said" 2>&1; then pass "$what"; else
		fail "$what"
		sed 's/^/#   /' "$work/said" | tail -n 25
		return 1
	fi
}

wait_for() {
	local what=$1 end=$((SECONDS + TEST_WAIT))
	shift
	until "$@" >"$work/said" 2>&1; do
		if [ $SECONDS -ge $end ]; then
			fail "$what"
			sed 's/^/#   /' "$work/said" | tail -n 25
			return 1
		fi
		sleep 0.1
	done
	pass "$what"
}

# Does the command fail, as it should?
refuses() { ! "$@"; }

# --- boxes ---

box() { printf %s "$work/$1"; }
etc() { printf %s "$work/$1/etc"; }
base_of() { cat "$work/$1.base"; }
host_of() { cat "$work/$1.host"; }
port() {	# BOX SERVICE
	local off
	case $2 in
	smtp) off=25 ;; submission) off=587 ;; submissions) off=465 ;; pop3) off=110 ;;
	pop3s) off=995 ;; imap) off=143 ;; imaps) off=993 ;;
	esac
	echo $(($(base_of "$1") + off))
}
addr() { echo "$(host_of "$1"):$(port "$1" "$2")"; }

# A port base nobody uses; kept by a lock until the test ends.
free_base() {
	local i base fd lock
	for i in $(seq 400); do
		base=$((10000 + RANDOM % 22 * 1000 + RANDOM % 5 * 3))
		lock=/tmp/.posthorn-ports-$(id -u)-$base
		{ exec {fd}>>"$lock"; } 2>/dev/null || continue
		# Still this file?  Its last holder removed it at its end.
		if flock -n "$fd" && [ "$lock" -ef "/proc/self/fd/$fd" ]; then
			if "$TOOLS/ports" "$1" "$base"; then
				echo "$base" >"$2"
				locks+=("$lock")
				return 0
			fi
			rm -f "$lock"
		fi
		exec {fd}>&-
	done
	echo "no free ports" >&2
	return 1
}

new_box() {
	local name=$1 host=127.0.0.1 domain=$DOMAIN i args=()
	shift
	while [ $# -gt 0 ]; do
		case $1 in
		--address) host=$2; args+=("$1" "$2"); shift ;;
		--domain) domain=$2; shift ;;
		*) args+=("$1") ;;
		esac
		shift
	done
	free_base "$host" "$work/$name.base" || exit 1
	echo "$host" >"$work/$name.host"
	posthorn init "$work/$name" --domain "$domain" --port-base "$(base_of "$name")" "${args[@]}" \
	    >"$work/$name.init" 2>&1 || {
		fail "posthorn init $name"
		cat "$work/$name.init"
		exit 1
	}
	boxes+=("$name")
}

add_user() {	# BOX USER
	printf '%s\n' "$PASSWORD" | posthorn -c "$(etc "$1")" user add "$2" --password-stdin
}

# A box with alice and bob, running.
new_site() {
	new_box "$@"
	add_user "$1" alice >/dev/null && add_user "$1" bob >/dev/null || fail "posthorn user add"
	start "$1"
	export_site "$1"
}

# What programs of other languages need to find it.
export_site() {
	local s
	for s in smtp submission submissions pop3 pop3s imap imaps; do
		export "TALK_${s^^}=$(addr "$1" $s)"
	done
	export MAIL_CONFIG
	MAIL_CONFIG=$(etc "$1")
	BOX=$(box "$1") export BOX
}

# Does this build know the table type?
has_table() { postconf -m 2>/dev/null | grep -qx "$1"; }
built_table=texthash	# of tables that are built, where there are any
has_table hash && built_table=hash

setting() {	# BOX NAME VALUE: the last one wins
	printf '%s = %s\n' "$2" "$3" >>"$(etc "$1")/main.cf"
}

start() {
	posthorn -c "$(etc "$1")" start >"$work/$1.start" 2>&1 || {
		fail "start of $1"
		cat "$work/$1.start"
		log_of "$1" | tail -n 30
		exit 1
	}
}
stop() { posthorn -c "$(etc "$1")" stop; }
reload() { posthorn -c "$(etc "$1")" reload; }
master_pid() { cat "$(box "$1")/run/master.pid" 2>/dev/null; }
alive() { case $(ps -o stat= -p "$1" 2>/dev/null) in ''|Z*) return 1 ;; esac; }	# a zombie is not
running() { local p; p=$(master_pid "$1") && alive "$p"; }

# master and all below it, one process id a line.
tree_of() {
	local p=$1 c
	echo "$p"
	for c in $(ps -o pid= --ppid "$p" 2>/dev/null); do tree_of "$c"; done
}
program_pids() {	# BOX PROGRAM
	ps -eo pid=,ppid=,args= | awk -v top="$(master_pid "$1")" -v want="$PREFIX/libexec/posthorn/$2" '
	{ pid[NR] = $1; parent[$1] = $2; what[$1] = $3 }
	END {
		for (i = 1; i <= NR; i++) {
			if (what[pid[i]] != want) continue
			for (p = pid[i]; p != top && p in parent; p = parent[p]) ;
			if (p == top) print pid[i]
		}
	}'
}

log_file() {
	local f
	for f in "$(box "$1")"/log/maillog "$(box "$1")"/log/mail.log "$(box "$1")"/log/* \
	    "$(box "$1")"/run/maillog "$(box "$1")"/maillog; do
		[ -f "$f" ] && echo "$f" && return
	done
}
log_of() { local f; f=$(log_file "$1"); [ -n "$f" ] && cat "$f"; }
log_has() { log_of "$1" | grep -aE -- "$2"; }

# --- mail ---

maildir() { printf %s "$(box "$1")/mail/$2"; }
mails() {	# BOX USER: the files of the inbox
	find "$(maildir "$1" "$2")/new" "$(maildir "$1" "$2")/cur" -type f 2>/dev/null
}
mail_count() { mails "$1" "$2" | wc -l; }
has_mails() { [ "$(mail_count "$1" "$2")" -eq "$3" ] || { echo "$(mail_count "$1" "$2") mails of $3"; false; }; }
mail_with() {	# BOX USER REGEX: the file of a mail that has this line
	mails "$1" "$2" | xargs -r grep -alE -- "$3" | grep .
}
queue() { postqueue -c "$(etc "$1")" -p; }
queue_empty() { queue "$1" | tee /dev/stderr | grep -qx 'Mail queue is empty'; }
queue_has() { queue "$1" | tee /dev/stderr | grep -qE -- "$2"; }

# One message by SMTP: BOX FROM TO SUBJECT [BODY]
send() {
	"$TOOLS/send" --to "$(addr "$1" smtp)" --from "$2" --rcpt "$3" --subject "$4" --body "${5:-Hello.}"
}
box_sendmail() {	# BOX ARGS: sendmail of that box
	local b=$1
	shift
	MAIL_CONFIG=$(etc "$b") "$SENDMAIL" "$@"
}

# --- helpers that run beside the box ---

# background NAME COMMAND: start it, wait for its "ready PORT" line, which lands in $work/NAME.port
background() {
	local name=$1 i
	shift
	"$@" >"$work/$name.out" 2>"$work/$name.err" &
	pids+=($!)
	echo $! >"$work/$name.pid"
	for i in $(seq 100); do
		grep -q '^ready' "$work/$name.out" && break
		sleep 0.1
	done
	awk '/^ready/ { print $2 }' "$work/$name.out" >"$work/$name.port"
	[ -s "$work/$name.port" ] || { fail "$name did not start"; cat "$work/$name.err"; exit 1; }
}
end_background() { kill "$(cat "$work/$1.pid")" 2>/dev/null; wait "$(cat "$work/$1.pid")" 2>/dev/null; }
sink() { local n=$1; shift; background "$n" "$TOOLS/sink" --dir "$work/$n" --rules "$work/$n.rules" "$@"; }
sink_count() { find "$work/$1" -name '*.eml' 2>/dev/null | wc -l; }
sink_has() { [ "$(sink_count "$1")" -eq "$2" ] || { echo "$(sink_count "$1") mails of $2"; false; }; }
dns() { local n=$1; shift; background "$n" "$TOOLS/dns" --log "$work/$n.log" "$@"; }
use_dns() {	# BOX DNS ZONE…: the box asks our server for these zones, and nobody for others
	local b=$1 p z list=
	p=$(cat "$work/$2.port")
	shift 2
	for z; do list="$list $z@127.0.0.1@$p"; done
	setting "$b" dnsd_stub_zones "$list"
	setting "$b" dnsd_insecure_zones "$*"
	setting "$b" dnsd_forwarders "127.0.0.1@$p"
}

at_end() { :; }	# a test's own clean-up, once its boxes have stopped
finish() {
	local status=$? b p
	trap - EXIT
	[ "$BASHPID" = "$test_pid" ] || exit $status	# a child that was ended between fork and exec
	for b in "${boxes[@]}"; do
		if running "$b"; then
			p=$(master_pid "$b")
			timeout 60 posthorn -c "$(etc "$b")" stop >/dev/null 2>&1
			kill -0 "$p" 2>/dev/null && kill -9 $(tree_of "$p") 2>/dev/null
		fi
		[ $bad -ne 0 ] && [ -n "${TEST_OUT:-}" ] && log_of "$b" >"$TEST_OUT/$test_name.$b.maillog"
	done
	for p in "${pids[@]}"; do kill "$p" 2>/dev/null; done
	for p in "${mounts[@]}"; do umount -l "$p" 2>/dev/null; done
	at_end
	[ ${#locks[@]} -gt 0 ] && rm -f "${locks[@]}"
	[ -n "${TEST_KEEP:-}" ] && echo "# kept: $work" || rm -rf "$work"
	[ $bad -ne 0 ] && exit 1
	exit $status
}
trap finish EXIT
trap 'exit 130' INT TERM
