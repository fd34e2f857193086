/* SPDX-License-Identifier: ISC */
/* smtpsink - accepts and counts mail, keeps none.
 * usage: smtpsink ADDRESS PORT COUNTERFILE
 * COUNTERFILE holds two 64-bit numbers of this machine: messages, and
 * CLOCK_MONOTONIC nanoseconds of the last one. One process, epoll. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct client {
	int fd, data, state;	/* state: how much of CRLF.CRLF has been seen */
	size_t n;
	char cmd[2048];
};

static volatile uint64_t *counter;
static int ep;

static void say(struct client *c, const char *s)
{
	if (send(c->fd, s, strlen(s), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		return;
}

static void drop(struct client *c)
{
	close(c->fd);
	free(c);
}

static int feed(struct client *c, const char *p, size_t n)
{
	static const char end[] = "\r\n.\r\n";
	struct timespec t;

	for (size_t i = 0; i < n; i++) {
		char ch = p[i];

		if (c->data) {
			if (c->state == 0 && ch != '\r') {
				const char *q = memchr(p + i, '\r', n - i);

				if (!q)
					return 0;
				i = (size_t)(q - p);
				ch = '\r';
			}
			if (ch == end[c->state])
				c->state++;
			else
				c->state = ch == '\r' ? 1 : 0;
			if (c->state == 5) {
				clock_gettime(CLOCK_MONOTONIC, &t);
				counter[1] = (uint64_t)t.tv_sec * 1000000000u +
					(uint64_t)t.tv_nsec;
				counter[0]++;
				c->data = 0;
				say(c, "250 2.0.0 taken\r\n");
			}
			continue;
		}
		if (ch != '\n') {
			if (c->n + 1 < sizeof c->cmd)
				c->cmd[c->n++] = ch;
			continue;
		}
		c->cmd[c->n] = 0;
		c->n = 0;
		if (!strncasecmp(c->cmd, "EHLO", 4))
			say(c, "250-sink.bench.example\r\n250-PIPELINING\r\n"
			       "250-8BITMIME\r\n250 SIZE 0\r\n");
		else if (!strncasecmp(c->cmd, "DATA", 4)) {
			c->data = 1;
			c->state = 2;
			say(c, "354 go on\r\n");
		} else if (!strncasecmp(c->cmd, "QUIT", 4)) {
			say(c, "221 2.0.0 bye\r\n");
			return -1;
		} else
			say(c, "250 2.0.0 ok\r\n");
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	struct epoll_event ev[256];
	static char buf[262144];
	int ls, one = 1, cf;

	if (argc != 4)
		return 2;
	cf = open(argv[3], O_RDWR | O_CREAT, 0644);
	if (cf < 0 || ftruncate(cf, 16) < 0)
		return 1;
	counter = mmap(NULL, 16, PROT_READ | PROT_WRITE, MAP_SHARED, cf, 0);
	ls = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	setsockopt(ls, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	inet_pton(AF_INET, argv[1], &a.sin_addr);
	a.sin_port = htons((uint16_t)atoi(argv[2]));
	if (bind(ls, (struct sockaddr *)&a, sizeof a) < 0 || listen(ls, 4096) < 0) {
		perror("bind");
		return 1;
	}
	ep = epoll_create1(EPOLL_CLOEXEC);
	epoll_ctl(ep, EPOLL_CTL_ADD, ls, &(struct epoll_event){ .events = EPOLLIN });
	for (;;) {
		int n = epoll_wait(ep, ev, 256, -1);

		for (int i = 0; i < n; i++) {
			struct client *c = ev[i].data.ptr;
			ssize_t r;

			if (!c) {
				int fd = accept4(ls, NULL, NULL, SOCK_CLOEXEC);

				if (fd < 0)
					continue;
				c = calloc(1, sizeof *c);
				c->fd = fd;
				epoll_ctl(ep, EPOLL_CTL_ADD, fd, &(struct epoll_event){
					.events = EPOLLIN, .data.ptr = c });
				say(c, "220 sink.bench.example ESMTP\r\n");
				continue;
			}
			r = read(c->fd, buf, sizeof buf);
			if (r <= 0 || feed(c, buf, (size_t)r) < 0)
				drop(c);
		}
	}
}
