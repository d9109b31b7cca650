/* SPDX-License-Identifier: MIT */
/*
 * sensors.c - many sensors, one collector, encrypted datagrams between them
 *
 * usage: sensors collect ADDRESS
 *        sensors measure ADDRESS NAME [READINGS [PER SECOND]]
 *
 * SENSORS_SECRET in the environment is the text that all of them share: who does
 * not know it is not heard. SENSORS_PLAIN=1 instead does without encryption, to
 * see the difference with tcpdump(8).
 *
 * A reading is sent and forgotten: the next one is worth more than that one again,
 * so nobody waits, and a sensor takes no notice of a collector that is slow. At the
 * end, a sensor asks what has arrived: a call is repeated until it is there.
 *
 *     SENSORS_SECRET=leaf sensors collect 127.0.0.1:7000
 *     SENSORS_SECRET=leaf sensors measure 127.0.0.1:7000 greenhouse 1000
 */
#include <heph/heph.h>
#include <heph/remote.h>
#include <heph/remote/udp.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SENSORS = 1000, NAME = 24 };
#define PATIENCE (15 * HEPH_SEC)

/* ---- what travels ------------------------------------------------------------------ */

struct summary {
	int64_t arrived;
	double least, most, mean;
};
HEPH_CODEC(summary, struct summary, HEPH_FIELD(arrived), HEPH_FIELD(least),
	   HEPH_FIELD(most), HEPH_FIELD(mean));

struct reading {
	enum { READING, SUMMARY } kind;
	char sensor[NAME];
	double degrees; /* Celsius */
	HEPH_REPLY(struct summary) summary;
};
HEPH_CODEC(reading, struct reading, HEPH_FIELD(kind, .max = SUMMARY),
	   HEPH_FIELD(sensor), HEPH_FIELD(degrees, HEPH_CASE(kind, READING)),
	   HEPH_FIELD_REPLY_OF(summary, summary, HEPH_CASE(kind, SUMMARY)));

HEPH_ACTOR(collector, struct reading, void);
HEPH_REMOTE(collector, reading);

/* ---- the collector ------------------------------------------------------------------- */

struct sensor {
	char name[NAME];
	struct summary summary;
};

struct book {
	unsigned n;
	struct sensor sensors[SENSORS];
};

/* NULL: there are too many. */
static struct sensor *find(struct book *book, const char *name)
{
	struct sensor *sensor;

	for (unsigned i = 0; i < book->n; i++)
		if (strcmp(book->sensors[i].name, name) == 0)
			return &book->sensors[i];
	if (book->n == SENSORS)
		return NULL;
	sensor = &book->sensors[book->n++];
	memcpy(sensor->name, name, NAME);
	return sensor;
}

static void add(struct summary *summary, double degrees)
{
	if (summary->arrived == 0)
		summary->least = summary->most = degrees;
	if (degrees < summary->least)
		summary->least = degrees;
	if (degrees > summary->most)
		summary->most = degrees;
	summary->arrived++;
	summary->mean += (degrees - summary->mean) / (double)summary->arrived;
}

static void tell(const char *name, const struct summary *summary)
{
	printf("%s: %lld readings, %.2f to %.2f, mean %.2f\n", name,
	       (long long)summary->arrived, summary->least, summary->most,
	       summary->mean);
	fflush(stdout);
}

static int collector_main(heph_ctx ctx, collector_inbox in)
{
	struct book *book = heph_alloc(ctx, sizeof(*book));
	struct sensor *sensor;
	struct reading msg;
	int err;

	if (!book)
		return -ENOMEM;
	while ((err = heph_recv(ctx, in, &msg)) == 0) {
		sensor = find(book, msg.sensor);
		if (msg.kind == READING && sensor)
			add(&sensor->summary, msg.degrees);
		if (msg.kind == SUMMARY && sensor) {
			heph_answer(msg.summary, sensor->summary);
			tell(sensor->name, &sensor->summary);
		}
	}
	return err;
}
HEPH_ACTOR_MAIN(collector, collector_main);

/* ---- nodes ---------------------------------------------------------------------------- */

static int make_transport(struct heph_transport **ret_transport)
{
	const char *secret = getenv("SENSORS_SECRET");

	if (getenv("SENSORS_PLAIN"))
		return heph_udp_plain_new(ret_transport, 0);
	return heph_udp_new(ret_transport, .secret = secret ? secret : "");
}

