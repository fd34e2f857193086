#!/bin/sh
# SPDX-License-Identifier: ISC
# Every folder of tests/wrong is a bad configuration and, in `want`, all that must be said about it.
here=$(cd "$(dirname "$0")" && pwd)
findings=${FINDINGS:-./tools/findings}
failed=0
count=0
temp=$(mktemp -d) || exit 1
trap 'rm -rf "$temp"' EXIT
for dir in "$here"/wrong/*/; do
	name=$(basename "$dir")
	count=$((count + 1))
	rm -rf "$temp/conf"
	mkdir "$temp/conf"
	cp "$here/wrong/master.cf" "$temp/conf/"
	cp "$dir"*.cf "$temp/conf/" 2>/dev/null
	chmod -R u+w "$temp/conf"
	"$findings" "$temp/conf" >"$temp/got" 2>&1 || { echo "$name: findings failed"; failed=1; }
	sort "$dir/want" >"$temp/want"
	sort "$temp/got" >"$temp/sorted"
	if ! diff -u "$temp/want" "$temp/sorted"; then
		echo "FAIL: $name"
		failed=1
	fi
done
echo "$count configurations"
exit $failed
