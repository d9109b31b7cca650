/* SPDX-License-Identifier: MIT */
/* The actor that tells the service manager how the program is. */
#include <heph/systemd.h>

#include <heph/message.h>
#include <heph/time.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"

/* So long it goes on trying to say good-bye. */
#define GOODBYE (2 * HEPH_SEC)

struct dog {
	struct heph_systemd systemd;
	const struct heph_systemd_arg *arg;
	heph_time half; /* of the watchdog's time; 0: there is none */
	heph_time next; /* the next sign of life; HEPH_NEVER */
};

/* What cannot be told is no reason to end: the manager will see to it. */
static void complain(const char *what, int err)
{
	if (err < 0 && err != -ECANCELED)
		heph_log_warn("cannot tell the service manager",
			      HEPH_KV_STR("what", what),
			      HEPH_KV_ERR("err", err));
}

/* ---- signs of life ---------------------------------------------------------------- */

static int examine(heph_ctx ctx, const struct dog *dog, char *status)
{
	status[0] = '\0';
	if (!dog->arg->health)
		return 0;
	return dog->arg->health(heph_within(ctx, dog->half), status);
}

static void tell_sickness(heph_ctx ctx, const struct dog *dog, int err,
			  char *status)
{
	const char *name = strerrorname_np(-err);

	if (!status[0])
		snprintf(status, HEPH_SYSTEMD_STATUS_MAX, "not well: %s",
			 name ? name : "?");
	heph_log_warn("the program is not well", HEPH_KV_STR("status", status),
		      HEPH_KV_ERR("err", err));
	complain("status", heph_systemd_status(ctx, &dog->systemd, status));
	if (dog->arg->trigger)
		complain("watchdog", heph_systemd_trigger(ctx, &dog->systemd));
}

static void check(heph_ctx ctx, struct dog *dog)
{
	char status[HEPH_SYSTEMD_STATUS_MAX];
	int err = examine(ctx, dog, status);

	status[sizeof(status) - 1] = '\0';
	if (err >= 0)
		complain("watchdog", heph_systemd_ping(ctx, &dog->systemd));
	else if (err != -ECANCELED)
		tell_sickness(ctx, dog, err, status);
	/* Late ones are not made up for. */
	dog->next += dog->half;
	if (dog->next < heph_now())
		dog->next = heph_now() + dog->half;
}

/* ---- messages ------------------------------------------------------------------------ */

/* Returns whether that was the last one. */
static bool pass_on(heph_ctx ctx, const struct dog *dog,
		    struct heph_systemd_msg *msg)
{
	const struct heph_systemd *systemd = &dog->systemd;

	msg->status[sizeof(msg->status) - 1] = '\0';
	switch (msg->kind) {
	case HEPH_SYSTEMD_SET_STATE:
		complain("state", heph_systemd_state(
					  ctx, systemd, msg->state,
					  msg->status[0] ? msg->status : NULL));
		return msg->state == HEPH_SYSTEMD_STOPPING;
	case HEPH_SYSTEMD_SET_STATUS:
		complain("status",
			 heph_systemd_status(ctx, systemd, msg->status));
		break;
	case HEPH_SYSTEMD_EXTEND:
		complain("time",
			 heph_systemd_extend(ctx, systemd, msg->length));
		break;
	default:
		complain("a message of no kind", -EINVAL);
	}
	return false;
}

/* Until it was stopped, or has passed on that the program stops. What was sent
 * before is told before. */
static bool serve(heph_ctx ctx, heph_systemd_inbox in, struct dog *dog)
{
	enum { LIFE, MESSAGE };
	struct heph_systemd_msg msg;
	int which;

	for (;;) {
		which = heph_wait(ctx,
				  [LIFE] = heph_on_time(dog->next),
				  [MESSAGE] = heph_on_msg(in, &msg));
		if (which == LIFE)
			check(ctx, dog);
		else if (which == MESSAGE && pass_on(ctx, dog, &msg))
			return true;
		else if (which < 0)
			return false;
	}
}

static void say_goodbye(heph_ctx ctx, heph_systemd_inbox in,
			const struct dog *dog)
{
	struct heph_systemd_msg msg;

	ctx = heph_shield(ctx, GOODBYE);
	while (heph_try_recv(in, &msg) == 0)
		if (pass_on(ctx, dog, &msg))
			return;
	complain("state", heph_systemd_state(ctx, &dog->systemd,
					     HEPH_SYSTEMD_STOPPING, NULL));
}

static int heph_systemd_main(heph_ctx ctx, heph_systemd_inbox in,
			     struct heph_systemd_arg *arg)
{
	struct dog dog = { .arg = arg };
	int err = heph_systemd_open(ctx, &dog.systemd);

	if (err < 0)
		heph_log_error("cannot reach the service manager",
			       HEPH_KV_ERR("err", err));
	if (err <= 0)
		return err;
	dog.half = dog.systemd.watchdog / 2;
	dog.next = dog.half ? heph_now() + dog.half : HEPH_NEVER;
	if (!arg->later)
		complain("state", heph_systemd_state(ctx, &dog.systemd,
						     HEPH_SYSTEMD_READY, NULL));
	if (!serve(ctx, in, &dog))
		say_goodbye(ctx, in, &dog);
	return 0;
}
HEPH_ACTOR_MAIN(heph_systemd, heph_systemd_main);

/* ---- other messages ------------------------------------------------------------------ */

int heph_systemd_from_terminate(const struct heph_terminate *from,
				struct heph_systemd_msg *to)
{
	(void)from;
	to->kind = HEPH_SYSTEMD_SET_STATE;
	to->state = HEPH_SYSTEMD_STOPPING;
	return 0;
}

int heph_systemd_from_signal(const struct heph_signal *from,
			     struct heph_systemd_msg *to)
{
	if (from->number != SIGINT && from->number != SIGTERM &&
	    from->number != SIGQUIT)
		return -EINVAL;
	to->kind = HEPH_SYSTEMD_SET_STATE;
	to->state = HEPH_SYSTEMD_STOPPING;
	snprintf(to->status, sizeof(to->status),
		 "stopping after process signal");
	return 0;
}
