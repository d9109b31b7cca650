/* SPDX-License-Identifier: MIT */
/*
 * calls.c - calls and one-way messages between two processes
 *
 *     remote-calls serve TRANSPORT WHERE
 *     remote-calls call|cast TRANSPORT WHERE N CONCURRENCY SIZE
 *
 * The first one says where it listens, and serves until SIGTERM: one actor, which
 * answers with what it gets. The other one calls it from CONCURRENCY actors, N
 * times together, or sends as many messages one way; SIZE is of the text in each.
 * It prints a line: the rate, the CPU time of both processes for each call, and
 * of calls how long most of them took, in nanoseconds.
 *
 * TRANSPORT is tcp, tls, unix (all of tcp.h), udp (encrypted), udp-plain, or nats,
 * whose WHERE is the address of the broker. The certificates of tls are
 * $CERTS/serve.pem, ask.pem, their keys .key, and $CERTS/ca.pem.
 *
 * A cast is over when the actor has it: the last one of each sender is followed by a
 * call. Over datagrams some are lost, which is told.
 */
#include <heph/heph.h>
#include <heph/remote.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "../histogram.h"

enum { SIZE_MAX_ = 64 };
#define PATIENCE (60 * HEPH_SEC)

/* ---- the actor ---------------------------------------------------------------------- */

struct echo_data {
	char text[SIZE_MAX_ + 1];
};
HEPH_CODEC(echo_data, struct echo_data, HEPH_FIELD(text));

struct echo_usage {
	int64_t cpu;    /* ns, of the process */
	uint64_t casts; /* since it was asked last */
};
HEPH_CODEC(echo_usage, struct echo_usage, HEPH_FIELD(cpu), HEPH_FIELD(casts));

struct echo_msg {
	enum { ECHO_CALL, ECHO_CAST, ECHO_USAGE } kind;
	struct echo_data data;
	union {
		HEPH_REPLY(struct echo_data) answer;
		HEPH_REPLY(struct echo_usage) usage;
	};
};
HEPH_CODEC(echo_msg, struct echo_msg, HEPH_FIELD(kind, .max = ECHO_USAGE),
	   HEPH_FIELD_OF(data, echo_data),
	   HEPH_FIELD_REPLY_OF(answer, echo_data, HEPH_CASE(kind, ECHO_CALL)),
	   HEPH_FIELD_REPLY_OF(usage, echo_usage, HEPH_CASE(kind, ECHO_USAGE)));
HEPH_ACTOR(echo, struct echo_msg, void);
HEPH_REMOTE(echo, echo_msg);

