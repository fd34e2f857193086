#!/bin/sh
# SPDX-License-Identifier: ISC
# Run a test program under valgrind; one that cannot be (a tool script) runs as it is.
case $1 in
*.sh) exec "$@" ;;
esac
exec valgrind --quiet --error-exitcode=99 --leak-check=no --track-origins=no "$@"
