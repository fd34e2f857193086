/* SPDX-License-Identifier: ISC */
/*
 * check - the whole configuration at once.
 *
 * A name is known if it is a row, fits a per-transport pattern of a service, or, being none of
 * Postfix's, is used as $name or is a restriction class.  A Postfix name with no meaning here gets a
 * note or a warning that says why, unless its value asks for what is done anyway; any other name gets
 * a warning with the nearest known one.
 */
#include "conf/internal.h"
#include "conf/lines.h"
#include "conf/services.h"

struct checking {
	struct conf *c;
	struct pool *pool;
	struct map *used;		/* names that occur as $name, and restriction classes */
	struct conf_service *services;
	size_t nservices;
};

static void
see_name(void *arg, struct str name)
{
	struct checking *k = arg;

	map_put(k->used, name, k);
}

static void
see_value(struct checking *k, struct str name, struct str value)
{
	struct str word;

	conf_names_in(value, see_name, k);
	if (str_eq(name, STR("smtpd_restriction_classes")))
		while (lines_word(&value, true, &word))
			see_name(k, word);
}

/* The service that a transport of this name is: one that runs, if there is such. */
static const struct conf_service *
service_of(const struct checking *k, struct str name)
{
	const struct conf_service *found = NULL;

	for (size_t i = 0; i < k->nservices; i++) {
		const struct conf_service *s = &k->services[i];

		if (s->type != SERVICE_INET && str_eq(s->name, name) && (found == NULL || found->unused))
			found = s;
	}
	return found;
}

/* Transports that need no line of their name in master.cf: those of qmgr itself, and of local. */
static bool
is_inside(struct str name)
{
	static const struct str own[] = {
		STR_INIT("error"), STR_INIT("retry"), STR_INIT("discard"), STR_INIT("hold"),
		STR_INIT("local"), STR_INIT("virtual"),
	};

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (str_eq(name, own[i]))
			return true;
	return false;
}

/* permit_mynetworks, permit_sasl_authenticated and no more: the rule there is (router). */
static bool
is_relay_rule(struct str list)
{
	static const struct str words[] = {
		STR_INIT("permit_mynetworks"), STR_INIT("permit_sasl_authenticated"),
		STR_INIT("defer_unauth_destination"), STR_INIT("reject_unauth_destination"),
	};
	unsigned seen = 0;
	struct str word;

	while (lines_word(&list, true, &word)) {
		size_t i = 0;

		while (i < 4 && !str_ieq(word, words[i]))
			i++;
		if (i == 4)
			return false;
		seen |= 1u << i;
	}
	return (seen & 3) == 3 && seen > 3;
}

/* Does a setting say what happens here anyway? */
static bool
as_here(struct str name, struct str value)
{
	static const struct {
		const char *name, *value;
	} same[] = {
		{ "biff", "no" },
		{ "mailbox_size_limit", "0" },
		{ "virtual_mailbox_limit", "0" },
		{ "smtpd_delay_reject", "yes" },
		{ "smtpd_sasl_security_options", "noanonymous" },
		{ "smtpd_sasl_tls_security_options", "noanonymous" },
	};

	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		if (str_eq(name, str_of(same[i].name)) && str_ieq(value, str_of(same[i].value)))
			return true;
	return value.n == 0 || ((str_eq(name, STR("smtpd_relay_restrictions")) ||
	    str_eq(name, STR("smtpd_recipient_restrictions"))) && is_relay_rule(value));
}

static void
check_foreign(struct checking *k, struct str name, struct str value, struct conf_place at)
{
	const char *why = NULL;
	enum foreign what = conf_foreign(name, &why);
	struct buf text = { .limit = CONF_VALUE_MAX };
	struct str now, first;
	bool same;

	conf_expand(k->c, &text, value);
	same = what == FOREIGN_LATER && as_here(name, str_trim(buf_str(&text)));
	buf_free(&text);
	if (same)
		return;
	if (what != FOREIGN_OLD) {
		conf_report(k->c, what == FOREIGN_IDLE ? CONF_NOTE : CONF_WARNING, at.file, at.line,
		    "%.*s has no effect%s: %s", STR_ARG(name), what == FOREIGN_IDLE ? "" : " yet", why);
		return;
	}
	now = str_of(why);
	(void)lines_word(&now, false, &first);
	conf_report(k->c, CONF_WARNING, at.file, at.line, conf_row(first) != NULL ?
	    "%.*s is an old name and has no effect: use %s" :
	    "%.*s is an old name and has no effect; its new one is %s, which has none yet either",
	    STR_ARG(name), why);
}

