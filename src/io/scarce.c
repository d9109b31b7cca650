/* SPDX-License-Identifier: MIT */
#include "io/scarce.h"

#include <heph/time.h>

#include <errno.h>
#include <stdatomic.h>
#include <sys/resource.h>

#include "base/log.h"

#define PAUSE (10 * HEPH_SEC)

/* Whether it is this caller who tells it. */
static bool is_time(void)
{
	static _Atomic heph_time next;
	heph_time now = heph_now(), before = atomic_load(&next);

	return now >= before &&
	       atomic_compare_exchange_strong(&next, &before, now + PAUSE);
}

void heph_scarce_tell(int err)
{
	struct rlimit limit = { .rlim_cur = 0 };

	if ((err != -EMFILE && err != -ENFILE) || !is_time())
		return;
	getrlimit(RLIMIT_NOFILE, &limit);
	if (err == -EMFILE)
		heph_log_warn("the process has no descriptor left",
			      HEPH_KV_ERR("err", err),
			      HEPH_KV_UINT("limit", limit.rlim_cur),
			      HEPH_KV_UINT("hard_limit", limit.rlim_max),
			      HEPH_KV_STR("do",
					  "ulimit -n, or LimitNOFILE= of a "
					  "unit; or close some"),
			      HEPH_KV_STR("guide", "errors-you-will-meet"));
	else
		heph_log_warn("the machine has no descriptor left",
			      HEPH_KV_ERR("err", err),
			      HEPH_KV_STR("do", "sysctl fs.file-max; or end "
						"what has too many"),
			      HEPH_KV_STR("guide", "errors-you-will-meet"));
}
