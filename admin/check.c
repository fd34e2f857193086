/* SPDX-License-Identifier: ISC */
/*
 * check - mistakes in the configuration: what the files say, and whether what they name is there.
 */
#include <errno.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "admin/findings.h"
#include "admin/posthorn.h"
#include "base/pool.h"
#include "conf/common.h"
#include "conf/lines.h"
#include "conf/services.h"
#include "daemon/programs.h"
#include "io/net.h"

struct checking {
	struct conf *c;
	struct pool *pool;
};

/* Is the file there?  What we may not look at ourselves is not complained of. */
static bool
there(const char *path)
{
	return access(path, F_OK) == 0 || errno == EACCES;
}

static void
check_folders(struct checking *k)
{
	static const char *const queue[] = { "incoming", "active", "deferred", "hold", "corrupt", "free",
		"maildrop" };
	const struct passwd *pw = geteuid() == 0 ? getpwnam(common.mail_owner) : NULL;
	struct stat st;

	if (!there(pool_printf(k->pool, "%s/master", common.daemon_directory).p))
		check_report(k->c, CONF_ERROR, "daemon_directory", common.daemon_directory,
		    "the programs are not there");
	for (size_t i = 0; i < sizeof(queue) / sizeof(queue[0]); i++) {
		const char *path = pool_printf(k->pool, "%s/%s", common.queue_directory, queue[i]).p;

		if (!there(path)) {
			check_report(k->c, CONF_ERROR, "queue_directory", path, strerror(errno));
			return;
		}
		if (pw != NULL && stat(path, &st) == 0 && st.st_uid != pw->pw_uid)
			check_report(k->c, CONF_ERROR, "queue_directory", path, "does not belong to mail_owner");
	}
}

/* By root each program runs as a user of its own. */
static void
check_users(struct checking *k)
{
	const char *user;

	if (geteuid() != 0)
		return;
	if (getpwnam(common.mail_owner) == NULL)
		check_report(k->c, CONF_ERROR, "mail_owner", common.mail_owner, "there is no such user");
	if (strcmp(common.mail_owner, "posthorn") != 0)
		return;		/* an instance of somebody else, who starts it without root's rights */
	for (unsigned i = 0; (user = program_user_at(i)) != NULL; i++)
		if (getpwnam(user) == NULL)
			check_report(k->c, CONF_ERROR, "mail_owner", user, "there is no such service user "
			    "(posthorn users lists them)");
}

/* What lib/table knows, which only router and the map tools link. */
static const struct kind {
	struct str type;
	const char *suffix;	/* of the file; NULL: no file */
	bool built;		/* by postmap */
} kinds[] = {
#ifdef WITH_DB
	{ STR_INIT("hash"), ".db", true }, { STR_INIT("btree"), ".db", true },
#endif
	{ STR_INIT("texthash"), "", false }, { STR_INIT("inline"), NULL, false },
	{ STR_INIT("static"), NULL, false }, { STR_INIT("unix"), NULL, false },
};

/* "type:name" in a list of tables. */
static void
check_table(struct checking *k, const char *name, struct str word)
{
	const struct kind *kind = NULL;
	struct str rest = word, type;
	const char *path;

	if (str_start(word, STR("proxy:")))
		rest = str_sub(word, 6, word.n);
	if (str_chr(rest, ':') <= 0 || !str_cut(&rest, ':', &type))
		return;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (str_eq(type, kinds[i].type))
			kind = &kinds[i];
	if (kind == NULL) {
		check_report(k->c, CONF_WARNING, name, pool_str(k->pool, word).p,
		    "this build has no tables of that type (postconf -m lists them)");
		return;
	}
	if (kind->suffix == NULL)
		return;
	path = pool_printf(k->pool, "%.*s%s", STR_ARG(rest), kind->suffix).p;
	if (!there(path))
		check_report(k->c, CONF_WARNING, name, path, errno == ENOENT && kind->built ?
		    "there is no such table; postmap or postalias makes it" : strerror(errno));
}

static void
check_tables(struct checking *k)
{
	const struct conf_param *row;
	size_t n;

	row = conf_all(&n);
	for (size_t i = 0; i < n; i++) {
		struct str value, word;

		if (!conf_is_set(k->c, row[i].name) || (!str_end(str_of(row[i].name), STR("_maps")) &&
		    strcmp(row[i].name, "alias_database") != 0))
			continue;
		value = str_of(conf_get(k->c, row[i].name));
		while (lines_word(&value, true, &word))
			check_table(k, row[i].name, word);
	}
}

/* A network that nobody can be in, or a table, which is no list of networks here. */
static void
check_networks(struct checking *k)
{
	for (size_t i = 0; i < common.mynetworks.n; i++)
		if (!net_pattern_ok(common.mynetworks.v[i]))
			check_report(k->c, CONF_WARNING, "mynetworks",
			    pool_str(k->pool, common.mynetworks.v[i]).p,
			    "is no address and no network/bits: no client is in it");
}

/* Without these mail comes in and goes nowhere, or does not come in. */
static void
check_programs(struct checking *k)
{
	static const char *const needed[] = { "cleanup", "qmgr", "router", "pickup", "bounce" };
	const char *file = pool_printf(k->pool, "%s/master.cf", conf_dir(k->c)).p;
	struct conf_service *v;
	size_t n;

	v = services_read(k->c, k->pool, &n);
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		bool found = false;

		for (size_t j = 0; j < n; j++)
			found = found || (!v[j].unused && str_eq(v[j].command, str_of(needed[i])));
		if (!found)
			conf_report(k->c, CONF_WARNING, file, 0, "no service runs %s: mail does not get "
			    "through without it", needed[i]);
	}
}

void
check_everything(struct conf *c, size_t *own)
{
	struct checking k = { c, pool_new() };
	bool sound = conf_common(c);

	conf_check(c);
	(void)conf_findings(c, own);
	if (sound && !conf_broken(c)) {
		check_folders(&k);
		check_users(&k);
		check_tls(k.c);
		check_tables(&k);
		check_networks(&k);
		check_programs(&k);
	}
	pool_free(k.pool);
}

int
verb_check(const char *dir, int argc, char **argv)
{
	bool strict = argc == 1 && strcmp(argv[0], "--strict") == 0, ok;
	struct conf *c = conf_read(dir, NULL);
	const struct conf_finding *f;
	size_t n, own, warnings = 0;

	if (argc > (strict ? 1 : 0))
		return complain(EX_USAGE, "usage: posthorn check [--strict]");
	check_everything(c, &own);
	ok = show_findings(c, 0, true);
	f = conf_findings(c, &n);
	for (size_t i = 0; i < n; i++)
		warnings += f[i].grade == CONF_WARNING;
	conf_free(c);
	return ok && !(strict && warnings > 0) ? 0 : EX_CONFIG;
}
