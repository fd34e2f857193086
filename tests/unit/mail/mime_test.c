/* SPDX-License-Identifier: ISC */
/* Parts of messages, honest and hostile; encodings undone. */
#include <stdio.h>

#include "base/buf.h"
#include "mail/decode.h"
#include "mail/mime.h"
#include "unit/unit.h"

/* The tree as text: "multipart(text message(text))". */
static void
shape(struct buf *out, const struct mime_part *p)
{
	buf_addf(out, "%.*s", STR_ARG(p->subtype));
	if (p->child == NULL)
		return;
	buf_addc(out, '(');
	for (const struct mime_part *k = p->child; k != NULL; k = k->next) {
		if (k != p->child)
			buf_addc(out, ' ');
		shape(out, k);
	}
	buf_addc(out, ')');
}

#define MULTI	"Content-Type: multipart/mixed; boundary=b\r\n\r\n"

static const struct {
	const char *text, *shape;
} messages[] = {
	{ "", "PLAIN" },
	{ "Subject: x\r\n\r\nbody\r\n", "PLAIN" },
	{ "Content-Type: text/html\r\n\r\nx", "html" },
	{ MULTI "--b\r\n\r\none\r\n--b\r\nContent-Type: a/b\r\n\r\ntwo\r\n--b--\r\n", "mixed(PLAIN b)" },
	/* A prefix of the boundary, and more than it, are no boundaries. */
	{ MULTI "--b\r\n\r\n--bb\r\n--\r\n--b--x\r\n--b--\r\n--b\r\n", "mixed(PLAIN)" },
	{ MULTI "--b  \t\r\n\r\nx\r\n--b-- \r\n", "mixed(PLAIN)" },
	{ MULTI "no part at all\r\n", "PLAIN" },
	{ "Content-Type: multipart/mixed\r\n\r\n--\r\n", "OCTET-STREAM" },
	{ MULTI "--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: y\r\n\r\nin\r\n--b--\r\n",
	  "mixed(rfc822(PLAIN))" },
	{ MULTI "--b\r\nContent-Type: message/rfc822\r\n--b--\r\n", "mixed(OCTET-STREAM)" },
	{ MULTI "--b\r\n--b\r\n--b\r\n--b--\r\n", "mixed(PLAIN PLAIN PLAIN)" },
	{ "Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\nSubject: z\r\n\r\nq\r\n--b--\r\n",
	  "digest(RFC822(PLAIN))" },
	/* The outer boundary ends what is open inside. */
	{ MULTI "--b\r\nContent-Type: multipart/alternative; boundary=c\r\n\r\n--c\r\n\r\nx\r\n--b\r\n\r\ny\r\n",
	  "mixed(alternative(PLAIN) PLAIN)" },
	/* A child with its parent's boundary. */
	{ MULTI "--b\r\n" MULTI "--b\r\n\r\nx\r\n--b--\r\n", "mixed(mixed(PLAIN))" },
	{ "Content-Type: multipart/mixed; boundary=\"b", "OCTET-STREAM" },
	{ "Content-Type: ;;;", "PLAIN" },
	{ "Content-Type: text/", "PLAIN" },
};

START_TEST(tree)
{
	struct pool *p = pool_new();
	struct buf out = { 0 };

	shape(&out, mime_parse(str_of(messages[_i].text), p));
	ck_str_is(buf_str(&out), messages[_i].shape);
	buf_free(&out);
	pool_free(p);
}
END_TEST

START_TEST(bodies)
{
	struct pool *p = pool_new();
	struct mime_part *r = mime_parse(STR(MULTI "pre\r\n--b\r\nContent-ID: <1>\r\n\r\none\r\n\r\n"
	    "--b\r\n\r\ntwo\r\n--b--\r\nafter"), p);

	ck_str_is(r->child->body, "one\r\n");
	ck_str_is(r->child->header, "Content-ID: <1>\r\n\r\n");
	ck_str_is(r->child->id, "<1>");
	ck_str_is(r->child->next->body, "two");
	ck_assert(str_end(r->body, STR("after")));
	ck_assert_uint_eq(mime_lines(STR("")), 0);
	ck_assert_uint_eq(mime_lines(STR("a")), 1);
	ck_assert_uint_eq(mime_lines(STR("a\r\n")), 1);
	ck_assert_uint_eq(mime_lines(STR("a\r\nb")), 2);
	pool_free(p);
}
END_TEST

static unsigned
depth_of(const struct mime_part *p, unsigned *parts)
{
	unsigned most = 0;

	++*parts;
	for (const struct mime_part *k = p->child; k != NULL; k = k->next) {
		unsigned d = depth_of(k, parts);

		most = d > most ? d : most;
	}
	return most + 1;
}

