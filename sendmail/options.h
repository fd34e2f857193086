/* SPDX-License-Identifier: ISC */
/*
 * options - the sendmail command line, as thirty years of callers write it.
 *
 * What callers really run is in tests/unit/rooms/sendmail_callers.h; every flag that any of them
 * uses is a row of the table in options.c.  Unknown flags are taken and ignored, except unknown -b
 * modes: refusing mail because of a hint nobody needs helps nobody.
 */
#ifndef SENDMAIL_OPTIONS_H
#define SENDMAIL_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#define OPTIONS_WHY	200
#define OPTIONS_PATH	4096

enum mode {
	MODE_MAIL,		/* take one message from standard input */
	MODE_SMTP,		/* -bs */
	MODE_QUEUE,		/* -bp, mailq */
	MODE_ALIASES,		/* -bi, -I, newaliases */
	MODE_FLUSH,		/* -q */
	MODE_FLUSH_SITE,	/* -qRsite, -qSsite */
	MODE_FLUSH_ID,		/* -qIid */
	MODE_DAEMON,		/* -bd, -bl */
	MODE_VERIFY,		/* -bv */
	MODE_NOTHING,		/* -bh, -bH: host status, of which there is none; -q30m alone */
};

struct options {
	enum mode mode;
	const char *config;	/* the folder of -C; NULL: the default */
	const char *sender;	/* -f, -r; NULL: the caller; "" or "<>": the null sender */
	const char *fullname;	/* -F; NULL: from the password file */
	const char *what;	/* site or queue ID of the flush modes, file of -oA */
	const char *envid;	/* -V */
	unsigned notify;	/* -N: SMTP_NOTIFY_ bits */
	unsigned ret;		/* -R: SMTP_RET_ */
	bool eightbit;		/* -B8BITMIME, -o8 */
	bool extract;		/* -t */
	bool dots;		/* a lone dot is text: -i, -oi */
	bool gateway;		/* -G: not written here, add nothing */
	bool interval;		/* -q with a time */
	char **rcpts;		/* what is left of argv */
	size_t nrcpts;
	char folder[OPTIONS_PATH];	/* behind `config` when -C gave it */
};

/*
 * Read argv; what is kept views it or `o`, which stays where it is.  Nothing else is asked:
 * MAIL_CONFIG and NAME, which stand for -C and -F where these are missing, are the caller's to look
 * up.  False with the reason in `why`: exit with EX_USAGE.  True with something in `why`: warn of it.
 */
bool options_parse(struct options *o, int argc, char **argv, char why[OPTIONS_WHY]);

#endif
