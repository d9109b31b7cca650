/* SPDX-License-Identifier: MIT */
/* sim_name.h - addresses of the simulated network, and which hosts are cut off */
#ifndef HEPH_IO_SIM_NAME_H
#define HEPH_IO_SIM_NAME_H

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "io/sim.h"

/* IPv4 addresses are in their IPv6 form; all zero: no name. */
struct heph_sim_name {
	sa_family_t family; /* AF_INET for both, AF_UNIX */
	uint16_t port;
	unsigned char host[16];
	char path[sizeof(((struct sockaddr_un *)0)->sun_path) + 1];
	size_t path_size; /* with the zero in front of an abstract one */
};

/* Reads a socket address of the given domain. Returns 0; -EINVAL,
 * -EAFNOSUPPORT. */
int heph_sim_name_read(struct heph_sim_name *name, int domain,
		       const void *address, size_t size);

/* Writes it as one of the domain, as far as there is room; how long it is. */
int heph_sim_name_write(const struct heph_sim_name *name, int domain, void *to,
			size_t size);

/* Whether it stands for all addresses of the host; for the host itself. */
bool heph_sim_name_any(const struct heph_sim_name *name);
bool heph_sim_name_loopback(const struct heph_sim_name *name);

/* The loopback address, in the same form as `name`. */
void heph_sim_name_set_loopback(struct heph_sim_name *name);

/* Whether two names could not both be bound; what is sent to `to` reaches who is
 * bound to `bound`. */
bool heph_sim_name_clash(const struct heph_sim_name *a,
			 const struct heph_sim_name *b);
bool heph_sim_name_reaches(const struct heph_sim_name *to,
			   const struct heph_sim_name *bound);

bool heph_sim_name_same_host(const struct heph_sim_name *a,
			     const struct heph_sim_name *b);

/* Whether the network between two hosts is cut. */
bool heph_sim_cut(struct heph_sim *sim, const struct heph_sim_name *a,
		  const struct heph_sim_name *b);
void heph_sim_cuts_fini(struct heph_sim *sim);

#endif
