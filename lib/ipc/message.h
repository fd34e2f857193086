/* SPDX-License-Identifier: ISC */
/*
 * message - what travels between our programs, described once.
 *
 * A message is a C struct and a row for each of its fields.  Packing, unpacking, limits, dumping,
 * the round-trip test and the fuzzer all walk those rows, so reader and writer cannot drift apart.
 * On the wire every field is counted; no byte value means anything.  This file needs no loop: any
 * program, master included, can pack and unpack.
 *
 *	struct count {
 *		struct str service;
 *		uint64_t what;
 *	};
 *	static const struct ipc_field count_fields[] = {
 *		IPC_STR(struct count, service, 64),
 *		IPC_U64(struct count, what),
 *		IPC_END
 *	};
 *	const struct ipc_msg count_msg = { "count", 7, sizeof(struct count), count_fields };
 */
#ifndef IPC_MESSAGE_H
#define IPC_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/pool.h"
#include "base/str.h"

enum ipc_type {
	IPC_TYPE_END,
	IPC_TYPE_U64,		/* uint64_t, at most `limit` */
	IPC_TYPE_BOOL,		/* bool */
	IPC_TYPE_STR,		/* struct str, at most `limit` bytes, any bytes */
	IPC_TYPE_TEXT,		/* struct str without NUL, CR, LF */
	IPC_TYPE_STRS,		/* struct strs: at most `limit` of at most `each` bytes */
	IPC_TYPE_LIST,		/* struct ipc_list of sub structs: at most `limit` */
	IPC_TYPE_STRUCT,	/* a sub struct in place */
	IPC_TYPE_FD,		/* int; -1 means none */
};

/* An array of sub structs inside a message. */
struct ipc_list {
	void *v;
	size_t n;
};

struct ipc_field {
	enum ipc_type type;
	const char *name;
	size_t offset;
	uint64_t limit;
	size_t each;			/* STRS: most bytes of each; LIST: size of one struct */
	const struct ipc_field *sub;	/* LIST, STRUCT: its rows */
};

#define IPC_U64(s, f, max)	{ IPC_TYPE_U64, #f, offsetof(s, f), (max), 0, NULL }
#define IPC_BOOL(s, f)		{ IPC_TYPE_BOOL, #f, offsetof(s, f), 1, 0, NULL }
#define IPC_STR(s, f, max)	{ IPC_TYPE_STR, #f, offsetof(s, f), (max), 0, NULL }
#define IPC_TEXT(s, f, max)	{ IPC_TYPE_TEXT, #f, offsetof(s, f), (max), 0, NULL }
#define IPC_STRS(s, f, max, each) { IPC_TYPE_STRS, #f, offsetof(s, f), (max), (each), NULL }
#define IPC_LIST(s, f, max, one, rows) { IPC_TYPE_LIST, #f, offsetof(s, f), (max), sizeof(one), rows }
#define IPC_STRUCT(s, f, rows)	{ IPC_TYPE_STRUCT, #f, offsetof(s, f), 0, 0, rows }
#define IPC_FD(s, f)		{ IPC_TYPE_FD, #f, offsetof(s, f), 1, 0, NULL }
#define IPC_END			{ IPC_TYPE_END, NULL, 0, 0, 0, NULL }

struct ipc_msg {
	const char *name;
	uint16_t id;		/* unique in the suite, see wire/README.md */
	size_t size;		/* of the struct */
	const struct ipc_field *fields;
};

/* Most descriptors in one message. */
#define IPC_FDS		16

/*
 * Append the packed message to `out`; descriptors go to `fds` in order, `*nfds` counts them.  A
 * value beyond its limit is our own bug unless it came from outside: then check it first.  False
 * when a field breaks its limit; `out` is as it was.
 */
bool ipc_pack(struct buf *out, const struct ipc_msg *m, const void *msg, int *fds, size_t *nfds);

/*
 * The opposite: fills the struct at `msg`.  Texts view `data`, arrays come from `pool`; both must
 * outlive it.  False for anything but one whole message inside its limits, with nothing behind it
 * and every descriptor used; descriptors are then still the caller's to close.
 */
bool ipc_unpack(struct str data, const struct ipc_msg *m, void *msg, const int *fds, size_t nfds,
    struct pool *pool);

/* Append the message as one line of text for people: "count service=smtp what=1". */
void ipc_dump(struct buf *out, const struct ipc_msg *m, const void *msg);

/* Are two messages of the same kind equal, field by field?  Descriptors count as present or not. */
bool ipc_equal(const struct ipc_msg *m, const void *a, const void *b);

#endif
