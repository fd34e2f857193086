/* SPDX-License-Identifier: ISC */
/* setup - open the tables and lists that main.cf names. */
#include <ifaddrs.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "base/panic.h"
#include "base/vec.h"
#include "router/router.h"

struct router router;

static struct pool *memory;

static bool
in_list(struct strs list, struct str word)
{
	for (size_t i = 0; i < list.n; i++)
		if (str_eq(list.v[i], word))
			return true;
	return false;
}

static struct domains *
open_domains(struct strs members, const char *name)
{
	return domains_open(members, in_list(router_conf.parent_matches, str_of(name)),
	    router_conf.default_database_type);
}

static struct tables
open_tables(struct strs specs)
{
	return tables_open(specs, router_conf.default_database_type, 0);
}

/* Tables that stand in alias_maps too have the format of aliases(5). */
static struct tables
open_mixed(struct strs specs)
{
	struct tables t = { mem_zero(specs.n + 1, sizeof(struct table *)), specs.n };

	for (size_t i = 0; i < specs.n; i++)
		t.v[i] = table_open(specs.v[i], router_conf.default_database_type,
		    in_list(router_conf.alias_maps, specs.v[i]) ? TABLE_ALIASES : 0);
	return t;
}

/* An address of this host, as the domain of user@[address]. */
static void
add_address(struct vec *to, int family, const void *address)
{
	char text[INET6_ADDRSTRLEN];

	if (inet_ntop(family, address, text, sizeof(text)) != NULL)
		*(struct str *)vec_push(to) = pool_printf(memory, family == AF_INET6 ? "[IPv6:%s]" :
		    "[%s]", text);
}

/* Those of a list that are numbers. */
static void
add_numbers(struct vec *to, struct strs list)
{
	unsigned char address[sizeof(struct in6_addr)];

	for (size_t i = 0; i < list.n; i++) {
		struct str one = list.v[i];
		const char *text;

		if (str_start(one, STR("[")) && str_end(one, STR("]")))
			one = str_sub(one, 1, one.n - 2);
		text = pool_str(memory, one).p;
		if (inet_pton(AF_INET, text, address) == 1)
			add_address(to, AF_INET, address);
		else if (inet_pton(AF_INET6, text, address) == 1)
			add_address(to, AF_INET6, address);
	}
}

/*
 * The addresses of this host, and those it is told to take mail at: mail for user@[address] is local.
 */
static struct strs
host_addresses(void)
{
	struct vec v = vec_of(sizeof(struct str));
	struct ifaddrs *list = NULL;
	struct strs out;

	if (getifaddrs(&list) != 0)
		list = NULL;
	for (struct ifaddrs *i = list; i != NULL; i = i->ifa_next) {
		if (i->ifa_addr != NULL && i->ifa_addr->sa_family == AF_INET)
			add_address(&v, AF_INET, &((struct sockaddr_in *)i->ifa_addr)->sin_addr);
		else if (i->ifa_addr != NULL && i->ifa_addr->sa_family == AF_INET6)
			add_address(&v, AF_INET6, &((struct sockaddr_in6 *)i->ifa_addr)->sin6_addr);
	}
	if (list != NULL)
		freeifaddrs(list);
	add_numbers(&v, common.inet_interfaces);
	add_numbers(&v, common.proxy_interfaces);
	out = (struct strs){ pool_array(memory, v.n + 1, sizeof(struct str)), v.n };
	if (v.n > 0)
		memcpy(out.v, v.p, v.n * sizeof(struct str));
	vec_free(&v);
	return out;
}

void
router_open(void)
{
	const struct router_conf *c = &router_conf;

	memory = pool_new();
	router.local = open_domains(common.mydestination, "mydestination");
	router.alias = open_domains(c->virtual_alias_domains, "virtual_alias_domains");
	router.mailbox = open_domains(c->virtual_mailbox_domains, "virtual_mailbox_domains");
	router.relay = open_domains(c->relay_domains, "relay_domains");
	router.alias_maps = tables_open(c->alias_maps, c->default_database_type, TABLE_ALIASES);
	router.virtual_alias_maps = open_tables(c->virtual_alias_maps);
	router.mailbox_maps = open_tables(c->virtual_mailbox_maps);
	router.uid_maps = open_tables(c->virtual_uid_maps);
	router.gid_maps = open_tables(c->virtual_gid_maps);
	router.local_recipients = open_mixed(c->local_recipient_maps);
	router.relay_recipients = open_tables(c->relay_recipient_maps);
	router.transports = open_tables(c->transport_maps);
	router.delimiters = str_of(common.recipient_delimiter);
	router.own_ips = host_addresses();
}

void
router_close(void)
{
	domains_close(router.local);
	domains_close(router.alias);
	domains_close(router.mailbox);
	domains_close(router.relay);
	tables_close(&router.alias_maps);
	tables_close(&router.virtual_alias_maps);
	tables_close(&router.mailbox_maps);
	tables_close(&router.uid_maps);
	tables_close(&router.gid_maps);
	tables_close(&router.local_recipients);
	tables_close(&router.relay_recipients);
	tables_close(&router.transports);
	pool_free(memory);
	router = (struct router){ 0 };
}
