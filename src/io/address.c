/* SPDX-License-Identifier: MIT */
#include "io/address.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

#include "base/fmt.h"
#include "base/hash.h"

enum { PORT_MAX = 65535, PATH_AT = offsetof(struct sockaddr_un, sun_path) };

static struct sockaddr_in *v4_of(struct heph_address *address)
{
	return (struct sockaddr_in *)(void *)&address->storage;
}

static struct sockaddr_in6 *v6_of(struct heph_address *address)
{
	return (struct sockaddr_in6 *)(void *)&address->storage;
}

static const struct sockaddr_in *const_v4_of(const struct heph_address *address)
{
	return (const void *)&address->storage;
}

static const struct sockaddr_in6 *
const_v6_of(const struct heph_address *address)
{
	return (const void *)&address->storage;
}

/* ---- reading ------------------------------------------------------------------- */

/* A decimal number up to `max` and nothing else; or -EINVAL. */
static int64_t parse_number(const char *text, int64_t max)
{
	int64_t number = 0;

	if (!*text)
		return -EINVAL;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -EINVAL;
		number = number * 10 + (*text - '0');
		if (number > max)
			return -EINVAL;
	}
	return number;
}

static int parse_v4(struct heph_address *address, const char *host,
		    in_port_t port)
{
	struct sockaddr_in *in = v4_of(address);

	in->sin_family = AF_INET;
	in->sin_port = port;
	address->size = sizeof(*in);
	return inet_pton(AF_INET, host, &in->sin_addr) == 1 ? 0 : -EINVAL;
}

/* An interface, by its number or its name. */
static int parse_scope(const char *text, uint32_t *ret_scope)
{
	int64_t number = parse_number(text, UINT32_MAX);

	if (number < 0)
		number = if_nametoindex(text);
	*ret_scope = (uint32_t)number;
	return !*text ? -EINVAL : number == 0 ? -ENODEV : 0;
}

static int parse_v6(struct heph_address *address, char *host, in_port_t port)
{
	struct sockaddr_in6 *in = v6_of(address);
	char *scope = strchr(host, '%');
	int err = 0;

	if (scope) {
		*scope = '\0';
		err = parse_scope(scope + 1, &in->sin6_scope_id);
	}
	in->sin6_family = AF_INET6;
	in->sin6_port = port;
	address->size = sizeof(*in);
	return inet_pton(AF_INET6, host, &in->sin6_addr) == 1 ? err : -EINVAL;
}

static int parse_host(struct heph_address *address, char *host, in_port_t port)
{
	size_t length = strlen(host);
	char all[] = "::";

	if (length == 0)
		return parse_v6(address, all, port);
	if (host[0] != '[')
		return parse_v4(address, host, port);
	if (host[length - 1] != ']')
		return -EINVAL;
	host[length - 1] = '\0';
	return parse_v6(address, host + 1, port);
}

static int parse_inet(struct heph_address *address, const char *text)
{
	const char *colon = strrchr(text, ':');
	char host[INET6_ADDRSTRLEN + IF_NAMESIZE + 3];
	int64_t port;

	if (!colon || (size_t)(colon - text) >= sizeof(host))
		return -EINVAL;
	port = parse_number(colon + 1, PORT_MAX);
	if (port < 0)
		return -EINVAL;
	memcpy(host, text, (size_t)(colon - text));
	host[colon - text] = '\0';
	return parse_host(address, host, htons((in_port_t)port));
}

/* The name of an abstract one follows a nul, and has no end. */
static int parse_unix(struct heph_address *address, const char *path)
{
	struct sockaddr_un *un =
		(struct sockaddr_un *)(void *)&address->storage;
	size_t length = strlen(path);

	if (length >= sizeof(un->sun_path))
		return -ENAMETOOLONG;
	un->sun_family = AF_UNIX;
	memcpy(un->sun_path, path, length);
	if (path[0] == '@')
		un->sun_path[0] = '\0';
	else if (length > 0)
		length++;
	address->size = (socklen_t)(PATH_AT + length);
	return path[0] == '@' && length == 1 ? -EINVAL : 0;
}

int heph_address_parse(struct heph_address *ret_address, const char *text)
{
	struct heph_address address = { 0 };
	int err = strncmp(text, "unix:", 5) == 0 ?
			  parse_unix(&address, text + 5) :
			  parse_inet(&address, text);

	if (err == 0)
		*ret_address = address;
	return err;
}

