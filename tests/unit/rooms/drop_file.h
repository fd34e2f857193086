/* SPDX-License-Identifier: ISC */
/*
 * drop_file - read and write files of maildrop/ in tests (wire/drop.h).
 */
#ifndef ROOMS_DROP_FILE_H
#define ROOMS_DROP_FILE_H

#include <stdio.h>

#include "unit/unit.h"
#include "wire/drop.h"

/* The whole of `path`; false when it is no sound maildrop file. */
static inline bool
drop_file_read(const char *path, struct pool *p, struct drop *d, struct buf *content)
{
	struct buf all = { .p = NULL };
	char bytes[4096], type;
	FILE *f = fopen(path, "r");
	struct str rest;
	uint32_t n;
	size_t got;
	bool ended = false;

	if (f == NULL)
		return false;
	while ((got = fread(bytes, 1, sizeof(bytes), f)) > 0)
		buf_add(&all, str_n(bytes, got));
	(void)fclose(f);
	rest = pool_str(p, buf_str(&all));
	buf_free(&all);
	if (!str_start(rest, STR(DROP_MAGIC)))
		return false;
	rest = str_sub(rest, DROP_MAGIC_N, rest.n);
	while (rest.n > DROP_HEAD && !ended) {
		struct str data;

		if (!drop_head_parse(rest.p, &type, &n))
			return false;
		data = str_sub(rest, DROP_HEAD, n);
		rest = str_sub(rest, DROP_HEAD + n, rest.n);
		if (type == DROP_ENVELOPE && !ipc_unpack(data, &drop_msg, d, NULL, 0, p))
			return false;
		if (type == DROP_CONTENT)
			buf_add(content, data);
		ended = type == DROP_END && drop_total_parse(data.p) == content->n;
	}
	return ended && rest.n == 0;
}

/* Append such a file; `wrong`: 1 no end mark, 2 another total. */
static inline void
drop_file_write(struct buf *b, const struct drop *d, struct str content, int wrong)
{
	struct buf packed = { .p = NULL };
	char head[DROP_HEAD], total[8];
	size_t nfds = 0;

	ck_assert(ipc_pack(&packed, &drop_msg, d, NULL, &nfds));
	buf_addz(b, DROP_MAGIC);
	drop_head(head, DROP_ENVELOPE, (uint32_t)packed.n);
	buf_add(b, str_n(head, sizeof(head)));
	buf_add(b, buf_str(&packed));
	if (content.n > 0) {
		drop_head(head, DROP_CONTENT, (uint32_t)content.n);
		buf_add(b, str_n(head, sizeof(head)));
		buf_add(b, content);
	}
	if (wrong != 1) {
		drop_head(head, DROP_END, 8);
		drop_total(total, content.n + (wrong == 2));
		buf_add(b, str_n(head, sizeof(head)));
		buf_add(b, str_n(total, sizeof(total)));
	}
	buf_free(&packed);
}

#endif
