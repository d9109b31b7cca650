/* SPDX-License-Identifier: MIT */
#include "io/sim_name.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/mem.h"

static const unsigned char v4_prefix[12] = { 0, 0, 0, 0, 0,    0,
					     0, 0, 0, 0, 0xff, 0xff };

static bool is_v4(const struct heph_sim_name *name)
{
	return memcmp(name->host, v4_prefix, sizeof(v4_prefix)) == 0;
}

/* ---- as socket addresses ------------------------------------------------------- */

static int read_v4(struct heph_sim_name *name, const void *address, size_t size)
{
	struct sockaddr_in in;

	if (size < sizeof(in))
		return -EINVAL;
	memcpy(&in, address, sizeof(in));
	name->family = AF_INET;
	name->port = ntohs(in.sin_port);
	memcpy(name->host, v4_prefix, sizeof(v4_prefix));
	memcpy(name->host + sizeof(v4_prefix), &in.sin_addr, 4);
	return 0;
}

static int read_v6(struct heph_sim_name *name, const void *address, size_t size)
{
	struct sockaddr_in6 in;

	if (size < sizeof(in))
		return -EINVAL;
	memcpy(&in, address, sizeof(in));
	name->family = AF_INET;
	name->port = ntohs(in.sin6_port);
	memcpy(name->host, &in.sin6_addr, sizeof(name->host));
	return 0;
}

static int read_unix(struct heph_sim_name *name, const void *address, size_t size)
{
	size_t at = offsetof(struct sockaddr_un, sun_path);
	const char *path = (const char *)address + at;

	if (size < at || size > sizeof(struct sockaddr_un))
		return -EINVAL;
	name->family = AF_UNIX;
	name->path_size = size - at;
	if (name->path_size && *path) /* not abstract: up to the zero */
		name->path_size = strnlen(path, size - at);
	memcpy(name->path, path, name->path_size);
	return 0;
}

int heph_sim_name_read(struct heph_sim_name *name, int domain,
		       const void *address, size_t size)
{
	sa_family_t family = AF_UNSPEC;

	*name = (struct heph_sim_name){ 0 };
	if (size >= sizeof(family))
		memcpy(&family, address, sizeof(family));
	if (family != domain)
		return size < sizeof(family) ? -EINVAL : -EAFNOSUPPORT;
	switch (family) {
	case AF_INET:
		return read_v4(name, address, size);
	case AF_INET6:
		return read_v6(name, address, size);
	case AF_UNIX:
		return read_unix(name, address, size);
	default:
		return -EAFNOSUPPORT;
	}
}

static size_t write_unix(const struct heph_sim_name *name, struct sockaddr_un *un)
{
	size_t at = offsetof(struct sockaddr_un, sun_path);

	*un = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(un->sun_path, name->path, name->path_size);
	if (name->path_size && *name->path &&
	    name->path_size < sizeof(un->sun_path))
		return at + name->path_size + 1;
	return at + name->path_size;
}

int heph_sim_name_write(const struct heph_sim_name *name, int domain, void *to,
			size_t size)
{
	union {
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
		struct sockaddr_un un;
	} address = { 0 };
	size_t length;

	if (domain == AF_UNIX) {
		length = write_unix(name, &address.un);
	} else if (domain == AF_INET) {
		address.v4 = (struct sockaddr_in){ .sin_family = AF_INET,
						   .sin_port = htons(name->port) };
		memcpy(&address.v4.sin_addr, name->host + 12, 4);
		length = sizeof(address.v4);
	} else {
		address.v6 =
			(struct sockaddr_in6){ .sin6_family = AF_INET6,
					       .sin6_port = htons(name->port) };
		memcpy(&address.v6.sin6_addr, name->host, 16);
		length = sizeof(address.v6);
	}
	memcpy(to, &address, length < size ? length : size);
	return (int)length;
}

/* ---- what they mean -------------------------------------------------------------- */

bool heph_sim_name_any(const struct heph_sim_name *name)
{
	static const unsigned char zero[16];
	const unsigned char *host = name->host;

	return is_v4(name) ? memcmp(host + 12, zero, 4) == 0 :
			     memcmp(host, zero, 16) == 0;
}

bool heph_sim_name_loopback(const struct heph_sim_name *name)
{
	static const unsigned char v6[16] = { [15] = 1 };

	return is_v4(name) ? name->host[12] == 127 :
			     memcmp(name->host, v6, 16) == 0;
}

