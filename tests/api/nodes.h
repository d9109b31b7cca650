/* SPDX-License-Identifier: MIT */
/*
 * nodes.h - nodes of one runtime that talk through memory, and an actor to talk to
 *
 * run_nodes(fn) runs fn in an actor, with nodes "a", "b", "c": a and b are connected,
 * and b and c; each listens at its name.
 */
#ifndef TEST_NODES_H
#define TEST_NODES_H

#include "act.h"

#include <heph/remote.h>
#include <heph/remote/node.h>
#include <heph/remote/router.h>
#include <heph/remote/sim.h>

/* ---- somebody who does what he is told ------------------------------------------- */

enum deed {
	ADD,     /* n to the sum; answers with the sum, if asked */
	KEEP,    /* the call, until FREE */
	FREE,    /* answers those that were kept */
	END,     /* with n */
	TELL,    /* the one in `to` to add n, and calls it if it is asked */
	MAKE,    /* a new one, which it answers with */
	KNOW,    /* answers with who was in `to` the last time */
	DROP,    /* receives it, and never answers */
	REFUSE,  /* with n */
	SLEEP,   /* for n milliseconds before the next one */
	MARK,    /* n must be the one after the last mark */
};

struct doer_msg;
struct doer_arg {
	int64_t sum;
};
HEPH_ACTOR(doer, struct doer_msg, struct doer_arg);
HEPH_REMOTE_LATER(doer);

struct doer_msg {
	enum deed deed;
	int64_t n;
	doer_ref to;
	heph_ref any;
	doer_ref *list;
	unsigned n_list;
	char *text;
	HEPH_REPLY(int64_t) answer;
	HEPH_REPLY(doer_ref) who;
};
HEPH_CODEC(doer_msg, struct doer_msg, HEPH_FIELD(deed, .max = MARK),
	   HEPH_FIELD(n), HEPH_FIELD_REF_OF(to, doer), HEPH_FIELD_REF(any),
	   HEPH_LIST_REF_OF(list, n_list, doer), HEPH_FIELD(text),
	   HEPH_FIELD_REPLY(answer), HEPH_FIELD_REPLY_REF(who, doer));
HEPH_CODEC(doer_arg, struct doer_arg, HEPH_FIELD(sum));
HEPH_REMOTE_SPAWN(doer, doer_msg, doer_arg);

/* One that another node declares differently. */
struct other_msg {
	int64_t n;
};
HEPH_ACTOR(other, struct other_msg, void);
HEPH_CODEC(other_msg, struct other_msg, HEPH_FIELD(n));
HEPH_REMOTE(other, other_msg);

static int other_main(heph_ctx ctx, other_inbox in)
{
	struct other_msg msg;

	while (heph_recv(ctx, in, &msg) == 0)
		;
	return 0;
}
HEPH_ACTOR_MAIN(other, other_main, .drop = other_msg_drop);

enum { KEPT = 300 };

struct doer_state {
	doer_inbox in;
	int64_t sum, mark;
	doer_ref last;
	unsigned n_kept;
	struct doer_msg msg, kept[KEPT];
};

static _Atomic int64_t doer_failed; /* what MARK found wrong */

UNUSED static int tell_other(heph_ctx ctx, struct doer_msg *msg)
{
	int64_t sum;
	int err;

	if (!msg->answer.raw.call)
		return heph_send(ctx, msg->to, { .deed = ADD, .n = msg->n });
	err = heph_call(heph_for_caller(ctx, msg->answer), msg->to, answer, &sum,
			{ .deed = ADD, .n = msg->n });
	if (err == 0)
		heph_answer(msg->answer, sum);
	else
		heph_refuse(msg->answer, err);
	return 0;
}

static int make_other(heph_ctx ctx, struct doer_msg *msg)
{
	doer_ref made;
	int err = heph_spawn(ctx, doer, &made, { msg->n });

	if (err == 0)
		heph_answer(msg->who, made);
	return 0;
}

