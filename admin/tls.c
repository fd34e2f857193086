/* SPDX-License-Identifier: ISC */
/*
 * tls - is the certificate any good?  keyd, which links the library for that, looks.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "admin/findings.h"
#include "base/buf.h"
#include "base/pool.h"
#include "conf/common.h"

#define CERT	"smtpd_tls_cert_file"
#define KEY	"smtpd_tls_key_file"
#define SAID_MAX	2000

void
check_report(struct conf *c, enum conf_grade grade, const char *name, const char *value,
    const char *why)
{
	struct buf file = { 0 };
	const struct conf_setting *s;
	unsigned line = 0;
	size_t n;

	s = conf_settings(c, &n);
	for (size_t i = 0; i < n; i++)
		if (strcmp(s[i].name, name) == 0)
			line = s[i].line;
	buf_addf(&file, "%s/main.cf", conf_dir(c));
	conf_report(c, grade, buf_z(&file), line, "%s: %s: %s", name, value, why);
	buf_free(&file);
}

/* Can we look at it?  Says why not, unless that is for others to know. */
static bool
readable(struct conf *c, const char *name, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0 && errno != EACCES)
		check_report(c, CONF_WARNING, name, path, strerror(errno));
	if (fd >= 0)
		(void)close(fd);
	return fd >= 0;
}

/* What `keyd --check` says. */
static struct str
ask_keyd(struct pool *pool, const char *key, const char *cert)
{
	struct str path = pool_printf(pool, "%s/keyd", common.daemon_directory);
	char *said = pool_alloc(pool, SAID_MAX);
	size_t n = 0;
	ssize_t got;
	int from[2];
	pid_t pid;

	if (pipe2(from, O_CLOEXEC) != 0)
		return STR("");
	if ((pid = fork()) == 0) {
		(void)dup2(from[1], 1);
		(void)execl(path.p, path.p, "--check", key, cert, (char *)NULL);
		_exit(127);
	}
	(void)close(from[1]);
	while (n < SAID_MAX && (got = read(from[0], said + n, SAID_MAX - n)) > 0)
		n += (size_t)got;
	(void)close(from[0]);
	if (pid > 0)
		(void)waitpid(pid, NULL, 0);
	return str_n(said, n);
}

static bool
is_none(const char *path)
{
	return path == NULL || path[0] == '\0' || strcmp(path, "none") == 0;
}

void
check_tls(struct conf *c)
{
	const char *cert = conf_get(c, CERT), *key = conf_get(c, KEY);
	struct pool *pool;
	struct str said, line, which;
	bool can;

	if (is_none(cert))
		return;
	if (is_none(key)) {
		check_report(c, CONF_WARNING, CERT, cert, "no TLS without " KEY);
		return;
	}
	can = readable(c, CERT, cert);
	if (!readable(c, KEY, key) || !can)
		return;
	pool = pool_new();
	said = ask_keyd(pool, key, cert);
	while (str_cut(&said, '\n', &line))
		if (str_cut(&line, ' ', &which) && line.n > 0) {
			bool of_key = str_eq(which, STR("key"));

			check_report(c, CONF_WARNING, of_key ? KEY : CERT, of_key ? key : cert,
			    pool_str(pool, line).p);
		}
	pool_free(pool);
}
