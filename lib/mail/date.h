/* SPDX-License-Identifier: ISC */
/*
 * date - the date and time of RFC 5322 3.3.
 */
#ifndef MAIL_DATE_H
#define MAIL_DATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

#define DATE_MAX	48

struct date {
	int year;		/* all four digits */
	unsigned month, day;	/* from 1 */
	unsigned hour, minute, second;
	unsigned weekday;	/* 0 is Sunday */
};

/* The calendar at `wall` seconds since 1970 in a zone `east` minutes east of Greenwich. */
struct date date_at(int64_t wall, int east);

/* Seconds since 1970 of a calendar date in that zone; the weekday is not looked at. */
int64_t date_wall(const struct date *d, int east);

/* Minutes that local time is ahead of Greenwich at that moment.  Reads TZ at first use. */
int date_zone(int64_t wall);

/* "Sun, 22 Nov 2026 18:38:00 +0000", with "(UTC)" or another name nowhere. */
struct str date_5322(char out[DATE_MAX], int64_t wall, int east);

/*
 * Read a date of RFC 5322 3.3 with its obsolete forms (zone names, two-digit years, missing weekday
 * or seconds, comments at the end).  False when it is none.
 */
bool date_parse(struct str s, int64_t *wall, int *east);

/* "Jan" to "Dec" for 1 to 12, and back; 0 for no month. */
const char *date_month(unsigned month);
unsigned date_month_of(struct str name);

#endif
