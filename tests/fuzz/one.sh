#!/bin/sh
# SPDX-License-Identifier: ISC
# Fuzz one parser for a while: one.sh SEEDS SECONDS fuzz/X_fuzz.  What it found is in corpus/X-*, what it
# said in corpus/X.log.
name=$(basename "$3" _fuzz)
mkdir -p "corpus/$name"
if "./$3" -max_total_time="$2" -timeout=20 -rss_limit_mb=2048 -verbosity=0 \
    -artifact_prefix="corpus/$name-" "corpus/$name" "$1/$name" >"corpus/$name.log" 2>&1; then
	echo "fuzz: $name: nothing in $2 s"
else
	tail -40 "corpus/$name.log"
	echo "fuzz: $name: FAILED; see corpus/$name.log"
	exit 1
fi
