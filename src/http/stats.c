/* SPDX-License-Identifier: MIT */
/* The counters of a server, copied for those who ask. */
#include <heph/http/server.h>

static uint64_t get(const uint64_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

struct heph_http_stats heph_http_stats(const struct heph_http_stats *stats)
{
	struct heph_http_stats it = {
		.serve = heph_serve_stats(&stats->serve),
		.connections_now = get(&stats->connections_now),
		.requests = get(&stats->requests),
		.requests_now = get(&stats->requests_now),
		.wrong = get(&stats->wrong),
		.late_heads = get(&stats->late_heads),
		.late_bodies = get(&stats->late_bodies),
		.late_handlers = get(&stats->late_handlers),
		.late_writers = get(&stats->late_writers),
		.received = get(&stats->received),
		.sent = get(&stats->sent),
		.handshakes = get(&stats->handshakes),
		.failed_handshakes = get(&stats->failed_handshakes),
	};

	for (int i = 0; i < 6; i++)
		it.by_class[i] = get(&stats->by_class[i]);
	return it;
}
