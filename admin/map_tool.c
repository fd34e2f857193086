/* SPDX-License-Identifier: ISC */
/*
 * map_tool - build lookup tables, ask them, list them.
 *
 * As root it becomes the owner of each source file first, so that what it writes beside the source
 * is in nobody's way but the owner's (security L6).
 */
#include "admin/map_tool.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/panic.h"
#include "base/pool.h"
#include "conf/common.h"
#include "conf/lines.h"
#include "conf/room_router.h"
#include "table/build.h"
#include "table/table.h"

struct options {
	const struct map_tool *tool;
	const char *config_dir;
	const char *query;		/* -q */
	const char *remove;		/* -d */
	bool list;			/* -s */
	bool merge;			/* -i */
	bool replace;			/* -r */
	bool exact;			/* -f */
	bool keep_root;			/* -o */
	bool quiet;			/* -w: duplicates are no news */
	struct pool *pool;
};

static _Noreturn void
usage(const char *name)
{
	fprintf(stderr, "usage: %s [-Nfinoprsuvw] [-c config_dir] [-d key] [-q key] "
	    "[type:]file...\n"
	    "  -q key  print its value (-: keys from standard input)\n"
	    "  -d key  take it out (-: keys from standard input)\n"
	    "  -s      list all\n"
	    "  -i      add what standard input says to the table\n"
	    "  -r      a key that is there already is replaced without a word; -w: kept\n"
	    "  -f      keys keep their case\n", name);
	exit(1);
}

/* "type:/absolute/name" of what the command line says. */
static struct str
whole_spec(const struct options *o, const char *arg)
{
	struct str type, name;
	char cwd[4096];

	table_split(str_of(arg), router_conf.default_database_type, &type, &name);
	if (name.n > 0 && name.p[0] != '/' && !str_eq(type, STR("inline")) &&
	    !str_eq(type, STR("static")) && !str_eq(type, STR("unix"))) {
		if (getcwd(cwd, sizeof(cwd)) == NULL)
			fatal("cannot tell the current folder: %s", strerror(errno));
		return pool_printf(o->pool, "%.*s:%s/%.*s", STR_ARG(type), cwd, STR_ARG(name));
	}
	return pool_printf(o->pool, "%.*s:%.*s", STR_ARG(type), STR_ARG(name));
}

static unsigned
flags_of(const struct options *o)
{
	return (o->tool->kind == SOURCE_ALIASES ? TABLE_ALIASES : 0) |
	    (o->exact ? TABLE_EXACT : 0);
}

/* Give up root for the owner of the source, for the time of one file. */
static void
become_owner(const struct options *o, const char *source)
{
	struct stat st;

	if (geteuid() != 0 || o->keep_root || stat(source, &st) != 0 || st.st_uid == 0)
		return;
	if (setgroups(1, &st.st_gid) != 0 || setegid(st.st_gid) != 0 || seteuid(st.st_uid) != 0)
		fatal("cannot become the owner of %s: %s", source, strerror(errno));
}

static void
become_root(void)
{
	gid_t none = 0;

	if (getuid() == 0 && geteuid() != 0 &&
	    (seteuid(0) != 0 || setegid(0) != 0 || setgroups(1, &none) != 0))
		fatal("cannot become root again: %s", strerror(errno));
}

struct feeding {
	const struct options *o;
	struct build *b;
	const char *file;
};

static void
feed(void *arg, struct str key, struct str value, unsigned line)
{
	struct feeding *f = arg;

	if (build_put(f->b, key, value, f->o->replace) == BUILD_DUPLICATE && !f->o->quiet)
		log_warn("%s, line %u: duplicate entry: \"%.*s\"", f->file, line, STR_ARG(key));
}

static void
complain(void *arg, unsigned line, const char *text)
{
	struct feeding *f = arg;

	log_warn("%s, line %u: %s", f->file, line, text);
}

/* All of standard input. */
static struct str
read_stdin(struct pool *pool)
{
	struct buf b = { .limit = TABLE_FILE_MAX };
	struct str text;
	char part[8192];
	ssize_t n;

	while ((n = read(0, part, sizeof(part))) != 0) {
		if (n < 0 && errno != EINTR)
			fatal("cannot read standard input: %s", strerror(errno));
		if (n > 0)
			buf_add(&b, str_n(part, (size_t)n));
	}
	if (!buf_ok(&b))
		fatal("standard input is too large");
	text = pool_str(pool, buf_str(&b));
	buf_free(&b);
	return text;
}

static void
build_one(const struct options *o, struct str spec)
{
	struct buf why = { 0 };
	struct str type, name, text;
	struct feeding f = { .o = o };
	struct source_reader r = { .kind = o->tool->kind, .fold = !o->exact, .arg = &f,
		.pair = feed, .warn = complain };

	table_split(spec, NULL, &type, &name);
	f.file = o->merge ? "standard input" : name.p;
	text = STR("");
	if (o->merge)
		text = read_stdin(o->pool);
	become_owner(o, name.p);
	if (!o->merge && !conf_slurp(o->pool, name.p, TABLE_FILE_MAX, &text))
		fatal("open %s: %s", name.p, strerror(errno));
	f.b = build_begin(spec, NULL, o->merge, &why);
	if (f.b == NULL)
		fatal("%s", buf_z(&why));
	source_read(text, &r);
	if (!build_commit(f.b, &why))
		fatal("%s", buf_z(&why));
	become_root();
	buf_free(&why);
}

