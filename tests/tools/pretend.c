/* SPDX-License-Identifier: ISC */
/*
 * pretend - run a program for which a system call that changes who it is does nothing.
 *
 *	pretend setgroups|setresgid|setresuid fails|works COMMAND [ARG]...
 *
 * For it and all below it the call is not made, and says EPERM or that it went well.  For root.
 * Exit 77 where this kernel cannot pretend.
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

static const struct {
	const char *name;
	unsigned nr;
} calls[] = {
	{ "setgroups", __NR_setgroups },
	{ "setresgid", __NR_setresgid },
	{ "setresuid", __NR_setresuid },
};

int
main(int argc, char **argv)
{
	static struct sock_filter rules[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog filter = { sizeof(rules) / sizeof(rules[0]), rules };
	size_t i = 0, n = sizeof(calls) / sizeof(calls[0]);

	while (argc >= 4 && i < n && strcmp(argv[1], calls[i].name) != 0)
		i++;
	if (argc < 4 || i == n) {
		fprintf(stderr, "usage: pretend setgroups|setresgid|setresuid fails|works "
		    "COMMAND [ARG]...\n");
		return 64;
	}
	rules[1].k = calls[i].nr;
	if (strcmp(argv[2], "fails") == 0)
		rules[2].k |= EPERM;
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) {
		perror("pretend");
		return SKIP;
	}
	execvp(argv[3], argv + 3);
	perror(argv[3]);
	return 127;
}
