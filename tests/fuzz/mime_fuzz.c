/* SPDX-License-Identifier: ISC */
/*
 * mime_fuzz - take a message apart: every part lies inside the message and the caps hold; then
 * write its ENVELOPE and BODYSTRUCTURE.
 */
#include <stdint.h>
#include <stdlib.h>

#include "imapd/imapd.h"
#include "mail/decode.h"
#include "mail/mime.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned parts;

static void
inside(struct str part, struct str text)
{
	if (part.n > 0 && (part.p < text.p || part.p + part.n > text.p + text.n))
		abort();
}

static void
look(const struct mime_part *part, struct str text, unsigned depth)
{
	struct buf out = { 0 };

	if (depth > MIME_DEPTH_MAX || ++parts > MIME_PARTS_MAX || (part->multipart && !part->child))
		abort();
	inside(part->header, text);
	inside(part->body, text);
	decode_body(&out, part->encoding, part->body);
	buf_free(&out);
	for (const struct mime_part *k = part->child; k != NULL; k = k->next)
		look(k, text, depth + 1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };
	struct pool *p = pool_new();
	struct mime_part *root = mime_parse(text, p);
	struct buf out = { 0 };

	parts = 0;
	look(root, text, 1);
	add_envelope(&out, root->header, p);
	add_structure(&out, root, true, p);
	buf_free(&out);
	pool_free(p);
	return 0;
}
