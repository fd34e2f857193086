/* SPDX-License-Identifier: ISC */
/*
 * arrive - cleanup tells qmgr of a message that is on disk now; id 28.
 *
 * One-way: the promise is the file in incoming/, this is only the fast way to know of it.  A small
 * message brings its content along, so that its first delivery reads no disk.  When cleanup or qmgr
 * starts, qmgr scans incoming/; a second `arrive` of an ID it knows is dropped.
 */
#ifndef WIRE_ARRIVE_H
#define WIRE_ARRIVE_H

#include "wire/envelope.h"

struct arrive {
	struct str queue_id;
	uint64_t size;		/* of the content */
	uint64_t envelope_len;	/* of the file's head, so that nobody has to read it; 0: do */
	uint64_t sum;
	uint64_t key0, key1;
	struct envelope envelope;
	struct str content;	/* empty when it is large or was found on disk: read the file */
};

extern const struct ipc_msg arrive_msg;

#endif
