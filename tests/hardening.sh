#!/bin/sh
# SPDX-License-Identifier: ISC
# hardening - every program of the build is position independent, has its relocations read-only
# before main, no executable stack, stack protector, FORTIFY and CET, as configure promises.
# usage: hardening.sh (in the tests folder of a build tree, or with top_builddir set)
top=${top_builddir:-..}
command -v readelf >/dev/null || { echo "readelf is missing"; exit 77; }
grep -q '^#define WITH_SANITIZER' "$top/config.h" && { echo "a sanitizer build"; exit 77; }

# What was asked for: a compiler or CFLAGS without it is not our programs' fault.
cflags=$(sed -n 's/^HARDEN_CFLAGS = //p' "$top/Makefile")
asked() { case " $cflags " in *" $1 "*) true ;; *) false ;; esac }

bad=0 seen=0 objects=0
fault() { echo "${program#"$top"/}: $1"; bad=1; }

for program in "$top"/*/*; do
	[ -f "$program" ] && [ -x "$program" ] || continue
	case $program in "$top"/tests/*|*.sh) continue ;; esac
	all=$(readelf -W -h -l -d -n --dyn-syms "$program" 2>/dev/null) || continue
	case $all in *'Type: '*) ;; *) continue ;; esac
	seen=$((seen + 1))
	has() { printf '%s\n' "$all" | grep -Eq -- "$1"; }
	has '^ *Type: +DYN' || fault "not position independent"
	has '^ *GNU_RELRO' || fault "no RELRO"
	has '\(FLAGS_1\).*NOW|\(BIND_NOW\)' || fault "relocations are not bound at start"
	has '^ *GNU_STACK .* RW ' || fault "executable stack"
	has '^ *LOAD .* RWE ' && fault "a segment that is both writable and executable"
	has '\((RPATH|RUNPATH)\)' && fault "a library path of its own"
	if asked -fstack-protector-strong && ! has '__stack_chk_fail'; then fault "no stack protector"; fi
	if asked -D_FORTIFY_SOURCE=2 && ! has ' __[a-z]*_chk(@| |$)'; then fault "no FORTIFY"; fi
done

# CET: Debian 12's own crt1.o lacks the mark, and with it every program linked there; ours have it
# as far as they are ours.
if asked -fcf-protection && [ "$(uname -m)" = x86_64 ]; then
	for object in "$top"/*/*.o "$top"/lib/*/*.o; do
		objects=$((objects + 1))
		mark=$(readelf -W -n "$object" 2>/dev/null)
		case $mark in *'x86 feature:'*IBT*SHSTK*) ;; *) echo "$object: no CET"; bad=1 ;; esac
	done
	[ $objects -gt 100 ] || { echo "only $objects objects found"; bad=1; }
fi
[ $seen -gt 20 ] || { echo "only $seen programs found"; bad=1; }
echo "$seen programs, $objects objects"
exit $bad
