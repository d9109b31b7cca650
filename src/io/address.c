/* SPDX-License-Identifier: MIT */
#include "io/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

enum { PORT_MAX = 65535 };

/* A decimal number up to 65535 and nothing else. */
static int parse_port(const char *text, in_port_t *ret_port)
{
	unsigned long port = 0;

	if (!*text)
		return -EINVAL;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -EINVAL;
		port = port * 10 + (unsigned long)(*text - '0');
		if (port > PORT_MAX)
			return -EINVAL;
	}
	*ret_port = htons((in_port_t)port);
	return 0;
}

static int parse_v4(struct heph_address *address, const char *host, in_port_t port)
{
	struct sockaddr_in *in = (struct sockaddr_in *)(void *)&address->storage;

	in->sin_family = AF_INET;
	in->sin_port = port;
	address->size = sizeof(*in);
	return inet_pton(AF_INET, host, &in->sin_addr) == 1 ? 0 : -EINVAL;
}

static int parse_v6(struct heph_address *address, const char *host, in_port_t port)
{
	struct sockaddr_in6 *in = (struct sockaddr_in6 *)(void *)&address->storage;

	in->sin6_family = AF_INET6;
	in->sin6_port = port;
	address->size = sizeof(*in);
	return inet_pton(AF_INET6, host, &in->sin6_addr) == 1 ? 0 : -EINVAL;
}

int heph_address_parse(struct heph_address *address, const char *text)
{
	const char *colon = strrchr(text, ':');
	char host[INET6_ADDRSTRLEN + 2];
	size_t length;
	in_port_t port;
	int err;

	*address = (struct heph_address){ 0 };
	if (!colon || (size_t)(colon - text) >= sizeof(host))
		return -EINVAL;
	err = parse_port(colon + 1, &port);
	if (err < 0)
		return err;
	length = (size_t)(colon - text);
	memcpy(host, text, length);
	host[length] = '\0';
	address->any = length == 0;
	if (address->any)
		return parse_v6(address, "::", port);
	if (host[0] != '[')
		return parse_v4(address, host, port);
	if (host[length - 1] != ']')
		return -EINVAL;
	host[length - 1] = '\0';
	return parse_v6(address, host + 1, port);
}

void heph_address_any_v4(struct heph_address *address)
{
	const struct sockaddr_in6 *in = (const void *)&address->storage;
	in_port_t port = in->sin6_port;

	*address = (struct heph_address){ 0 };
	parse_v4(address, "0.0.0.0", port);
}

static void print_v6(const struct sockaddr_in6 *in, char *text)
{
	char host[INET6_ADDRSTRLEN];
	const void *v4 = &in->sin6_addr.s6_addr[12];

	if (IN6_IS_ADDR_V4MAPPED(&in->sin6_addr)) {
		inet_ntop(AF_INET, v4, host, sizeof(host));
		snprintf(text, HEPH_ADDRESS_MAX, "%s:%u", host,
			 ntohs(in->sin6_port));
	} else {
		inet_ntop(AF_INET6, &in->sin6_addr, host, sizeof(host));
		snprintf(text, HEPH_ADDRESS_MAX, "[%s]:%u", host,
			 ntohs(in->sin6_port));
	}
}

int heph_address_print(const struct heph_address *address,
		       char ret_text[HEPH_ADDRESS_MAX])
{
	const void *storage = &address->storage;
	const struct sockaddr_in *in = storage;
	char host[INET_ADDRSTRLEN];

	switch (address->storage.ss_family) {
	case AF_INET:
		inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host));
		snprintf(ret_text, HEPH_ADDRESS_MAX, "%s:%u", host,
			 ntohs(in->sin_port));
		return 0;
	case AF_INET6:
		print_v6(storage, ret_text);
		return 0;
	default:
		return -EAFNOSUPPORT;
	}
}