/* SERVICE_suffix; false when it is none. */
static bool
check_pattern(struct checking *k, struct str name, struct str value, struct conf_place at)
{
	const struct conf_param *row;
	struct buf why = { 0 };
	struct str service;

	if (!conf_is_pattern(name, &service, &row))
		return false;
	if (row == NULL)
		conf_report(k->c, CONF_WARNING, at.file, at.line, "%.*s has no effect yet: %s",
		    STR_ARG(name), str_end(name, STR("_time_limit")) ? "commands as services and "
		    "transports are not there" : "this part of the queue manager is not there");
	else if (!conf_value(k->c, row, value, at, NULL, &why))
		conf_report(k->c, CONF_ERROR, at.file, at.line, "%.*s: %s", STR_ARG(name), buf_z(&why));
	else if (service_of(k, service) == NULL && !is_inside(service))
		conf_report(k->c, CONF_WARNING, at.file, at.line,
		    "%.*s: master.cf has no service %.*s", STR_ARG(name), STR_ARG(service));
	buf_free(&why);
	return true;
}

/* Say what is to be said about a name that is set. */
static void
check_name(struct checking *k, struct str name, struct str value, struct conf_place at)
{
	const char *near;

	if (conf_row(name) != NULL)
		return;
	if (conf_foreign(name, &(const char *){ NULL }) != FOREIGN_NONE) {
		check_foreign(k, name, value, at);
		return;
	}
	if (map_get(k->used, name) != NULL || check_pattern(k, name, value, at))
		return;
	near = conf_nearest(name);
	conf_report(k->c, CONF_WARNING, at.file, at.line, "%.*s is not known%s%s%s", STR_ARG(name),
	    near != NULL ? "; is " : "", near != NULL ? near : "", near != NULL ? " meant?" : "");
}

/* Words that are taken, so that a configuration loads, and do not do yet all they say. */
static const struct {
	const char *name;
	const char *word;
	const char *unless[2];	/* nothing is to be said when one of them is set */
	const char *text;
} words_to_know[] = {
	{ "smtp_tls_security_level", "dane", { NULL, NULL },
	  "TLSA records are not looked at yet: mail goes as with may" },
	{ "smtp_tls_security_level", "dane-only", { NULL, NULL },
	  "TLSA records are not looked at yet: all mail for other hosts waits" },
	{ "smtp_tls_security_level", "fingerprint", { NULL, NULL },
	  "fingerprints are not compared yet: all mail for other hosts waits" },
	{ "smtp_tls_security_level", "verify", { "smtp_tls_CAfile", "smtp_tls_CApath" },
	  "without smtp_tls_CAfile or smtp_tls_CApath no certificate is trusted: all mail for other hosts waits" },
	{ "smtp_tls_security_level", "secure", { "smtp_tls_CAfile", "smtp_tls_CApath" },
	  "without smtp_tls_CAfile or smtp_tls_CApath no certificate is trusted: all mail for other hosts waits" },
	{ "smtpd_tls_security_level", "dane", { NULL, NULL }, "a client's level: encrypt is used" },
	{ "smtpd_tls_security_level", "dane-only", { NULL, NULL }, "a client's level: encrypt is used" },
	{ "smtpd_tls_security_level", "fingerprint", { NULL, NULL }, "a client's level: encrypt is used" },
	{ "smtpd_tls_security_level", "verify", { NULL, NULL }, "a client's level: encrypt is used" },
	{ "smtpd_tls_security_level", "secure", { NULL, NULL }, "a client's level: encrypt is used" },
};

