/* SPDX-License-Identifier: MIT */
/*
 * cluster_kv.c - a key-value store on a cluster of nodes; any of them may be killed
 *
 * usage: cluster_kv URL node NUMBER NODES     takes part; NUMBER from 0 on
 *        cluster_kv URL client NAME           "put KEY VALUE", "get KEY" from standard input
 *
 * Keys are divided among SHARDS. Each node has a copy of each shard; one of them leads it:
 * the node that has the lease "shard-N". Who leads orders the writes, and acknowledges one
 * when another copy has it as well, so what was acknowledged survives any one node.
 * When a node dies its leases are free: who gets one asks all other copies of the shard for
 * what they have, gives all of them all of it, and leads. All but one must have answered:
 * so among them is one of any two that had a write. What fails on the way, as the broker is
 * restarted or a node was cut off, is tried again as long as the lease is held.
 *
 * The token of the lease is part of each version, and copies refuse smaller ones than they
 * have seen. So who was cut off, and does not know yet that he leads no more, finds nobody
 * who takes his writes, and acknowledges none.
 *
 *     shard        a copy; named "copy-N/NODE", and "shard-N" when it leads
 *     candidate    one beside each: waits for the lease
 */
#include <heph/heph.h>
#include <heph/remote.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHARDS = 4, KEY = 31, VALUE = 63, MEMBERS = 16 };

#define LEASE (1500 * HEPH_MSEC) /* so long a dead node is not known to be dead */
#define COPY_WAITS HEPH_SEC      /* for a copy, at a time */
#define AGAIN (200 * HEPH_MSEC)   /* after what failed; and looks at the lease */
#define PATIENCE (30 * HEPH_SEC) /* of clients */
#define SECOND_CHOICE (3 * HEPH_SEC) /* after which other nodes want a shard, too */

/* ---- what travels --------------------------------------------------------------------- */

struct entry {
	char key[KEY + 1], value[VALUE + 1];
	uint64_t token, seq; /* its version */
};
HEPH_CODEC(entry, struct entry, HEPH_FIELD(key), HEPH_FIELD(value), HEPH_FIELD(token),
	   HEPH_FIELD(seq));

struct found {
	int64_t there; /* a bool would leave bytes after it, which may be anything */
	struct entry entry;
};
HEPH_CODEC(found, struct found, HEPH_FIELD(there), HEPH_FIELD_OF(entry, entry));

struct shard_msg {
	enum { PUT, GET, APPLY, DUMP, LEAD } kind;
	struct entry entry;     /* all but dump, lead; of a get the key */
	uint64_t token;         /* of a dump, lead: 0: not any more */
	uint32_t index;         /* of a dump */
	HEPH_REPLY(int) done;   /* put: 0: two have it; apply: 0, -ESTALE; lead: 0 */
	HEPH_REPLY(struct found) found; /* get, dump */
};
HEPH_CODEC(shard_msg, struct shard_msg, HEPH_FIELD(kind, .max = LEAD),
	   HEPH_FIELD_OF(entry, entry), HEPH_FIELD(token), HEPH_FIELD(index),
	   HEPH_FIELD_REPLY(done), HEPH_FIELD_REPLY_OF(found, found));

struct place { /* a shard of this node */
	heph_cluster cluster;
	const char *node;
	unsigned number, nodes;
	bool first_choice;
};
HEPH_ACTOR(shard, struct shard_msg, struct place);
HEPH_REMOTE(shard, shard_msg);

/* ---- a copy ------------------------------------------------------------------------------ */

struct copy {
	struct place place;
	shard_ref self;
	struct entry *entries;
	uint32_t n;
	uint64_t token, seq; /* the largest token so far; writes with it */
	bool leads, named; /* it may have the name of who leads */
	struct heph_member members[MEMBERS];
};

static struct entry *find(struct copy *copy, const char *key)
{
	for (uint32_t i = 0; i < copy->n; i++)
		if (strcmp(copy->entries[i].key, key) == 0)
			return &copy->entries[i];
	return NULL;
}