/* The key as the tables have it. */
static struct str
fold(const struct options *o, struct str key)
{
	struct str copy = pool_str(o->pool, key);

	for (size_t i = 0; !o->exact && i < copy.n; i++)
		((char *)copy.p)[i] = ch_lower(copy.p[i]);
	return copy;
}

/* Take keys out of each table; how many there were. */
static unsigned
remove_keys(const struct options *o, struct strs specs, struct str keys)
{
	unsigned found = 0;

	for (size_t i = 0; i < specs.n; i++) {
		struct str rest = keys, key, type, name;
		struct buf why = { 0 };
		struct build *b;
		unsigned here = 0;

		table_split(specs.v[i], NULL, &type, &name);
		become_owner(o, name.p);
		b = build_begin(specs.v[i], NULL, true, &why);
		if (b == NULL)
			fatal("%s", buf_z(&why));
		while (str_cut(&rest, '\n', &key))
			if ((key = str_trim(key)).n > 0 && build_del(b, fold(o, key)))
				here++;
		if (here == 0)
			build_abort(b);
		else if (!build_commit(b, &why))
			fatal("%s", buf_z(&why));
		become_root();
		buf_free(&why);
		found += here;
	}
	return found;
}

/* Ask the tables in order; true when one knows the key. */
static bool
ask(const struct tables *t, struct str key, struct buf *value)
{
	struct buf why = { 0 };
	enum table_result r;

	buf_reset(value);
	r = tables_get(t, key, value, &why);
	if (r == TABLE_LATER)
		fatal("%s", buf_z(&why));
	buf_free(&why);
	return r == TABLE_FOUND;
}

static bool
query(const struct options *o, const struct tables *t)
{
	struct buf value = { 0 };
	struct str rest, key;
	bool found = false;

	if (strcmp(o->query, "-") != 0) {
		found = ask(t, str_of(o->query), &value);
		if (found)
			printf("%s\n", buf_z(&value));
	} else {
		rest = read_stdin(o->pool);
		while (str_cut(&rest, '\n', &key)) {
			if (key.n == 0 || !ask(t, key, &value))
				continue;
			printf("%.*s%s%s\n", STR_ARG(key), o->tool->gap, buf_z(&value));
			found = true;
		}
	}
	buf_free(&value);
	return found;
}

static void
print_pair(void *arg, struct str key, struct str value)
{
	const struct options *o = arg;

	printf("%.*s%s%.*s\n", STR_ARG(key), o->tool->gap, STR_ARG(value));
}

static void
list_all(struct options *o, const struct tables *t)
{
	for (size_t i = 0; i < t->n; i++) {
		struct buf why = { 0 };
		enum table_result r = table_each(t->v[i], print_pair, o, &why);

		if (r == TABLE_LATER)
			fatal("%s", buf_z(&why));
		if (r == TABLE_ABSENT)
			fatal("%s has no list of keys", table_name(t->v[i]));
		buf_free(&why);
	}
}

static void
options(struct options *o, int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "bc:d:fhimnNopq:rsuvw")) != -1) {
		switch (c) {
		case 'c': o->config_dir = optarg; break;
		case 'd': o->remove = optarg; break;
		case 'q': o->query = optarg; break;
		case 'f': o->exact = true; break;
		case 'i': o->merge = true; break;
		case 'o': o->keep_root = true; break;
		case 'r': o->replace = true; break;
		case 's': o->list = true; break;
		case 'w': o->quiet = true; break;
		case 'v': log_verbose(true); break;
		case 'n':	/* keys always end in a NUL, as Postfix's do by default */
		case 'N':
		case 'p':
		case 'u':	/* nothing to upgrade */
			break;
		case 'b':
		case 'h':
		case 'm':
			fatal("option -%c (queries by header or body) is not there yet", c);
		default:
			usage(o->tool->name);
		}
	}
}

int
map_tool_main(const struct map_tool *tool, int argc, char **argv)
{
	const char *env = getenv("MAIL_CONFIG");
	struct options o = { .tool = tool, .config_dir = CONFDIR, .pool = pool_new() };
	struct strs specs;
	struct tables t;
	struct conf *c;
	int status = 0;

	log_open(2, LOG_PLAIN, tool->name);
	if (env != NULL && getuid() == geteuid())
		o.config_dir = env;
	options(&o, argc, argv);
	if (optind >= argc || (o.query != NULL) + (o.remove != NULL) + o.list + o.merge > 1)
		usage(tool->name);
	/* A table can be built where there is no main.cf yet: the defaults hold. */
	c = conf_read(o.config_dir, NULL);
	(void)conf_load(c, router_params);
	specs = (struct strs){ pool_array(o.pool, (size_t)argc, sizeof(struct str)), 0 };
	for (int i = optind; i < argc; i++)
		specs.v[specs.n++] = whole_spec(&o, argv[i]);
	if (o.remove != NULL) {
		status = remove_keys(&o, specs, strcmp(o.remove, "-") == 0 ? read_stdin(o.pool) :
		    str_of(o.remove)) == 0;
	} else if (o.query != NULL || o.list) {
		t = tables_open(specs, NULL, flags_of(&o));
		if (o.list)
			list_all(&o, &t);
		else
			status = !query(&o, &t);
		tables_close(&t);
	} else {
		for (size_t i = 0; i < specs.n; i++)
			build_one(&o, specs.v[i]);
	}
	conf_free(c);
	pool_free(o.pool);
	if (fflush(stdout) != 0 || ferror(stdout))
		fatal("cannot write: %s", strerror(errno));
	return status;
}
