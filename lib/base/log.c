/* SPDX-License-Identifier: ISC */
#include "base/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/str.h"

/* Syslog priorities: facility times eight plus severity. */
static const struct level {
	const char *word;	/* what stands before the text */
	int severity;
} levels[] = {
	[LOG_LEVEL_DEBUG] = { "", 7 },		[LOG_LEVEL_INFO] = { "", 6 },
	[LOG_LEVEL_WARN] = { "warning: ", 4 },	[LOG_LEVEL_ERROR] = { "error: ", 3 },
	[LOG_LEVEL_FATAL] = { "fatal: ", 2 },	[LOG_LEVEL_PANIC] = { "panic: ", 2 },
};

#define GATHER		((size_t)16 << 10)	/* bytes of lines that wait for log_flush */

static struct {
	int fd;
	enum log_form form;
	char tag[64];
	char host[64];
	unsigned facility;
	bool verbose;
	int pid;		/* 0: ask */
	unsigned long lost, reported;
	char *gathered;		/* lines not written yet; NULL: each is written at once */
	size_t ngathered;
	unsigned lines;		/* in it */
	bool file;		/* fd is one, so that a write of many lines is taken whole */
	time_t second;		/* what `stamp` says */
	char stamp[32];
} log_to = { .fd = 2, .form = LOG_PLAIN, .tag = "posthorn", .facility = 2 };

