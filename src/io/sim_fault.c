/* SPDX-License-Identifier: MIT */
/*
 * Faults are counted by their kinds, which are the members of struct
 * heph_sim_faults: each of them is a double, so its place among them is its
 * number. Each has a line of the log of its own, so that a frequent one does not
 * use up what a rare one may write.
 */
#define HEPH_LOG_TARGET "heph.sim"
#include <string.h>

#include "base/log.h"
#include "core/life.h"
#include "io/sim_driver.h"
#include "io/sim_socket.h"

#define NAME(kind_) [HEPH_SIM_KIND(kind_)] = #kind_

static const char *const names[HEPH_SIM_KINDS] = {
	NAME(short_count),  NAME(interrupted), NAME(late),  NAME(no_buffer),
	NAME(cancel_late),  NAME(accept_error), NAME(accept_end),
	NAME(refused),	    NAME(reset),       NAME(mute),  NAME(lost),
	NAME(doubled),	    NAME(unresolved),  NAME(disk),  NAME(stall),
};

static struct heph_log_site sites[HEPH_SIM_KINDS] = {
	[0 ... HEPH_SIM_KINDS - 1] = { HEPH_LOG_TARGET, __FILE__, __LINE__, 0,
				       0, 0, 0 },
};

/* Whom it hits, and what that does. */
static void tell_of_op(struct heph_sim *sim, struct heph_log_site *site,
		       unsigned kind)
{
	const struct heph_op *op = sim->about;
	struct heph_sim_socket *socket = heph_sim_socket_at(sim, op->number);
	struct heph_address peer = { .size = 0 };
	const struct heph_kv kvs[] = {
		HEPH_KV_STR("msg", "fault"),
		HEPH_KV_STR("kind", names[kind]),
		HEPH_KV_STR("hits", heph_self_name(op->self)),
		HEPH_KV_UINT("hits_id", op->self->id),
		HEPH_KV_STR("operation", heph_op_type(op)->name),
		HEPH_KV_INT("fd", op->number),
		socket && socket->peer.family ?
			HEPH_KV_ADDRESS("peer", &peer) :
			heph_kv_end__(),
		heph_kv_end__(),
	};

	if (socket && socket->peer.family)
		peer.size = (socklen_t)heph_sim_name_write(
			&socket->peer, socket->domain, &peer.storage,
			sizeof(peer.storage));
	heph_log_write(site, HEPH_LOG_DEBUG, kvs);
}

static void tell(struct heph_sim *sim, unsigned kind)
{
	struct heph_log_site *site = &sites[kind];
	const struct heph_kv kvs[] = {
		HEPH_KV_STR("msg", "fault"),
		HEPH_KV_STR("kind", names[kind]),
		heph_kv_end__(),
	};

	if (!heph_log_on(HEPH_LOG_DEBUG) ||
	    !heph_log_site_on(site, HEPH_LOG_DEBUG))
		return;
	if (sim->about)
		tell_of_op(sim, site, kind);
	else
		heph_log_write(site, HEPH_LOG_DEBUG, kvs);
}

bool heph_sim_fault(struct heph_sim *sim, unsigned kind)
{
	double likely;

	memcpy(&likely, (const char *)&sim->options.faults + kind * sizeof(likely),
	       sizeof(likely));
	if (likely <= 0 ||
	    (double)(heph_rand_next(&sim->rand) >> 11) * 0x1p-53 >= likely)
		return false;
	sim->result.faults++;
	sim->faults[kind]++;
	tell(sim, kind);
	return true;
}

bool heph_sim_fault_of(struct heph_sim *sim, const struct heph_sim_file *file,
		       unsigned kind)
{
	const struct heph_op *before = sim->about;
	bool yes;

	if (file && !heph_list_empty(&file->waiters))
		sim->about = heph_container_of(file->waiters.next,
					       struct heph_sim_op, node)
				     ->op;
	yes = heph_sim_fault(sim, kind);
	sim->about = before;
	return yes;
}

void heph_sim_faults_print(const struct heph_sim *sim, struct heph_fmt *fmt)
{
	const char *before = ", faults: ";

	for (unsigned kind = 0; kind < HEPH_SIM_KINDS; kind++) {
		if (!sim->faults[kind])
			continue;
		heph_fmt_str(fmt, before);
		heph_fmt_str(fmt, names[kind]);
		heph_fmt_char(fmt, ' ');
		heph_fmt_uint(fmt, sim->faults[kind]);
		before = ", ";
	}
}
