/* SPDX-License-Identifier: ISC */
/*
 * The packed form: u16 id, then each field in row order.  U64: 8 bytes.  BOOL: 1.  STR, TEXT: u32
 * count and bytes.  STRS: u32 how many, then each like STR.  LIST: u32 how many, then the rows of
 * each.
 * STRUCT: its rows.  FD: 1 byte, 1 when a descriptor travels along.  All numbers little-endian.
 */
#include "ipc/message.h"

#include "base/panic.h"
#include "base/scan.h"

/* Walking rows over one struct; what each walk carries. */
struct packer {
	struct buf *out;
	int *fds;
	size_t *nfds;
};

struct unpacker {
	const unsigned char *p;
	size_t left;
	const int *fds;
	size_t nfds;
	size_t used;
	struct pool *pool;
};

static void
put(struct buf *out, uint64_t v, unsigned bytes)
{
	char b[8];

	for (unsigned i = 0; i < bytes; i++)
		b[i] = (char)(v >> (8 * i));
	buf_add(out, str_n(b, bytes));
}

static bool
get(struct unpacker *u, unsigned bytes, uint64_t *out)
{
	uint64_t v = 0;

	if (u->left < bytes)
		return false;
	for (unsigned i = 0; i < bytes; i++)
		v |= (uint64_t)u->p[i] << (8 * i);
	u->p += bytes;
	u->left -= bytes;
	*out = v;
	return true;
}

/* TEXT holds no byte that could ever end a line. */
static bool
text_ok(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '\0' || s.p[i] == '\r' || s.p[i] == '\n')
			return false;
	return true;
}

static bool
pack_str(struct buf *out, struct str s, uint64_t limit, bool text)
{
	if (s.n > limit || (text && !text_ok(s)))
		return false;
	put(out, s.n, 4);
	buf_add(out, s);
	return true;
}

static bool
pack_rows(struct packer *k, const struct ipc_field *f, const char *at)
{
	for (; f->type != IPC_TYPE_END; f++) {
		const void *field = at + f->offset;
		const struct strs *strs = field;
		const struct ipc_list *list = field;

		switch (f->type) {
		case IPC_TYPE_U64:
			if (*(const uint64_t *)field > f->limit)
				return false;
			put(k->out, *(const uint64_t *)field, 8);
			break;
		case IPC_TYPE_BOOL:
			put(k->out, *(const bool *)field, 1);
			break;
		case IPC_TYPE_STR:
		case IPC_TYPE_TEXT:
			if (!pack_str(k->out, *(const struct str *)field, f->limit,
			    f->type == IPC_TYPE_TEXT))
				return false;
			break;
		case IPC_TYPE_STRS:
			if (strs->n > f->limit)
				return false;
			put(k->out, strs->n, 4);
			for (size_t i = 0; i < strs->n; i++)
				if (!pack_str(k->out, strs->v[i], f->each, false))
					return false;
			break;
		case IPC_TYPE_LIST:
			if (list->n > f->limit)
				return false;
			put(k->out, list->n, 4);
			for (size_t i = 0; i < list->n; i++)
				if (!pack_rows(k, f->sub, (const char *)list->v + i * f->each))
					return false;
			break;
		case IPC_TYPE_STRUCT:
			if (!pack_rows(k, f->sub, field))
				return false;
			break;
		case IPC_TYPE_FD:
			put(k->out, *(const int *)field >= 0, 1);
			if (*(const int *)field < 0)
				break;
			if (*k->nfds >= IPC_FDS)
				return false;
			k->fds[(*k->nfds)++] = *(const int *)field;
			break;
		case IPC_TYPE_END:
			break;
		}
	}
	return true;
}

bool
ipc_pack(struct buf *out, const struct ipc_msg *m, const void *msg, int *fds, size_t *nfds)
{
	struct packer k = { out, fds, nfds };
	size_t before = out->n, fds_before = *nfds;

	put(out, m->id, 2);
	if (pack_rows(&k, m->fields, msg) && buf_ok(out))
		return true;
	out->n = before;
	*nfds = fds_before;
	return false;
}

static bool
unpack_str(struct unpacker *u, uint64_t limit, bool text, struct str *out)
{
	uint64_t n;

	if (!get(u, 4, &n) || n > limit || n > u->left)
		return false;
	*out = str_n(u->p, (size_t)n);
	u->p += n;
	u->left -= (size_t)n;
	return !text || text_ok(*out);
}

/* A count of things that each take `least` bytes: refused before memory is taken for it. */
static bool
unpack_count(struct unpacker *u, uint64_t limit, size_t least, size_t *n)
{
	uint64_t v;

	if (!get(u, 4, &v) || v > limit || v > u->left / least)
		return false;
	*n = (size_t)v;
	return true;
}

