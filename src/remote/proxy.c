/* SPDX-License-Identifier: MIT */
#define HEPH_LOG_TARGET "heph.remote"
/*
 * A proxy takes a message, makes a frame of it, waits until the peer takes one more,
 * and hands it on. It is told of things by its struct heph_import, and woken by
 * heph_raw_stop(), or by its bell, which it has from the time on when it waits for
 * more than messages.
 *
 * Who stops a proxy means the actor that it stands for. So it says so to the peer,
 * if that is allowed, and goes on, shielded, until that one has ended. The same when an
 * actor that is linked to it fails: others use it, too.
 *
 * A call is refused by whoever knows why: the proxy, if it does not leave; the
 * tables, when the answer comes or the peer is lost.
 */
#include "remote/proxy.h"

#include "remote/calls.h"
#include "remote/message.h"
#include "remote/refs.h"
#include "remote/tap.h"

/* ---- waiting ------------------------------------------------------------------------- */

struct proxy {
	heph_ctx ctx;
	struct heph_inbox *inbox;
	struct heph_import *import;
	heph_bell_receiver bell;
	void *msg;
	bool asked; /* to stop */
};

static void free_bell(void *chan)
{
	struct heph_chan *bell = chan;

	heph_raw_chan_free(bell, HEPH_CHAN_SENDER__);
	heph_raw_chan_free(bell, HEPH_CHAN_RECEIVER__);
}

/* From now on it hears the bell. */
static int hear_bell(struct proxy *proxy)
{
	heph_bell_sender sender;
	int err;

	if (proxy->bell.chan)
		return 0;
	err = heph_chan_new(heph_bell, 1, &sender, &proxy->bell);
	if (err < 0) {
		proxy->bell.chan = NULL;
		return err;
	}
	err = heph_own(proxy->ctx, sender.chan, free_bell);
	if (err < 0) {
		free_bell(sender.chan);
		proxy->bell.chan = NULL;
		return err;
	}
	proxy->import->bell = sender;
	return 0;
}

/* Asks the peer to stop the actor. It is asked no more than once. */
static int pass_stop(struct proxy *proxy)
{
	struct heph_import *import = proxy->import;
	struct heph_frame frame;
	int err;

	if (!(import->ref.rights & HEPH_MAY_STOP)) {
		heph_log_warn("remote actor may not be stopped",
			      HEPH_KV_STR("peer", import->peer->name),
			      HEPH_KV_UINT("id", import->ref.id));
		import->peer->stats.refused++;
		return 0;
	}
	err = heph_frame_new(&frame, HEPH_FRAME_STOP, 0, 0, HEPH_WIRE_REF);
	if (err < 0)
		return err;
	heph_wire_ref_write(&import->ref, heph_frame_body(&frame));
	err = heph_peer_send(proxy->ctx, import->peer, &frame);
	if (err < 0)
		heph_frame_free(&frame);
	return err;
}

/* A wait was refused. Returns 0: somebody has stopped the actor; or the end. */
static int stopped(struct proxy *proxy)
{
	int err;

	if (proxy->import->ended || proxy->asked)
		return -ECANCELED;
	proxy->asked = true;
	proxy->ctx = heph_shield(proxy->ctx, HEPH_NEVER);
	err = hear_bell(proxy);
	return err == 0 && proxy->import->peer ? pass_stop(proxy) : err;
}

/* A linked actor has failed; at the same time the peer may have been lost. */
static int link_broke(struct proxy *proxy, const struct heph_down *down)
{
	return down->exit.err && !proxy->import->ended ? pass_stop(proxy) : 0;
}

/* Waits until the peer is there, if it is one that was only told of. */
static int await_peer(struct proxy *proxy)
{
	struct heph_import *import = proxy->import;
	heph_time until = heph_deadline(
		heph_within(heph_no_ctx(), import->in->node->config.handshake));
	struct heph_bell_ring ring;
	int err = hear_bell(proxy);

	while (err == 0 && !import->peer && !import->ended) {
		err = heph_chan_recv(heph_until(proxy->ctx, until), proxy->bell,
				     &ring);
		if (err == -ECANCELED)
			err = stopped(proxy);
	}
	if (err == -ETIME)
		return -EHOSTUNREACH;
	return err == 0 && proxy->asked ? pass_stop(proxy) : err;
}

/* Waits for a message: 1; 0: for something else. */
static int next(struct proxy *proxy)
{
	enum { DOWN, BELL, MSG };
	struct heph_bell_ring ring;
	struct heph_down down;
	const struct heph_on on[] = {
		[DOWN] = heph_on_down(&down),
		[BELL] = proxy->bell.chan ? heph_on_chan(proxy->bell, &ring) :
					    (struct heph_on){ 0 },
		[MSG] = { .what = HEPH_ON_MSG__,
			  .inbox = proxy->inbox,
			  .ret = proxy->msg },
	};
	int which = heph_raw_wait(proxy->ctx, on, 3);

	if (which == -ECANCELED)
		return stopped(proxy);
	if (which == DOWN)
		return link_broke(proxy, &down);
	return which == MSG ? 1 : which == BELL ? 0 : which;
}

