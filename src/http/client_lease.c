/* SPDX-License-Identifier: MIT */
/* The side of those who ask the pool; see client_pool.h. */
#include "http/client_pool.h"

#include <stdlib.h>
#include <string.h>

#include "http/client_mem.h"

/* How long giving back waits for room in the inbox of the pool. */
#define PATIENCE (5 * HEPH_SEC)

/* ---- leases --------------------------------------------------------------------- */

static char *add(char **at, const char *text)
{
	char *begin = *at;

	*at = stpcpy(begin, text) + 1;
	return begin;
}

int heph_http_lease_new(const struct heph_http_target *target,
			const char *address, struct heph_http_lease **ret_lease)
{
	size_t texts = strlen(target->host) + strlen(target->path) +
		       strlen(target->connect) +
		       (address ? strlen(address) : 0) + 4;
	struct heph_http_lease *lease = client_mem_zero(sizeof(*lease) + texts);
	char *at;

	if (!lease)
		return -ENOMEM;
	atomic_init(&lease->refs, 1);
	at = (char *)(lease + 1);
	lease->secure = target->secure;
	lease->host = add(&at, target->host);
	lease->path = add(&at, target->path);
	lease->connect = add(&at, target->connect);
	lease->address = address ? add(&at, address) : NULL;
	*ret_lease = lease;
	return 0;
}

void heph_http_lease_unref(struct heph_http_lease *lease)
{
	if (!lease || atomic_fetch_sub_explicit(&lease->refs, 1,
						memory_order_acq_rel) != 1)
		return;
	if (lease->parked.there)
		heph_stream_discard(&lease->parked.stream);
	if (!lease->borrowed)
		heph_http_proxy_free(lease->proxy);
	heph_http_client_settings_unref(lease->settings);
	heph_http_tls_free(lease->tls);
	free(lease->cookies);
	free(lease);
}

/* ---- asking --------------------------------------------------------------------- */

heph_http_pool_ref heph_http_pool_of(struct heph_http_client client)
{
	return (heph_http_pool_ref){ { .addr = client.actor__ } };
}

int heph_http_pool_ask(heph_ctx ctx, struct heph_http_client client,
		       struct heph_http_lease *lease)
{
	HEPH_PENDING(struct heph_http_pool_answer) pending;
	struct heph_http_pool_answer answer;
	int err;

	atomic_fetch_add_explicit(&lease->refs, 1, memory_order_relaxed);
	err = heph_start_call(ctx, heph_http_pool_of(client), answer, &pending,
			      { .kind = HEPH_HTTP_POOL_ASK, .lease = lease });
	if (err < 0) {
		heph_http_lease_unref(lease);
		return err;
	}
	err = heph_await(ctx, &pending, &answer);
	if (err < 0)
		heph_forget_call(ctx, &pending);
	return err == -EPIPE ? -ESRCH : err < 0 ? err : answer.err;
}

/* Something that came to an idle connection is its end, or nothing that we asked
 * for. */
static bool is_quiet(heph_ctx ctx, heph_fd fd)
{
	char byte;

	return heph_socket_recv(ctx, fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) ==
	       -EAGAIN;
}

int heph_http_pool_take(heph_ctx ctx, struct heph_http_lease *lease,
			struct heph_stream *ret_stream, heph_time *ret_opened)
{
	struct heph_http_parked *parked = &lease->parked;
	int err;

	if (!parked->there)
		return 0;
	err = heph_stream_take(ctx, &parked->stream, ret_stream);
	if (err == -ENOMEM)
		return err;
	parked->there = false;
	*ret_opened = parked->opened;
	if (err == 0 && is_quiet(ctx, ret_stream->fd))
		return 1;
	if (err == 0)
		heph_stream_close(ctx, ret_stream);
	lease->was_dead = true;
	return 0;
}

/* ---- giving back ------------------------------------------------------------------ */

static void park(heph_ctx ctx, struct heph_http_parked *parked,
		 struct heph_stream *stream, heph_time opened)
{
	parked->there = heph_stream_give(ctx, stream, &parked->stream) == 0;
	parked->opened = opened;
	if (!parked->there)
		heph_stream_close(ctx, stream);
}

/* It must arrive, whatever the deadline: else the pool would count on it. */
static int send_anyway(heph_ctx ctx, heph_http_pool_ref pool,
		       struct heph_http_lease *lease)
{
	struct heph_http_pool_msg msg = { .kind = HEPH_HTTP_POOL_GIVE,
					  .lease = lease };
	int err = heph_try_send(pool, msg);

	if (err != -EAGAIN)
		return err;
	ctx.deadline = HEPH_NEVER;
	return heph_send(heph_shield(ctx, PATIENCE), pool, msg);
}

void heph_http_pool_give(heph_ctx ctx, struct heph_http_client client,
			 struct heph_http_lease *lease,
			 struct heph_stream *stream, heph_time opened)
{
	if (stream)
		park(ctx, &lease->parked, stream, opened);
	if (send_anyway(ctx, heph_http_pool_of(client), lease) < 0)
		heph_http_lease_unref(lease);
}

/* ---- cookies ---------------------------------------------------------------------- */

static size_t cookies_size(const struct heph_http_reply *reply)
{
	struct heph_str text;
	unsigned at = 0;
	size_t size = 0;

	while ((text = heph_http_reply_next_field(reply, "Set-Cookie", &at)).data)
		size += text.size + 1;
	return size;
}

static struct heph_http_learned *
learn(const struct heph_http_target *target, const struct heph_http_reply *reply,
      size_t size)
{
	struct heph_http_learned *learned = client_mem_zero(
		sizeof(*learned) + strlen(target->host) + strlen(target->path) +
		2 + size);
	struct heph_str text;
	unsigned from = 0;
	char *at;

	if (!learned)
		return NULL;
	at = (char *)(learned + 1);
	learned->secure = target->secure;
	learned->host = add(&at, target->host);
	learned->path = add(&at, target->path);
	learned->texts = at;
	while ((text = heph_http_reply_next_field(reply, "Set-Cookie", &from))
		       .data) {
		memcpy(at, text.data, text.size);
		at[text.size] = '\0';
		at += text.size + 1;
		learned->n++;
	}
	return learned;
}

int heph_http_pool_learn(heph_ctx ctx, struct heph_http_client client,
			 const struct heph_http_target *target,
			 const struct heph_http_reply *reply)
{
	size_t size = cookies_size(reply);
	struct heph_http_learned *learned;
	int err;

	if (size == 0)
		return 0;
	learned = learn(target, reply, size);
	err = learned ? heph_send(ctx, heph_http_pool_of(client),
				  { .kind = HEPH_HTTP_POOL_COOKIES,
				    .learned = learned }) :
			-ENOMEM;
	if (err < 0)
		free(learned);
	return err;
}
