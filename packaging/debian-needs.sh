# SPDX-License-Identifier: ISC
# What Debian calls the things we need; read by check and quickstart.
# Each entry is PACKAGE, or PACKAGE:PROBE with a file or program that shows it is there.

need_build="autoconf automake make gcc libc6-dev:/usr/include/stdio.h pkg-config
	libevent-dev:/usr/include/event2/event.h libssl-dev:/usr/include/openssl/ssl.h
	libunbound-dev:/usr/include/unbound.h libcrypt-dev:/usr/include/crypt.h
	libseccomp-dev:/usr/include/seccomp.h libdb-dev:/usr/include/db.h python3"
need_test="check:/usr/include/check.h swaks libnet-ssleay-perl curl mutt fetchmail isync:mbsync offlineimap3:offlineimap
	pflogsumm fail2ban:fail2ban-regex procps:ps openssl"
need_long="clang valgrind:valgrind xz-utils:xz libclang-rt-14-dev strace
	libfuse3-dev:/usr/include/fuse3/fuse.h xfsprogs:mkfs.xfs btrfs-progs:mkfs.btrfs mount:losetup"

# Is this entry here?
need_have() {
	local probe=${1#*:}
	case $probe in
	/*) [ -e "$probe" ] ;;
	lib*) dpkg-query -W -f '${Status}' "$probe" 2>/dev/null | grep -q 'ok installed' ;;
	*) PATH=$PATH:/usr/sbin:/sbin command -v "$probe" >/dev/null ;;
	esac
}

# The packages of a list that are missing.
need_missing() {
	local entry
	for entry in $1; do
		need_have "$entry" || printf '%s ' "${entry%%:*}"
	done
}

# What root would type to install these packages; a fresh Debian has no package lists yet.
need_command() {
	echo "apt-get update && apt-get install --no-install-recommends $*"
}

# Install what is missing of a list, when we may; otherwise say what to do and fail.
need_install() {
	local missing
	missing=$(need_missing "$1")
	[ -n "$missing" ] || return 0
	if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
		echo "installing: $missing"
		# shellcheck disable=SC2086
		if { DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing ||
		    { apt-get update && DEBIAN_FRONTEND=noninteractive \
		    apt-get install -y --no-install-recommends $missing; }; } >/tmp/posthorn-apt.$$ 2>&1; then
			rm -f /tmp/posthorn-apt.$$
			return 0
		fi
		tail -n 5 /tmp/posthorn-apt.$$
		rm -f /tmp/posthorn-apt.$$
	fi
	echo "missing; as root:  $(need_command "$missing")"
	return 1
}