static bool
is_set(struct checking *k, const char *name)
{
	const char *value = name == NULL ? NULL : conf_get(k->c, name);

	return value != NULL && value[0] != '\0';
}

static void
check_word(struct checking *k, const struct conf_param *row, struct str value, struct conf_place at)
{
	struct buf text = { .limit = CONF_VALUE_MAX };

	conf_expand(k->c, &text, value);
	for (size_t i = 0; i < sizeof(words_to_know) / sizeof(words_to_know[0]); i++) {
		if (strcmp(words_to_know[i].name, row->name) != 0 ||
		    !str_ieq(str_trim(buf_str(&text)), str_of(words_to_know[i].word)))
			continue;
		if (!is_set(k, words_to_know[i].unless[0]) && !is_set(k, words_to_know[i].unless[1]))
			conf_report(k->c, CONF_WARNING, at.file, at.line, "%s = %s: %s", row->name,
			    words_to_know[i].word, words_to_know[i].text);
	}
	buf_free(&text);
}

/* Of a list of restrictions, the words that smtpd asks; the others are passed over. */
static void
check_restrictions(struct checking *k, const struct conf_param *row, struct str value,
    struct conf_place at)
{
	static const struct str asked[] = {
		STR_INIT("permit_mynetworks"), STR_INIT("permit_sasl_authenticated"),
		STR_INIT("permit"), STR_INIT("reject"),
	};
	struct buf text = { .limit = CONF_VALUE_MAX };
	struct str list, word;

	conf_expand(k->c, &text, value);
	list = buf_str(&text);
	while (lines_word(&list, true, &word)) {
		bool known = false;

		for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++)
			known = known || str_ieq(word, asked[i]);
		/* A table or a list's name belongs to the word in front of it. */
		if (!known && str_chr(word, ':') < 0 && str_chr(word, '.') < 0)
			conf_report(k->c, CONF_WARNING, at.file, at.line,
			    "%s: %.*s is not there yet and is passed over", row->name, STR_ARG(word));
	}
	buf_free(&text);
}

/* The service of transport or transport:nexthop. */
static void
check_transport(struct checking *k, const struct conf_param *row, struct str value,
    struct conf_place at)
{
	struct buf text = { .limit = CONF_VALUE_MAX };
	const struct conf_service *s;
	struct str rest, name;

	conf_expand(k->c, &text, value);
	rest = str_trim(buf_str(&text));
	str_cut(&rest, ':', &name);
	s = service_of(k, name);
	if (name.n > 0 && !is_inside(name) && (s == NULL || s->unused))
		conf_report(k->c, CONF_WARNING, at.file, at.line,
		    s == NULL ? "%s: master.cf has no service %.*s: its mail will wait" :
		    "%s: no program serves %.*s yet: its mail will wait", row->name, STR_ARG(name));
	buf_free(&text);
}

/* Would the value do? */
static void
check_value(struct checking *k, struct str name, struct str value, struct conf_place at)
{
	const struct conf_param *row = conf_row(name);
	struct buf why = { 0 };

	if (row != NULL && !conf_value(k->c, row, value, at, NULL, &why))
		conf_report(k->c, CONF_ERROR, at.file, at.line, "%s: %s", row->name, buf_z(&why));
	else if (row != NULL && row->type == CONF_WORD)
		check_word(k, row, value, at);
	else if (row != NULL && strcmp(row->name, "smtpd_client_restrictions") == 0)
		check_restrictions(k, row, value, at);
	else if (row != NULL && row->type == CONF_STR && str_end(str_of(row->name), STR("_transport")))
		check_transport(k, row, value, at);
	buf_free(&why);
}

/* Hand each -o of each service to `see`. */
static void
each_override(struct checking *k, void (*see)(struct checking *k, const struct conf_service *s,
    struct str name, struct str value, struct conf_place at))
{
	const char *file = pool_printf(k->pool, "%s/master.cf", conf_dir(k->c)).p;