static bool newer(const struct entry *a, const struct entry *b)
{
	return a->token != b->token ? a->token > b->token : a->seq > b->seq;
}

static int set(struct copy *copy, const struct entry *entry)
{
	struct entry *old = find(copy, entry->key), *more;

	if (!old) {
		more = realloc(copy->entries, (copy->n + 1) * sizeof(*more));
		if (!more)
			return -ENOMEM;
		copy->entries = more;
		more[copy->n++] = *entry;
	} else if (newer(entry, old)) {
		*old = *entry;
	}
	return 0;
}

/* Whether a member is another node. Clients are members, too. */
static bool is_other(const struct copy *copy, int i)
{
	return strncmp(copy->members[i].name, "kv-", 3) == 0 &&
	       strcmp(copy->members[i].name, copy->place.node) != 0;
}

/* The copy of another node. -ENOENT: it has just come (back), or is no member any more. */
static int other_copy(heph_ctx ctx, struct copy *copy, int i, shard_ref *ret_ref)
{
	char name[HEPH_NODE_NAME_MAX + 32];

	snprintf(name, sizeof(name), "copy-%u/%s", copy->place.number,
		 copy->members[i].name);
	return heph_cluster_whereis(ctx, copy->place.cluster, shard, name, ret_ref);
}

static int look_around(heph_ctx ctx, struct copy *copy)
{
	int n = heph_cluster_members(ctx, copy->place.cluster, copy->members, MEMBERS);

	return n > MEMBERS ? MEMBERS : n;
}

static int apply_at(heph_ctx ctx, shard_ref other, const struct entry *entry)
{
	int err, done;

	err = heph_call(ctx, other, done, &done, { .kind = APPLY, .entry = *entry });
	return err < 0 ? err : done;
}

/* Gives an entry to all other copies. Returns how many have it now; -ESTALE: somebody else
 * leads. */
static int spread(heph_ctx ctx, struct copy *copy, const struct entry *entry)
{
	int n = look_around(ctx, copy), have = 0;
	shard_ref other;

	for (int i = 0; i < n; i++) {
		heph_ctx soon = heph_within(ctx, COPY_WAITS);
		int err;

		if (!is_other(copy, i))
			continue;
		err = other_copy(soon, copy, i, &other);
		if (err == 0)
			err = apply_at(soon, other, entry);
		if (err == -ESTALE || err == -ECANCELED)
			return err;
		have += err == 0;
	}
	return n < 0 ? n : have;
}

static int put(heph_ctx ctx, struct copy *copy, struct entry *entry)
{
	int err;

	if (!copy->leads)
		return -EAGAIN;
	entry->token = copy->token;
	entry->seq = ++copy->seq;
	err = set(copy, entry);
	if (err == 0)
		err = spread(ctx, copy, entry);
	if (err == -ESTALE)
		copy->leads = false;
	return err == 0 ? -ENOLINK : err < 0 ? err : 0; /* nobody else has it */
}

/* ---- leading --------------------------------------------------------------------------------- */

/* Takes over what another copy has, which from now on takes no writes of earlier leaders. */
static int merge(heph_ctx ctx, struct copy *copy, shard_ref other)
{
	struct found found = { .there = true };
	int err = 0;

	for (uint32_t i = 0; err == 0 && found.there; i++) {
		err = heph_call(ctx, other, found, &found,
				{ .kind = DUMP, .token = copy->token, .index = i });
		if (err == 0 && found.there)
			err = set(copy, &found.entry);
	}
	return err;
}

/* Every other node that is a member is asked, and all but one of all there are must have
 * answered. -EAGAIN: some are not members now, as they were cut off, or have died. */
