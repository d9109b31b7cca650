/* SPDX-License-Identifier: MIT */
#include "store.h"

#include <time.h>

#include "resp.h"
#include "table.h"

enum {
	REPLIES_MAX = 1 << 20, /* bytes, then the rest of a batch waits */
	AHEAD = 16,            /* requests whose keys are fetched together */
	SWEEP_BUCKETS = 512,
	SWEEP_FULL = SWEEP_BUCKETS / 4, /* so many expired: go on soon */
};
#define SWEEP_PAUSE (100 * HEPH_MSEC)
#define SWEEP_SOON (2 * HEPH_MSEC)

struct store {
	struct table table;
	struct store_stats stats;
	heph_time sweep_at;
	int64_t now;     /* 0: not looked at yet for this batch */
	struct buf *out; /* where the replies to this batch go */
};

int64_t store_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

/* ---- keys ---------------------------------------------------------------- */

static int64_t now(struct store *store)
{
	if (store->now == 0)
		store->now = store_clock();
	return store->now;
}

static struct table_key key_of(const struct request *request)
{
	return (struct table_key){ { request->bytes, request->key_size },
				   request->hash };
}

static struct slice value_of(const struct request *request)
{
	return (struct slice){ request->bytes + request->key_size,
			       request->value_size };
}

static bool there(table_spot spot)
{
	return spot && *spot;
}

/* Finds the key of a request, and removes it if its time is over. */
static table_spot find(struct store *store, const struct request *request)
{
	struct table_key key = key_of(request);
	table_spot spot = table_find(&store->table, &key);

	if (there(spot) && (*spot)->expires && (*spot)->expires <= now(store)) {
		table_remove(&store->table, spot);
		store->stats.expired++;
		spot = table_find(&store->table, &key);
	}
	return spot;
}

static struct table_entry *look_up(struct store *store,
				   const struct request *request)
{
	table_spot spot = find(store, request);

	return there(spot) ? *spot : NULL;
}

/* Without memory the reply is spoilt: the connection ends. */
static bool put(struct store *store, table_spot spot,
		const struct request *request, size_t keep, struct slice value)
{
	struct table_key key = key_of(request);

	if (table_set(&store->table, spot, &key, keep, value))
		return true;
	store->out->failed = true;
	return false;
}

static void expire(struct store *store, struct table_entry *entry, int64_t when)
{
	table_expire(&store->table, entry, when);
	if (when && store->sweep_at == HEPH_NEVER)
		store->sweep_at = heph_now() + SWEEP_PAUSE;
}

static void add_value(struct buf *out, const struct table_entry *entry)
{
	if (entry)
		resp_add_bulk(out, table_value(entry));
	else
		resp_add_nil(out);
}

/* ---- operations ---------------------------------------------------------- */

static void do_get(struct store *store, const struct request *request)
{
	table_spot spot = find(store, request);

	if (!there(spot)) {
		store->stats.misses++;
		resp_add_nil(store->out);
		return;
	}
	store->stats.hits++;
	resp_add_bulk(store->out, table_value(*spot));
	if (request->flags & REQUEST_DELETE)
		table_remove(&store->table, spot);
}

static void do_set(struct store *store, const struct request *request)
{
	table_spot spot = find(store, request);
	bool found = there(spot);
	unsigned flags = request->flags;
	bool wanted = !(flags & (found ? REQUEST_NX : REQUEST_XX));

	if (flags & REQUEST_GET)
		add_value(store->out, found ? *spot : NULL);
	else if (flags & REQUEST_INT)
		resp_add_int(store->out, wanted);
	else if (wanted)
		resp_add_text(store->out, "+OK\r\n");
	else
		resp_add_nil(store->out);
	if (!wanted || !put(store, spot, request, 0, value_of(request)))
		return;
	if (!(flags & REQUEST_KEEPTTL) && (request->number || (*spot)->expires))
		expire(store, *spot, request->number);
}

static void do_del(struct store *store, const struct request *request)
{
	table_spot spot = find(store, request);
	bool found = there(spot);

	if (found)
		table_remove(&store->table, spot);
	resp_add_int(store->out, found);
}

static void do_add(struct store *store, const struct request *request)
{
	table_spot spot = find(store, request);
	char digits[RESP_INT_SIZE];
	int64_t n = 0;
	size_t size;

	if (there(spot) && !resp_to_int(table_value(*spot), &n)) {
		resp_add_error(store->out,
			       "ERR value is not an integer or out of range");
		return;
	}
	if (__builtin_add_overflow(n, request->number, &n)) {
		resp_add_error(store->out,
			       "ERR increment or decrement would overflow");
		return;
	}
	size = resp_digits(n, digits);
	if (put(store, spot, request, 0, (struct slice){ digits, size }))
		resp_add_int(store->out, n);
}