/* A plain file, where what is to be written need not be a datagram a line. */
static bool
is_file(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

void
log_open(int fd, enum log_form form, const char *tag)
{
	char *dot;

	log_flush();
	log_to.fd = fd;
	log_to.form = form;
	log_to.file = form != LOG_SYSLOG && is_file(fd);
	log_to.pid = 0;
	(void)snprintf(log_to.tag, sizeof(log_to.tag), "%s", tag);
	if (gethostname(log_to.host, sizeof(log_to.host)) != 0 || log_to.host[0] == '\0')
		memcpy(log_to.host, "localhost", 10);
	log_to.host[sizeof(log_to.host) - 1] = '\0';
	if ((dot = strchr(log_to.host, '.')) != NULL)
		*dot = '\0';
	tzset();
}

void
log_facility(unsigned facility)
{
	log_to.facility = facility;
}

void
log_fd(int fd)
{
	log_flush();
	log_to.fd = fd;
	log_to.file = log_to.form != LOG_SYSLOG && is_file(fd);
}

void
log_program(const char *name)
{
	char *slash = strrchr(log_to.tag, '/');
	size_t at = slash == NULL ? 0 : (size_t)(slash - log_to.tag) + 1;

	(void)snprintf(log_to.tag + at, sizeof(log_to.tag) - at, "%s", name);
}

int
log_get_fd(void)
{
	return log_to.fd;
}

void
log_verbose(bool on)
{
	log_to.verbose = on;
}

unsigned long
log_lost(void)
{
	return log_to.lost;
}

static const char *
stamp(void)
{
	struct timespec now;
	struct tm tm;

	(void)clock_gettime(CLOCK_REALTIME_COARSE, &now);
	if (now.tv_sec != log_to.second && localtime_r(&now.tv_sec, &tm) != NULL) {
		static const char month[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

		log_to.second = now.tv_sec;
		(void)snprintf(log_to.stamp, sizeof(log_to.stamp), "%.3s %2d %02d:%02d:%02d",
		    month + 3 * tm.tm_mon, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
	}
	return log_to.stamp;
}

/* A program asks for its pid once: after log_open nothing here forks and logs in the child. */
static size_t
prefix(char *line, size_t size, const struct level *l)
{
	int n;

	if (log_to.pid == 0)
		log_to.pid = (int)getpid();
	if (log_to.form == LOG_SYSLOG)
		n = snprintf(line, size, "<%u>%s %s[%d]: ", log_to.facility * 8 + (unsigned)l->severity, stamp(),
		    log_to.tag, log_to.pid);
	else if (log_to.form == LOG_FILE)
		n = snprintf(line, size, "%s %s %s[%d]: ", stamp(), log_to.host, log_to.tag,
		    log_to.pid);
	else
		n = snprintf(line, size, "%s: ", log_to.tag);
	return n < 0 ? 0 : (size_t)n;
}

/* Append `text` with all but printable ASCII escaped. */
static size_t
escape(char *line, size_t at, size_t size, const char *text)
{
	static const char digits[] = "0123456789abcdef";

	for (; *text != '\0' && at + 5 < size; text++) {
		unsigned char c = (unsigned char)*text;

		if (ch_print(*text)) {
			line[at++] = *text;
			continue;
		}
		line[at++] = '\\';
		line[at++] = 'x';
		line[at++] = digits[c >> 4];
		line[at++] = digits[c & 15];
	}
	return at;
}

static bool
put(const char *line, size_t n)
{
	ssize_t done;

	do
		done = write(log_to.fd, line, n);
	while (done < 0 && errno == EINTR);
	return done == (ssize_t)n;
}

/* A child must not write its parent's lines a second time. */
static void
drop_gathered(void)
{
	log_to.ngathered = log_to.lines = 0;
}

void
log_gather(bool on)
{
	static bool known;

	log_flush();
	if (!known && on) {
		known = true;
		(void)atexit(log_flush);
		(void)pthread_atfork(NULL, NULL, drop_gathered);
	}
	if (on && log_to.gathered == NULL) {
		log_to.gathered = malloc(GATHER);
	} else if (!on) {
		free(log_to.gathered);
		log_to.gathered = NULL;
	}
}

void
log_flush(void)
{
	if (log_to.ngathered == 0)
		return;
	if (!put(log_to.gathered, log_to.ngathered))
		log_to.lost += log_to.lines;
	log_to.ngathered = log_to.lines = 0;
}

/* One finished line: to the others that wait, or out. */
static void
emit(enum log_level level, const char *line, size_t n)
{
	if (log_to.gathered == NULL || !log_to.file) {
		if (!put(line, n))
			log_to.lost++;
		return;
	}
	if (log_to.ngathered + n > GATHER)
		log_flush();
	memcpy(log_to.gathered + log_to.ngathered, line, n);
	log_to.ngathered += n;
	log_to.lines++;
	if (level >= LOG_LEVEL_WARN)	/* perhaps it is the last thing we say */
		log_flush();
}

static void
report_lost(void)
{
	char line[200];
	size_t n;
	int k;

	n = prefix(line, sizeof(line), &levels[LOG_LEVEL_WARN]);
	k = snprintf(line + n, sizeof(line) - n, "warning: %lu log lines were lost%s",
	    log_to.lost - log_to.reported, log_to.form == LOG_SYSLOG ? "" : "\n");
	if (k > 0 && put(line, n + (size_t)k))
		log_to.reported = log_to.lost;
}

void
log_vline(enum log_level level, const char *fmt, va_list ap)
{
	char text[LOG_LINE], line[LOG_LINE + 200];
	size_t n;

	if (level == LOG_LEVEL_DEBUG && !log_to.verbose)
		return;
	if (log_to.lost != log_to.reported)
		report_lost();
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	n = prefix(line, sizeof(line), &levels[level]);
	n = escape(line, n, sizeof(line) - 1, levels[level].word);
	n = escape(line, n, sizeof(line) - 1, text);
	if (log_to.form != LOG_SYSLOG)
		line[n++] = '\n';
	emit(level, line, n);
}

#define LINE(name, level)			\
void						\
name(const char *fmt, ...)			\
{						\
	va_list ap;				\
						\
	va_start(ap, fmt);			\
	log_vline(level, fmt, ap);		\
	va_end(ap);				\
}

LINE(log_debug, LOG_LEVEL_DEBUG)
LINE(log_info, LOG_LEVEL_INFO)
LINE(log_warn, LOG_LEVEL_WARN)
LINE(log_error, LOG_LEVEL_ERROR)
