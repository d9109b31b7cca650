/* SPDX-License-Identifier: MIT */
#include "io/lookup.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>

#include "io/kinds.h"

enum { PORT_MAX = 65535 };

/* ---- what needs no asking ------------------------------------------------------- */

/* In the order of bytes of the network; -EAGAIN: it is a name. */
static int parse_port(const char *service, in_port_t *ret_port)
{
	unsigned long port = 0;

	if (service[strspn(service, "0123456789")])
		return -EAGAIN;
	for (; *service; service++) {
		port = port * 10 + (unsigned long)(*service - '0');
		if (port > PORT_MAX)
			return -EINVAL;
	}
	*ret_port = htons((in_port_t)port);
	return 0;
}

static void set_v4(struct heph_address *address, struct in_addr host,
		   in_port_t port)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_port = port,
				  .sin_addr = host };

	*address = (struct heph_address){ .size = sizeof(in) };
	memcpy(&address->storage, &in, sizeof(in));
}

static void set_v6(struct heph_address *address, struct in6_addr host,
		   uint32_t scope, in_port_t port)
{
	struct sockaddr_in6 in = { .sin6_family = AF_INET6,
				   .sin6_port = port,
				   .sin6_addr = host,
				   .sin6_scope_id = scope };

	*address = (struct heph_address){ .size = sizeof(in) };
	memcpy(&address->storage, &in, sizeof(in));
}

/* The number or the name of an interface. 0: there is no such one. */
static uint32_t parse_scope(const char *text)
{
	uint32_t scope = 0;

	if (!*text || text[strspn(text, "0123456789")])
		return if_nametoindex(text);
	for (; *text && scope < UINT32_MAX / 10; text++)
		scope = scope * 10 + (uint32_t)(*text - '0');
	return *text ? 0 : scope;
}

/* fe80::1%eth0, RFC 4007. 1, 0: it is no such address; -EINVAL. */
static int parse_v6(const char *host, in_port_t port,
		    struct heph_address *ret_address)
{
	const char *percent = strchr(host, '%');
	size_t n = percent ? (size_t)(percent - host) : strlen(host);
	char text[INET6_ADDRSTRLEN];
	struct in6_addr in;
	uint32_t scope = 0;

	if (n >= sizeof(text))
		return 0;
	memcpy(text, host, n);
	text[n] = '\0';
	if (inet_pton(AF_INET6, text, &in) != 1)
		return 0;
	if (percent && !(scope = parse_scope(percent + 1)))
		return -EINVAL;
	set_v6(ret_address, in, scope, port);
	return 1;
}

static int find_number(const char *host, in_port_t port, int family,
		       struct heph_address *ret_address)
{
	struct in_addr in;
	int n;

	if (inet_pton(AF_INET, host, &in) == 1) {
		set_v4(ret_address, in, port);
		return family == AF_INET6 ? -ENODATA : 1;
	}
	n = parse_v6(host, port, ret_address);
	return n == 1 && family == AF_INET ? -ENODATA : n;
}

/* With or without a dot at its end. */
static bool is_localhost(const char *host)
{
	static const char name[] = "localhost";
	size_t size = sizeof(name) - 1, n = strlen(host);

	if (n && host[n - 1] == '.')
		n--;
	return n >= size && strncasecmp(host + n - size, name, size) == 0 &&
	       (n == size || host[n - size - 1] == '.');
}

static int find_localhost(in_port_t port, int family,
			  struct heph_address *ret_addresses, unsigned max)
{
	struct in_addr v4 = { .s_addr = htonl(INADDR_LOOPBACK) };
	unsigned n = 0;

	if (family != AF_INET && n < max)
		set_v6(&ret_addresses[n++], in6addr_loopback, 0, port);
	if (family != AF_INET6 && n < max)
		set_v4(&ret_addresses[n++], v4, port);
	return (int)n;
}

/* What looks like an address, or like a part of one, and is none: no top-level
 * domain is a number. */
static bool is_bad_number(const char *host)
{
	size_t n = strlen(host), digits = 0;

	if (n && host[n - 1] == '.')
		n--;
	while (digits < n && strchr("0123456789", host[n - digits - 1]))
		digits++;
	return digits && (digits == n || host[n - digits - 1] == '.');
}

int heph_lookup_known(const char *host, const char *service, int family,
		      struct heph_address *ret_addresses, unsigned max)
{
	in_port_t port = 0;
	int err = parse_port(service, &port), n;

	if (err < 0)
		return err;
	n = find_number(host, port, family, ret_addresses);
	if (n == 0 && is_localhost(host))
		n = find_localhost(port, family, ret_addresses, max);
	if (n == 0 && is_bad_number(host))
		n = -EINVAL;
	return n ? n : -EAGAIN;
}

/* ---- for the resolver -------------------------------------------------------------- */

static int fill(struct heph_op *op, const char *host, const char *service,
		int family, unsigned max)
{
	size_t n = strlen(host) + 1, m = strlen(service) + 1;
	size_t found = max * sizeof(struct heph_address);
	struct heph_lookup *lookup =
		heph_op_room(op, sizeof(*lookup) + found + n + m);
	char *texts;

	if (!lookup)
		return -ENOMEM;
	texts = (char *)&lookup->found[max];
	*lookup = (struct heph_lookup){ .family = family, .max = max };
	lookup->host = memcpy(texts, host, n);
	lookup->service = memcpy(texts + n, service, m);
	op->buf = lookup;
	return 0;
}

int heph_lookup_new(heph_ctx ctx, const char *host, const char *service,
		    int family, unsigned max, struct heph_op **ret_op)
{
	struct heph_op *op;
	int err;

	if (!*host || strnlen(host, HEPH_HOST_MAX + 1) > HEPH_HOST_MAX ||
	    strnlen(service, HEPH_SERVICE_MAX + 1) > HEPH_SERVICE_MAX)
		return -EINVAL;
	op = heph_op_make(ctx.self, HEPH_OP_RESOLVE, NULL);
	if (!op)
		return -ENOMEM;
	err = fill(op, host, service, family, max);
	if (err < 0)
		heph_op_free(op);
	else
		*ret_op = op;
	return err;
}

/* For those who do it by a system call: there is none. */
int heph_attempt_resolve(struct heph_op *op)
{
	(void)op;
	return -ENOSYS;
}