static const struct {
	const char *head, *unit;
	int times;
	bool number;
} hostile[] = {
	/* security F20 */
	{ "", "Content-Type: message/rfc822\r\n\r\n", 5000, false },
	{ "", "Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n", 2000, true },
	{ "", "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n", 3000, false },
	{ MULTI, "--b\r\n\r\n", 100000, false },
	/* F19, F21 */
	{ "Content-Type: x/y", "; n*0=x", 10000, false },
	{ "Content-Type: x/y; a=\"", "\\", 100000, false },
	{ "Content-Type: (", "(", 100000, false },
	{ MULTI, "--", 100000, false },
	{ MULTI, "--b", 100000, false },
};

START_TEST(caps)
{
	struct pool *p = pool_new();
	struct buf text = { 0 };
	struct mime_part *r;
	unsigned parts = 0;

	buf_addz(&text, hostile[_i].head);
	for (int i = 0; i < hostile[_i].times; i++) {
		if (hostile[_i].number)
			buf_addf(&text, "Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n",
			    i, i);
		else
			buf_addz(&text, hostile[_i].unit);
	}
	r = mime_parse(buf_str(&text), p);
	ck_assert_uint_le(depth_of(r, &parts), MIME_DEPTH_MAX);
	ck_assert_uint_le(parts, MIME_PARTS_MAX);
	buf_free(&text);
	pool_free(p);
}
END_TEST

static const struct {
	const char *in, *word, *name, *value;
} fields[] = {
	{ "text/plain; charset=utf-8", "text/plain", "CHARSET", "utf-8" },
	{ " (c) text/plain (d) ; a=\"b;c\\\"d\" ; x=y", "text/plain", "a", "b;c\"d" },
	{ "attachment; filename=\"a b\"; n=1", "attachment", "n", "1" },
	{ "a/b; broken; =x; c=d", "a/b", "c", "d" },
	{ "a/b; c=\"open", "a/b", "c", "" },
	{ "a/b; c=\"x\\", "a/b", "c", "" },
};

START_TEST(field)
{
	struct pool *p = pool_new();
	struct mime_params params;
	struct str word;

	ck_assert(mime_field(str_of(fields[_i].in), p, &word, &params));
	ck_str_is(word, fields[_i].word);
	ck_str_is(mime_param(&params, str_of(fields[_i].name)), fields[_i].value);
	pool_free(p);
}
END_TEST

static const struct {
	const char *in, *out;
} words[] = {
	{ "plain", "plain" }, { "=?utf-8?q?Gr=C3=BC=C3=9Fe?=", "Gr\xc3\xbc\xc3\x9f" "e" },
	{ "=?UTF-8?B?w7w=?= x", "\xc3\xbc x" }, { "=?iso-8859-1?q?=FC_a?=", "\xc3\xbc a" },
	{ "=?utf-8?q?a?= =?utf-8?q?b?=", "ab" }, { "=?utf-8?q?a?= b", "a b" },
	{ "=?gb2312?q?a?=", "=?gb2312?q?a?=" }, { "=?utf-8?q?", "=?utf-8?q?" }, { "=?", "=?" },
	{ "=?utf-8*de?q?a?=", "a" }, { "=?utf-8?x?a?=", "=?utf-8?x?a?=" },
	{ "=?KOI8-R?q?=F0?=", "\xd0\x9f" }, { "=?windows-1251?q?=CF?=", "\xd0\x9f" },
	{ "=?iso-8859-7?q?=D3?=", "\xce\xa3" }, { "=?iso-8859-15?q?=A4?=", "\xe2\x82\xac" },
	{ "=?iso-8859-1?q?=80?=", "\xe2\x82\xac" }, { "=?iso-8859-9?q?=FD?=", "\xc4\xb1" },
	{ "=?cp866?q?=80?=", "\xd0\x90" }, { "=?iso-8859-2?q?=B1?=", "\xc4\x85" },
};

START_TEST(word)
{
	struct buf out = { 0 };

	decode_words(&out, str_of(words[_i].in));
	ck_str_is(buf_str(&out), words[_i].out);
	buf_free(&out);
}
END_TEST

START_TEST(body)
{
	struct buf out = { 0 };

	decode_body(&out, STR("base64"), STR("aGVs\r\nbG8="));
	decode_body(&out, STR("Quoted-Printable"), STR(" w=\r\n=6Frld=\n=zz="));
	ck_str_is(buf_str(&out), "hello world=zz=");
	buf_free(&out);
}
END_TEST

#define ROWS(t, f, rows)	tcase_add_loop_test(t, f, 0, sizeof(rows) / sizeof((rows)[0]))

static Suite *
suite(void)
{
	Suite *s = suite_create("mail/mime");
	TCase *t = tcase_create("mime");

	ROWS(t, tree, messages);
	tcase_add_test(t, bodies);
	ROWS(t, caps, hostile);
	ROWS(t, field, fields);
	ROWS(t, word, words);
	tcase_add_test(t, body);
	suite_add_tcase(s, t);
	return s;
}

UNIT_MAIN(suite)
