/* SPDX-License-Identifier: ISC */
/*
 * imap_fuzz - every scanner of IMAP's grammar; what is read can be written and read again.
 */
#include <stdint.h>
#include <stdlib.h>

#include "mail/decode.h"
#include "proto/imap.h"
#include "proto/mutf7.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
strings(struct str text, struct pool *p)
{
	struct scan in = scan_of(text);
	struct buf out = { 0 };
	struct str got, again;

	if (imap_scan_astring(&in, p, &got)) {
		struct scan back;

		imap_add_string(&out, got);
		back = scan_of(buf_str(&out));
		if (!imap_scan_string(&back, p, &again) || !str_eq(got, again) || !scan_done(&back))
			abort();
	}
	in = scan_of(text);
	imap_scan_nstring(&in, p, &got);
	in = scan_of(text);
	imap_scan_pattern(&in, p, &got);
	buf_free(&out);
}

static void
names(struct str text)
{
	struct buf name = { 0 }, wire = { 0 };

	if (mutf7_decode(&name, text) &&
	    (!mutf7_encode(&wire, buf_str(&name)) || !str_eq(buf_str(&wire), text)))
		abort();
	buf_reset(&name);
	buf_reset(&wire);
	if (mutf7_encode(&wire, text) && memchr(text.p, '\0', text.n) == NULL &&
	    (!mutf7_decode(&name, buf_str(&wire)) || !str_eq(buf_str(&name), text)))
		abort();
	buf_reset(&name);
	decode_words(&name, text);
	buf_free(&name);
	buf_free(&wire);
}

static void
sets(struct str text, struct pool *p)
{
	struct scan in = scan_of(text);
	struct imap_set set;

	if (!imap_scan_set(&in, p, &set))
		return;
	imap_set_resolve(&set, 1000);
	for (size_t i = 0; i < set.n; i++)
		if (set.v[i].lo > set.v[i].hi || !imap_set_has(&set, set.v[i].lo) ||
		    !imap_set_has(&set, set.v[i].hi))
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size }, got;
	struct pool *p = pool_new();
	struct vec flags = vec_of(sizeof(struct str));
	struct imap_literal literal;
	struct imap_fetch fetch;
	struct imap_key *key;
	struct scan in;
	unsigned items;
	int64_t when;

	strings(text, p);
	names(text);
	sets(text, p);
	imap_line_literal(text, &literal);
	in = scan_of(text);
	imap_scan_tag(&in, &got);
	in = scan_of(text);
	imap_scan_fetch(&in, p, &fetch);
	in = scan_of(text);
	imap_scan_search(&in, p, &key);
	in = scan_of(text);
	imap_scan_status(&in, &items);
	in = scan_of(text);
	imap_scan_flags(&in, &flags);
	in = scan_of(text);
	imap_scan_date(&in, &when);
	in = scan_of(text);
	imap_scan_datetime(&in, &when);
	imap_match(text, STR("Lists/example.org/announce"), '/');
	vec_free(&flags);
	pool_free(p);
	return 0;
}