static bool
unpack_rows(struct unpacker *u, const struct ipc_field *f, char *at)
{
	for (; f->type != IPC_TYPE_END; f++) {
		void *field = at + f->offset;
		struct strs *strs = field;
		struct ipc_list *list = field;
		uint64_t v;

		switch (f->type) {
		case IPC_TYPE_U64:
			if (!get(u, 8, &v) || v > f->limit)
				return false;
			*(uint64_t *)field = v;
			break;
		case IPC_TYPE_BOOL:
			if (!get(u, 1, &v) || v > 1)
				return false;
			*(bool *)field = v == 1;
			break;
		case IPC_TYPE_STR:
		case IPC_TYPE_TEXT:
			if (!unpack_str(u, f->limit, f->type == IPC_TYPE_TEXT, field))
				return false;
			break;
		case IPC_TYPE_STRS:
			if (!unpack_count(u, f->limit, 4, &strs->n))
				return false;
			strs->v = pool_array(u->pool, strs->n, sizeof(struct str));
			for (size_t i = 0; i < strs->n; i++)
				if (!unpack_str(u, f->each, false, &strs->v[i]))
					return false;
			break;
		case IPC_TYPE_LIST:
			if (!unpack_count(u, f->limit, 1, &list->n))
				return false;
			list->v = pool_array(u->pool, list->n, f->each);
			for (size_t i = 0; i < list->n; i++)
				if (!unpack_rows(u, f->sub, (char *)list->v + i * f->each))
					return false;
			break;
		case IPC_TYPE_STRUCT:
			if (!unpack_rows(u, f->sub, field))
				return false;
			break;
		case IPC_TYPE_FD:
			if (!get(u, 1, &v) || v > 1 || (v == 1 && u->used == u->nfds))
				return false;
			*(int *)field = v == 1 ? u->fds[u->used++] : -1;
			break;
		case IPC_TYPE_END:
			break;
		}
	}
	return true;
}

bool
ipc_unpack(struct str data, const struct ipc_msg *m, void *msg, const int *fds, size_t nfds,
    struct pool *pool)
{
	struct unpacker u = { (const unsigned char *)data.p, data.n, fds, nfds, 0, pool };
	uint64_t id;

	memset(msg, 0, m->size);
	return get(&u, 2, &id) && id == m->id && unpack_rows(&u, m->fields, msg) &&
	    u.left == 0 && u.used == nfds;
}

static void
dump_str(struct buf *out, struct str s)
{
	buf_addc(out, '"');
	for (size_t i = 0; i < s.n && i < 200; i++)
		if (ch_print(s.p[i]) && s.p[i] != '"' && s.p[i] != '\\')
			buf_addc(out, s.p[i]);
		else
			buf_addf(out, "\\x%02x", (unsigned char)s.p[i]);
	buf_addz(out, s.n > 200 ? "\"..." : "\"");
}

static void
dump_rows(struct buf *out, const struct ipc_field *f, const char *at)
{
	for (; f->type != IPC_TYPE_END; f++) {
		const void *field = at + f->offset;
		const struct strs *strs = field;
		const struct ipc_list *list = field;

		buf_addf(out, " %s=", f->name);
		switch (f->type) {
		case IPC_TYPE_U64:
			buf_addf(out, "%llu", (unsigned long long)*(const uint64_t *)field);
			break;
		case IPC_TYPE_BOOL:
			buf_addz(out, *(const bool *)field ? "yes" : "no");
			break;
		case IPC_TYPE_STR:
		case IPC_TYPE_TEXT:
			dump_str(out, *(const struct str *)field);
			break;
		case IPC_TYPE_STRS:
			for (size_t i = 0; i < strs->n; i++) {
				buf_addz(out, i == 0 ? "" : ",");
				dump_str(out, strs->v[i]);
			}
			break;
		case IPC_TYPE_LIST:
			for (size_t i = 0; i < list->n; i++) {
				buf_addz(out, "{");
				dump_rows(out, f->sub, (const char *)list->v + i * f->each);
				buf_addz(out, " }");
			}
			break;
		case IPC_TYPE_STRUCT:
			buf_addz(out, "{");
			dump_rows(out, f->sub, field);
			buf_addz(out, " }");
			break;
		case IPC_TYPE_FD:
			buf_addz(out, *(const int *)field >= 0 ? "fd" : "-");
			break;
		case IPC_TYPE_END:
			break;
		}
	}
}

void
ipc_dump(struct buf *out, const struct ipc_msg *m, const void *msg)
{
	buf_addz(out, m->name);
	dump_rows(out, m->fields, msg);
}

static bool
equal_rows(const struct ipc_field *f, const char *a, const char *b)
{
	for (; f->type != IPC_TYPE_END; f++) {
		const void *x = a + f->offset, *y = b + f->offset;
		const struct strs *sx = x, *sy = y;
		const struct ipc_list *lx = x, *ly = y;
		bool same = true;

		switch (f->type) {
		case IPC_TYPE_U64:
			same = *(const uint64_t *)x == *(const uint64_t *)y;
			break;
		case IPC_TYPE_BOOL:
			same = *(const bool *)x == *(const bool *)y;
			break;
		case IPC_TYPE_STR:
		case IPC_TYPE_TEXT:
			same = str_eq(*(const struct str *)x, *(const struct str *)y);
			break;
		case IPC_TYPE_STRS:
			same = sx->n == sy->n;
			for (size_t i = 0; same && i < sx->n; i++)
				same = str_eq(sx->v[i], sy->v[i]);
			break;
		case IPC_TYPE_LIST:
			same = lx->n == ly->n;
			for (size_t i = 0; same && i < lx->n; i++)
				same = equal_rows(f->sub, (const char *)lx->v + i * f->each,
				    (const char *)ly->v + i * f->each);
			break;
		case IPC_TYPE_STRUCT:
			same = equal_rows(f->sub, x, y);
			break;
		case IPC_TYPE_FD:
			same = (*(const int *)x >= 0) == (*(const int *)y >= 0);
			break;
		case IPC_TYPE_END:
			break;
		}
		if (!same)
			return false;
	}
	return true;
}

bool
ipc_equal(const struct ipc_msg *m, const void *a, const void *b)
{
	return equal_rows(m->fields, a, b);
}
