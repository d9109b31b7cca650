/* SPDX-License-Identifier: MIT */
/* The end of what has a name in a cluster. */
#include <heph/heph.h>

#include "remote/cluster_shared.h"

int heph_cluster_part_end(heph_ctx ctx, heph_cluster cluster,
			  enum heph_cluster_part_kind kind, const char *name)
{
	struct heph_cluster_shared *shared;
	struct heph_addr addr;
	bool some = false;
	int err = heph_cluster_shared_of(ctx, cluster, &shared);

	if (err < 0)
		return err;
	while (err == 0 && heph_cluster_part_stop(shared, kind, name, &addr)) {
		some = true;
		/* One that has not begun will see it at once. */
		err = addr.id ? heph_raw_join(ctx, addr, NULL) :
				heph_sleep(ctx, HEPH_MSEC);
	}
	heph_cluster_shared_unref(shared);
	return err < 0 ? err : some ? 0 : -ENOENT;
}
