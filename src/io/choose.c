/* SPDX-License-Identifier: MIT */
#include "io/choose.h"

#include <heph/drivers.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "io/epoll.h"
#include "io/examine.h"
#include "io/uring.h"

static const struct heph_io *const drivers[] = { &heph_uring_io,
						 &heph_epoll_io };

static const struct heph_io *find(const char *name)
{
	for (size_t n = 0; n < sizeof(drivers) / sizeof(*drivers); n++)
		if (strcmp(drivers[n]->driver.name, name) == 0)
			return drivers[n];
	return NULL;
}

static const struct heph_io *best(void)
{
	struct heph_uring_report report;

	if (heph_examine_needs(&report) == 0) {
		heph_log_debug("driver is uring");
		return &heph_uring_io;
	}
	heph_log_info("driver is epoll, because io_uring cannot be used",
		      HEPH_KV_STR("what", report.what),
		      HEPH_KV_ERR("err", report.err),
		      HEPH_KV_STR("guide", "drivers"));
	return &heph_epoll_io;
}

static int unknown(const char *name, const char *key)
{
	heph_log_error("there is no such driver", HEPH_KV_STR("key", key),
		       HEPH_KV_STR("value", name),
		       HEPH_KV_STR("allowed", "uring, epoll"));
	return -EINVAL;
}

static int must_work(const char *key)
{
	struct heph_uring_report report;

	if (heph_examine_needs(&report) == 0)
		return 0;
	heph_log_error("the driver that is wanted cannot be used",
		       HEPH_KV_STR("key", key), HEPH_KV_STR("value", "uring"),
		       HEPH_KV_STR("what", report.what),
		       HEPH_KV_ERR("err", report.err));
	return report.err;
}

static int by_name(const char *name, const char *key,
		   const struct heph_io **ret_io)
{
	*ret_io = find(name);
	if (!*ret_io)
		return unknown(name, key);
	if (*ret_io == &heph_uring_io) {
		heph_log_debug("driver is uring", HEPH_KV_STR("by", key));
		return must_work(key);
	}
	heph_log_info("driver is epoll", HEPH_KV_STR("by", key));
	return 0;
}

static const char *forced(void)
{
	const char *name = getenv("HEPH_DRIVER");

	return name && *name ? name : NULL;
}

int heph_choose(const char *wanted, const struct heph_io **ret_io)
{
	if (forced())
		return by_name(forced(), "HEPH_DRIVER", ret_io);
	if (wanted)
		return by_name(wanted, "driver", ret_io);
	*ret_io = best();
	return 0;
}

const struct heph_io *heph_choose_other(const char *wanted,
					const struct heph_io *io, int err)
{
	if (io != &heph_uring_io || err != -ENOMEM || wanted || forced())
		return NULL;
	heph_log_warn(
		"driver is epoll, because there are not rings for all workers",
		HEPH_KV_STR("what", "memory that may be locked: "
				    "LimitMEMLOCK=, ulimit -l"),
		HEPH_KV_ERR("err", err));
	return &heph_epoll_io;
}
