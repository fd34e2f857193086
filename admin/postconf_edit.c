/* SPDX-License-Identifier: ISC */
/* postconf_edit - main.cf: -e, -X, -#. */
#include "admin/edit.h"
#include "admin/postconf.h"
#include "base/panic.h"

/* The name a line sets. */
static struct str
name_of(struct str line)
{
	struct str name;

	if (str_chr(line, '=') < 0)
		return STR("");
	str_cut(&line, '=', &name);
	return str_trim(name);
}

/* Do to every line that sets `name` what is asked; the last one gets the new text. */
static void
change(struct edit *e, enum edit_kind kind, struct str name, struct str text)
{
	bool placed = false;

	for (size_t i = e->parts.n; i-- > 0; ) {
		struct edit_part *p = vec_at(&e->parts, i);

		if (p->line.n == 0 || !str_eq(name_of(p->line), name))
			continue;
		if (kind == EDIT_COMMENT)
			edit_comment(e, i);
		else if (kind == EDIT_REMOVE || placed)
			edit_replace(e, i, STR(""));
		else
			edit_replace(e, i, text);
		placed = true;
	}
	if (!placed && kind == EDIT_SET)
		edit_append(e, text);
}

int
edit_main(struct postconf *p)
{
	struct edit *e = edit_open(pool_printf(p->pool, "%s/main.cf", p->dir).p, true);

	for (char **arg = p->names; *arg != NULL; arg++) {
		struct str value = str_of(*arg), name;

		if (strpbrk(*arg, "\r\n") != NULL)
			fatal("a value of several lines: \"%s\"", *arg);
		if (p->edit == EDIT_SET && strchr(*arg, '=') == NULL)
			fatal("missing = after \"%s\"", *arg);
		if (p->edit != EDIT_SET && strchr(*arg, '=') != NULL)
			fatal("-X and -# take names only: \"%s\"", *arg);
		str_cut(&value, '=', &name);
		name = str_trim(name);
		value = str_trim(value);
		if (name.n == 0)
			fatal("no name in \"%s\"", *arg);
		change(e, p->edit, name, pool_printf(p->pool, value.n > 0 ? "%.*s = %.*s" :
		    "%.*s =%.*s", STR_ARG(name), STR_ARG(value)));
	}
	edit_save(e);
	edit_free(e);
	return 0;
}
