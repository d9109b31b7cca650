/* SPDX-License-Identifier: MIT */
/*
 * stress_server.c - bursts of connections, and nothing is left of them
 *
 * Rounds of 256 and of 1,000 clients that connect at the same time, say a line,
 * read its echo and close, some of them by a reset. After each round every
 * number of heph_stats() that says what there is now must be what it was, and
 * so must the number of open descriptors. Servers on one worker and on two,
 * with one listener and with one for each worker; clients are sockets of a
 * plain thread or actors of another runtime.
 */
#include "../api/task.h"

#include <pthread.h>
#include <sys/resource.h>

enum { SMALL = 256, LARGE = 1000, LINE = 64 };

static int largest = LARGE;

/* ---- the server ------------------------------------------------------------------- */

struct conn_arg {
	heph_fd fd;
};
HEPH_ACTOR(conn, void, struct conn_arg);

static int conn_main(heph_ctx ctx, struct conn_arg *arg)
{
	char buf[LINE];
	int n;

	while ((n = heph_read(ctx, arg->fd, buf, sizeof(buf))) > 0) {
		n = heph_write_all(ctx, arg->fd, buf, (size_t)n);
		if (n < 0)
			break;
	}
	must(n == 0 || n == -ECONNRESET || n == -EPIPE);
	return 0;
}
HEPH_ACTOR_MAIN(conn, conn_main);

struct server {
	bool each;
	_Atomic int port;
};

static int server_main(heph_ctx ctx, void *arg)
{
	struct server *it = arg;
	heph_fd listener;

	must_be(it->each ? heph_listen_shared(ctx, "127.0.0.1:0", &listener) :
			   heph_listen(ctx, "127.0.0.1:0", &listener),
		0);
	it->port = port_of(ctx, listener);
	must_be(it->each ? heph_serve_on_each(ctx, listener, conn, fd) :
			   heph_serve(ctx, listener, conn, fd),
		0);
	return 0;
}

/* ---- clients on a plain thread ------------------------------------------------------ */

/* From another address each round: ports stay in TIME_WAIT for a while. */
static int connect_from(unsigned round, int port)
{
	struct sockaddr_in from = loopback(0), to = loopback(port);
	int number = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	must(number >= 0);
	from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + round % 200);
	must_be(setsockopt(number, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on,
			   sizeof(on)),
		0);
	must_be(bind(number, (void *)&from, sizeof(from)), 0);
	must_be(connect(number, (void *)&to, sizeof(to)), 0);
	return number;
}

static void say(int number, int i)
{
	char line[LINE];
	int n = snprintf(line, sizeof(line), "line of client %d\n", i);

	must_be(send(number, line, (size_t)n, MSG_NOSIGNAL), n);
}

static void hear(int number, int i)
{
	char line[LINE], wanted[LINE];
	int n = snprintf(wanted, sizeof(wanted), "line of client %d\n", i);

	must_be(recv_whole(number, line, (size_t)n), n);
	must_be(memcmp(line, wanted, (size_t)n), 0);
}

static void burst(unsigned round, int port, int clients)
{
	static int numbers[LARGE];

	for (int i = 0; i < clients; i++)
		numbers[i] = connect_from(round, port);
	for (int i = 0; i < clients; i++)
		say(numbers[i], i);
	for (int i = 0; i < clients; i++)
		hear(numbers[i], i);
	for (int i = 0; i < clients; i++)
		if (i % 4 == 3)
			raw_reset(numbers[i]);
		else
			close(numbers[i]);
}

/* ---- clients that are actors --------------------------------------------------------- */

struct client_arg {
	int port, number;
};
HEPH_ACTOR(client, void, struct client_arg);

static int client_main(heph_ctx ctx, struct client_arg *arg)
{
	char address[HEPH_ADDRESS_MAX], line[LINE], echo[LINE];
	size_t n =
		(size_t)snprintf(line, sizeof(line), "actor %d\n", arg->number);
	heph_fd fd;

	snprintf(address, sizeof(address), "127.0.0.1:%d", arg->port);
	must_be(heph_connect(ctx, address, &fd), 0);
	must_be(heph_write_all(ctx, fd, line, n), 0);
	must_be(heph_read_exact(ctx, fd, echo, n, NULL), 0);
	must_be(memcmp(line, echo, n), 0);
	must_be(heph_shutdown(ctx, fd, SHUT_WR), 0);
	must_be(heph_read(ctx, fd, echo, 1), 0); /* it closes first */
	return 0;
}
HEPH_ACTOR_MAIN(client, client_main);

struct crowd {
	heph_ctx ctx;
	int port, clients;
};

static int crowd_main(heph_ctx ctx, void *arg)
{
	const struct crowd *it = arg;

	for (int i = 0; i < it->clients; i++)
		must_be(heph_spawn(ctx, client, NULL, { it->port, i },
				   .detached = true),
			0);
	return 0;
}

/* A runtime of its own, on a thread of its own. */
static void *crowd_thread(void *arg)
{
	struct heph_config config = { .workers = 1,
				      .actors = 5000,
				      .no_signals = true };
	struct crowd *it = arg;

	must_be(heph_run(&config, task, { crowd_main, it }), 0);
	return NULL;
}

static void crowd(int port, int clients)
{
	struct crowd it = { .port = port, .clients = clients };
	pthread_t thread;

	must_be(pthread_create(&thread, NULL, crowd_thread, &it), 0);
	pthread_join(thread, NULL);
}

/* ---- rounds ----------------------------------------------------------------------------- */

static long total;

/* Waits until the server waits for connections on all its workers. */
static struct counts quiet_counts(heph_ctx ctx, unsigned servers)
{
	heph_time until = heph_now() + 20 * HEPH_SEC;
	struct counts is;

	pass_turns(ctx);
	do {
		sched_yield();
		is = count_all(ctx);
	} while ((is.operations != servers || is.actors != servers + 1) &&
		 heph_now() < until);
	return is;
}

static void rounds(unsigned workers, bool each, heph_time length)
{
	struct heph_config config = { .workers = workers,
				      .actors = 5000,
				      .no_signals = true };
	heph_time until = heph_now() + length;
	int fds = count_fds();
	struct server server = { .each = each };
	struct counts before;
	heph_ctx ctx;
	task_ref task;

	must_be(heph_new(&ctx, &config), 0);
	task = start_task(ctx, server_main, &server);
	while (!server.port)
		sched_yield();
	burst(0, server.port, SMALL); /* all types are known then */
	crowd(server.port, SMALL);
	before = quiet_counts(ctx, each ? workers : 1);
	for (unsigned round = 0; round < 2 || heph_now() < until; round++) {
		int clients = round % 2 ? largest : SMALL;

		if (round % 8 == 7)
			crowd(server.port, clients);
		else
			burst(round, server.port, clients);
		total += clients;
		await_counts(ctx, &before);
	}
	must_be(heph_stats(ctx).failed, 0);
	heph_stop(task);
	end_task(ctx, task);
	must_be(heph_drain(ctx), 0);
	must_be(heph_stats(ctx).descriptors, 0);
	heph_free(ctx);
	must_be(count_fds(), fds);
}

int main(int argc, char **argv)
{
	heph_time length = (argc > 1 ? atoi(argv[1]) : 1) * HEPH_SEC;
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_max < 2 * LARGE + 100)
		largest = SMALL;
	rounds(1, false, length / 4);
	rounds(1, true, length / 4);
	rounds(2, false, length / 4);
	rounds(2, true, length / 4);
	printf("%ld connections\n", total);
	return 0;
}