static int merge_all(heph_ctx ctx, struct copy *copy)
{
	int n = look_around(ctx, copy), err = n < 0 ? n : 0;
	unsigned have = 1;
	shard_ref other;

	for (int i = 0; i < n && err == 0; i++) {
		if (!is_other(copy, i))
			continue;
		err = other_copy(heph_within(ctx, COPY_WAITS), copy, i, &other);
		if (err == 0)
			err = merge(heph_within(ctx, COPY_WAITS), copy, other);
		have += err == 0;
	}
	return err == 0 && have + 1 < copy->place.nodes ? -EAGAIN : err;
}

/* All that is here becomes ours, and all have it. */
static int spread_all(heph_ctx ctx, struct copy *copy)
{
	int err = 0;

	for (uint32_t i = 0; i < copy->n && err >= 0; i++) {
		struct entry entry = copy->entries[i];

		entry.token = copy->token;
		entry.seq = ++copy->seq;
		copy->entries[i] = entry;
		err = spread(ctx, copy, &entry);
	}
	return err < 0 ? err : 0;
}

/* A node that was cut off gets its names back: so who does not lead gives this one up. */
static int resign(heph_ctx ctx, struct copy *copy, const char *name)
{
	int err = 0;

	copy->leads = false;
	if (copy->named)
		err = heph_cluster_unregister(heph_within(ctx, COPY_WAITS),
					      copy->place.cluster, name);
	if (err < 0 && err != -ENOENT)
		return err;
	copy->named = false;
	return 0;
}

/* One attempt; others can be asked of this copy before the next one. */
static int take_over(heph_ctx ctx, struct copy *copy, uint64_t token, const char *name)
{
	int err;

	if (token < copy->token)
		return -ESTALE;
	copy->seq = token == copy->token ? copy->seq : 0;
	copy->token = token;
	err = merge_all(ctx, copy);
	if (err == 0)
		err = spread_all(ctx, copy);
	if (err < 0)
		return err;
	copy->named = true;
	err = heph_cluster_register(ctx, copy->place.cluster, shard, copy->self, name);
	copy->leads = err == 0;
	if (err == 0) {
		printf("%s leads shard %u, %u keys\n", copy->place.node,
		       copy->place.number, copy->n);
		fflush(stdout);
	}
	return err;
}

/* Returns 0: it leads by that token, or, if that is 0, does not any more. */
static int lead(heph_ctx ctx, struct copy *copy, uint64_t token)
{
	char name[32];

	snprintf(name, sizeof(name), "shard-%u", copy->place.number);
	if (!token)
		return resign(ctx, copy, name);
	if (copy->leads && token == copy->token)
		return 0;
	copy->leads = false;
	return take_over(ctx, copy, token, name);
}

/* ---- the shard --------------------------------------------------------------------------------- */

static struct found dump(struct copy *copy, const struct shard_msg *msg)
{
	struct found found = { .there = msg->index < copy->n };

	if (msg->token > copy->token) {
		copy->token = msg->token;
		copy->leads = false;
	}
	if (found.there)
		found.entry = copy->entries[msg->index];
	return found;
}

static int apply(struct copy *copy, const struct entry *entry)
{
	if (entry->token < copy->token)
		return -ESTALE;
	if (entry->token > copy->token)
		copy->leads = false;
	copy->token = entry->token;
	return set(copy, entry);
}

static int handle(heph_ctx ctx, struct copy *copy, struct shard_msg *msg)
{
	struct entry *entry;
	int err;

	switch (msg->kind) {
	case PUT:
		err = put(heph_for_caller(ctx, msg->done), copy, &msg->entry);
		if (err < 0)
			heph_refuse(msg->done, err);
		else
			heph_answer(msg->done, 0);
		return 0;
	case GET:
		entry = find(copy, msg->entry.key);
		if (!copy->leads)
			heph_refuse(msg->found, -EAGAIN);
		else
			heph_answer(msg->found, { entry != NULL, entry ? *entry : msg->entry });
		return 0;
	case APPLY:
		heph_answer(msg->done, apply(copy, &msg->entry));
		return 0;
	case DUMP:
		heph_answer(msg->found, dump(copy, msg));
		return 0;
	default:
		err = lead(ctx, copy, msg->token);
		heph_answer(msg->done, err);
		return err == -ECANCELED ? err : 0;
	}
}

