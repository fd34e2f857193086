/* SPDX-License-Identifier: ISC */
#include "qmgr/window.h"

#include "base/scan.h"

bool
feedback_parse(struct str text, struct feedback *out)
{
	struct scan in = scan_of(str_trim(text));
	uint64_t whole = 0, digit;
	double part = 0, scale = 0.1;
	char c;

	if (!scan_number(&in, 10000, &whole) && scan_peek(&in) != '.')
		return false;
	if (scan_char(&in, '.'))
		while (scan_peek(&in) >= '0' && scan_peek(&in) <= '9') {
			(void)scan_any(&in, &c);
			digit = (uint64_t)(c - '0');
			part += scale * (double)digit;
			scale /= 10;
		}
	out->amount = (double)whole + part;
	out->by = FEEDBACK_FIXED;
	(void)scan_blanks(&in);
	if (scan_char(&in, '/')) {
		(void)scan_blanks(&in);
		if (scan_text(&in, STR("concurrency")))
			out->by = FEEDBACK_WINDOW;
		else if (scan_text(&in, STR("sqrt_concurrency")))
			out->by = FEEDBACK_ROOT;
		else
			return false;
	}
	return scan_done(&in);
}

/* Square root, near enough; no need for libm. */
static double
root(double v)
{
	double r = v > 1 ? v / 2 : 1;

	for (int i = 0; i < 20; i++)
		r = (r + v / r) / 2;
	return r;
}

static double
amount(const struct feedback *f, unsigned size)
{
	double w = size > 0 ? size : 1;

	return f->by == FEEDBACK_WINDOW ? f->amount / w :
	    f->by == FEEDBACK_ROOT ? f->amount / root(w) : f->amount;
}

struct window
window_new(const struct window_rules *r)
{
	return (struct window){ .size = r->initial < r->limit ? r->initial : r->limit };
}

void
window_good(struct window *w, const struct window_rules *r, unsigned busy)
{
	w->failed = 0;
	if (w->size >= r->limit) {
		w->credit = 0;
		return;
	}
	if (w->size >= busy + r->initial)	/* so many more were never tried: nothing learnt */
		return;
	w->credit += amount(&r->plus, w->size);
	while (w->credit >= 1 && w->size < r->limit) {
		w->credit -= 1;
		w->size++;
	}
}

bool
window_bad(struct window *w, const struct window_rules *r)
{
	w->failed += 1.0 / (w->size > 0 ? w->size : 1);
	w->credit -= amount(&r->minus, w->size);
	while (w->credit < 0) {
		w->credit += 1;
		if (w->size > 1)
			w->size--;
		else
			w->credit = 0;
	}
	return r->cohorts != 0 && w->failed >= r->cohorts - 1e-9;
}

int64_t
backoff_ms(int64_t age_ms, int64_t min_ms, int64_t max_ms, uint32_t random)
{
	int64_t wait = age_ms;

	if (wait < min_ms)
		wait = min_ms;
	if (wait > max_ms)
		wait = max_ms;
	return wait + (int64_t)((double)wait / 4 * ((double)random / UINT32_MAX));
}