void heph_address_any_v4(struct heph_address *address)
{
	in_port_t port = v6_of(address)->sin6_port;

	*address = (struct heph_address){ 0 };
	parse_v4(address, "0.0.0.0", port);
}

/* ---- writing ------------------------------------------------------------------- */

static bool is_abstract(const struct heph_address *address)
{
	const struct sockaddr_un *un = (const void *)&address->storage;

	return address->size > PATH_AT && !un->sun_path[0];
}

int heph_address_print(const struct heph_address *address,
		       char ret_text[HEPH_ADDRESS_MAX])
{
	struct heph_fmt fmt;

	heph_fmt_init(&fmt, ret_text, HEPH_ADDRESS_MAX);
	return heph_fmt_address(&fmt, address) ? 0 : -EAFNOSUPPORT;
}

/* ---- parts --------------------------------------------------------------------- */

int heph_address_port(const struct heph_address *address)
{
	switch (heph_address_family(address)) {
	case AF_INET:
		return ntohs(const_v4_of(address)->sin_port);
	case AF_INET6:
		return ntohs(const_v6_of(address)->sin6_port);
	default:
		return -EAFNOSUPPORT;
	}
}

int heph_address_set_port(struct heph_address *address, int port)
{
	if (port < 0 || port > PORT_MAX)
		return -EINVAL;
	switch (heph_address_family(address)) {
	case AF_INET:
		v4_of(address)->sin_port = htons((in_port_t)port);
		return 0;
	case AF_INET6:
		v6_of(address)->sin6_port = htons((in_port_t)port);
		return 0;
	default:
		return -EAFNOSUPPORT;
	}
}

static bool same_v6(const struct sockaddr_in6 *a, const struct sockaddr_in6 *b)
{
	return a->sin6_port == b->sin6_port &&
	       a->sin6_scope_id == b->sin6_scope_id &&
	       IN6_ARE_ADDR_EQUAL(&a->sin6_addr, &b->sin6_addr);
}

static bool same_v4(const struct sockaddr_in *a, const struct sockaddr_in *b)
{
	return a->sin_port == b->sin_port &&
	       a->sin_addr.s_addr == b->sin_addr.s_addr;
}

static bool same_bytes(const struct heph_address *a,
		       const struct heph_address *b)
{
	return a->size == b->size &&
	       memcmp(&a->storage, &b->storage, a->size) == 0;
}

/* A path with its end and without is the same. */
static bool same_unix(const struct heph_address *a,
		      const struct heph_address *b)
{
	char one[HEPH_ADDRESS_MAX], other[HEPH_ADDRESS_MAX];

	if (same_bytes(a, b))
		return true;
	if (is_abstract(a) || is_abstract(b))
		return false;
	return heph_address_print(a, one) == 0 &&
	       heph_address_print(b, other) == 0 && strcmp(one, other) == 0;
}

bool heph_address_same(const struct heph_address *a,
		       const struct heph_address *b)
{
	if (heph_address_family(a) != heph_address_family(b))
		return false;
	switch (heph_address_family(a)) {
	case AF_INET:
		return same_v4(const_v4_of(a), const_v4_of(b));
	case AF_INET6:
		return same_v6(const_v6_of(a), const_v6_of(b));
	case AF_UNIX:
		return same_unix(a, b);
	default:
		return same_bytes(a, b);
	}
}

static uint64_t hash_more(uint64_t hash, const void *bytes, size_t size)
{
	return heph_hash_mix(hash ^ heph_hash_bytes(bytes, size));
}

uint64_t heph_address_hash(const struct heph_address *address, uint64_t seed)
{
	const struct sockaddr_in *in = const_v4_of(address);
	const struct sockaddr_in6 *in6 = const_v6_of(address);
	uint64_t words[2];
	char text[HEPH_ADDRESS_MAX];

	switch (heph_address_family(address)) {
	case AF_INET:
		return heph_hash_mix(seed ^ ((uint64_t)in->sin_port << 32 |
					     in->sin_addr.s_addr));
	case AF_INET6:
		memcpy(words, &in6->sin6_addr, sizeof(words));
		seed = heph_hash_mix(seed ^ words[0]);
		return heph_hash_mix(seed ^ words[1] ^
				     (uint64_t)in6->sin6_port << 32);
	case AF_UNIX:
		if (heph_address_print(address, text) < 0)
			return seed;
		return hash_more(seed, text, strlen(text));
	default:
		return hash_more(seed, &address->storage, address->size);
	}
}
