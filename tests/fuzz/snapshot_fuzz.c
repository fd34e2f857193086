/* SPDX-License-Identifier: ISC */
/*
 * snapshot_fuzz - the configuration that master hands over: what is taken lies inside the bytes, and
 * written again it is the same bytes.
 */
#include <stdlib.h>
#include <unistd.h>

#include "base/panic.h"
#include "conf/internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every file that was taken views the bytes and is found by its name: the first of that name. */
static void
check_files(struct conf *c, struct str all)
{
	for (size_t i = 0; i < c->sources.n; i++) {
		const struct conf_source *s = vec_at(&c->sources, i);
		struct str path = pool_str(c->pool, s->path), text;

		ASSERT(s->path.p >= all.p && s->path.n <= (size_t)(all.p + all.n - s->path.p));
		ASSERT(s->text.p >= all.p && s->text.n <= (size_t)(all.p + all.n - s->text.p));
		if (i < 10 && str_chr(path, '\0') < 0) {
			ASSERT(conf_source(c, path.p, 1, &text));
			ASSERT(text.p <= s->text.p);
		}
	}
}

static void
check_same(const struct conf *c, struct str all)
{
	char *again = malloc(all.n + 1);
	int fd = conf_snapshot(c);

	ASSERT(fd >= 0 && again != NULL);
	ASSERT(pread(fd, again, all.n + 1, 0) == (ssize_t)all.n);
	ASSERT(str_eq(str_n(again, all.n), all));
	free(again);
	(void)close(fd);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conf *c = conf_of_text("/nonexistent", STR(""), NULL);
	struct str all = str_n(data, size);

	vec_reset(&c->sources);
	if (snapshot_take(c, all))
		check_same(c, all);
	check_files(c, all);
	conf_free(c);
	return 0;
}
