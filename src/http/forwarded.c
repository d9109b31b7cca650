/* SPDX-License-Identifier: MIT */
#include <heph/http/forwarded.h>

#include <arpa/inet.h>
#include <stdio.h>

#include "http/text.h"

int heph_http_forwarded_next(struct heph_str list, size_t *at,
			     struct heph_http_forwarded *ret_forwarded)
{
	struct heph_http_forwarded forwarded = { .by = { NULL, 0 } };
	struct heph_http_param param;
	struct heph_str member;
	size_t within = 0;
	int got = heph_http_list_next(list, at, &member);

	if (got <= 0)
		return got;
	while ((got = heph_http_params_next(member, &within, &param)) > 0) {
		if (!param.value.data)
			return -EBADMSG;
		if (heph_str_equal_case(param.name, "for"))
			forwarded.client = param.value;
		else if (heph_str_equal_case(param.name, "by"))
			forwarded.by = param.value;
		else if (heph_str_equal_case(param.name, "host"))
			forwarded.host = param.value;
		else if (heph_str_equal_case(param.name, "proto"))
			forwarded.proto = param.value;
	}
	if (got < 0)
		return got;
	*ret_forwarded = forwarded;
	return 1;
}

/* ---- nodes -------------------------------------------------------------------------- */

/* Splits "[host]:port", "host:port", and a host alone. */
static void split_node(struct heph_str node, struct heph_str *host,
		       struct heph_str *port)
{
	size_t colon = text_find(node, 0, ':');
	size_t bracket = text_find(node, 0, ']');

	*port = heph_str("0");
	*host = node;
	if (node.size > 0 && node.data[0] == '[' && bracket < node.size) {
		*host = text_part(node, 1, bracket);
		if (bracket + 1 < node.size)
			*port = text_part(node, bracket + 2, node.size);
		if (bracket + 1 < node.size && node.data[bracket + 1] != ':')
			*host = heph_str("");
	} else if (colon < node.size &&
		   text_find(node, colon + 1, ':') == node.size) {
		*host = text_part(node, 0, colon);
		*port = text_part(node, colon + 1, node.size);
	}
}

/* Whether it is an address and nothing else that could be one's text. */
static bool is_address(struct heph_str host, int family)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr address;

	if (host.size >= sizeof(text) || host.size == 0)
		return false;
	memcpy(text, host.data, host.size);
	text[host.size] = '\0';
	return strlen(text) == host.size && inet_pton(family, text, &address) == 1;
}

int heph_http_forwarded_address(struct heph_str node,
				struct heph_address *ret_address)
{
	char text[INET6_ADDRSTRLEN + sizeof("[]:65535")];
	struct heph_str host, port;
	bool is_ipv6;
	uint64_t number;

	split_node(heph_http_text_trim(node), &host, &port);
	is_ipv6 = is_address(host, AF_INET6);
	if ((!is_ipv6 && !is_address(host, AF_INET)) ||
	    heph_http_number(port, &number) < 0 || number > UINT16_MAX)
		return -EBADMSG;
	snprintf(text, sizeof(text), is_ipv6 ? "[%.*s]:%u" : "%.*s:%u",
		 HEPH_STR(host), (unsigned)number);
	return heph_address_parse(ret_address, text) < 0 ? -EBADMSG : 0;
}

/* ---- the client ---------------------------------------------------------------------- */

/* The next node of a list, of the one kind or the other. */
static int next_node(struct heph_str list, bool standard, size_t *at,
		     struct heph_str *node)
{
	struct heph_http_forwarded forwarded;
	int got;

	if (!standard)
		return heph_http_list_next(list, at, node);
	got = heph_http_forwarded_next(list, at, &forwarded);
	*node = forwarded.client;
	return got;
}

/* Counts the nodes of a field; `*ret_node` is that of the number `want`. */
static int count_nodes(struct heph_str list, bool standard, unsigned want,
		       unsigned *n, struct heph_str *ret_node)
{
	struct heph_str node = { NULL, 0 };
	size_t at = 0;
	int got;

	while ((got = next_node(list, standard, &at, &node)) > 0)
		if ((*n)++ == want)
			*ret_node = node;
	return got;
}

static int count_all(const struct heph_http_fields *fields, const char *name,
		     unsigned want, unsigned *n, struct heph_str *ret_node)
{
	bool standard = strcasecmp(name, "Forwarded") == 0;
	int err = 0;

	*n = 0;
	for (unsigned i = 0; i < fields->n && !err; i++)
		if (heph_str_equal_case(heph_http_field_name(&fields->at[i]), name))
			err = count_nodes(heph_http_field_value(&fields->at[i]),
					  standard, want, n, ret_node);
	return err;
}

int heph_http_forwarded_client(const struct heph_http_fields *fields,
			       const char *name, unsigned proxies,
			       struct heph_address *ret_address)
{
	struct heph_str node = { NULL, 0 };
	unsigned n;
	int err = count_all(fields, name, UINT32_MAX, &n, &node);

	if (err || proxies == 0 || n < proxies)
		return err;
	err = count_all(fields, name, n - proxies, &n, &node);
	if (!err)
		err = heph_http_forwarded_address(node, ret_address);
	return err ? err : 1;
}
