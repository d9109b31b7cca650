/* SPDX-License-Identifier: MIT */
/* The names of hosts in a simulated world. */
#include "io/sim_host.h"

#include <netinet/in.h>
#include <string.h>

#include "base/mem.h"
#include "io/lookup.h"

struct host {
	struct heph_list node; /* in sim->hosts */
	struct heph_address address;
	char name[];
};

static struct host *find(struct heph_sim *sim, const char *name,
			 const struct heph_address *address)
{
	struct heph_list *node;
	struct host *host;

	heph_list_each(node, &sim->hosts) {
		host = heph_container_of(node, struct host, node);
		if (strcmp(host->name, name) == 0 &&
		    (!address ||
		     memcmp(&host->address, address, sizeof(*address)) == 0))
			return host;
	}
	return NULL;
}

static void add(struct heph_sim *sim, const char *name,
		const struct heph_address *address)
{
	size_t size = strlen(name) + 1;
	struct host *host = heph_sim_memory(sizeof(*host) + size);

	host->address = *address;
	memcpy(host->name, name, size);
	heph_list_push_back(&sim->hosts, &host->node);
}

static void remove_host(struct host *host)
{
	heph_list_remove(&host->node);
	heph_mem_free(host);
}

int heph_sim_host(heph_ctx ctx, const char *name, const char *text)
{
	struct heph_sim *sim = ctx.self->thread->heph->sim;
	struct heph_address address;
	struct host *host;
	int n = 1;

	if (!sim)
		return -EOPNOTSUPP;
	if (text)
		n = heph_lookup_known(text, "", AF_UNSPEC, &address, 1);
	if (n < 1 || !*name)
		return -EINVAL;
	if (text && !find(sim, name, &address))
		add(sim, name, &address);
	while (!text && (host = find(sim, name, NULL)))
		remove_host(host);
	return 0;
}

void heph_sim_hosts_fini(struct heph_sim *sim)
{
	struct heph_list *node;

	while ((node = heph_list_pop_front(&sim->hosts)))
		heph_mem_free(heph_container_of(node, struct host, node));
}

/* ---- asking ------------------------------------------------------------------------- */

static void set_port(struct heph_address *address,
		     const struct heph_address *from)
{
	struct sockaddr_in in;

	memcpy(&in, &from->storage, sizeof(in)); /* the port of both kinds */
	memcpy((char *)&address->storage + offsetof(struct sockaddr_in, sin_port),
	       &in.sin_port, sizeof(in.sin_port));
}

static bool wanted(const struct heph_lookup *lookup, const struct host *host)
{
	return strcmp(host->name, lookup->host) == 0 &&
	       (lookup->family == AF_UNSPEC ||
		lookup->family == host->address.storage.ss_family);
}

/* All of them, with the port of `with_port`. How many. */
static int find_all(struct heph_sim *sim, struct heph_lookup *lookup,
		    const struct heph_address *with_port)
{
	struct heph_list *node;
	struct host *host;
	unsigned n = 0;

	heph_list_each(node, &sim->hosts) {
		host = heph_container_of(node, struct host, node);
		if (n == lookup->max || !wanted(lookup, host))
			continue;
		lookup->found[n] = host->address;
		set_port(&lookup->found[n++], with_port);
	}
	return (int)n;
}

/* Ports have no names here. */
int heph_sim_do_resolve(struct heph_sim *sim, struct heph_op *op)
{
	struct heph_lookup *lookup = heph_lookup_of(op);
	struct heph_address any;
	int n = heph_lookup_known(lookup->host, lookup->service, lookup->family,
				  lookup->found, lookup->max);

	if (n != -EAGAIN)
		return n;
	if (heph_sim_fault(sim, HEPH_SIM_KIND(unresolved)))
		return heph_sim_below(sim, 2) ? -EREMOTEIO : -ETIMEDOUT;
	if (heph_lookup_known("0.0.0.0", lookup->service, AF_UNSPEC, &any, 1) < 1)
		return -EINVAL;
	n = find_all(sim, lookup, &any);
	if (n)
		return n;
	return find(sim, lookup->host, NULL) ? -ENODATA : -ENOENT;
}
