/* SPDX-License-Identifier: ISC */
#include "smtp/self.h"

#include <ifaddrs.h>
#include <netdb.h>

#include "base/log.h"
#include "conf/common.h"
#include "conf/room_smtp.h"
#include "conf/services.h"
#include "daemon/service.h"

static struct net_addr addrs[SELF_ADDRS];
static size_t naddrs;
static uint16_t ports[SELF_PORTS];
static size_t nports;

static void
add_addr(const struct sockaddr *sa, socklen_t len)
{
	struct net_addr *a = &addrs[naddrs];

	if (naddrs == SELF_ADDRS || len > sizeof(a->ss))
		return;
	*a = (struct net_addr){ .len = len };
	memcpy(&a->ss, sa, len);
	naddrs++;
}

static void
add_port(uint16_t port)
{
	for (size_t i = 0; i < nports; i++)
		if (ports[i] == port)
			return;
	if (nports < SELF_PORTS)
		ports[nports++] = port;
}

/* All addresses of this machine's interfaces. */
static void
add_interfaces(bool loopback_only)
{
	struct ifaddrs *list, *i;
	struct net_addr a;

	if (getifaddrs(&list) != 0) {
		log_warn("cannot list network interfaces; loops to this host go unnoticed");
		return;
	}
	for (i = list; i != NULL; i = i->ifa_next) {
		if (i->ifa_addr == NULL || (i->ifa_addr->sa_family != AF_INET &&
		    i->ifa_addr->sa_family != AF_INET6))
			continue;
		a = (struct net_addr){ .len = i->ifa_addr->sa_family == AF_INET ?
			sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6) };
		memcpy(&a.ss, i->ifa_addr, a.len);
		if (!loopback_only || net_is_loopback(&a))
			add_addr(i->ifa_addr, a.len);
	}
	freeifaddrs(list);
}

static void
add_name(struct str name)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list, *i;
	struct pool *pool = pool_new();
	struct net_addr a;

	if (str_start(name, STR("[")) && str_end(name, STR("]")))
		name = str_sub(name, 1, name.n - 2);
	if (net_parse(name, 0, &a)) {
		add_addr((const struct sockaddr *)&a.ss, a.len);
	} else if (getaddrinfo(pool_str(pool, name).p, NULL, &hints, &list) == 0) {
		for (i = list; i != NULL; i = i->ai_next)
			add_addr(i->ai_addr, i->ai_addrlen);
		freeaddrinfo(list);
	} else {
		log_warn("address of %.*s not found", STR_ARG(name));
	}
	pool_free(pool);
}

static void
learn_addrs(void)
{
	for (size_t i = 0; i < common.inet_interfaces.n; i++) {
		struct str one = common.inet_interfaces.v[i];

		if (str_ieq(one, STR("all")) || str_ieq(one, STR("loopback-only")))
			add_interfaces(str_ieq(one, STR("loopback-only")));
		else
			add_name(one);
	}
	for (size_t i = 0; i < common.proxy_interfaces.n; i++)
		add_name(common.proxy_interfaces.v[i]);
}

/* Port 25 leads here from outside whatever it is mapped to; the others are those of smtpd. */
static void
learn_ports(void)
{
	struct pool *pool = pool_new();
	struct conf_service *v;
	struct dest d;
	size_t n;

	add_port(25);
	v = services_read(service_conf(), pool, &n);
	for (size_t i = 0; i < n; i++) {
		uint16_t port;

		if (v[i].type != SERVICE_INET || !str_eq(v[i].command, STR("smtpd")))
			continue;
		if (dest_port(v[i].name, &port))
			add_port(port);
		else if (dest_parse(v[i].name, 25, &d))
			add_port(d.port);
	}
	pool_free(pool);
}

void
self_learn(void)
{
	naddrs = nports = 0;
	learn_addrs();
	learn_ports();
}

struct hosts_rules
self_rules(void)
{
	return (struct hosts_rules){
		.ipv4 = common.inet_protocols != 2,
		.ipv6 = common.inet_protocols != 1,
		.prefer = smtp_conf.address_preference == SMTP_PREFER_IPV6 ? PREFER_IPV6 :
		    smtp_conf.address_preference == SMTP_PREFER_IPV4 ? PREFER_IPV4 : PREFER_ANY,
		.enough = smtp_conf.mx_address_limit == 0 ? HOSTS_MAX : smtp_conf.mx_address_limit,
		.myhostname = str_of(common.myhostname),
		.own = addrs, .own_n = naddrs,
		.own_ports = ports, .own_ports_n = nports,
	};
}
