/* SPDX-License-Identifier: ISC */
/*
 * event - what happens to mail, described once.
 *
 * An event is a row: its name and the line it prints.  In the line `{key}` stands for the value of
 * a field; a part in `[ ]` is left out when a field named in it is empty or missing.  To write a
 * bracket or brace itself, double it.
 *
 *	static const struct event sent = { "delivery",
 *		"{id}: to=<{to}>[, orig_to=<{orig_to}>], relay={relay}, …" };
 *
 * The line goes to the log as information.
 */
#ifndef BASE_EVENT_H
#define BASE_EVENT_H

#include "base/buf.h"
#include "base/str.h"

struct event {
	const char *name;
	const char *line;
};

struct event_field {
	const char *key;
	struct str value;
};

/* Log the event with these fields. */
void event_log(const struct event *e, const struct event_field *fields, size_t n);

/* Append the line the event would print; what event_log and tests use. */
void event_line(struct buf *out, const struct event *e, const struct event_field *fields, size_t n);

/* EVENT(&sent, { "id", id }, { "to", to }); */
#define EVENT(e, ...)	event_log((e), (const struct event_field[]){ __VA_ARGS__ }, \
	sizeof((const struct event_field[]){ __VA_ARGS__ }) / sizeof(struct event_field))

#endif
