/* SPDX-License-Identifier: MIT */
/*
 * cluster_sides.h - nodes that are members of a cluster, for tests
 *
 * A side is a node with a connection to NATS of its own. Sides of one test live in one
 * process; those that are to be killed or to stand still are processes: the program of
 * the test itself, which main() gives to child_main() when it was started so.
 */
#ifndef TEST_CLUSTER_SIDES_H
#define TEST_CLUSTER_SIDES_H

#include "act.h"
#include "nats_server.h"

#include <heph/inbox.h>
#include <heph/remote.h>
#include <heph/remote/cluster.h>

#include <nats/nats.h>

static struct nats_server server;

UNUSED static int start_server(void **state)
{
	(void)state;
	setenv("HEPH_LOG", "off", 0);
	nats_server_start(&server);
	return 0;
}

/* libnats has nothing left of us. */
UNUSED static int end_server(void **state)
{
	(void)state;
	nats_server_end(&server);
	return nats_CloseAndWait(20000) == NATS_OK ? 0 : -1;
}

/* ---- an actor to find ----------------------------------------------------------------- */

struct adder_msg {
	int64_t n;
	HEPH_REPLY(int64_t) sum;
};
HEPH_CODEC(adder_msg, struct adder_msg, HEPH_FIELD(n), HEPH_FIELD_REPLY(sum));
struct adder_arg {
	int64_t sum;
};
HEPH_ACTOR(adder, struct adder_msg, struct adder_arg);
HEPH_REMOTE(adder, adder_msg);

static int adder_main(heph_ctx ctx, adder_inbox in, struct adder_arg *arg)
{
	struct adder_msg msg;

	while (heph_recv(ctx, in, &msg) == 0) {
		arg->sum += msg.n;
		heph_answer(msg.sum, arg->sum);
	}
	return 0;
}
HEPH_ACTOR_MAIN(adder, adder_main);

/* One of another type. */
struct stranger_msg {
	int64_t x;
};
HEPH_CODEC(stranger_msg, struct stranger_msg, HEPH_FIELD(x));
HEPH_ACTOR(stranger, struct stranger_msg, void);
HEPH_REMOTE(stranger, stranger_msg);

static int stranger_main(heph_ctx ctx, stranger_inbox in)
{
	struct stranger_msg msg;

	while (heph_recv(ctx, in, &msg) == 0)
		;
	return 0;
}
HEPH_ACTOR_MAIN(stranger, stranger_main);

UNUSED static adder_ref adder_new(heph_ctx ctx, int64_t sum)
{
	adder_ref ref;

	must_be(heph_spawn(ctx, adder, &ref, { sum }), 0);
	return ref;
}

UNUSED static int64_t add(heph_ctx ctx, adder_ref ref, int64_t n)
{
	int64_t sum;

	must_be(heph_call(heph_within(ctx, patience()), ref, sum, &sum,
			  { .n = n }),
		0);
	return sum;
}

/* ---- what is told of members ------------------------------------------------------------ */

HEPH_CHAN(told, struct heph_member);
struct listener_arg {
	told_sender tx;
};
HEPH_ACTOR(listener, struct heph_member, struct listener_arg);

static int listener_main(heph_ctx ctx, listener_inbox in, struct listener_arg *arg)
{
	struct heph_member member;

	while (heph_recv(ctx, in, &member) == 0)
		must_be(heph_chan_send(ctx, arg->tx, member), 0);
	return 0;
}

static void listener_drop_arg(struct listener_arg *arg)
{
	heph_chan_free(arg->tx);
}
HEPH_ACTOR_MAIN(listener, listener_main, .drop_arg = listener_drop_arg);

UNUSED static told_receiver watch(heph_ctx ctx, heph_cluster cluster)
{
	heph_member_watcher_ref watcher;
	listener_ref ref;
	told_receiver rx;
	told_sender tx;

	must_be(heph_chan_new(told, 1000, &tx, &rx), 0);
	must_be(heph_spawn(ctx, listener, &ref, { tx }), 0);
	watcher.addr = ref.addr;
	must_be(heph_cluster_watch(ctx, cluster, watcher), 0);
	return rx;
}

/* Of that member, or any if `name` is NULL; what else comes is passed over. */
UNUSED static struct heph_member await_told(heph_ctx ctx, told_receiver rx,
					    enum heph_member_event event,
					    const char *name)
{
	static const char *const words[] = {
		[HEPH_MEMBER_UP] = "up",
		[HEPH_MEMBER_DOWN] = "down",
		[HEPH_MEMBER_CUT] = "cut off",
		[HEPH_MEMBER_JOINED] = "joined",
	};
	struct heph_member member;

	do {
		if (heph_chan_recv(heph_within(ctx, patience()), rx, &member) == 0)
			continue;
		fprintf(stderr, "nobody says that %s is %s\n", name ? name : "one",
			words[event]);
		abort();
	} while (member.event != event || (name && strcmp(member.name, name) != 0));
	return member;
}