static void do_append(struct store *store, const struct request *request)
{
	table_spot spot = find(store, request);
	size_t size = there(spot) ? (*spot)->value_size : 0;

	if (size + request->value_size > RESP_BULK_MAX) {
		resp_add_error(store->out,
			       "ERR string exceeds maximum allowed size "
			       "(proto-max-bulk-len)");
		return;
	}
	if (put(store, spot, request, size, value_of(request)))
		resp_add_int(store->out, size + request->value_size);
}

static void do_strlen(struct store *store, const struct request *request)
{
	struct table_entry *entry = look_up(store, request);

	resp_add_int(store->out, entry ? entry->value_size : 0);
}

/* Whether the conditions of EXPIRE are met. */
static bool may_expire(const struct table_entry *entry,
		       const struct request *request)
{
	unsigned flags = request->flags;
	int64_t old = entry->expires ? entry->expires : INT64_MAX;

	return !((flags & REQUEST_NX && entry->expires) ||
		 (flags & REQUEST_XX && !entry->expires) ||
		 (flags & REQUEST_GT && request->number <= old) ||
		 (flags & REQUEST_LT && request->number >= old));
}

static void do_expire(struct store *store, const struct request *request)
{
	table_spot spot = find(store, request);
	bool done = there(spot) && may_expire(*spot, request);

	if (done && request->number <= now(store))
		table_remove(&store->table, spot);
	else if (done)
		expire(store, *spot, request->number);
	resp_add_int(store->out, done);
}

static void do_persist(struct store *store, const struct request *request)
{
	struct table_entry *entry = look_up(store, request);
	bool done = entry && entry->expires;

	if (done)
		expire(store, entry, 0);
	resp_add_int(store->out, done);
}

static void do_ttl(struct store *store, const struct request *request)
{
	struct table_entry *entry = look_up(store, request);
	int64_t ttl = -2;

	if (entry)
		ttl = entry->expires ? entry->expires - now(store) : -1;
	if (ttl > 0 && request->op == OP_TTL)
		ttl = (ttl + 500) / 1000;
	resp_add_int(store->out, ttl);
}

static void do_flush(struct store *store)
{
	table_clear(&store->table);
	store->sweep_at = HEPH_NEVER;
}

static void execute(struct store *store, const struct request *request)
{
	switch ((enum op)request->op) {
	case OP_GET:
		do_get(store, request);
		break;
	case OP_SET:
		do_set(store, request);
		break;
	case OP_DEL:
		do_del(store, request);
		break;
	case OP_EXISTS:
		resp_add_int(store->out, look_up(store, request) != NULL);
		break;
	case OP_ADD:
		do_add(store, request);
		break;
	case OP_EXPIRE:
		do_expire(store, request);
		break;
	case OP_PERSIST:
		do_persist(store, request);
		break;
	case OP_TTL:
	case OP_PTTL:
		do_ttl(store, request);
		break;
	case OP_TYPE:
		resp_add_text(store->out, look_up(store, request) ?
						  "+string\r\n" :
						  "+none\r\n");
		break;
	case OP_APPEND:
		do_append(store, request);
		break;
	case OP_STRLEN:
		do_strlen(store, request);
		break;
	case OP_SIZE:
		resp_add_int(store->out, store->table.count);
		break;
	case OP_FLUSH:
		do_flush(store);
		break;
	}
}

/* ---- the actor ----------------------------------------------------------- */

/* Memory is slow, but it can be asked for several things at once: here for what
 * the next requests need. Returns where these end. */
static size_t fetch_ahead(struct store *store, const struct batch *batch)
{
	size_t at, end = batch->executed;

	for (int i = 0; i < AHEAD && end < batch->requests.size; i++) {
		table_fetch_bucket(&store->table, batch_at(batch, end)->hash);
		end += request_size(batch_at(batch, end));
	}
	for (at = batch->executed; at < end;
	     at += request_size(batch_at(batch, at)))
		table_fetch_entry(&store->table, batch_at(batch, at)->hash);
	return end;
}

