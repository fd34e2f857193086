/* SPDX-License-Identifier: ISC */
#include "mail/queue_id.h"

#include "base/panic.h"

static const char digits[] = "0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz";

#define BASE		52
#define BASE_NUMBER	51	/* without "z", which ends the time */
#define SECONDS_MIN	6
#define MICROS		4
#define US		1000000

/* `v` in `base`, at least `least` digits; gives the place behind them. */
static char *
put(char *to, uint64_t v, unsigned base, unsigned least)
{
	char turned[24];
	unsigned n = 0;

	while (v > 0 || n < least) {
		turned[n++] = digits[v % base];
		v /= base;
	}
	while (n > 0)
		*to++ = turned[--n];
	return to;
}

struct str
queue_id_next(struct queue_id_clock *c, int64_t now_us, uint64_t number, char out[QUEUE_ID_MAX + 1])
{
	char *to;

	if (now_us <= c->last_us)
		now_us = c->last_us + 1;
	c->last_us = now_us;
	to = put(out, (uint64_t)(now_us / US), BASE, SECONDS_MIN);
	to = put(to, (uint64_t)(now_us % US), BASE, MICROS);
	*to++ = 'z';
	to = put(to, number, BASE_NUMBER, 1);
	ASSERT(to - out <= QUEUE_ID_MAX);
	*to = '\0';
	return str_n(out, (size_t)(to - out));
}

void
queue_id_seen(struct queue_id_clock *c, int64_t us)
{
	if (us > c->last_us)
		c->last_us = us;
}

static bool
get(struct str s, unsigned base, uint64_t *out)
{
	uint64_t v = 0;

	for (size_t i = 0; i < s.n; i++) {
		const char *d = s.p[i] == '\0' ? NULL : strchr(digits, s.p[i]);

		if (d == NULL || (unsigned)(d - digits) >= base || v > (UINT64_MAX - (uint64_t)(d - digits)) / base)
			return false;
		v = v * base + (unsigned)(d - digits);
	}
	*out = v;
	return s.n > 0;
}

bool
queue_id_parse(struct str id, int64_t *us)
{
	uint64_t sec, micro, number;
	ptrdiff_t z = str_rchr(id, 'z');

	if (id.n < QUEUE_ID_MIN || id.n > QUEUE_ID_MAX || z < SECONDS_MIN + MICROS ||
	    !get(str_sub(id, 0, (size_t)z - MICROS), BASE, &sec) || sec > INT64_MAX / US - 1 ||
	    !get(str_sub(id, (size_t)z - MICROS, MICROS), BASE, &micro) || micro >= US ||
	    !get(str_sub(id, (size_t)z + 1, id.n), BASE_NUMBER, &number))
		return false;
	if (us != NULL)
		*us = (int64_t)(sec * US + micro);
	return true;
}
