/* SPDX-License-Identifier: ISC */
/*
 * listen - sockets, bound once and kept over reloads.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "base/panic.h"
#include "master/master.h"

#define BACKLOG		1024

struct bound {
	struct sockaddr_storage at;
	socklen_t len;
	int fd;
	unsigned wanted;	/* by this load of the configuration */
	unsigned made;		/* at this one */
	const struct service_line *by;	/* who wants it at that load */
};

struct named_socket {
	char *path;
	int fd;
};

static unsigned load;		/* counts all, good and bad */
static struct vec bounds = { .size = sizeof(struct bound) };
static struct vec named = { .size = sizeof(struct named_socket) };

static int
bind_one(const struct sockaddr *at, socklen_t len)
{
	int fd = socket(at->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1;

	if (fd < 0)
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (at->sa_family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(fd, at, len) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	on = errno;
	(void)close(fd);
	errno = on;
	return -1;
}

/* A socket on this address, from before or new; EEXIST when another service of this load has it. */
static int
bound_to(const struct sockaddr *at, socklen_t len, const struct service_line *by)
{
	struct bound *b;
	int fd;

	for (size_t i = 0; i < bounds.n; i++) {
		b = vec_at(&bounds, i);
		if (b->len == len && memcmp(&b->at, at, len) == 0) {
			if (b->wanted == load && b->by != by) {
				errno = EEXIST;
				return -1;
			}
			b->wanted = load;
			b->by = by;
			return b->fd;
		}
	}
	if ((fd = bind_one(at, len)) < 0)
		return -1;
	b = vec_push(&bounds);
	memcpy(&b->at, at, len);
	b->len = len;
	b->fd = fd;
	b->wanted = b->made = load;
	b->by = by;
	return fd;
}

void
listen_begin(void)
{
	load++;
}

void
listen_end(bool good)
{
	for (size_t i = bounds.n; i > 0; i--) {
		struct bound *b = vec_at(&bounds, i - 1);

		if (good ? b->wanted == load : b->made != load)
			continue;
		(void)close(b->fd);
		vec_remove(&bounds, i - 1);
	}
}

static bool
listen_host(struct service_line *s, const char *host, const char *port)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE }, *list, *a;
	bool any = false;
	int err;

	hints.ai_family = common.inet_protocols == 1 ? AF_INET :
	    common.inet_protocols == 2 ? AF_INET6 : AF_UNSPEC;
	if ((err = getaddrinfo(host, port, &hints, &list)) != 0) {
		log_error("service %s: %s port %s: %s", s->name.p, host == NULL ? "all" : host, port,
		    gai_strerror(err));
		return false;
	}
	for (a = list; a != NULL; a = a->ai_next) {
		int fd = bound_to(a->ai_addr, a->ai_addrlen, s);

		if (fd >= 0) {
			*(int *)vec_push(&s->listeners) = fd;
			any = true;
		} else if (errno != EAFNOSUPPORT && errno != EADDRNOTAVAIL) {
			log_error("service %s: cannot listen on %s port %s: %s%s", s->name.p,
			    host == NULL ? "all" : host, port, errno == EEXIST ?
			    "another line of master.cf does" : strerror(errno),
			    errno == EADDRINUSE ? " (is another mail server running?)" : "");
			freeaddrinfo(list);
			return false;
		}
	}
	freeaddrinfo(list);
	if (!any)
		log_error("service %s: no address to listen on for %s", s->name.p,
		    host == NULL ? "all" : host);
	return any;
}

bool
listen_service(struct service_line *s, struct conf_service *line)
{
	ptrdiff_t colon = str_rchr(line->name, ':');
	struct str host, port = line->name;

	if (colon >= 0) {
		host = str_sub(line->name, 0, (size_t)colon);
		port = str_sub(line->name, (size_t)colon + 1, line->name.n);
		if (str_start(host, STR("[")) && str_end(host, STR("]")))
			host = str_sub(host, 1, host.n - 2);
		host = pool_str(master.pool, host);
		port = pool_str(master.pool, port);
		return listen_host(s, host.p, port.p);
	}
	for (size_t i = 0; i < common.inet_interfaces.n; i++) {
		struct str at = common.inet_interfaces.v[i];
		const char *name = at.p;

		if (str_ieq(at, STR("all")))
			name = NULL;
		else if (str_ieq(at, STR("loopback-only")))
			name = "localhost";
		if (!listen_host(s, name, port.p))
			return false;
	}
	return true;
}

/* Unix sockets for callers outside. */
int
listen_named(const char *name, int type, unsigned mode)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	struct str path = pool_printf(master.pool, "%s/%s", common.run_directory, name);
	struct named_socket *n;
	int fd;

	for (size_t i = 0; i < named.n; i++) {
		n = vec_at(&named, i);
		if (strcmp(n->path, path.p) == 0)
			return n->fd;
	}
	if (path.n >= sizeof(at.sun_path)) {
		log_error("the path of socket %s is too long", path.p);
		return -1;
	}
	memcpy(at.sun_path, path.p, path.n + 1);
	(void)unlink(path.p);
	fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0 ||
	    chmod(path.p, mode) != 0 || listen(fd, BACKLOG) != 0) {
		log_error("socket %s: %s", path.p, strerror(errno));
		if (fd >= 0)
			(void)close(fd);
		return -1;
	}
	n = vec_push(&named);
	n->path = mem_str(path.p);
	n->fd = fd;
	return fd;
}
