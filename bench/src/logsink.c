/* SPDX-License-Identifier: ISC */
/* logsink - stands in for syslogd: receives datagrams on the sockets named and
 * appends them to a file, without fsync.   usage: logsink FILE SOCKET... */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct pollfd p[32];
	static char buf[65536];
	int i, n = 0, fd;

	if (argc < 3 || argc > 34 ||
	    (fd = open(argv[1], O_WRONLY | O_CREAT | O_APPEND, 0644)) < 0)
		return 2;
	for (i = 2; i < argc; i++) {
		struct sockaddr_un a = { .sun_family = AF_UNIX };

		snprintf(a.sun_path, sizeof a.sun_path, "%s", argv[i]);
		unlink(argv[i]);
		p[n].fd = socket(AF_UNIX, SOCK_DGRAM, 0);
		p[n].events = POLLIN;
		if (bind(p[n].fd, (struct sockaddr *)&a, sizeof a) < 0) {
			perror(argv[i]);
			return 1;
		}
		chmod(argv[i], 0666);
		n++;
	}
	while (poll(p, (nfds_t)n, -1) > 0)
		for (i = 0; i < n; i++)
			if (p[i].revents) {
				ssize_t r = recv(p[i].fd, buf, sizeof buf - 1, 0);

				if (r > 0) {
					buf[r] = '\n';
					if (write(fd, buf, (size_t)r + 1) < 0)
						return 1;
				}
			}
	return 0;
}
