/* SPDX-License-Identifier: MIT */
/*
 * swarm_redis.c - the server of examples/redis while everything breaks
 *
 * Clients send pipelines of commands, over one connection after the other, as
 * these break. Each connection has keys of its own, in which it writes rising
 * numbers, so what is right is known: replies come in the order of the commands,
 * a GET sees the SET before it; and whoever reads a key later, when its
 * connection is gone, finds no less than what was acknowledged and no more than
 * what was sent.
 */
#include <stdarg.h>

#include "swarm.h"

#include "../../examples/redis/conn.h"
#include "../../examples/redis/store.h"

#define ADDRESS "10.0.0.2:6379"

enum {
	CLIENTS = 4,
	EPOCHS = 5, /* connections of a client */
	ROUNDS = 10,
	KEYS = 3,
	COMMANDS = 20,
	TRIES = 200,
	ROOM = 8192,
};

/* ---- the server ------------------------------------------------------------------ */

HEPH_ACTOR(server, void, void);

static struct hash_seed draw_seed(heph_ctx ctx)
{
	struct hash_seed seed;
	unsigned char *bytes = (unsigned char *)&seed;

	for (size_t n = 0; n < sizeof(seed); n++)
		bytes[n] = (unsigned char)heph_sim_random(ctx, 256);
	return seed;
}

static int server_main(heph_ctx ctx)
{
	unsigned n = heph_workers(ctx);
	struct shards *shards =
		heph_alloc(ctx, sizeof(*shards) + n * sizeof(store_ref));
	heph_fd listener;
	int err = 0;

	shards->n = n;
	shards->seed = draw_seed(ctx);
	for (unsigned i = 0; err == 0 && i < n; i++)
		err = heph_spawn(ctx, store, &shards->stores[i],
				 .on = HEPH_WORKER(i), .inbox = 4096);
	if (err == 0)
		err = heph_listen_shared(ctx, ADDRESS, &listener);
	if (err == 0)
		err = heph_serve_on_each(ctx, listener, conn, fd,
					 { .shards = shards }, .inbox = n);
	return err;
}
HEPH_ACTOR_MAIN(server, server_main);

/* ---- a pipeline -------------------------------------------------------------------- */

/* What one connection has done to one of its keys. */
struct key {
	long sent, acked;
};

struct pipeline {
	char out[ROOM], wanted[ROOM], in[ROOM];
	size_t out_size, wanted_size;
	struct {
		size_t end; /* of its reply */
		int key;    /* that it sets; -1 */
		long value;
	} commands[COMMANDS];
	int n;
};

struct client {
	int number;
	struct key keys[EPOCHS][KEYS];
	struct pipeline pipeline;
};

struct client_arg {
	int number;
};
HEPH_ACTOR(client, void, struct client_arg);

