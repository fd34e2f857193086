/* SPDX-License-Identifier: ISC */
/*
 * lacking - run a program as on a kernel without Landlock or seccomp.
 *
 *	lacking landlock|seccomp|both COMMAND [ARG]...
 *
 * For it and all below it the system calls of those answer as such a kernel would.  Exit 77 where
 * this kernel cannot pretend.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SKIP	77
#define LOAD(field)	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define UNLESS(value, skip)	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 0, (skip))
#define SAY(what)	BPF_STMT(BPF_RET | BPF_K, (what))
#define FAIL(error)	SAY(SECCOMP_RET_ERRNO | (error))

int
main(int argc, char **argv)
{
	static struct sock_filter rules[] = {
		LOAD(nr),
		UNLESS(__NR_landlock_create_ruleset, 1), FAIL(EOPNOTSUPP),
		UNLESS(__NR_seccomp, 1), FAIL(ENOSYS),
		UNLESS(__NR_prctl, 3), LOAD(args[0]), UNLESS(PR_SET_SECCOMP, 1), FAIL(EINVAL),
		SAY(SECCOMP_RET_ALLOW),
	};
	struct sock_fprog filter = { sizeof(rules) / sizeof(rules[0]), rules };

	if (argc < 3) {
		fprintf(stderr, "usage: lacking landlock|seccomp|both COMMAND [ARG]...\n");
		return 64;
	}
	if (strcmp(argv[1], "landlock") == 0)
		rules[4] = rules[8] = (struct sock_filter)SAY(SECCOMP_RET_ALLOW);
	else if (strcmp(argv[1], "seccomp") == 0)
		rules[2] = (struct sock_filter)SAY(SECCOMP_RET_ALLOW);
	/* An ordinary user has to renounce set-id programs for it. */
	if (geteuid() != 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return SKIP;
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) {
		perror("lacking");
		return SKIP;
	}
	execvp(argv[2], argv + 2);
	perror(argv[2]);
	return 127;
}
