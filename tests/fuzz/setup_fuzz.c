/* SPDX-License-Identifier: ISC */
/*
 * setup_fuzz - dnsd's lists as libunbound's configuration: no word of them becomes a line of its own
 * or ends its quotes.  A line is one member; its first byte says of which list: f forwarders, s stub
 * zones, a anchors, i insecure zones.
 */
#include "base/panic.h"
#include "base/pool.h"
#include "dnsd/setup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MEMBERS	20

static void
add(struct strs *list, struct str s)
{
	if (list->n < MEMBERS)
		list->v[list->n++] = s;
}

/* Every line is one we write: a key, and a value without control bytes in at most one pair of quotes. */
static void
check(struct str text)
{
	static const char *const keys[] = { " domain-insecure: \"", " trust-anchor: \"", "stub-zone:",
		" name: \"", " stub-addr: ", "forward-zone:", " forward-addr: " };
	struct str line;

	while (str_cut(&text, '\n', &line)) {
		unsigned quotes = 0;
		size_t i = 0;

		while (i < sizeof(keys) / sizeof(keys[0]) && !str_start(line, str_of(keys[i])))
			i++;
		ASSERT(i < sizeof(keys) / sizeof(keys[0]));
		for (i = 0; i < line.n; i++) {
			ASSERT(ch_print(line.p[i]));
			quotes += line.p[i] == '"';
		}
		ASSERT(quotes == 0 || (quotes == 2 && str_end(line, STR("\""))));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = str_n(data, size), line, room[4][MEMBERS], bad = STR("");
	struct dnsd_conf c = { .anchor_file = "", .forwarders = { room[0], 0 },
		.stub_zones = { room[1], 0 }, .anchors = { room[2], 0 }, .insecure_zones = { room[3], 0 } };
	struct strs *lists[] = { &c.forwarders, &c.stub_zones, &c.anchors, &c.insecure_zones };
	struct buf none = { .p = NULL }, out = { .p = NULL };
	struct dnsd_conf empty = { .anchor_file = "" };
	struct pool *p = pool_new();
	const char *why = NULL;

	while (str_cut(&rest, '\n', &line)) {
		ptrdiff_t at = line.n > 0 ? str_chr(STR("fsai"), line.p[0]) : -1;

		if (at >= 0)
			add(lists[at], pool_str(p, str_sub(line, 1, line.n)));
	}
	ASSERT(setup_text(&none, &empty, &why, &bad));
	if (setup_text(&out, &c, &why, &bad)) {
		ASSERT(str_start(buf_str(&out), buf_str(&none)));
		check(str_sub(buf_str(&out), none.n, out.n));
	} else {
		ASSERT(why != NULL);
	}
	buf_free(&none);
	buf_free(&out);
	pool_free(p);
	return 0;
}