static void add(char *text, size_t *size, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void add(char *text, size_t *size, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	*size += (size_t)vsnprintf(text + *size, ROOM - *size, format, args);
	va_end(args);
}

static void add_set(struct client *client, struct pipeline *pipeline, int epoch,
		    int key)
{
	long value = ++client->keys[epoch][key].sent;

	add(pipeline->out, &pipeline->out_size, "SET %d.%d.%d %ld\r\n",
	    client->number, epoch, key, value);
	add(pipeline->wanted, &pipeline->wanted_size, "+OK\r\n");
	pipeline->commands[pipeline->n].key = key;
	pipeline->commands[pipeline->n].value = value;
}

static void add_get(struct client *client, struct pipeline *pipeline, int epoch,
		    int key)
{
	long value = client->keys[epoch][key].sent;
	char text[24];

	snprintf(text, sizeof(text), "%ld", value);
	add(pipeline->out, &pipeline->out_size, "GET %d.%d.%d\r\n",
	    client->number, epoch, key);
	if (value)
		add(pipeline->wanted, &pipeline->wanted_size, "$%zu\r\n%s\r\n",
		    strlen(text), text);
	else
		add(pipeline->wanted, &pipeline->wanted_size, "$-1\r\n");
}

static void add_echo(heph_ctx ctx, struct pipeline *pipeline)
{
	unsigned token = 100000 + (unsigned)heph_sim_random(ctx, 900000);

	add(pipeline->out, &pipeline->out_size, "ECHO %u\r\n", token);
	add(pipeline->wanted, &pipeline->wanted_size, "$6\r\n%u\r\n", token);
}

static void make_pipeline(heph_ctx ctx, struct client *client, int epoch)
{
	struct pipeline *pipeline = &client->pipeline;
	int n = 1 + (int)heph_sim_random(ctx, COMMANDS), key;

	pipeline->out_size = pipeline->wanted_size = 0;
	for (pipeline->n = 0; pipeline->n < n; pipeline->n++) {
		key = (int)heph_sim_random(ctx, KEYS);
		pipeline->commands[pipeline->n].key = -1;
		switch (heph_sim_random(ctx, 3)) {
		case 0:
			add_set(client, pipeline, epoch, key);
			break;
		case 1:
			add_get(client, pipeline, epoch, key);
			break;
		default:
			add_echo(ctx, pipeline);
		}
		pipeline->commands[pipeline->n].end = pipeline->wanted_size;
	}
}

/* What came is a beginning of what was wanted. */
static void check_replies(heph_ctx ctx, struct client *client, int epoch,
			  size_t size)
{
	struct pipeline *pipeline = &client->pipeline;
	int key;

	if (memcmp(pipeline->in, pipeline->wanted, size) != 0)
		heph_sim_fail(ctx, "a reply is wrong, or not in its place");
	for (int n = 0; n < pipeline->n; n++) {
		key = pipeline->commands[n].key;
		if (key >= 0 && pipeline->commands[n].end <= size)
			client->keys[epoch][key].acked =
				pipeline->commands[n].value;
	}
}

static int run_pipeline(heph_ctx ctx, heph_fd fd, struct client *client, int epoch)
{
	struct pipeline *pipeline = &client->pipeline;
	size_t size = 0;
	int err;

	make_pipeline(ctx, client, epoch);
	ctx = heph_within(ctx, 5 * HEPH_SEC);
	err = heph_write_all(ctx, fd, pipeline->out, pipeline->out_size);
	if (err == 0)
		err = heph_read_exact(ctx, fd, pipeline->in,
				      pipeline->wanted_size, &size);
	check_replies(ctx, client, epoch, size);
	return err;
}

/* ---- a client ---------------------------------------------------------------------- */

static int connect_soon(heph_ctx ctx, heph_fd *ret_fd)
{
	int err;

	for (int n = 0; n < TRIES; n++) {
		err = heph_connect(heph_within(ctx, 5 * HEPH_SEC), ADDRESS,
				   ret_fd);
		if (err == 0 || err == -ECANCELED)
			return err;
		err = heph_sleep(ctx, 100 * HEPH_MSEC);
		if (err < 0)
			return err;
	}
	heph_sim_fail(ctx, "no connection comes about");
	return -ETIMEDOUT;
}

static int live(heph_ctx ctx, struct client *client, int epoch)
{
	heph_fd fd;
	int err = connect_soon(ctx, &fd);

	if (err < 0)
		return err;
	for (int n = 0; err == 0 && n < ROUNDS; n++)
		err = run_pipeline(ctx, fd, client, epoch);
	heph_close(fd);
	return 0;
}

/* "$2\r\n17\r\n", or -1 if it is none; 0: there is no such key. */
static long read_number(const char *text)
{
	long value;

	if (strncmp(text, "$-1\r\n", 5) == 0)
		return 0;
	text = strstr(text, "\r\n");
	if (!text || !strstr(text + 2, "\r\n"))
		return -1;
	return sscanf(text, "\r\n%ld\r\n", &value) == 1 ? value : -1;
}

/* Asks until there is an answer in time. */
static int ask(heph_ctx ctx, const char *question, long *ret_value)
{
	char reply[100];
	size_t size = 0;
	heph_fd fd;
	int n, err = connect_soon(ctx, &fd);

	if (err < 0)
		return err;
	ctx = heph_within(ctx, 5 * HEPH_SEC);
	n = heph_write_all(ctx, fd, question, strlen(question));
	*ret_value = -1;
	while (n >= 0 && *ret_value < 0 && size < sizeof(reply) - 1) {
		n = heph_read(ctx, fd, reply + size, sizeof(reply) - 1 - size);
		if (n <= 0)
			break;
		size += (size_t)n;
		reply[size] = '\0';
		*ret_value = read_number(reply);
	}
	heph_close(fd);
	return *ret_value < 0 ? -EAGAIN : 0;
}

static int verify(heph_ctx ctx, const struct client *client, int epoch, int key)
{
	const struct key *it = &client->keys[epoch][key];
	char question[64], text[128];
	int err = -EAGAIN;
	long value = -1;

	snprintf(question, sizeof(question), "GET %d.%d.%d\r\n", client->number,
		 epoch, key);
	for (int n = 0; err == -EAGAIN && n < TRIES; n++)
		err = ask(ctx, question, &value);
	if (err < 0)
		return err;
	snprintf(text, sizeof(text), "a key is %ld: %ld was acknowledged, %ld sent",
		 value, it->acked, it->sent);
	if (value < it->acked || value > it->sent)
		heph_sim_fail(ctx, text);
	return 0;
}

static int client_main(heph_ctx ctx, struct client_arg *arg)
{
	struct client *client = heph_alloc(ctx, sizeof(*client));
	int err = 0;

	memset(client, 0, sizeof(*client));
	client->number = arg->number;
	for (int epoch = 0; err == 0 && epoch < EPOCHS; epoch++)
		err = live(ctx, client, epoch);
	for (int n = 0; err == 0 && n < EPOCHS * KEYS; n++)
		err = verify(ctx, client, n / KEYS, n % KEYS);
	return err;
}
HEPH_ACTOR_MAIN(client, client_main);

/* ---- the world ----------------------------------------------------------------------- */

/* The network comes and goes. */
static int cut_and_join(heph_ctx ctx)
{
	int err = 0;

	for (int n = 0; err == 0 && n < 3; n++) {
		err = heph_sleep(ctx, (heph_time)heph_sim_random(ctx, HEPH_SEC));
		if (err == 0)
			err = heph_sim_partition(ctx, "10.0.0.2", NULL, true);
		if (err == 0)
			err = heph_sleep(ctx, (heph_time)heph_sim_random(
						      ctx, 10 * HEPH_SEC));
		if (err == 0)
			err = heph_sim_partition(ctx, "10.0.0.2", NULL, false);
	}
	return err;
}

static int world_main(heph_ctx ctx)
{
	client_ref clients[CLIENTS];
	struct heph_exit exit;
	server_ref server;
	int err = heph_spawn(ctx, server, &server);

	for (int n = 0; err == 0 && n < CLIENTS; n++)
		err = heph_spawn(ctx, client, &clients[n], { n },
				 .on = HEPH_WORKER((unsigned)n %
						   heph_workers(ctx)));
	if (err == 0 && heph_sim_random(ctx, 2))
		err = cut_and_join(ctx);
	for (int n = 0; err == 0 && n < CLIENTS; n++) {
		err = heph_join(ctx, clients[n], &exit);
		if (err == 0)
			err = exit.err == -ESRCH ? 0 : exit.err;
	}
	heph_stop(server);
	return err;
}
HEPH_ACTOR_MAIN(world, world_main);
