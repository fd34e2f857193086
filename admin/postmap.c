/* SPDX-License-Identifier: ISC */
/*
 * postmap - build and ask lookup tables.
 *
 * Runs as:  the caller.
 * Trusts:   its command line and the source file.
 * If taken over: is the caller.
 */
#include "admin/map_tool.h"

int
main(int argc, char **argv)
{
	static const struct map_tool postmap = { "postmap", SOURCE_MAP, "\t" };

	return map_tool_main(&postmap, argc, argv);
}
