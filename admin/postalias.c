/* SPDX-License-Identifier: ISC */
/*
 * postalias - build and ask alias tables (aliases(5)).
 *
 * Runs as:  the caller; also started by newaliases (sendmail -bi).
 * Trusts:   its command line and the source file.
 * If taken over: is the caller.
 */
#include "admin/map_tool.h"

int
main(int argc, char **argv)
{
	static const struct map_tool postalias = { "postalias", SOURCE_ALIASES, ":\t" };

	return map_tool_main(&postalias, argc, argv);
}
