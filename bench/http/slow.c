/* SPDX-License-Identifier: MIT */
/*
 * slow.c - what slow clients cost those who are not
 *
 *     http-slow [IDLE [SECONDS]]
 *
 * A server with one worker, in a process of its own, has IDLE (10,000) idle
 * connections, and 500 each that have sent part of a head, part of a body, and
 * that do not read their answer; they come again when they are sent away. 16 others
 * ask at 100 requests a second each, and their times are measured, without slow
 * clients and with them. Prints percentiles, and what memory the server has: all
 * that is resident, and of that the part that slow clients have added.
 *
 * The clients have addresses 127.0.0.1 and 127.0.0.2, so that there are ports for
 * all; `ulimit -n` of some 12,000 is needed.
 */
#include <heph/http.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { EACH = 500, QUICK = 16, RATE = 100, LARGE = 4 << 20 };

/* ---- the server ---------------------------------------------------------------- */

static char large[LARGE];

static int answer(heph_ctx ctx, struct heph_http_request *req,
		  struct heph_http_response *res)
{
	struct heph_str body;
	int err;

	if (heph_str_equal(req->path, "/large"))
		return heph_http_send(ctx, res, large, sizeof(large));
	err = heph_http_read_all(ctx, req, 0, &body);
	return err < 0 ? err : heph_http_text(ctx, res, 200, "Hello, World!");
}

struct app_arg {
	int port_to;
};
HEPH_ACTOR(app, void, struct app_arg);

static int app_main(heph_ctx ctx, struct app_arg *arg)
{
	struct heph_address parsed;
	char address[HEPH_ADDRESS_MAX];
	heph_fd listener;
	int err = heph_listen(ctx, "127.0.0.1:0", &listener), port;

	if (err < 0 || heph_local_address(ctx, listener, address) < 0 ||
	    heph_address_parse(&parsed, address) < 0)
		return -EIO;
	port = heph_address_port(&parsed);
	if (write(arg->port_to, &port, sizeof(port)) != sizeof(port))
		return -EIO;
	return heph_http_serve_on(ctx, listener, .handler = answer,
				  .idle_time = 600 * HEPH_SEC);
}
HEPH_ACTOR_MAIN(app, app_main);

static pid_t start_server(int *ret_port)
{
	int ends[2];
	pid_t pid;

	if (pipe(ends) < 0)
		abort();
	pid = fork();
	if (pid == 0) {
		struct heph_config config = { .workers = 1, .actors = 100000 };

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		heph_log_set_level(HEPH_LOG_OFF); /* of who was too slow */
		_exit(heph_run(&config, app, { ends[1] }) < 0);
	}
	if (pid < 0 || read(ends[0], ret_port, sizeof(int)) != sizeof(int))
		abort();
	return pid;
}

/* KiB that are resident. */
static long memory_of(pid_t pid)
{
	char path[64], line[200];
	long pages = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
	file = fopen(path, "re");
	if (!file || !fgets(line, sizeof(line), file) ||
	    sscanf(line, "%*d %ld", &pages) != 1)
		abort();
	fclose(file);
	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

/* ---- clients --------------------------------------------------------------------- */

static int port;

/* On the next of two addresses; `room` bytes may come unread, 0: as many as usual. */
static int dial(int room)
{
	static unsigned turn;
	struct sockaddr_in from = { .sin_family = AF_INET },
			   to = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + turn++ % 2);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (room)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	if (fd < 0 || bind(fd, (struct sockaddr *)&from, sizeof(from)) < 0 ||
	    connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0) {
		perror("connect");
		exit(1);
	}
	return fd;
}

static void say(int fd, const char *text)
{
	if (send(fd, text, strlen(text), MSG_NOSIGNAL) < 0 && errno != EPIPE &&
	    errno != ECONNRESET)
		abort();
}

static const char *const says[] = {
	"GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ",
	"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nx",
	"GET /large HTTP/1.1\r\nHost: a\r\n\r\n",
};

static int slow[3 * EACH];

static int be_slow(unsigned i)
{
	int fd = dial(i / EACH == 2 ? 4096 : 0);

	say(fd, says[i / EACH]);
	return fd;
}

/* Those who were sent away come again; the readers take nothing. */
static void come_again(unsigned i)
{
	char bytes[500];

	if (i / EACH == 2 || recv(slow[i], bytes, sizeof(bytes), MSG_DONTWAIT) < 0)
		return;
	close(slow[i]);
	slow[i] = be_slow(i);
}

/* ---- measuring ---------------------------------------------------------------------- */

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Milliseconds of one request. */
static double ask(int fd)
{
	double begun = now();
	char bytes[1000];
	size_t have = 0;
	ssize_t n;

	say(fd, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
	do {
		n = recv(fd, bytes + have, sizeof(bytes) - have, 0);
		if (n <= 0)
			abort();
		have += (size_t)n;
	} while (memcmp(bytes + have - 6, "World!", 6) != 0);
	return (now() - begun) * 1e3;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void measure(const char *name, const int *fds, unsigned seconds,
		    bool with_slow, pid_t server, long before)
{
	unsigned n = QUICK * RATE * seconds;
	double *times = malloc(n * sizeof(*times));
	double begun = now();

	for (unsigned i = 0; i < n; i++) {
		double wait = begun + (double)i / (QUICK * RATE) - now();

		if (wait > 0)
			usleep((useconds_t)(wait * 1e6));
		times[i] = ask(fds[i % QUICK]);
		if (with_slow)
			come_again(i % (3 * EACH));
	}
	qsort(times, n, sizeof(*times), compare);
	printf("http/slow %s: %u requests, p50 %.3f ms, p99 %.3f ms, p99.9 %.3f "
	       "ms, max %.3f ms, resident %ld KiB, of slow clients %ld KiB\n",
	       name, n, times[n / 2], times[n * 99 / 100],
	       times[n * 999 / 1000], times[n - 1], memory_of(server),
	       memory_of(server) - before);
	fflush(stdout);
	free(times);
}

int main(int argc, char **argv)
{
	unsigned idle = argc > 1 ? (unsigned)atoi(argv[1]) : 10000;
	unsigned seconds = argc > 2 ? (unsigned)atoi(argv[2]) : 20;
	struct rlimit files = { 0 };
	int quick[QUICK];
	long before;
	pid_t server;

	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	server = start_server(&port);
	for (unsigned i = 0; i < QUICK; i++)
		quick[i] = dial(0);
	measure("alone", quick, seconds, false, server, memory_of(server));
	before = memory_of(server);
	for (unsigned i = 0; i < idle; i++)
		dial(0);
	ask(quick[0]);
	usleep(500000);
	measure("with idle ones", quick, seconds, false, server, before);
	for (unsigned i = 0; i < 3 * EACH; i++)
		slow[i] = be_slow(i);
	sleep(2);
	measure("with slow ones too", quick, seconds, true, server, before);
	kill(server, SIGTERM);
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	return 0;
}
