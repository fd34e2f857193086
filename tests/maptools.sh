#!/bin/sh
# SPDX-License-Identifier: ISC
# postmap, postalias and postconf as people call them.
bin=${ADMIN:-../admin}
case $bin in /*) ;; *) bin=$(cd "$bin" && pwd) ;; esac
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
MAIL_CONFIG=$dir
export MAIL_CONFIG
failed=0
n=0

# is WHAT WANT COMMAND...: the command prints WANT
is() {
	what=$1 want=$2
	shift 2
	n=$((n + 1))
	got=$("$@" 2>&1)
	[ "$got" = "$want" ] && return
	echo "FAIL: $what: got: $got"
	echo "  want: $want"
	failed=1
}

# status WHAT WANT COMMAND...: it ends with this exit status
status() {
	what=$1 want=$2
	shift 2
	n=$((n + 1))
	"$@" >/dev/null 2>&1
	got=$?
	[ $got = "$want" ] && return
	echo "FAIL: $what: exit status $got, want $want"
	failed=1
}

cat >main.cf <<'END'
# a comment
myhostname = mx.example.test
mydestination = $myhostname,
# in between
   localhost
relayhost =
END
cat >master.cf <<'END'
# services
smtp      inet  n       -       y       -       -       smtpd
submission inet n       -       y       -       -       smtpd
  -o syslog_name=postfix/submission
  -o { mynetworks = 127.0.0.0/8, [::1]/128 }
qmgr fifo n - - 300? 1 qmgr
END
printf 'A@b one two\n\tthree\nc d\na@b again\nbroken\n' >map
printf 'Root: alice\n"a b": c, d\n' >aliases

types=$("$bin/postconf" -m | tr '\n' ' ')
is types-have-texthash yes sh -c "case ' $types ' in *' texthash '*) echo yes;; esac"
is texthash-query "one two	three" "$bin/postmap" -q a@b texthash:map
is texthash-alias alice "$bin/postalias" -q root texthash:aliases
status texthash-absent 1 "$bin/postmap" -q x texthash:map
status texthash-build 0 "$bin/postmap" texthash:map
status no-source 1 "$bin/postmap" texthash:none
status no-arguments 1 "$bin/postmap"
is inline 2 "$bin/postmap" -q b 'inline:{a=1,b=2}'
is many-keys "c	d" sh -c "(printf 'x\n'; sleep 0.1; printf 'c\n') | '$bin/postmap' -q - texthash:map"

case " $types " in *" hash "*)
	for type in hash btree; do
		is "$type-build" "postmap: warning: $dir/map, line 4: duplicate entry: \"a@b\"
postmap: warning: $dir/map, line 5: want \`key value\`; skipped" "$bin/postmap" $type:map
		is "$type-query" "one two	three" "$bin/postmap" -q A@B $type:map
		status "$type-incremental" 0 sh -c "echo 'E f' | '$bin/postmap' -i $type:map"
		is "$type-added" f "$bin/postmap" -q e $type:map
		is "$type-kept" d "$bin/postmap" -q c $type:map
		status "$type-delete" 0 "$bin/postmap" -d e $type:map
		status "$type-deleted" 1 "$bin/postmap" -q e $type:map
		status "$type-delete-absent" 1 "$bin/postmap" -d e $type:map
		is "$type-list" "a@b	one two	three
c	d" sh -c "'$bin/postmap' -s $type:map | sort"
		is "$type-replace" "postmap: warning: $dir/map, line 5: want \`key value\`; skipped" \
		    "$bin/postmap" -r $type:map
		is "$type-replaced" again "$bin/postmap" -q a@b $type:map
		status "$type-aliases" 0 "$bin/postalias" $type:aliases
		is "$type-alias-list" "a b:	c, d
root:	alice" sh -c "'$bin/postalias' -s $type:aliases | sort"
	done
	is nothing-left "aliases aliases.db main.cf map map.db master.cf" \
	    sh -c 'echo $(ls)'
	;;
esac

is set "mydestination = \$myhostname, localhost
myhostname = mx.example.test
relayhost =" "$bin/postconf" -n
is expanded "mx.example.test, localhost" "$bin/postconf" -hx mydestination
is default "mydestination = \$myhostname, localhost.\$mydomain, localhost" \
    "$bin/postconf" -d mydestination
# Defaults need no main.cf, nor one that can be read, and none changes them.
"$bin/postconf" -d >"$dir.d" 2>&1
mv main.cf main.kept
status default-without 0 "$bin/postconf" -d
is default-without-name "hopcount_limit = 50" "$bin/postconf" -d hopcount_limit
is default-without-folder "" sh -c "'$bin/postconf' -c /nonexistent -d 2>&1 | diff - '$dir.d' | grep -v config_directory |
    grep '^[<>]'"
is default-without-expanded "localhost:" sh -c "'$bin/postconf' -dx -o myhostname=localhost -h mydestination | sed 's/,.*/:/'"
is set-without "postconf: fatal: open $dir/main.cf: No such file or directory" "$bin/postconf" -n
mkdir main.cf
is default-unreadable "" sh -c "'$bin/postconf' -d 2>&1 | diff - '$dir.d'"
rmdir main.cf
mv main.kept main.cf
rm "$dir.d"
is unknown "postconf: warning: mydestinatoin: unknown parameter; is mydestination meant?" \
    "$bin/postconf" mydestinatoin
is services "smtp       inet  n       -       y       -       -       smtpd
submission inet  n       -       y       -       -       smtpd -o syslog_name=postfix/submission -o {mynetworks=127.0.0.0/8, [::1]/128}
qmgr       fifo  n       -       -       300?    1       qmgr" "$bin/postconf" -M
is field "submission/inet/chroot = y" "$bin/postconf" -F submission/inet/chroot
is override "submission/inet/syslog_name = postfix/submission" \
    "$bin/postconf" -P submission/inet/syslog_name
status edit 0 "$bin/postconf" -e 'mydestination = a.test' 'mynetworks=10.0.0.0/8'
status comment 0 "$bin/postconf" -# relayhost
is edited "# a comment
myhostname = mx.example.test
mydestination = a.test
#relayhost =
mynetworks = 10.0.0.0/8" cat main.cf
status remove 0 "$bin/postconf" -X mynetworks
is removed "" "$bin/postconf" -n mynetworks
status services-edit 0 "$bin/postconf" -Me 'x/unix=x unix - - n - 3 smtp -o a=b'
status services-remove 0 "$bin/postconf" -MX submission/inet
status services-comment 0 "$bin/postconf" -M# qmgr/fifo
status override-edit 0 "$bin/postconf" -Pe 'smtp/inet/hopcount_limit=5' 'x/unix/a=c d'
status field-edit 0 "$bin/postconf" -Fe smtp/inet/chroot=n
is services-edited "# services
smtp       inet  n       -       n       -       -       smtpd
    -o hopcount_limit=5
#qmgr fifo n - - 300? 1 qmgr
x          unix  -       -       n       -       3       smtp
    -o {a=c d}" cat master.cf
status field-of-all 0 "$bin/postconf" -F '*/*/chroot = y'
is field-of-all-edited "smtp/inet/chroot = y
x/unix/chroot = y" "$bin/postconf" -F '*/*/chroot'
status no-value-lines 1 "$bin/postconf" -e 'a=b
c=d'
is manual yes sh -c "'$bin/postconf' --man | grep -q '^.It Ic myhostname' && echo yes"

echo "$n checks"
exit $failed