/* The broker is away, or this node is cut off, or a name is not free yet: that passes. */
static bool is_away(int err)
{
	return err == -ENOLINK || err == -ENOTCONN || err == -ETIME || err == -EEXIST ||
	       err == -EAGAIN;
}

static int shard_main(heph_ctx ctx, shard_inbox in, struct place *place)
{
	struct copy *copy = heph_alloc(ctx, sizeof(*copy));
	struct shard_msg msg;
	char name[HEPH_NODE_NAME_MAX + 32];
	int err;

	if (!copy)
		return -ENOMEM;
	copy->place = *place;
	copy->self = heph_self(in);
	snprintf(name, sizeof(name), "copy-%u/%s", place->number, place->node);
	err = heph_cluster_register(ctx, place->cluster, shard, copy->self, name);
	while (is_away(err)) {
		err = heph_sleep(ctx, AGAIN);
		if (err == 0)
			err = heph_cluster_register(ctx, place->cluster, shard,
						    copy->self, name);
	}
	while (err == 0) {
		err = heph_recv(ctx, in, &msg);
		if (err == 0)
			err = handle(ctx, copy, &msg);
	}
	free(copy->entries);
	return err;
}
HEPH_ACTOR_MAIN(shard, shard_main);

/* ---- who waits for the lease ---------------------------------------------------------------------- */

struct candidate_arg {
	struct place place;
	shard_ref shard;
};
HEPH_ACTOR(candidate, void, struct candidate_arg);

/* Returns what the shard says; -EPIPE, -ESRCH: it has ended. */
static int tell(heph_ctx ctx, shard_ref shard, uint64_t token)
{
	int done = 0, err;

	err = heph_call(ctx, shard, done, &done, { .kind = LEAD, .token = token });
	return err < 0 ? err : done;
}

/* As long as the lease is held the shard is to lead, however often that fails. */
static int serve_term(heph_ctx ctx, struct candidate_arg *arg,
		      const struct heph_lease *lease)
{
	int err = 0;

	while (err == 0 && heph_cluster_holds(ctx, arg->place.cluster, lease) == 1) {
		(void)!tell(ctx, arg->shard, lease->token);
		err = heph_sleep(ctx, AGAIN);
	}
	while (err == 0 && tell(ctx, arg->shard, 0) < 0 && heph_alive(arg->shard))
		err = heph_sleep(ctx, AGAIN);
	return err;
}

static int candidate_main(heph_ctx ctx, struct candidate_arg *arg)
{
	struct heph_lease lease;
	char name[32];
	int err = arg->place.first_choice ? 0 : heph_sleep(ctx, SECOND_CHOICE);

	snprintf(name, sizeof(name), "shard-%u", arg->place.number);
	while (err == 0) {
		err = heph_cluster_lease(ctx, arg->place.cluster, name, &lease);
		if (err == 0)
			err = serve_term(ctx, arg, &lease);
		else if (is_away(err))
			err = heph_sleep(ctx, AGAIN);
	}
	return err;
}
HEPH_ACTOR_MAIN(candidate, candidate_main);

/* ---- programs ------------------------------------------------------------------------------------- */

struct app_arg {
	const char *url, *name;
	unsigned number, nodes;
};

static int join(heph_ctx ctx, const struct app_arg *arg, heph_cluster *ret_cluster)
{
	heph_nats nats;
	heph_node node;
	int err = heph_node_start(ctx, &node, .name = arg->name);

	if (err == 0)
		err = heph_nats_connect(ctx, &nats, .url = arg->url);
	if (err == 0)
		err = heph_cluster_join(ctx, ret_cluster, nats, node, .lease = LEASE);
	return err;
}

HEPH_ACTOR(node, void, struct app_arg);