	for (size_t i = 0; i < k->nservices; i++) {
		struct conf_service *s = &k->services[i];

		for (size_t j = 0; j < s->overrides.n; j++) {
			struct str value = s->overrides.v[j], name;

			str_cut(&value, '=', &name);
			see(k, s, name, value, (struct conf_place){ file, s->line });
		}
	}
}

static void
use_override(struct checking *k, const struct conf_service *s, struct str name, struct str value,
    struct conf_place at)
{
	(void)s;
	(void)at;
	see_value(k, name, value);
}

static bool
is_active_pattern(struct str name)
{
	const struct conf_param *row;
	struct str service;

	return conf_is_pattern(name, &service, &row) && row != NULL;
}

/* A -o value that stands alone; what its $names would mean depends on the service, see below. */
static void
check_override(struct checking *k, const struct conf_service *s, struct str name, struct str value,
    struct conf_place at)
{
	check_name(k, name, value, at);
	if (str_chr(value, '$') < 0)
		check_value(k, name, value, at);
	if (s->unused || (conf_row(name) == NULL && !is_active_pattern(name)))
		return;
	if (conf_row(name) == NULL ? !str_eq(s->command, STR("qmgr")) : !conf_reads(s->command, name))
		conf_report(k->c, CONF_WARNING, at.file, at.line, "-o %.*s has no effect: %.*s does not "
		    "read it", STR_ARG(name), STR_ARG(s->command));
	else if (value.n > 0 && str_eq(name, STR("smtpd_tls_cert_file")))
		conf_report(k->c, CONF_WARNING, at.file, at.line, "-o %.*s has no effect: all services "
		    "have the certificate of main.cf", STR_ARG(name));
}

/*
 * The -o values of one service with $names in them: these may mean other overrides of the service, so
 * they are looked at as the service will see them.
 */
static void
check_together(struct checking *k, const struct conf_service *s)
{
	const char *file = pool_printf(k->pool, "%s/master.cf", conf_dir(k->c)).p;
	struct strs all = { pool_array(k->pool, s->overrides.n + 1, sizeof(struct str)),
		s->overrides.n + 1 };
	struct buf why = { 0 };
	struct conf *its;

	all.v[0] = pool_printf(k->pool, "service_name=%.*s", STR_ARG(s->name));
	memcpy(all.v + 1, s->overrides.v, s->overrides.n * sizeof(struct str));
	its = conf_like(k->c, &all);

	for (size_t i = 0; i < s->overrides.n; i++) {
		struct str value = s->overrides.v[i], name;
		const struct conf_param *row;

		str_cut(&value, '=', &name);
		row = conf_row(name);
		if (row == NULL || str_chr(value, '$') < 0)
			continue;
		buf_reset(&why);
		if (!conf_value(its, row, value, (struct conf_place){ file, s->line }, NULL, &why))
			conf_report(k->c, CONF_ERROR, file, s->line, "%s: %s", row->name, buf_z(&why));
	}
	buf_free(&why);
	conf_free(its);
}

static bool
has_names(const struct conf_service *s)
{
	for (size_t i = 0; i < s->overrides.n; i++)
		if (str_chr(s->overrides.v[i], '$') >= 0)
			return true;
	return false;
}

void
conf_check(struct conf *c)
{
	struct checking k = { c, pool_new(), map_new(), NULL, 0 };
	size_t n;
	const struct conf_setting *s = conf_settings(c, &n);

	k.services = services_read(c, k.pool, &k.nservices);
	for (size_t i = 0; i < n; i++)
		see_value(&k, str_of(s[i].name), str_of(s[i].value));
	each_override(&k, use_override);
	for (size_t i = 0; i < n; i++) {
		struct conf_place at = { s[i].file, s[i].line };

		check_name(&k, str_of(s[i].name), str_of(s[i].value), at);
		check_value(&k, str_of(s[i].name), str_of(s[i].value), at);
	}
	each_override(&k, check_override);
	for (size_t i = 0; i < k.nservices; i++)
		if (has_names(&k.services[i]))
			check_together(&k, &k.services[i]);
	map_free(k.used);
	pool_free(k.pool);
}
