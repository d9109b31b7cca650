/* SPDX-License-Identifier: MIT */
/*
 * sim.h - nodes in one process, over a network that is none
 *
 * For tests: nodes of one runtime talk to each other through memory. In a simulated
 * world (heph/sim.h) what happens to the frames is drawn from its seed, elsewhere
 * from `seed`. Addresses are any texts.
 */
#ifndef HEPH_REMOTE_SIM_H
#define HEPH_REMOTE_SIM_H

#include <heph/remote/transport.h>

#ifdef __cplusplus
extern "C" {
#endif

struct heph_sim_net_config {
	size_t size; /* of this struct; set by the macro */
	uint64_t seed;
	bool datagrams; /* else nothing comes after a frame that was lost, and
			 * nobody is told */
	heph_time latency_min, latency_max; /* one way; 0: none; 1 h at most */
	uint64_t bytes_per_sec; /* of a wire in each direction, so a large frame
				 * takes its time; 0: any number */
	double lost, doubled; /* of each frame: 0 never, 1 always */
	double reordered; /* of each datagram: it is overtaken */
	size_t frame_max; /* bytes; 1 MiB + 4 KiB; at most 64 MiB */
};

/* heph_sim_net_new(&transport, .seed = 7). All who are given the same transport can
 * reach each other. Any thread. Returns 0; -EINVAL, -ENOMEM. */
#define heph_sim_net_new(ret_transport, ...)                                   \
	HEPH_WITH__(heph_raw_sim_net_new(                                      \
		(ret_transport),                                               \
		HEPH_SIZED__(struct heph_sim_net_config, __VA_ARGS__)))
HEPH_API HEPH_MUST int
heph_raw_sim_net_new(struct heph_transport **ret_transport,
		     const struct heph_sim_net_config *config);

/* The same transport as one of its nodes sees it: what that one connects from is
 * `name`, which heph_sim_net_cut() knows. Any thread. Returns 0; -EINVAL (it is
 * empty or too long); -ENOMEM. */
HEPH_API HEPH_MUST int heph_sim_net_at(struct heph_transport *net,
				       const char *name,
				       struct heph_transport **ret_transport);

/* Cuts, or joins, the network between two names, each of heph_sim_net_at() or an
 * address where somebody listens; NULL stands for all. Of two calls about the same
 * names the later one counts. Nothing that is sent meanwhile arrives, and nobody is
 * told; who connects meanwhile waits, for 30 s at most (-ETIMEDOUT). Any thread.
 * Returns 0; -EINVAL (an empty name, one too long); -ENOMEM. */
HEPH_API HEPH_MUST int heph_sim_net_cut(struct heph_transport *net,
					const char *a, const char *b, bool cut);

#ifdef __cplusplus
}
#endif
#endif
