/* SPDX-License-Identifier: MIT */
/* Addresses of names, connections by name, when there is no memory or there are no
 * descriptors. */
#include "loop.h"

#include <sched.h>

#include "../../api/names.h"

#include <sys/resource.h>

#include "io/lookup.h"

enum { FAULTS = 40 };

static struct bad_server server;
static int port;

static int look_up(heph_ctx ctx)
{
	struct heph_address found[4];
	int n = heph_resolve(ctx, "a.bad", "80", AF_UNSPEC, found, 4);

	return n == 2 || n == -ENOSYS ? 0 : n;
}

static int connect_name(heph_ctx ctx, const char *name)
{
	char text[64];
	heph_fd fd;
	int err;

	snprintf(text, sizeof(text), "%s:%d", name, port);
	err = heph_connect(ctx, text, &fd);
	if (err == 0)
		heph_close(fd);
	return err == -ENOSYS ? 0 : err;
}

static int connect_known(heph_ctx ctx)
{
	return connect_name(ctx, "localhost");
}

static int connect_asked(heph_ctx ctx)
{
	return connect_name(ctx, "a.bad");
}

/* What could not be done for want of memory may have been done without: with
 * the addresses of one family, or one attempt less. */
static void without_memory(heph_ctx ctx, int (*fn)(heph_ctx ctx))
{
	int err;

	must_be(fn(ctx), 0);
	for (int n = 1; n <= FAULTS; n++) {
		heph_mem_fail_after(n);
		err = fn(ctx);
		heph_mem_fail_after(-1);
		must(err == 0 || err == -ENOMEM || err == -ECONNREFUSED);
		must_be(fn(ctx), 0);
	}
}

static int all_without_memory(heph_ctx ctx, void *arg)
{
	without_memory(ctx, look_up);
	without_memory(ctx, connect_known);
	without_memory(ctx, connect_asked);
	return 0;
}

/* The resolver is not there yet: it cannot begin, or cannot ask. */
static int without_descriptors(heph_ctx ctx, void *arg)
{
	struct rlimit before, few;
	int first = dup(0), err;

	must(first >= 0);
	close(first);
	must_be(getrlimit(RLIMIT_NOFILE, &before), 0);
	for (int more = 0; more < 6; more++) {
		few = (struct rlimit){ (rlim_t)(first + more), before.rlim_max };
		must_be(setrlimit(RLIMIT_NOFILE, &few), 0);
		err = look_up(ctx);
		must(err == 0 || err == -EMFILE || err == -EREMOTEIO);
		err = connect_known(ctx);
		must(err == 0 || err == -EMFILE);
		must_be(setrlimit(RLIMIT_NOFILE, &before), 0);
	}
	must_be(look_up(ctx), 0);
	must_be(connect_asked(ctx), 0);
	return 0;
}

static void in_loop(task_fn fn)
{
	int fds = count_fds();
	struct loop loop;

	loop_open(&loop, 1);
	loop_run(&loop, fn, NULL);
	loop_close(&loop);
	while (count_fds() > fds) /* the resolver's thread closes its own */
		sched_yield();
}

static void memory_may_be_refused(void **state)
{
	in_loop(all_without_memory);
}

static void descriptors_may_be_refused(void **state)
{
	in_loop(without_descriptors);
}

/* ---- all ------------------------------------------------------------------------ */

static int listener;

static int start(void **state)
{
	listener = bound(SOCK_STREAM, &port);
	must(listener >= 0);
	must_be(listen(listener, SOMAXCONN), 0);
	start_bad_server(&server);
	return 0;
}

static int stop(void **state)
{
	stop_bad_server(&server);
	close(listener);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_may_be_refused),
		cmocka_unit_test(descriptors_may_be_refused),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
