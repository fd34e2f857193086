/* SPDX-License-Identifier: ISC */
/* postconf.h - what the files of postconf share. */
#ifndef ADMIN_POSTCONF_H
#define ADMIN_POSTCONF_H

#include "conf/conf.h"
#include "conf/services.h"

enum edit_kind { EDIT_NONE, EDIT_SET, EDIT_REMOVE, EDIT_COMMENT };

struct postconf {
	const char *dir;
	struct conf *conf;
	struct pool *pool;
	bool defaults;		/* -d */
	bool set_only;		/* -n */
	bool no_names;		/* -h */
	bool no_values;		/* -H */
	bool expand;		/* -x */
	bool fold;		/* -f */
	enum edit_kind edit;	/* -e -X -# */
	char **names;		/* NULL at the end */
};

/* Everything about main.cf; gives the exit status. */
int show_main(struct postconf *p);
int edit_main(struct postconf *p);

/* master.cf: -M whole services, -F fields, -P their -o parameters. */
int show_services(struct postconf *p);
int show_fields(struct postconf *p);
int show_overrides(struct postconf *p);
int edit_services(struct postconf *p);
int edit_fields(struct postconf *p);
int edit_overrides(struct postconf *p);

/* One setting as the command prints it; -f folds long ones. */
void print_setting(const struct postconf *p, const char *prefix, const char *name,
    struct str value);

#endif
