/* SPDX-License-Identifier: MIT */
#include "rt/report.h"

#include <heph/metrics.h>

#include <signal.h>
#include <unistd.h>

#include "base/log.h"
#include "rt/inspect.h"
#include "rt/runtime.h"
#include "rt/thread.h"

bool heph_report_is(int signal)
{
	return signal == SIGQUIT || signal == SIGUSR2;
}

static int write_it(struct heph_runtime *runtime)
{
	struct heph_asker asker =
		heph_asker_outside(&runtime->heph, runtime->host);

	if (runtime->report == SIGUSR2)
		return heph_metrics_write(&runtime->heph, STDERR_FILENO);
	return heph_dump_to(&asker, STDERR_FILENO);
}

static void *work(void *arg)
{
	struct heph_runtime *runtime = arg;
	int err;

	heph_thread_name(runtime->heph.config.name, "/r");
	err = write_it(runtime);
	if (err < 0)
		heph_log_warn("cannot report", HEPH_KV_ERR("err", err));
	atomic_store(&runtime->reporting, false);
	return NULL;
}

void heph_report_end(struct heph_runtime *runtime)
{
	if (runtime->report && !runtime->host)
		pthread_join(runtime->reporter, NULL);
	runtime->report = 0;
}

void heph_report(struct heph_runtime *runtime, int signal)
{
	int err = 0;

	if (atomic_exchange(&runtime->reporting, true))
		return;
	heph_report_end(runtime);
	runtime->report = signal;
	if (runtime->host) {
		err = write_it(runtime);
		atomic_store(&runtime->reporting, false);
	} else {
		err = heph_thread_start(&runtime->reporter, work, runtime);
	}
	if (err < 0 && !runtime->host) {
		runtime->report = 0;
		atomic_store(&runtime->reporting, false);
	}
	if (err < 0)
		heph_log_warn("cannot report", HEPH_KV_ERR("err", err));
}
