/* SPDX-License-Identifier: ISC */
#include "mail/date.h"

#include <stdio.h>
#include <time.h>

#include "base/scan.h"

static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep",
	"Oct", "Nov", "Dec" };
static const char *const weekdays[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };

#define DAY		86400
#define YEAR_MIN	1900
#define YEAR_MAX	9999

/* Days since 1970-01-01, counting years from March so that the leap day is the last. */
static int64_t
days_of(int64_t year, unsigned month, unsigned day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t of_era = y - era * 400;
	int64_t of_year = (153 * (int64_t)(month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

struct date
date_at(int64_t wall, int east)
{
	int64_t local = wall + (int64_t)east * 60;
	int64_t days = local / DAY - (local % DAY < 0), rest = local - days * DAY;
	int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t of_era = z - era * 146097;
	int64_t yoe = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int64_t of_year = of_era - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * of_year + 2) / 153;
	struct date d;

	d.day = (unsigned)(of_year - (153 * mp + 2) / 5 + 1);
	d.month = (unsigned)(mp < 10 ? mp + 3 : mp - 9);
	d.year = (int)(yoe + era * 400 + (d.month <= 2));
	d.hour = (unsigned)(rest / 3600);
	d.minute = (unsigned)(rest / 60 % 60);
	d.second = (unsigned)(rest % 60);
	d.weekday = (unsigned)(((days + 4) % 7 + 7) % 7);
	return d;
}

int64_t
date_wall(const struct date *d, int east)
{
	return days_of(d->year, d->month, d->day) * DAY + (int64_t)d->hour * 3600 +
	    (int64_t)d->minute * 60 + d->second - (int64_t)east * 60;
}

int
date_zone(int64_t wall)
{
	time_t t = (time_t)wall;
	struct tm tm;

	if (localtime_r(&t, &tm) == NULL)
		return 0;
	return (int)(tm.tm_gmtoff / 60);
}

struct str
date_5322(char out[DATE_MAX], int64_t wall, int east)
{
	struct date d = date_at(wall, east);
	int off = east < 0 ? -east : east;
	int n = snprintf(out, DATE_MAX, "%s, %u %s %04d %02u:%02u:%02u %c%02d%02d",
	    weekdays[d.weekday], d.day, months[d.month - 1], d.year, d.hour, d.minute, d.second,
	    east < 0 ? '-' : '+', off / 60 % 100, off % 60);

	return str_n(out, n > 0 && n < DATE_MAX ? (size_t)n : 0);
}

const char *
date_month(unsigned month)
{
	return month >= 1 && month <= 12 ? months[month - 1] : "";
}

unsigned
date_month_of(struct str name)
{
	for (unsigned i = 0; i < 12; i++)
		if (str_ieq(name, str_of(months[i])))
			return i + 1;
	return 0;
}

/* Blanks, line ends and comments. */
static void
skip_cfws(struct scan *in)
{
	unsigned depth = 0;

	while (in->p < in->end && (depth > 0 || ch_space(*in->p) || *in->p == '(')) {
		if (*in->p == '(')
			depth++;
		else if (*in->p == ')' && depth > 0)
			depth--;
		else if (*in->p == '\\' && in->end - in->p > 1)
			in->p++;
		in->p++;
	}
}

static bool
scan_unsigned(struct scan *in, uint64_t max, unsigned *out)
{
	uint64_t v;

	skip_cfws(in);
	if (!scan_number(in, max, &v))
		return false;
	*out = (unsigned)v;
	return true;
}

static bool
is_letter(char c)
{
	return ch_alpha(c);
}

static int
zone_of_name(struct str name)
{
	static const struct { const char *name; int east; } zones[] = {
		{ "EST", -300 }, { "EDT", -240 }, { "CST", -360 }, { "CDT", -300 },
		{ "MST", -420 }, { "MDT", -360 }, { "PST", -480 }, { "PDT", -420 },
	};

	for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++)
		if (str_ieq(name, str_of(zones[i].name)))
			return zones[i].east;
	return 0;	/* RFC 5322 4.3: any other name is as good as -0000 */
}

/* zone = ( "+" / "-" ) 4DIGIT / obs-zone; none at all counts as Greenwich */
static bool
scan_zone(struct scan *in, int *east)
{
	struct str word;
	unsigned v;
	bool minus;

	skip_cfws(in);
	*east = 0;
	if (scan_while(in, is_letter, &word)) {
		*east = zone_of_name(word);
		return true;
	}
	minus = scan_peek(in) == '-';
	if (!scan_char(in, '+') && !scan_char(in, '-'))
		return scan_done(in);
	if (!scan_while(in, ch_digit, &word) || word.n != 4)
		return false;
	v = (unsigned)(word.p[0] - '0') * 600 + (unsigned)(word.p[1] - '0') * 60 +
	    (unsigned)(word.p[2] - '0') * 10 + (unsigned)(word.p[3] - '0');
	*east = minus ? -(int)v : (int)v;
	return true;
}

/* date-time = [ day-of-week "," ] day month year hour ":" minute [ ":" second ] zone */
bool
date_parse(struct str s, int64_t *wall, int *east)
{
	struct scan in = scan_of(s);
	struct str word;
	struct date d = { 0 };
	const char *from;
	unsigned year;

	skip_cfws(&in);
	if (scan_while(&in, is_letter, &word)) {
		skip_cfws(&in);
		(void)scan_char(&in, ',');
	}
	if (!scan_unsigned(&in, 31, &d.day) || d.day == 0)
		return false;
	skip_cfws(&in);
	if (!scan_while(&in, is_letter, &word) || (d.month = date_month_of(word)) == 0)
		return false;
	skip_cfws(&in);
	from = in.p;
	if (!scan_unsigned(&in, YEAR_MAX, &year))
		return false;
	if (in.p - from <= 3)
		year += year < 50 && in.p - from == 2 ? 2000 : 1900;
	d.year = (int)year;
	if (d.year < YEAR_MIN || !scan_unsigned(&in, 23, &d.hour))
		return false;
	skip_cfws(&in);
	if (!scan_char(&in, ':') || !scan_unsigned(&in, 59, &d.minute))
		return false;
	skip_cfws(&in);
	if (scan_char(&in, ':') && !scan_unsigned(&in, 60, &d.second))
		return false;
	if (!scan_zone(&in, east))
		return false;
	*wall = date_wall(&d, *east);
	return true;
}
