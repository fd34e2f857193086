#!/bin/sh
# SPDX-License-Identifier: ISC
# manual - main.cf(5) describes the settings as postconf knows them.
postconf=../admin/postconf
[ -x "$postconf" ] || exit 77
exec "${srcdir:-.}/../man/settings" --check "$postconf" "${srcdir:-.}/../man/main.cf.5"
