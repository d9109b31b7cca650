/* SPDX-License-Identifier: MIT */
/*
 * A monitor is a watch that its maker owns, until its down is taken, or it is
 * undone. The down is the watch itself: nothing is allocated when it comes.
 */
#include <heph/watch.h>

#include "core/watch.h"

int heph_raw_monitor(heph_ctx ctx, struct heph_addr addr)
{
	struct heph_watch *watch;
	int err;

	addr = heph_addr_resolve(addr);
	err = heph_watch_possible(ctx.self, addr);
	if (err < 0)
		return err;
	watch = heph_watch_new(ctx.self, HEPH_WATCH_MONITOR);
	if (!watch)
		return -ENOMEM;
	heph_watch_start(watch, addr);
	return 0;
}

int heph_raw_demonitor(heph_ctx ctx, struct heph_addr addr)
{
	return heph_watch_undo(ctx.self, HEPH_WATCH_MONITOR, addr);
}

int heph_down_ready(heph_ctx ctx, struct heph_clause *clause)
{
	struct heph_ext *ext = ctx.self->ext;
	struct heph_list *node = ext ? heph_list_first(&ext->downs) : NULL;
	struct heph_down *ret_down = clause->on->ret;
	struct heph_watch *watch;

	if (!node)
		return 0;
	watch = heph_container_of(node, struct heph_watch, by_watched);
	if (ret_down) {
		ret_down->who.addr = watch->who;
		ret_down->exit = watch->exit;
	}
	heph_watch_free(watch);
	return 1;
}