void heph_sim_name_set_loopback(struct heph_sim_name *name)
{
	bool v4 = is_v4(name);

	memset(name->host, 0, sizeof(name->host));
	name->host[15] = 1;
	if (!v4)
		return;
	memcpy(name->host, v4_prefix, sizeof(v4_prefix));
	name->host[12] = 127;
}

static bool same_path(const struct heph_sim_name *a, const struct heph_sim_name *b)
{
	return a->path_size == b->path_size && a->path_size &&
	       memcmp(a->path, b->path, a->path_size) == 0;
}

bool heph_sim_name_same_host(const struct heph_sim_name *a,
			     const struct heph_sim_name *b)
{
	return a->family == AF_UNIX ||
	       memcmp(a->host, b->host, sizeof(a->host)) == 0;
}

bool heph_sim_name_clash(const struct heph_sim_name *a,
			 const struct heph_sim_name *b)
{
	if (a->family != b->family)
		return false;
	if (a->family == AF_UNIX)
		return same_path(a, b);
	return a->port == b->port &&
	       (heph_sim_name_same_host(a, b) || heph_sim_name_any(a) ||
		heph_sim_name_any(b));
}

bool heph_sim_name_reaches(const struct heph_sim_name *to,
			   const struct heph_sim_name *bound)
{
	if (to->family != bound->family)
		return false;
	if (to->family == AF_UNIX)
		return same_path(to, bound);
	return to->port == bound->port &&
	       (heph_sim_name_same_host(to, bound) ||
		(heph_sim_name_any(bound) && (is_v4(to) || !is_v4(bound))));
}

/* ---- cutting the network ------------------------------------------------------------ */

struct cut {
	struct heph_list node; /* in sim->cuts */
	struct heph_sim_name a, b;
	bool all; /* `b` is everybody else */
};

static bool hits(const struct cut *cut, const struct heph_sim_name *a,
		 const struct heph_sim_name *b)
{
	if (!heph_sim_name_same_host(&cut->a, a))
		return false;
	return cut->all ? !heph_sim_name_same_host(a, b) :
			  heph_sim_name_same_host(&cut->b, b);
}

bool heph_sim_cut(struct heph_sim *sim, const struct heph_sim_name *a,
		  const struct heph_sim_name *b)
{
	struct heph_list *node;
	const struct cut *cut;

	if (a->family != AF_INET)
		return false;
	heph_list_each(node, &sim->cuts) {
		cut = heph_container_of(node, struct cut, node);
		if (hits(cut, a, b) || hits(cut, b, a))
			return true;
	}
	return false;
}

static struct cut *find_cut(struct heph_sim *sim, const struct cut *like)
{
	struct heph_list *node;
	struct cut *cut;

	heph_list_each(node, &sim->cuts) {
		cut = heph_container_of(node, struct cut, node);
		if (cut->all == like->all &&
		    heph_sim_name_same_host(&cut->a, &like->a) &&
		    (like->all || heph_sim_name_same_host(&cut->b, &like->b)))
			return cut;
	}
	return NULL;
}

static int parse_host(struct heph_sim_name *name, const char *text)
{
	name->family = AF_INET;
	memcpy(name->host, v4_prefix, sizeof(v4_prefix));
	if (inet_pton(AF_INET, text, name->host + 12) == 1)
		return 0;
	return inet_pton(AF_INET6, text, name->host) == 1 ? 0 : -EINVAL;
}

int heph_sim_partition(heph_ctx ctx, const char *a, const char *b, bool cut)
{
	struct heph_sim *sim = ctx.self->thread->heph->sim;
	struct cut like = { .all = !b }, *found;
	int err = a ? parse_host(&like.a, a) : -EINVAL;

	if (!sim)
		return -EOPNOTSUPP;
	if (err == 0 && b)
		err = parse_host(&like.b, b);
	if (err < 0)
		return err;
	found = find_cut(sim, &like);
	if (found && !cut) {
		heph_list_remove(&found->node);
		heph_mem_free(found);
	} else if (!found && cut) {
		found = heph_sim_memory(sizeof(*found));
		*found = like;
		heph_list_push_back(&sim->cuts, &found->node);
	}
	return 0;
}

void heph_sim_cuts_fini(struct heph_sim *sim)
{
	struct heph_list *node;

	while ((node = heph_list_pop_front(&sim->cuts)))
		heph_mem_free(heph_container_of(node, struct cut, node));
}