static int node_main(heph_ctx ctx, struct app_arg *arg)
{
	struct place place = { .node = arg->name, .nodes = arg->nodes };
	candidate_ref candidate;
	shard_ref shard;
	int err = join(ctx, arg, &place.cluster);

	for (unsigned i = 0; err == 0 && i < SHARDS; i++) {
		place.number = i;
		place.first_choice = i % arg->nodes == arg->number;
		err = heph_spawn(ctx, shard, &shard, place);
		if (err == 0)
			err = heph_spawn(ctx, candidate, &candidate, { place, shard });
		if (err == 0)
			err = heph_monitor(ctx, shard);
		if (err == 0)
			err = heph_monitor(ctx, candidate);
	}
	if (err == 0)
		err = heph_wait(ctx, heph_on_down(NULL));
	return err < 0 ? err : -ESRCH; /* a node without one of them is none */
}
HEPH_ACTOR_MAIN(node, node_main);

/* Asks who leads, again when that one has gone or leads no more. */
static int ask(heph_ctx ctx, heph_cluster cluster, const struct shard_msg *msg,
	       struct found *ret_found)
{
	unsigned number = (unsigned)(heph_hash(msg->entry.key, strlen(msg->entry.key)) %
				     SHARDS);
	shard_ref ref;
	char name[32];
	int err, done;

	snprintf(name, sizeof(name), "shard-%u", number);
	do {
		heph_ctx soon = heph_within(ctx, 5 * HEPH_SEC);

		err = heph_cluster_await_name(soon, cluster, shard, name, &ref);
		if (err == 0 && msg->kind == PUT)
			err = heph_call(soon, ref, done, &done, *msg);
		else if (err == 0)
			err = heph_call(soon, ref, found, ret_found, *msg);
	} while (err < 0 && heph_sleep(ctx, 50 * HEPH_MSEC) == 0);
	return err;
}

HEPH_ACTOR(client, void, struct app_arg);

static int client_main(heph_ctx ctx, struct app_arg *arg)
{
	heph_cluster cluster;
	char line[128], verb[8];
	int n, err = join(ctx, arg, &cluster);

	while (err == 0 && fgets(line, sizeof(line), stdin)) {
		struct shard_msg msg = { .kind = GET };
		struct found found = { 0 };

		n = sscanf(line, "%7s %31s %63s", verb, msg.entry.key, msg.entry.value);
		msg.kind = n == 3 && strcmp(verb, "put") == 0 ? PUT : GET;
		err = n < 2 ? 0 : ask(heph_within(ctx, PATIENCE), cluster, &msg, &found);
		if (n < 2)
			printf("put KEY VALUE or get KEY\n");
		else if (err < 0)
			printf("failed: %s\n", strerror(-err));
		else
			printf("%s\n", msg.kind == PUT ? "ok" :
				       found.there     ? found.entry.value :
							 "-");
		fflush(stdout);
		if (err != -ECANCELED)
			err = 0;
	}
	return err;
}
HEPH_ACTOR_MAIN(client, client_main);

int main(int argc, char **argv)
{
	char name[HEPH_NODE_NAME_MAX + 1];
	bool is_node = argc == 5 && strcmp(argv[2], "node") == 0;
	int err;

	if (!is_node && (argc != 4 || strcmp(argv[2], "client") != 0)) {
		fprintf(stderr, "usage: %s URL node NUMBER NODES | URL client NAME\n",
			argv[0]);
		return 2;
	}
	snprintf(name, sizeof(name), "%s%s", is_node ? "kv-" : "client-", argv[3]);
	if (is_node)
		err = heph_run(NULL, node,
			       { argv[1], name, (unsigned)strtoul(argv[3], NULL, 10),
				 (unsigned)strtoul(argv[4], NULL, 10) });
	else
		err = heph_run(NULL, client, { .url = argv[1], .name = name },
			       .on = HEPH_OWN_THREAD);
	if (err < 0)
		fprintf(stderr, "%s: %s\n", name, strerror(-err));
	return err < 0;
}
