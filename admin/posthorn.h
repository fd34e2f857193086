/* SPDX-License-Identifier: ISC */
/*
 * posthorn.h - the verbs of the operator's command; each has a file of its own.
 */
#ifndef ADMIN_POSTHORN_H
#define ADMIN_POSTHORN_H

#include <stdbool.h>
#include <stddef.h>

/* Each gets the configuration folder and the words behind its own name; gives an exit status. */
int verb_init(const char *dir, int argc, char **argv);
int verb_start(const char *dir, int argc, char **argv);
int verb_stop(const char *dir, int argc, char **argv);
int verb_reload(const char *dir, int argc, char **argv);
int verb_status(const char *dir, int argc, char **argv);
int verb_check(const char *dir, int argc, char **argv);
int verb_user(const char *dir, int argc, char **argv);
int verb_users(const char *dir, int argc, char **argv);

/*
 * Where the programs of this installation are: "../libexec/posthorn" beside our own binary when
 * master is there, else as it was built.  A string of this process.
 */
const char *program_folder(void);

/* "posthorn: TEXT" on standard error; gives `status`. */
int complain(int status, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/*
 * Look at a configuration and at what it names: settings, folders, users, certificates, tables,
 * programs.  All that is wrong becomes findings; the first `*own` of them are what master finds too.
 */
struct conf;
void check_everything(struct conf *c, size_t *own);

/*
 * The findings of a configuration on standard error, those before number `from` left out; with `all`
 * notes too.  Are these free of errors?
 */
bool show_findings(struct conf *c, size_t from, bool all);

#endif
