/* SPDX-License-Identifier: ISC */
/* map_tool - what postmap and postalias have in common: everything but the format. */
#ifndef ADMIN_MAP_TOOL_H
#define ADMIN_MAP_TOOL_H

#include "table/source.h"

struct map_tool {
	const char *name;
	enum source_kind kind;
	const char *gap;	/* between key and value where both are printed */
};

/* The whole command; gives the exit status. */
int map_tool_main(const struct map_tool *tool, int argc, char **argv);

#endif
