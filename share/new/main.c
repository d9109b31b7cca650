/* @name@ - tells each caller how many have called: @name@ [ADDRESS] */
#include <heph/heph.h>

#include <stdio.h>
#include <string.h>

#include "counter.h"

/* ---- an actor for each connection ---- */

struct visit_arg {
	heph_fd fd;
	counter_ref counter;
};
HEPH_ACTOR(visit, void, struct visit_arg);

static int visit_main(heph_ctx ctx, struct visit_arg *arg)
{
	char text[64];
	long total;
	int err;

	ctx = heph_within(ctx, 5 * HEPH_SEC);
	err = heph_send(ctx, arg->counter, { .kind = COUNTER_ADD, .n = 1 });
	if (err == 0)
		err = heph_call(ctx, arg->counter, total, &total, { .kind = COUNTER_TOTAL });
	if (err < 0)
		return err;
	snprintf(text, sizeof(text), "you are visitor %ld\n", total);
	return heph_write_all(ctx, arg->fd, text, strlen(text));
}
HEPH_ACTOR_MAIN(visit, visit_main);

/* ---- the program ---- */

struct app_arg {
	const char *address;
};
HEPH_ACTOR(app, void, struct app_arg);

static int app_main(heph_ctx ctx, struct app_arg *arg)
{
	counter_ref counter;
	heph_fd listener;
	int err;

	err = heph_listen(ctx, arg->address, &listener);
	if (err == 0)
		err = heph_spawn(ctx, counter, &counter, .restarts = { .times = 3 });
	if (err == 0) /* does nothing where there is no systemd */
		err = heph_spawn(ctx, heph_systemd, NULL);
	if (err < 0)
		return err;
	heph_log_info("listening", HEPH_KV_STR("address", arg->address));
	/* All these run on this actor's worker, one core; to accept on all of them there
	 * are heph_listen_shared() and heph_serve_on_each(). */
	return heph_serve(ctx, listener, visit, fd, { .counter = counter });
}
HEPH_ACTOR_MAIN(app, app_main);

/* What is not set here, HEPH_WORKERS and the like may set. */
int main(int argc, char **argv)
{
	struct heph_config config = { .name = "@name@", .grace = 8 * HEPH_SEC };
	struct heph_config_text text = { 0 };

	if (heph_config_from_env(&config, &text) < 0)
		return 2; /* the log says why */
	return heph_run(&config, app, { argc > 1 ? argv[1] : "127.0.0.1:7000" }) < 0;
}