static void execute_batch(struct store *store, struct batch *batch)
{
	struct buf *out = &batch->replies;
	size_t fetched = batch->executed;

	store->now = 0;
	store->out = out;
	store->stats.commands += batch->commands;
	batch->commands = 0;
	while (!batch_done(batch) && out->size < REPLIES_MAX) {
		struct request *request = batch_at(batch, batch->executed);
		size_t before = out->size;

		if (batch->executed == fetched)
			fetched = fetch_ahead(store, batch);
		execute(store, request);
		if (request->flags & REQUEST_SILENT)
			out->size = before;
		request->reply_size = out->size - before;
		batch->executed += request_size(request);
	}
}

/* The client's inbox has room for the batches of all stores, so this never waits
 * for the client; but what is under way between two workers is bounded too. */
static void run_batch(heph_ctx ctx, struct store *store, struct store_msg *msg)
{
	int err;

	execute_batch(store, msg->batch);
	err = heph_send(ctx, msg->client, { msg->batch });
	if (err == -ECANCELED)
		err = heph_send(store_shielded(ctx), msg->client,
				{ msg->batch });
	if (err < 0)
		batch_free(msg->batch); /* the connection is gone */
}

static void tell_stats(struct store *store, struct store_msg *msg)
{
	store->stats.keys = store->table.count;
	store->stats.expiring = store->table.expiring;
	heph_answer(msg->stats, store->stats);
}

static void receive(heph_ctx ctx, struct store *store, struct store_msg *msg)
{
	switch (msg->kind) {
	case STORE_BATCH:
		run_batch(ctx, store, msg);
		break;
	case STORE_OPENED:
		store->stats.connections++;
		store->stats.connected++;
		break;
	case STORE_CLOSED:
		store->stats.connected--;
		store->stats.commands += msg->commands;
		break;
	case STORE_STATS:
		tell_stats(store, msg);
		break;
	}
}

static void sweep(struct store *store)
{
	size_t n = table_sweep(&store->table, store_clock(), SWEEP_BUCKETS);

	store->stats.expired += n;
	if (store->table.expiring == 0)
		store->sweep_at = HEPH_NEVER;
	else
		store->sweep_at = heph_now() +
				  (n < SWEEP_FULL ? SWEEP_PAUSE : SWEEP_SOON);
}

static int store_main(heph_ctx ctx, store_inbox in)
{
	enum { SWEEP, MESSAGE };
	struct store store = { .sweep_at = HEPH_NEVER };
	struct store_msg msg;
	int what;

	while ((what = heph_wait(ctx, [SWEEP] = heph_on_time(store.sweep_at),
				 [MESSAGE] = heph_on_msg(in, &msg))) >= 0) {
		if (what == SWEEP) {
			sweep(&store);
			continue;
		}
		do
			receive(ctx, &store, &msg);
		while (heph_try_recv(in, &msg) == 0);
	}
	table_clear(&store.table);
	return what == -ECANCELED ? 0 : what;
}

static void store_drop(struct store_msg *msg)
{
	if (msg->kind == STORE_BATCH)
		batch_free(msg->batch);
}
HEPH_ACTOR_MAIN(store, store_main, .drop = store_drop);

/* ---- the face ------------------------------------------------------------ */

void store_reply_drop(struct store_reply *reply)
{
	batch_free(reply->batch);
}

int store_lend(heph_ctx ctx, const struct shards *shards, struct batch *batch,
	       store_client_ref client)
{
	return heph_send(
		ctx, shards->stores[batch->shard],
		{ .kind = STORE_BATCH, .batch = batch, .client = client });
}

int store_opened(heph_ctx ctx, const struct shards *shards)
{
	return heph_send(ctx, shards->stores[heph_worker(ctx)],
			 { .kind = STORE_OPENED });
}

int store_closed(heph_ctx ctx, const struct shards *shards, uint64_t commands)
{
	return heph_send(ctx, shards->stores[heph_worker(ctx)],
			 { .kind = STORE_CLOSED, .commands = commands });
}

int store_stats(heph_ctx ctx, const struct shards *shards,
		struct store_stats *ret_stats)
{
	struct store_stats sum = { 0 }, one;
	int err = 0;

	for (unsigned i = 0; err == 0 && i < shards->n; i++) {
		err = heph_call(ctx, shards->stores[i], stats, &one,
				{ .kind = STORE_STATS });
		if (err < 0)
			break;
		sum.keys += one.keys;
		sum.expiring += one.expiring;
		sum.expired += one.expired;
		sum.hits += one.hits;
		sum.misses += one.misses;
		sum.connections += one.connections;
		sum.connected += one.connected;
		sum.commands += one.commands;
	}
	if (err == 0)
		*ret_stats = sum;
	return err;
}