static int collect(heph_ctx ctx, struct heph_transport *transport,
		   const char *address)
{
	char where[HEPH_WHERE_MAX];
	struct heph_udp_stats stats;
	collector_ref collector;
	heph_node node;
	int err = heph_spawn(ctx, collector, &collector, .inbox = 1024);

	if (err == 0)
		err = heph_node_start(ctx, &node, .name = "collector");
	if (err == 0)
		err = heph_node_export(ctx, node, collector, collector,
				       "readings");
	if (err == 0)
		err = heph_node_listen(ctx, node, transport, address, where);
	if (err < 0)
		return err;
	printf("listening on %s\n", where);
	fflush(stdout);
	err = heph_sleep(ctx, HEPH_NEVER); /* until SIGINT or SIGTERM */
	heph_udp_stats(transport, &stats);
	printf("refused: %llu forged, %llu repeated, %llu strange\n",
	       (unsigned long long)stats.forged,
	       (unsigned long long)stats.replayed,
	       (unsigned long long)stats.strange);
	return err;
}

/* ---- a sensor ------------------------------------------------------------------------- */

struct plan {
	const char *name;
	long readings, per_second;
};

/* A day: it becomes warm, and cool again. */
static double measure(const struct plan *plan, long n)
{
	double noon = (double)plan->readings / 2, from_noon = (double)n - noon;

	return 25 - 8 * (from_noon / noon) * (from_noon / noon);
}

static int send_readings(heph_ctx ctx, collector_ref to,
			 const struct plan *plan)
{
	struct heph_interval every = heph_interval(HEPH_SEC / plan->per_second);
	struct reading msg = { .kind = READING };
	int err = 0;

	strcpy(msg.sensor, plan->name);
	for (long n = 0; err == 0 && n < plan->readings; n++) {
		err = heph_tick(ctx, &every);
		msg.degrees = measure(plan, n);
		if (err == 0)
			err = heph_send(ctx, to, msg);
	}
	return err;
}

static int sum_up(heph_ctx ctx, collector_ref to, const struct plan *plan)
{
	struct reading msg = { .kind = SUMMARY };
	struct summary summary;
	int err;

	strcpy(msg.sensor, plan->name);
	err = heph_call(heph_within(ctx, PATIENCE), to, summary, &summary, msg);
	if (err < 0)
		return err;
	tell(plan->name, &summary);
	printf("%ld sent, %lld lost on the way\n", plan->readings,
	       (long long)plan->readings - (long long)summary.arrived);
	return 0;
}

static int sense(heph_ctx ctx, struct heph_transport *transport,
		 const char *address, const struct plan *plan)
{
	heph_ctx soon = heph_within(ctx, PATIENCE);
	collector_ref collector;
	heph_node node;
	int err = heph_node_start(ctx, &node, .name = plan->name);

	if (err == 0)
		err = heph_node_connect(soon, node, transport, address,
					"collector");
	if (err == 0)
		err = heph_node_whereis(soon, node, "collector", collector,
					"readings", &collector);
	if (err == 0)
		err = send_readings(ctx, collector, plan);
	if (err == 0)
		err = sum_up(ctx, collector, plan);
	return err;
}

/* ---- the program ------------------------------------------------------------------------ */

struct app_arg {
	const char *address;
	struct plan plan; /* no name: collects */
};
HEPH_ACTOR(app, void, struct app_arg);

static int app_main(heph_ctx ctx, struct app_arg *arg)
{
	struct heph_transport *transport;
	int err = make_transport(&transport);

	if (err < 0)
		return err;
	if (arg->plan.name)
		err = sense(ctx, transport, arg->address, &arg->plan);
	else
		err = collect(ctx, transport, arg->address);
	heph_transport_free(transport); /* the node has its own hold of it */
	return err;
}
HEPH_ACTOR_MAIN(app, app_main);

static bool understand(int argc, char **argv, struct app_arg *arg)
{
	arg->plan = (struct plan){ .readings = 100, .per_second = 1000 };
	if (argc < 3)
		return false;
	arg->address = argv[2];
	if (strcmp(argv[1], "collect") == 0)
		return argc == 3;
	if (strcmp(argv[1], "measure") != 0 || argc < 4 || argc > 6)
		return false;
	arg->plan.name = argv[3];
	if (argc > 4)
		arg->plan.readings = strtol(argv[4], NULL, 10);
	if (argc > 5)
		arg->plan.per_second = strtol(argv[5], NULL, 10);
	return strlen(argv[3]) < NAME && arg->plan.readings > 0 &&
	       arg->plan.per_second > 0 && arg->plan.per_second <= 1000000;
}

int main(int argc, char **argv)
{
	struct app_arg arg;
	int err;

	if (!understand(argc, argv, &arg)) {
		fprintf(stderr, "usage: sensors collect ADDRESS\n"
				"       sensors measure ADDRESS NAME [READINGS "
				"[PER SECOND]]\n");
		return 2;
	}
	err = heph_run(NULL, app, arg);
	if (err < 0)
		fprintf(stderr, "sensors: %s\n", strerror(-err));
	return err < 0;
}
