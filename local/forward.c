/* SPDX-License-Identifier: ISC */
/*
 * forward - see forward.h.
 *
 *	file   = *( line LF )
 *	line   = *WSP "#" *any / [ entry *( "," entry ) ]
 *	entry  = "\" name / address / DQUOTE special DQUOTE / special
 *	special= ( "|" command ) / ( "/" file ) / ":include:" file	; not done here
 */
#include "local/forward.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/vec.h"
#include "io/file.h"
#include "mail/address.h"

static enum forward_result
refuse(struct pool *pool, struct str *why, const char *name, const char *text)
{
	*why = pool_printf(pool, "%s %s", name, text);
	return FORWARD_REFUSED;
}

/* Why the file is not to be believed, or NULL. */
static const char *
distrust(const struct stat *st, uid_t uid)
{
	if (!S_ISREG(st->st_mode))
		return "is not a regular file";
	if (st->st_uid != uid && st->st_uid != 0)
		return "belongs to another user";
	if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return "can be written by others";
	if (st->st_nlink != 1)
		return "has more than one name";
	if (st->st_size > FORWARD_BYTES)
		return "is too large";
	return NULL;
}

enum forward_result
forward_read(int home, const char *name, uid_t uid, struct pool *pool, struct str *text,
    struct str *why)
{
	int fd = openat(home, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct buf data = { .limit = 2 * FORWARD_BYTES };
	enum forward_result r = FORWARD_OK;
	const char *bad;
	struct stat st;

	if (fd < 0) {
		if (errno == ENOENT)
			return FORWARD_NONE;
		return refuse(pool, why, name, errno == ELOOP ? "is a symbolic link" : strerror(errno));
	}
	if (fstat(fd, &st) != 0)
		r = refuse(pool, why, name, strerror(errno));
	else if ((bad = distrust(&st, uid)) != NULL)
		r = refuse(pool, why, name, bad);
	else if (!file_read(fd, FORWARD_BYTES, &data))
		r = refuse(pool, why, name, strerror(errno));
	if (r == FORWARD_OK)
		*text = pool_str(pool, buf_str(&data));
	buf_free(&data);
	close(fd);
	return r;
}

/* Cut the next entry: up to a comma or line end outside quotes.  False at the end. */
static bool
next_entry(struct str *rest, struct str *entry)
{
	bool quoted = false;
	size_t i;

	if (rest->n == 0)
		return false;
	for (i = 0; i < rest->n; i++) {
		char c = rest->p[i];

		if (c == '\n' || (c == ',' && !quoted))
			break;
		if (c == '\\' && quoted && i + 1 < rest->n)
			i++;
		else if (c == '"')
			quoted = !quoted;
	}
	if (i > rest->n)
		i = rest->n;
	*entry = str_trim(str_sub(*rest, 0, i));
	*rest = str_sub(*rest, i + 1, rest->n);
	return true;
}

/* Comment lines out, so that a comma in one means nothing. */
static struct str
without_comments(struct pool *pool, struct str text)
{
	struct buf out = { .limit = 2 * FORWARD_BYTES };
	struct str line, kept;

	while (str_cut(&text, '\n', &line)) {
		if (!str_start(str_trim(line), STR("#")))
			buf_add(&out, line);
		buf_addc(&out, '\n');
	}
	kept = pool_str(pool, buf_str(&out));
	buf_free(&out);
	return kept;
}

/* What an entry asks for that is not done here, or NULL. */
static const char *
special(struct str entry)
{
	struct str s = entry;

	if (s.n >= 2 && s.p[0] == '"')
		s = str_trim(str_sub(s, 1, s.n - 1));
	if (str_start(s, STR("|")))
		return "commands are not run yet";
	if (str_start(s, STR("/")))
		return "delivery to files is not done yet";
	if (str_istart(s, STR(":include:")))
		return ":include: is not allowed";
	return NULL;
}

static bool
is_self(const struct forward_self *self, const struct address *a, struct str text)
{
	struct str local = a->local;

	if (str_ieq(text, self->rcpt))
		return true;
	if (!str_ieq(local, self->login))
		return false;
	return a->domain.n == 0 || self->local_domain(a->domain);
}

static void
add_address(struct vec *to, struct str text)
{
	for (size_t i = 0; i < to->n; i++)
		if (str_ieq(*(struct str *)vec_at(to, i), text))
			return;
	*(struct str *)vec_push(to) = text;
}

/* One address entry; false when it cannot be read. */
static bool
take_entry(struct str entry, const struct forward_self *self, struct pool *pool,
    struct forward *out, struct vec *to)
{
	struct vec list = vec_of(sizeof(struct mailbox));
	bool ok;

	if (entry.p[0] == '\\')
		entry = str_sub(entry, 1, entry.n);
	ok = entry.n > 0 && mailbox_list(entry, pool, &list);
	for (size_t i = 0; ok && i < list.n; i++) {
		const struct mailbox *m = vec_at(&list, i);
		struct str text;

		if (m->kind != MAILBOX_ADDRESS)
			continue;
		if (m->broken || m->address.local.n == 0) {
			ok = false;
			break;
		}
		text = address_text(pool, &m->address);
		if (is_self(self, &m->address, text)) {
			out->here = true;
			continue;
		}
		if (m->address.domain.n == 0)
			text = pool_printf(pool, "%.*s@%.*s", STR_ARG(text), STR_ARG(self->origin));
		add_address(to, text);
	}
	vec_free(&list);
	return ok;
}

enum forward_result
forward_parse(struct str text, const struct forward_self *self, struct pool *pool,
    struct forward *out, struct str *why)
{
	struct vec to = vec_of(sizeof(struct str));
	enum forward_result r = FORWARD_OK;
	struct str rest = without_comments(pool, text), entry;
	const char *no;

	*out = (struct forward){ false, { NULL, 0 } };
	while (r == FORWARD_OK && next_entry(&rest, &entry)) {
		if (entry.n == 0)
			continue;
		if ((no = special(entry)) != NULL)
			r = refuse(pool, why, ".forward:", no);
		else if (memchr(entry.p, '\0', entry.n) != NULL ||
		    !take_entry(entry, self, pool, out, &to))
			r = refuse(pool, why, ".forward:", "an entry is no mail address");
		else if (to.n > FORWARD_MAX)
			r = refuse(pool, why, ".forward:", "too many addresses");
	}
	if (r == FORWARD_OK) {
		out->here = out->here || to.n == 0;
		out->to.v = pool_array(pool, to.n, sizeof(struct str));
		out->to.n = to.n;
		if (to.n > 0)
			memcpy(out->to.v, to.p, to.n * sizeof(struct str));
	}
	vec_free(&to);
	return r;
}
