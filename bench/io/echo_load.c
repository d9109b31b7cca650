/* SPDX-License-Identifier: MIT */
/*
 * echo_load - what the echo servers are measured with
 *
 * usage: echo_load PID PORT CONNECTIONS BYTES SECONDS
 *
 * Connects to the port on 127.0.0.1. Each connection has one message under way:
 * when it is back as a whole the next one follows. PID is the server's, whose
 * CPU time is taken at the beginning and the end of the time that counts, which
 * begins after a while of the same. With 0 seconds each connection sends one
 * message only; then the program prints a line, and ends when the server does.
 *
 * The line has times in nanoseconds: one message from the beginning of its
 * sending until all of it is back. `all` counts what was sent before the
 * measurement too.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../histogram.h"
#include "server.h"

#define SECOND UINT64_C(1000000000)
#define WARM_UP (SECOND / 4)

struct conn {
	int fd;
	bool stuck; /* waits for EPOLLOUT */
	size_t sent, received;
	uint64_t began;
};

static struct histogram histogram;
static unsigned n_conns;
static struct conn *conns;
static size_t size; /* of a message */
static char *message, *back;
static int epoll;
static uint64_t all;
static bool counts;

static uint64_t clock_of(clockid_t clock)
{
	struct timespec time;

	server_must_call(clock_gettime(clock, &time), "clock_gettime");
	return (uint64_t)time.tv_sec * SECOND + (uint64_t)time.tv_nsec;
}

static uint64_t now(void)
{
	return clock_of(CLOCK_MONOTONIC);
}

static void watch(struct conn *conn, int how, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = conn };

	server_must_call(epoll_ctl(epoll, how, conn->fd, &event), "epoll_ctl");
}

/* How many bytes; 0: none at the moment. */
static size_t checked(ssize_t n, const char *what)
{
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	server_must_call((int)n, what);
	return (size_t)n;
}

/* What the server does not take is sent when it does. */
static void send_more(struct conn *conn)
{
	bool stuck;

	conn->sent += checked(send(conn->fd, message + conn->sent,
				   size - conn->sent, MSG_NOSIGNAL),
			      "send");
	stuck = conn->sent < size;
	if (stuck != conn->stuck)
		watch(conn, EPOLL_CTL_MOD,
		      stuck ? EPOLLIN | EPOLLOUT : EPOLLIN);
	conn->stuck = stuck;
}

static void begin(struct conn *conn, uint64_t time)
{
	conn->began = time;
	conn->sent = conn->received = 0;
	send_more(conn);
}

/* Whether the message is back as a whole. */
static bool receive(struct conn *conn)
{
	ssize_t n = recv(conn->fd, back, size - conn->received, 0);

	if (n == 0)
		server_must(-ECONNRESET, "recv");
	n = (ssize_t)checked(n, "recv");
	if (memcmp(back, message + conn->received, (size_t)n) != 0)
		server_must(-EPROTO, "what came back");
	conn->received += (size_t)n;
	return conn->received == size;
}

static void next(struct conn *conn)
{
	uint64_t time = now();

	all++;
	if (counts)
		histogram_add(&histogram, time - conn->began);
	begin(conn, time);
}

static void run_until(uint64_t until)
{
	static struct epoll_event events[SERVER_EVENTS];
	struct conn *conn;
	int n;

	while (now() < until) {
		n = epoll_wait(epoll, events, SERVER_EVENTS, 100);
		for (int i = 0; i < n; i++) {
			conn = events[i].data.ptr;
			if (events[i].events & EPOLLOUT)
				send_more(conn);
			if ((events[i].events & ~EPOLLOUT) && receive(conn))
				next(conn);
		}
	}
}

/* ---- the parts of a run ---------------------------------------------------- */

/* A first message makes sure that the server has accepted it. */
static void connect_one(struct conn *conn, unsigned port)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons((uint16_t)port) };
	int one = 1;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	conn->fd = server_must_call(socket(AF_INET, SOCK_STREAM, 0), "socket");
	server_must_call(setsockopt(conn->fd, IPPROTO_TCP, TCP_NODELAY, &one,
				    sizeof(one)),
			 "TCP_NODELAY");
	server_must_call(connect(conn->fd, (struct sockaddr *)&address,
				 sizeof(address)),
			 "connect");
	while (conn->sent < size)
		conn->sent += checked(send(conn->fd, message + conn->sent,
					   size - conn->sent, MSG_NOSIGNAL),
				      "send");
	while (!receive(conn))
		;
	all++;
	fcntl(conn->fd, F_SETFL, O_NONBLOCK);
	watch(conn, EPOLL_CTL_ADD, EPOLLIN);
}

static void prepare(unsigned port)
{
	conns = calloc(n_conns, sizeof(*conns));
	message = malloc(size);
	back = malloc(size);
	if (!conns || !message || !back)
		server_must(-ENOMEM, "malloc");
	for (size_t i = 0; i < size; i++)
		message[i] = (char)(i * 7 + i / 251);
	epoll = server_must_call(epoll_create1(0), "epoll_create1");
	for (unsigned i = 0; i < n_conns; i++)
		connect_one(&conns[i], port);
}

static void say(uint64_t length, uint64_t cpu)
{
	double secs = (double)length / 1e9, cpu_secs = (double)cpu / 1e9;
	double n = (double)histogram.n;

	printf("connections=%u bytes=%zu messages=%llu secs=%.3f rate=%.0f"
	       " server_cpu_secs=%.4f per_cpu_sec=%.0f p50=%llu p99=%llu"
	       " worst=%llu all=%llu\n",
	       n_conns, size, (unsigned long long)histogram.n, secs, n / secs,
	       cpu_secs, n / cpu_secs,
	       (unsigned long long)histogram_at(&histogram, 0.5),
	       (unsigned long long)histogram_at(&histogram, 0.99),
	       (unsigned long long)histogram.worst, (unsigned long long)all);
}

static void measure(pid_t server, uint64_t length)
{
	uint64_t cpu, began = now();
	clockid_t clock;

	server_must(-clock_getcpuclockid(server, &clock),
		    "the server's CPU time");
	for (unsigned i = 0; i < n_conns; i++)
		begin(&conns[i], began);
	run_until(began + WARM_UP);
	counts = true;
	cpu = clock_of(clock);
	began = now();
	run_until(began + length);
	say(now() - began, clock_of(clock) - cpu);
}

/* Nothing more is sent, so what comes is the end of a connection. */
static void await_end(void)
{
	struct epoll_event event;

	while (epoll_wait(epoll, &event, 1, -1) < 0 && errno == EINTR)
		;
}

int main(int argc, char **argv)
{
	double secs;

	if (argc != 6) {
		fprintf(stderr,
			"usage: %s PID PORT CONNECTIONS BYTES SECONDS\n",
			argv[0]);
		return 2;
	}
	n_conns = (unsigned)atoi(argv[3]);
	size = (size_t)atol(argv[4]);
	secs = atof(argv[5]);
	prepare((unsigned)atoi(argv[2]));
	if (secs > 0) {
		measure(atoi(argv[1]), (uint64_t)(secs * (double)SECOND));
		return 0;
	}
	printf("connections=%u\n", n_conns);
	fflush(stdout);
	await_end();
	return 0;
}
