/* SPDX-License-Identifier: ISC */
/*
 * check - mistakes in the configuration: what the files say, and whether what they name is there.
 */
#include <errno.h>
#include <netdb.h>
#include <pwd.h>
#include <string.h>
#include <sys/socket.h>
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

	/* Not master: Postfix has a program of that name, too. */
	if (!there(pool_printf(k->pool, "%s/router", common.daemon_directory).p))
		check_report(k->c, CONF_ERROR, "daemon_directory", common.daemon_directory,
		    "our programs are not there");
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

	if (str_start(rest, STR("!")))
		rest = str_sub(rest, 1, rest.n);
	if (str_start(rest, STR("proxy:")))
		rest = str_sub(rest, 6, rest.n);
	if (str_chr(rest, ':') <= 0 || str_chr(rest, '[') == 0 || !str_cut(&rest, ':', &type))
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

static bool
names_tables(struct str setting)
{
	static const char *const lists[] = { "alias_database", "mydestination", "relay_domains",
		"virtual_alias_domains", "virtual_mailbox_domains" };

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		if (str_eq(setting, str_of(lists[i])))
			return true;
	return str_end(setting, STR("_maps"));
}

static void
check_tables(struct checking *k)
{
	const struct conf_param *row;
	size_t n;

	row = conf_all(&n);
	for (size_t i = 0; i < n; i++) {
		struct str value, word;

		if (!conf_is_set(k->c, row[i].name) || !names_tables(str_of(row[i].name)))
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

/* Is there such an address, name or network service?  master asks the system the same. */
static void
check_interfaces(struct checking *k)
{
	for (size_t i = 0; i < common.inet_interfaces.n; i++) {
		struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE }, *list;
		const char *name = pool_str(k->pool, common.inet_interfaces.v[i]).p;
		int err;

		if (str_ieq(str_of(name), STR("all")) || str_ieq(str_of(name), STR("loopback-only")))
			continue;
		if ((err = getaddrinfo(name, "25", &hints, &list)) == 0)
			freeaddrinfo(list);
		else
			check_report(k->c, CONF_WARNING, "inet_interfaces", name, pool_printf(k->pool,
			    "is neither all, loopback-only nor an address: %s", gai_strerror(err)).p);
	}
}

/* A port as smtp takes it after a host: a number or one of the few names. */
static bool
port_ok(struct str port)
{
	static const char *const names[] = { "smtp", "mail", "submission", "submissions", "smtps",
		"ssmtp", "lmtp" };
	uint64_t n;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (str_ieq(port, str_of(names[i])))
			return true;
	return str_u64(port, UINT16_MAX, &n) && n > 0;
}

/* host, host:port, [host], [host]:port; what is wrong with it, or NULL. */
static const char *
hop_fault(struct str hop)
{
	struct str host = hop, rest = STR("");
	ptrdiff_t at = str_chr(hop, str_start(hop, STR("[")) ? ']' : ':');

	if (str_start(hop, STR("["))) {
		if (at < 0)
			return "the bracket is not closed";
		host = str_sub(hop, 1, (size_t)at - 1);
		rest = str_sub(hop, (size_t)at + 1, hop.n);
	} else if (at >= 0) {
		struct net_addr a;

		if (net_parse(hop, 25, &a))	/* an IPv6 address without brackets */
			return NULL;
		host = str_sub(hop, 0, (size_t)at);
		rest = str_sub(hop, (size_t)at, hop.n);
	}
	if (rest.n > 0 && (rest.p[0] != ':' || !port_ok(str_sub(rest, 1, rest.n))))
		return "what stands behind the host is no port";
	for (size_t i = 0; i < host.n; i++)
		if ((unsigned char)host.p[i] <= ' ' || str_chr(STR("[]/,"), host.p[i]) >= 0)
			return "is not one host";
	return host.n > 0 ? NULL : "names no host";
}

static void
check_relayhost(struct checking *k)
{
	struct str list = str_of(conf_get(k->c, "relayhost")), hop;
	const char *why;

	while (lines_word(&list, true, &hop))
		if ((why = hop_fault(hop)) != NULL)
			check_report(k->c, CONF_WARNING, "relayhost", pool_str(k->pool, hop).p, why);
}

/* System users have a Maildir below their home, and nothing else yet. */
static void
check_home_mailbox(struct checking *k)
{
	if (!str_end(str_of(common.mail_storage), STR("/")))
		check_report(k->c, CONF_WARNING, "home_mailbox", common.mail_storage,
		    "only Maildir, a name with / at its end, is there yet: mail for system users will wait");
}

/* Programs without which mail comes in and goes nowhere, or does not come in. */
static const struct need {
	const char *program, *by;	/* needed by this one; NULL: always */
	const char *setting;		/* and only where this says so, in main.cf or by -o */
} needs[] = {
	{ "cleanup", NULL, NULL }, { "qmgr", NULL, NULL }, { "router", NULL, NULL },
	{ "pickup", NULL, NULL }, { "bounce", NULL, NULL }, { "smtp", NULL, NULL },
	{ "local", NULL, "mydestination" }, { "local", NULL, "virtual_mailbox_domains" },
	{ "dnsd", "smtp", NULL }, { "tlsd", "smtp", "smtp_tls_security_level" },
	{ "dnsd", "smtpd", NULL }, { "anvil", "smtpd", NULL }, { "anvil", "login", NULL },
	{ "authd", "login", NULL }, { "authd", "smtpd", "smtpd_sasl_auth_enable" },
	{ "tlsd", "smtpd", "smtpd_tls_cert_file" }, { "keyd", "smtpd", "smtpd_tls_cert_file" },
	{ "tlsd", "login", "smtpd_tls_cert_file" }, { "keyd", "login", "smtpd_tls_cert_file" },
};

/* Is the setting something else than empty, no and none; as the service has it, if one is given? */
static bool
says(struct checking *k, const struct conf_service *s, const char *setting)
{
	const char *set = conf_get(k->c, setting);
	struct str value = str_of(set == NULL ? "" : set), name;

	for (size_t i = 0; s != NULL && i < s->overrides.n; i++) {
		struct str rest = s->overrides.v[i];

		str_cut(&rest, '=', &name);
		if (str_eq(name, str_of(setting)))
			value = rest;
	}
	return value.n > 0 && !str_ieq(value, STR("no")) && !str_ieq(value, STR("none"));
}

/* The first service that runs the program, and to which the setting applies. */
static const struct conf_service *
runs(struct checking *k, const struct conf_service *v, size_t n, const char *program,
    const char *setting)
{
	for (size_t i = 0; i < n; i++)
		if (!v[i].unused && str_eq(v[i].command, str_of(program)) &&
		    (setting == NULL || says(k, &v[i], setting)))
			return &v[i];
	return NULL;
}

static void
check_programs(struct checking *k)
{
	const char *file = pool_printf(k->pool, "%s/master.cf", conf_dir(k->c)).p;
	const struct conf_service *v, *s;
	size_t n;

	v = services_read(k->c, k->pool, &n);
	for (size_t i = 0; i < sizeof(needs) / sizeof(needs[0]); i++) {
		const struct need *need = &needs[i];

		if (runs(k, v, n, need->program, NULL) != NULL)
			continue;
		if (need->by == NULL && (need->setting == NULL || says(k, NULL, need->setting)))
			conf_report(k->c, CONF_WARNING, file, 0, "no service runs %s: mail does not get "
			    "through without it (the master.cf of posthorn init has all there are)",
			    need->program);
		else if (need->by != NULL && (s = runs(k, v, n, need->by, need->setting)) != NULL)
			conf_report(k->c, CONF_WARNING, file, s->line, "no service runs %s, which %s needs%s%s",
			    need->program, need->by, need->setting != NULL ? " for " : "",
			    need->setting != NULL ? need->setting : "");
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
		check_interfaces(&k);
		check_relayhost(&k);
		check_home_mailbox(&k);
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
