/* SPDX-License-Identifier: ISC */
#include "smtp/dest.h"

static const struct {
	const char *name;
	uint16_t port;
} services[] = {
	/* No /etc/services inside the jail; these never change. */
	{ "smtp", 25 },		{ "mail", 25 },
	{ "submission", 587 },	{ "submissions", 465 },
	{ "smtps", 465 },	{ "ssmtp", 465 },
	{ "lmtp", 24 },
};

bool
dest_port(struct str text, uint16_t *port)
{
	uint64_t n;

	if (str_u64(text, UINT16_MAX, &n)) {
		*port = (uint16_t)n;
		return n > 0;
	}
	for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++)
		if (str_ieq(text, str_of(services[i].name))) {
			*port = services[i].port;
			return true;
		}
	return false;
}

static bool
is_address(struct str host, struct dest *out)
{
	if (str_istart(host, STR("IPv6:")))
		host = str_sub(host, 5, host.n);
	if (!net_parse(host, out->port, &out->addr))
		return false;
	out->host = host;
	out->literal = true;
	return true;
}

static bool
name_bytes_ok(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= ' ' || s.p[i] == 127 || s.p[i] == '[' ||
		    s.p[i] == ']' || s.p[i] == ':' || s.p[i] == '/')
			return false;
	return s.n > 0;
}

bool
dest_parse(struct str text, uint16_t port, struct dest *out)
{
	struct str host, rest;
	ptrdiff_t at;

	*out = (struct dest){ .port = port };
	if (str_start(text, STR("["))) {
		if ((at = str_chr(text, ']')) < 0)
			return false;
		host = str_sub(text, 1, (size_t)at - 1);
		rest = str_sub(text, (size_t)at + 1, text.n);
	} else {
		at = str_chr(text, ':');
		host = at < 0 ? text : str_sub(text, 0, (size_t)at);
		rest = str_sub(text, host.n, text.n);
		out->mx = true;
	}
	if (rest.n > 0 && (rest.p[0] != ':' || !dest_port(str_sub(rest, 1, rest.n), &out->port)))
		return false;
	if (str_end(host, STR(".")))
		host.n--;
	/* An address without brackets is no domain: go there, do not ask for its MX. */
	if (is_address(host, out)) {
		out->mx = false;
		return true;
	}
	out->host = host;
	return name_bytes_ok(host);
}

bool
dest_next(struct str *list, struct str *one)
{
	while (list->n > 0 && (ch_space(list->p[0]) || list->p[0] == ','))
		*list = str_sub(*list, 1, list->n);
	if (list->n == 0)
		return false;
	*one = *list;
	one->n = 0;
	while (one->n < list->n && !ch_space(list->p[one->n]) && list->p[one->n] != ',')
		one->n++;
	*list = str_sub(*list, one->n, list->n);
	return true;
}