static int do_deed(heph_ctx ctx, struct doer_state *state)
{
	struct doer_msg *msg = &state->msg;

	switch (msg->deed) {
	case ADD:
		state->sum += msg->n;
		for (unsigned i = 0; i < msg->n_list; i++)
			must_be(heph_send(ctx, msg->list[i],
					  { .deed = ADD, .n = msg->n }),
				0);
		if (msg->answer.raw.call)
			heph_answer(msg->answer, state->sum);
		return 0;
	case KEEP:
		must(state->n_kept < KEPT);
		state->kept[state->n_kept++] = *msg;
		return 0;
	case FREE:
		while (state->n_kept > 0) {
			struct doer_msg *kept = &state->kept[--state->n_kept];

			heph_answer(kept->answer, kept->n);
		}
		return 0;
	case END:
		return (int)msg->n;
	case TELL:
		state->last = msg->to;
		return tell_other(ctx, msg);
	case MAKE:
		return make_other(ctx, msg);
	case KNOW:
		heph_answer(msg->who, state->last);
		return 0;
	case REFUSE:
		heph_refuse(msg->answer, (int)msg->n);
		return 0;
	case SLEEP:
		return heph_sleep(ctx, msg->n * HEPH_MSEC);
	case MARK:
		doer_failed += msg->n != ++state->mark;
		if (msg->answer.raw.call)
			heph_answer(msg->answer, state->mark);
		return 0;
	default:
		return 0;
	}
}

static int doer_main(heph_ctx ctx, doer_inbox in, struct doer_arg *arg)
{
	struct doer_state *state = heph_alloc(ctx, sizeof(*state));
	int err;

	must(state);
	state->sum = arg->sum;
	for (;;) {
		err = heph_recv(ctx, in, &state->msg);
		if (err < 0)
			return err;
		state->last = state->msg.to.addr.id ? state->msg.to :
						      state->last;
		err = do_deed(ctx, state);
		if (state->msg.deed == END)
			return err;
		doer_msg_drop(&state->msg);
		if (err < 0 && heph_stopping(ctx))
			return err;
	}
}
HEPH_ACTOR_MAIN(doer, doer_main, .drop = doer_msg_drop, .copy = doer_msg_copy);

/* ---- a world ---------------------------------------------------------------------- */

struct nodes {
	struct heph_transport *net;
	heph_node a, b, c;
	int (*fn)(heph_ctx ctx, struct nodes *nodes);
	const struct heph_node_config *config; /* of all, but for the name */
	bool datagrams;
};

static heph_node start_node(heph_ctx ctx, struct nodes *nodes, const char *name)
{
	struct heph_node_config config =
		nodes->config ? *nodes->config : (struct heph_node_config){ 0 };
	heph_node node;

	config.size = sizeof(config);
	config.name = name;
	must_be(heph_raw_node_start(ctx, &node, &config), 0);
	must_be(heph_node_listen(ctx, node, nodes->net, name, NULL), 0);
	return node;
}

static int in_nodes(heph_ctx ctx, act_inbox in, void *arg)
{
	struct nodes *nodes = arg;
	int err;

	(void)in;
	must_be(heph_sim_net_new(&nodes->net, .seed = 1,
				 .datagrams = nodes->datagrams),
		0);
	nodes->a = start_node(ctx, nodes, "a");
	nodes->b = start_node(ctx, nodes, "b");
	nodes->c = start_node(ctx, nodes, "c");
	must_be(heph_node_connect(ctx, nodes->a, nodes->net, "b", "b"), 0);
	must_be(heph_node_connect(ctx, nodes->b, nodes->net, "c", "c"), 0);
	err = nodes->fn(ctx, nodes);
	must_be(heph_node_stop(ctx, nodes->a), 0);
	must_be(heph_node_stop(ctx, nodes->b), 0);
	must_be(heph_node_stop(ctx, nodes->c), 0);
	heph_transport_free(nodes->net);
	return err;
}

UNUSED static void run_with(int (*fn)(heph_ctx ctx, struct nodes *nodes),
			    const struct heph_node_config *config,
			    bool datagrams)
{
	struct nodes nodes = { .fn = fn,
			       .config = config,
			       .datagrams = datagrams };

	doer_failed = 0;
	run(in_nodes, &nodes);
	assert_int_equal(doer_failed, 0);
}

UNUSED static void run_nodes(int (*fn)(heph_ctx ctx, struct nodes *nodes))
{
	run_with(fn, NULL, false);
}

/* One that b exports as `name`, and a reference to it at a. */
UNUSED static doer_ref doer_at_b(heph_ctx ctx, struct nodes *nodes,
				 const char *name, unsigned rights,
				 doer_ref *ret_real)
{
	doer_ref real, proxy;

	must_be(heph_spawn(ctx, doer, &real, { 0 }), 0);
	must_be(heph_node_export(ctx, nodes->b, doer, real, name, rights), 0);
	must_be(heph_node_whereis(ctx, nodes->a, "b", doer, name, &proxy), 0);
	must(!heph_same(real, proxy));
	if (ret_real)
		*ret_real = real;
	return proxy;
}

UNUSED static int64_t sum_of(heph_ctx ctx, doer_ref ref)
{
	int64_t sum;

	must_be(heph_call(ctx, ref, answer, &sum, { .deed = ADD }), 0);
	return sum;
}

#endif
