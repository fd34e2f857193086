/* SPDX-License-Identifier: ISC */
/*
 * edit_fuzz - postconf's editor: its parts are the whole file, their lines those that the programs
 * read (conf/lines.h), and a change leaves all other lines what they were.
 */
#include "admin/edit.h"
#include "base/panic.h"
#include "conf/lines.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A logical line for comparison: how its parts were joined does not count. */
static void
squeeze(struct buf *out, struct str line)
{
	for (size_t i = 0; i < line.n; i++)
		if (!ch_space(line.p[i]))
			buf_addc(out, line.p[i]);
	buf_addc(out, '\n');
}

static void
whole(struct buf *out, const struct edit *e)
{
	for (size_t i = 0; i < e->parts.n; i++)
		buf_add(out, ((struct edit_part *)vec_at(&e->parts, i))->text);
}

/* The lines of a text as programs see them. */
static void
seen(struct buf *out, struct str text)
{
	struct lines in = lines_of(text);
	struct buf line = { .p = NULL };
	unsigned at;

	while (lines_next(&in, &line, &at))
		squeeze(out, buf_str(&line));
	buf_free(&line);
}

/* The same by the editor, without part `but`. */
static void
listed(struct buf *out, const struct edit *e, size_t but)
{
	for (size_t i = 0; i < e->parts.n; i++) {
		const struct edit_part *p = vec_at(&e->parts, i);

		ASSERT(p->text.n > 0);
		if (i != but && p->line.n > 0)
			squeeze(out, p->line);
	}
}

static void
expect(struct edit *e, const struct buf *want, const char *more)
{
	struct buf text = { .p = NULL }, got = { .p = NULL }, all = { .p = NULL };

	whole(&text, e);
	seen(&got, buf_str(&text));
	buf_add(&all, buf_str(want));
	buf_addz(&all, more);
	ASSERT(str_eq(buf_str(&got), buf_str(&all)));
	buf_free(&text);
	buf_free(&got);
	buf_free(&all);
}

/* Which part holds a line; parts.n when none does. */
static size_t
first_line(const struct edit *e)
{
	size_t i = 0;

	while (i < e->parts.n && ((struct edit_part *)vec_at(&e->parts, i))->line.n == 0)
		i++;
	return i;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct edit *e = edit_of_text(str_n(data, size));
	struct buf text = { .p = NULL }, want = { .p = NULL };
	size_t i = first_line(e);

	whole(&text, e);
	ASSERT(str_eq(buf_str(&text), str_n(data, size)));
	listed(&want, e, e->parts.n);
	expect(e, &want, "");
	edit_append(e, STR("added = x"));
	expect(e, &want, "added=x\n");
	if (i < e->parts.n) {
		buf_reset(&want);
		listed(&want, e, i);
		edit_comment(e, i);
		expect(e, &want, "");
	}
	buf_free(&text);
	buf_free(&want);
	edit_free(e);
	return 0;
}
