/* SPDX-License-Identifier: ISC */
/* A POP3 session that has to wait for another one. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fiber/fiber.h"
#include "fuzz/talk.h"
#include "pop3d/pop3d.h"
#include "unit/unit.h"

static char root[64];
static int dir = -1;
static struct box *other;

static void
setup(void)
{
	static const char *const folders[] = { "cur", "new", "tmp" };

	unit_folder(root, sizeof(root));
	dir = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(dir, 0);
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		ck_assert_int_eq(mkdirat(dir, folders[i], 0700), 0);
}

static void
teardown(void)
{
	close(dir);
	unit_remove(root);
}

static void
put(const char *name, const char *text)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

/* What the session before does at its end. */
static void
finish(void *arg)
{
	(void)arg;
	fiber_sleep(deadline_in(300));
	ck_assert_int_eq(mailbox_expunge(other, (size_t[]){ 0 }, 1, 0), STORE_OK);
	put("new/3.c", "\nccc\n");
	mailbox_close(other);
}

static void
serve(struct stream *s)
{
	struct store *store;

	ck_assert_int_eq(store_open(dir, STR("."), false, &store), STORE_OK);
	ck_assert_int_eq(mailbox_open(store, STR("INBOX"), false, &other), STORE_OK);
	ck_assert(mailbox_exclusive(other));
	(void)fiber_start(finish, NULL, "finish");
	pop3_session(s, store, NULL);
	store_close(store);
}

/* RFC 1939 4: the maildrop is what it is when the lock is there, not what it was before. */
START_TEST(waited)
{
	struct talk t;
	const char *got;

	put("new/1.a", "\na\n");
	put("new/2.b", "\nbb\n");
	talk(&t, STR("STAT\r\nLIST\r\nRETR 1\r\nQUIT\r\n"), serve);
	got = buf_z(&t.said);
	ck_assert_msg(strstr(got, "+OK 2 13\r\n+OK\r\n1 6\r\n2 7\r\n.\r\n"
	    "+OK 6 octets\r\n\r\nbb\r\n.\r\n") != NULL, "%s", got);
	buf_free(&t.said);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("rooms/pop3d");
	TCase *t = tcase_create("pop3d");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, waited);
	suite_add_tcase(s, t);
	return s;
}

UNIT_MAIN(suite)