/* Waits until the peer takes one more, until then. */
static int await_window(struct proxy *proxy, heph_time until)
{
	struct heph_import *import = proxy->import, *counts = import->counts;
	struct heph_bell_ring ring;
	int err;

	while (!import->ended &&
	       counts->sent - counts->taken >= import->peer->window) {
		err = hear_bell(proxy);
		if (err < 0)
			return err;
		err = heph_chan_recv(heph_until(proxy->ctx, until), proxy->bell,
				     &ring);
		if (err == -ECANCELED)
			err = stopped(proxy);
		if (err < 0)
			return err;
	}
	return import->ended ? -ECANCELED : 0;
}

/* ---- passing messages on ---------------------------------------------------------------- */

/* Waits. The frame is the peer's after 0. */
static int send_frame(struct proxy *proxy, struct heph_outgoing *out)
{
	struct heph_import *import = proxy->import;
	int err = import->peer->datagrams ? 0 :
					    await_window(proxy, out->deadline);

	while (err == 0) {
		err = heph_peer_send(heph_until(proxy->ctx, out->deadline),
				     import->peer, &out->frame);
		if (err == 0)
			break;
		if (err == -ECANCELED && stopped(proxy) == 0)
			err = 0; /* once more */
	}
	if (err == 0 && !import->ended) {
		import->counts->sent++;
		import->own++;
	}
	return err;
}

/* What a call fails with that did not leave. */
static int reason(const struct heph_import *import, int err)
{
	if (!import->ended)
		return err;
	return import->err == -EHOSTDOWN || import->err == -EHOSTUNREACH ?
		       import->err :
		       -ESRCH;
}

/* It did not leave: its caller is told, or else it is counted. */
static void not_sent(struct heph_import *import, struct heph_outgoing *out,
		     int err)
{
	struct heph_call_out call;

	heph_frame_free(&out->frame);
	if (out->call && import->peer)
		(void)heph_calls_take(import->peer->calls, out->call, &call);
	if (out->reply.call)
		heph_raw_refuse(out->reply, reason(import, err));
	else if (import->peer)
		heph_refs_refuse(import->peer, HEPH_REFUSED_SEND, err);
}

/* Waits. Takes what the message owns. */
static void pass_on(struct proxy *proxy)
{
	struct heph_import *import = proxy->import;
	struct heph_outgoing out = { .deadline = HEPH_NEVER };
	int err = heph_message_write(import, proxy->msg, &out);

	heph_tap_message(import->peer, HEPH_TAP_OUT, import->remote,
			 import->ref.id, proxy->msg);
	import->remote->drop(proxy->msg);
	if (err == 0 && out.reply.call && out.deadline <= heph_now())
		err = -ETIME; /* its caller has given up */
	if (err == 0)
		err = send_frame(proxy, &out);
	if (err < 0)
		not_sent(import, &out, err);
}

/* What came after the end. Takes what the message owns. */
static void refuse(struct proxy *proxy)
{
	const struct heph_import *import = proxy->import;
	struct heph_reply reply =
		heph_message_reply(import->remote, proxy->msg, NULL);

	if (reply.call)
		heph_raw_refuse(reply, reason(import, -ESRCH));
	import->remote->drop(proxy->msg);
}

static void refuse_rest(struct proxy *proxy)
{
	const struct heph_import *import = proxy->import;

	while (import->remote &&
	       heph_raw_try_recv(proxy->inbox, proxy->msg,
				 import->remote->msg()->size) == 0)
		refuse(proxy);
}

static int proxy_main(heph_ctx ctx, heph_proxy_inbox in,
		      struct heph_proxy_arg *arg)
{
	struct heph_import *import = arg->import;
	const struct heph_remote_actor *remote = import->remote;
	struct proxy proxy = { .ctx = ctx,
			       .inbox = in.inbox,
			       .import = import };
	int err = heph_own(ctx, import, heph_import_left);

	if (err < 0) {
		heph_import_left(import);
		return err;
	}
	proxy.msg = heph_alloc(ctx, remote ? remote->msg()->size : 1);
	err = proxy.msg ? 0 : -ENOMEM;
	heph_trap_exits(ctx, true);
	if (err == 0 && !import->peer && !import->ended)
		err = await_peer(&proxy);
	while (err >= 0 && !import->ended) {
		err = next(&proxy);
		if (err == 1 &&
		    import->ended) /* who receives may have waited */
			refuse(&proxy);
		else if (err == 1)
			pass_on(&proxy);
	}
	if (!import->ended)
		import->err = err;
	import->ended = true;
	if (proxy.msg)
		refuse_rest(&proxy);
	return import->err;
}
HEPH_ACTOR_MAIN(heph_proxy, proxy_main);
