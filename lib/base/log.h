/* SPDX-License-Identifier: ISC */
/*
 * log - one line for a person or a log reader.
 *
 * A line goes to one descriptor: a datagram socket to syslog, a file opened with O_APPEND, or
 * standard output.  It is one event, at most LOG_LINE bytes; control bytes and bytes outside ASCII
 * are written as \xHH, so no stranger's text can forge a line.  Writing never blocks: what does not
 * fit is counted, and the count is reported when writing works again.
 *
 * What happens to mail is an event: described once as a row (base/event.h), printed as the classic
 * Postfix line.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdarg.h>
#include <stdbool.h>

#define LOG_LINE	4000

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR, LOG_LEVEL_FATAL,
	LOG_LEVEL_PANIC };

enum log_form {
	LOG_SYSLOG,	/* "<PRI>Mon DD HH:MM:SS TAG[PID]: …", one datagram a line */
	LOG_FILE,	/* "Mon DD HH:MM:SS HOST TAG[PID]: …\n" */
	LOG_PLAIN,	/* "PROGRAM: …\n", for commands that talk to a person */
};

/*
 * Write to `fd` in this form from now on, under `tag` ("postfix/smtpd"); both are copied.  Before
 * the first call lines go to standard error in the plain form.  `fd` stays the caller's.  Learns
 * the host name and the time zone, so call it before the jail closes.
 */
void log_open(int fd, enum log_form form, const char *tag);

/* The facility of syslog lines from now on, as a number of syslog(3): 2, mail, at first. */
void log_facility(unsigned facility);

/* Go on with another descriptor, everything else as it was. */
void log_fd(int fd);

/* Speak as another program of the suite ("error" for "postfix/qmgr") until told otherwise. */
void log_program(const char *name);

/* The descriptor now in use. */
int log_get_fd(void);

/* Should debug lines be written?  Off at first. */
void log_verbose(bool on);

/* One line each; what is not printable is escaped, what is too long is cut. */
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));	/* "warning: " */
void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));	/* "error: " */

/* What all of them call. */
void log_vline(enum log_level level, const char *fmt, va_list ap);

/*
 * Gather lines for a file and write many with one call; whoever asks for it calls log_flush before
 * it waits for anything.  Warnings and worse, and the end of the program, flush by themselves;
 * children start with none of them.  A loop of fibers does this from its start to its end.
 */
void log_gather(bool on);
void log_flush(void);

/* Lines lost so far because the descriptor took no more. */
unsigned long log_lost(void);

#endif