/* ---- sides -------------------------------------------------------------------------------- */

struct side {
	heph_nats nats;
	heph_node node;
	heph_cluster cluster;
};

UNUSED static int side_join(heph_ctx ctx, struct side *side, const char *name,
			    heph_time lease)
{
	must_be(heph_nats_connect(ctx, &side->nats, .url = server.url), 0);
	must_be(heph_node_start(ctx, &side->node, .name = name), 0);
	return heph_cluster_join(ctx, &side->cluster, side->nats, side->node,
				 .lease = lease);
}

UNUSED static void side_up(heph_ctx ctx, struct side *side, const char *name,
			   heph_time lease)
{
	must_be(side_join(ctx, side, name, lease), 0);
}

/* In good order: it leaves. */
UNUSED static void side_down(heph_ctx ctx, struct side *side)
{
	heph_ref refs[] = { { side->cluster.addr }, { side->node.addr },
			    { side->nats.addr } };

	for (int i = 0; i < 3; i++) {
		heph_stop(refs[i]);
		must_be(heph_join(ctx, refs[i], NULL), 0);
	}
}

UNUSED static unsigned members_of(heph_ctx ctx, heph_cluster cluster)
{
	int n = heph_cluster_members(ctx, cluster, NULL, 0);

	must(n >= 0);
	return (unsigned)n;
}

UNUSED static void await_members(heph_ctx ctx, heph_cluster cluster, unsigned n)
{
	heph_time until = heph_now() + patience();

	while (members_of(ctx, cluster) != n) {
		must(heph_now() < until);
		must_be(heph_sleep(ctx, 2 * HEPH_MSEC), 0);
	}
}

/* ---- sides that are processes ---------------------------------------------------------------- */

/* Joins as `name`, registers an adder with `sum` as "counter", has the lease "boss" if it
 * is told to, and says "ready". Then it is there until it is killed, or its input ends. */
struct child_job {
	const char *name;
	heph_time lease;
	int64_t sum;
	bool boss;
};

struct child {
	pid_t pid;
	int in, out;
};

static int child_run(heph_ctx ctx, act_inbox in, void *arg)
{
	const struct child_job *job = arg;
	struct heph_lease lease;
	struct side side;
	heph_fd input;
	char byte;

	side_up(ctx, &side, job->name, job->lease);
	if (job->sum)
		must_be(heph_cluster_register(ctx, side.cluster, adder,
					      adder_new(ctx, job->sum), "counter"),
			0);
	if (job->boss)
		must_be(heph_cluster_lease(ctx, side.cluster, "boss", &lease), 0);
	must(write(1, "ready\n", 6) == 6);
	must_be(heph_fd_adopt(ctx, dup(0), &input), 0);
	while (heph_read(ctx, input, &byte, 1) > 0)
		;
	return 0;
}

/* main() calls it first. */
UNUSED static void child_main(int argc, char **argv)
{
	static struct child_job job;

	if (argc < 7 || strcmp(argv[1], "child") != 0)
		return;
	snprintf(server.url, sizeof(server.url), "%s", argv[2]);
	job = (struct child_job){ argv[3], atoll(argv[4]), atoll(argv[5]),
				  argv[6][0] == '1' };
	setenv("HEPH_LOG", "off", 0);
	run(child_run, &job);
	exit(0);
}

UNUSED static struct child child_start(const struct child_job *job)
{
	char lease[24], sum[24], ready[6];
	int in[2], out[2];
	struct child child;

	must(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0);
	snprintf(lease, sizeof(lease), "%lld", (long long)job->lease);
	snprintf(sum, sizeof(sum), "%lld", (long long)job->sum);
	child.pid = fork();
	must(child.pid >= 0);
	if (child.pid == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		execl("/proc/self/exe", "child", "child", server.url, job->name,
		      lease, sum, job->boss ? "1" : "0", NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	child.in = in[1];
	child.out = out[0];
	must(read(child.out, ready, 6) == 6);
	return child;
}

UNUSED static void child_kill(struct child *child)
{
	kill(child->pid, SIGKILL);
	must(waitpid(child->pid, NULL, 0) == child->pid);
	close(child->in);
	close(child->out);
}

#endif