static int64_t cpu_now(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (int64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) *
		       HEPH_SEC +
	       (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * HEPH_USEC;
}

static int echo_main(heph_ctx ctx, echo_inbox in)
{
	struct echo_msg msg;
	uint64_t casts = 0;
	int err;

	while ((err = heph_recv(ctx, in, &msg)) == 0) {
		switch (msg.kind) {
		case ECHO_CALL:
			heph_answer(msg.answer, msg.data);
			break;
		case ECHO_CAST:
			casts++;
			break;
		case ECHO_USAGE:
			heph_answer(msg.usage, { cpu_now(), casts });
			casts = 0;
			break;
		}
	}
	return err;
}
HEPH_ACTOR_MAIN(echo, echo_main);

/* ---- transports ------------------------------------------------------------------------ */

static int tls_new(const char *name, struct heph_transport **ret)
{
	const char *dir = getenv("CERTS");
	char ca[200], cert[200], key[200];

	snprintf(ca, sizeof(ca), "%s/ca.pem", dir ? dir : ".");
	snprintf(cert, sizeof(cert), "%s/%s.pem", dir ? dir : ".", name);
	snprintf(key, sizeof(key), "%s/%s.key", dir ? dir : ".", name);
	return heph_tcp_tls_new(ret, .ca_file = ca, .cert_file = cert,
				.key_file = key);
}

#if HEPH_NATS
static int nats_new(heph_ctx ctx, const char *url, struct heph_transport **ret)
{
	heph_nats nats;
	int err = heph_nats_connect(ctx, &nats, .url = url);

	return err < 0 ? err : heph_nats_transport_new(ctx, nats, ret);
}
#endif

/* `where` becomes what the node listens at, or connects to. */
static int transport_new(heph_ctx ctx, const char *kind, const char *name,
			 const char **where, struct heph_transport **ret)
{
	if (strcmp(kind, "tls") == 0)
		return tls_new(name, ret);
	if (strcmp(kind, "tcp") == 0 || strcmp(kind, "unix") == 0)
		return heph_tcp_plain_new(ret, 0);
	if (strcmp(kind, "udp") == 0)
		return heph_udp_new(ret, .secret = "for the benchmark");
	if (strcmp(kind, "udp-plain") == 0)
		return heph_udp_plain_new(ret, 0);
#if HEPH_NATS
	if (strcmp(kind, "nats") == 0) {
		const char *url = *where;

		*where = "serve";
		return nats_new(ctx, url, ret);
	}
#endif
	return -EPROTONOSUPPORT;
}

/* ---- who serves ---------------------------------------------------------------------------- */

struct run {
	const char *kind, *transport, *where;
	unsigned n, concurrency, size; /* of who asks */
};

HEPH_ACTOR(serve, void, struct run);

static int serve_main(heph_ctx ctx, struct run *run)
{
	struct heph_transport *transport = NULL;
	char where[HEPH_WHERE_MAX];
	heph_node node;
	echo_ref echo;
	int err = heph_node_start(ctx, &node, .name = "serve");

	if (err == 0)
		err = transport_new(ctx, run->transport, "serve", &run->where,
				    &transport);
	if (err == 0)
		err = heph_spawn(ctx, echo, &echo);
	if (err == 0)
		err = heph_node_export(ctx, node, echo, echo, "echo");
	if (err == 0)
		err = heph_node_listen(ctx, node, transport, run->where, where);
	heph_transport_free(transport);
	if (err < 0)
		return err;
	printf("listening on %s\n", where);
	fflush(stdout);
	err = heph_join(ctx, echo, NULL);
	return err == -ECANCELED ? 0 : err;
}
HEPH_ACTOR_MAIN(serve, serve_main);

/* ---- who asks ------------------------------------------------------------------------------- */

struct caller_arg {
	echo_ref echo;
	unsigned n, size;
	bool casts;
	struct histogram *times;
};

HEPH_ACTOR(caller, void, struct caller_arg);

static int call(heph_ctx ctx, const struct caller_arg *arg,
		struct echo_msg *msg)
{
	heph_time start = heph_now();
	struct echo_data data;
	int err;

	msg->kind = ECHO_CALL;
	err = heph_call(ctx, arg->echo, answer, &data, *msg);
	if (err < 0)
		return err;
	histogram_add(arg->times, (uint64_t)(heph_now() - start));
	return strcmp(data.text, msg->data.text) == 0 ? 0 : -EBADMSG;
}

static int caller_main(heph_ctx ctx, struct caller_arg *arg)
{
	struct echo_msg msg = { .kind = ECHO_CAST };
	int err = 0;

	memset(msg.data.text, 'x', arg->size);
	ctx = heph_within(ctx, PATIENCE);
	for (unsigned n = 0; err == 0 && n < arg->n; n++) {
		if (arg->casts)
			err = heph_send(ctx, arg->echo, msg);
		else
			err = call(ctx, arg, &msg);
	}
	return err < 0 || !arg->casts ? err : call(ctx, arg, &msg);
}
HEPH_ACTOR_MAIN(caller, caller_main);

/* All of them; returns the first error. */
static int spread(heph_ctx ctx, const struct run *run, struct caller_arg arg)
{
	struct heph_down down;
	caller_ref caller;
	int err = 0;

	for (unsigned n = 0; err == 0 && n < run->concurrency; n++) {
		err = heph_spawn(ctx, caller, &caller, arg);
		if (err == 0)
			err = heph_monitor(ctx, caller);
	}
	for (unsigned n = 0; err == 0 && n < run->concurrency; n++) {
		err = heph_wait(ctx, heph_on_down(&down));
		if (err == 0)
			err = down.exit.err;
	}
	return err;
}

static void report(const struct run *run, unsigned n, uint64_t lost,
		   heph_time took, int64_t cpu, const struct histogram *times)
{
	double secs = (double)took / HEPH_SEC;

	printf("%s_%u n=%u size=%u secs=%.4f rate=%.0f cpu_ns_per_op=%.0f",
	       run->kind, run->concurrency, n, run->size, secs, n / secs,
	       (double)cpu / n);
	if (strcmp(run->kind, "cast") == 0)
		printf(" lost=%llu\n", (unsigned long long)lost);
	else
		printf(" p50=%llu p99=%llu\n",
		       (unsigned long long)histogram_at(times, 0.5),
		       (unsigned long long)histogram_at(times, 0.99));
}

static int measure(heph_ctx ctx, const struct run *run, struct caller_arg arg)
{
	struct echo_msg ask = { .kind = ECHO_USAGE };
	struct echo_usage before, after;
	unsigned each = run->n / run->concurrency;
	int64_t cpu;
	heph_time start;
	int err;

	arg.n = each / 10 + 1; /* warm */
	err = spread(ctx, run, arg);
	if (err == 0)
		err = heph_call(ctx, arg.echo, usage, &before, ask);
	if (err < 0)
		return err;
	memset(arg.times, 0, sizeof(*arg.times));
	cpu = cpu_now();
	start = heph_now();
	arg.n = each;
	err = spread(ctx, run, arg);
	if (err == 0)
		err = heph_call(ctx, arg.echo, usage, &after, ask);
	if (err == 0)
		report(run, each * run->concurrency,
		       (uint64_t)each * run->concurrency - after.casts,
		       heph_now() - start,
		       cpu_now() - cpu + after.cpu - before.cpu, arg.times);
	return err;
}

HEPH_ACTOR(ask, void, struct run);

static int ask_main(heph_ctx ctx, struct run *run)
{
	struct caller_arg arg = { .size = run->size,
				  .casts = strcmp(run->kind, "cast") == 0 };
	struct heph_transport *transport = NULL;
	heph_node node;
	int err = heph_node_start(ctx, &node, .name = "ask");

	arg.times = heph_alloc(ctx, sizeof(*arg.times));
	if (err == 0 && !arg.times)
		err = -ENOMEM;
	if (err == 0)
		err = transport_new(ctx, run->transport, "ask", &run->where,
				    &transport);
	if (err == 0)
		err = heph_node_connect(heph_within(ctx, 10 * HEPH_SEC), node,
					transport, run->where, "serve");
	heph_transport_free(transport);
	if (err == 0)
		err = heph_node_whereis(heph_within(ctx, 10 * HEPH_SEC), node,
					"serve", echo, "echo", &arg.echo);
	if (err == 0)
		err = measure(heph_within(ctx, PATIENCE), run, arg);
	return err;
}
HEPH_ACTOR_MAIN(ask, ask_main);

/* ---- the program -------------------------------------------------------------------------------- */

static int usage(void)
{
	fprintf(stderr, "usage: remote-calls serve TRANSPORT WHERE\n"
			"       remote-calls call|cast TRANSPORT WHERE N "
			"CONCURRENCY SIZE\n");
	return 64;
}

int main(int argc, char **argv)
{
	struct heph_config config = { .workers = 1 };
	struct run run = { 0 };
	bool serves = argc == 4 && strcmp(argv[1], "serve") == 0;
	int err;

	if (!serves && argc != 7)
		return usage();
	run = (struct run){ argv[1], argv[2], argv[3], 0, 0, 0 };
	if (!serves) {
		run.n = (unsigned)strtoul(argv[4], NULL, 10);
		run.concurrency = (unsigned)strtoul(argv[5], NULL, 10);
		run.size = (unsigned)strtoul(argv[6], NULL, 10);
		if (!run.n || !run.concurrency || run.concurrency > run.n ||
		    run.size > SIZE_MAX_)
			return usage();
	}
	err = serves ? heph_run(&config, serve, run) :
		       heph_run(&config, ask, run);
	if (err < 0)
		fprintf(stderr, "remote-calls: %s\n", strerror(-err));
	return err < 0;
}
