/* SPDX-License-Identifier: MIT */
/*
 * names.h - name servers for tests, on free ports of this machine
 *
 * One is dnsmasq, which knows some names below "test". The other one is our
 * own, for what no real server does when asked to: to fail, to be silent, to
 * take its time.
 */
#ifndef TEST_NAMES_H
#define TEST_NAMES_H

#include "task.h"

#include <poll.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/wait.h>

/* ---- ports ------------------------------------------------------------------- */

static inline int bound(int type, int *port)
{
	struct sockaddr_in address = loopback(*port);
	socklen_t size = sizeof(address);
	int number = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	must(number >= 0);
	if (bind(number, (void *)&address, sizeof(address)) < 0) {
		close(number);
		return -errno;
	}
	must_be(getsockname(number, (void *)&address, &size), 0);
	*port = ntohs(address.sin_port);
	return number;
}

/* A port that both TCP and UDP have free; it may be taken soon after. */
static inline int free_port(void)
{
	int udp, tcp, port;

	do {
		port = 0;
		udp = bound(SOCK_DGRAM, &port);
		must(udp >= 0);
		tcp = bound(SOCK_STREAM, &port);
		close(udp);
		if (tcp >= 0)
			close(tcp);
	} while (tcp < 0);
	return port;
}

static inline void ask_port(int port)
{
	char text[32];

	snprintf(text, sizeof(text), "127.0.0.1:%d", port);
	must_be(setenv("HEPH_DNS_SERVERS", text, 1), 0);
}

/* ---- dnsmasq -------------------------------------------------------------------- */

static inline bool have_dnsmasq(void)
{
	return access("/usr/sbin/dnsmasq", X_OK) == 0;
}

enum { BIG_NAMES = 60 };

/* In the child. */
static inline void exec_dnsmasq(int port, int log)
{
	static char texts[BIG_NAMES + 2][64];
	static char *argv[BIG_NAMES + 32] = {
		(char *)(uintptr_t) "dnsmasq",
		(char *)(uintptr_t) "--keep-in-foreground",
		(char *)(uintptr_t) "--log-facility=-",
		(char *)(uintptr_t) "--conf-file=/dev/null",
		(char *)(uintptr_t) "--pid-file=",
		(char *)(uintptr_t) "--no-resolv",
		(char *)(uintptr_t) "--no-hosts",
		(char *)(uintptr_t) "--listen-address=127.0.0.1",
		(char *)(uintptr_t) "--bind-interfaces",
		(char *)(uintptr_t) "--local=/test/",
		(char *)(uintptr_t) "--host-record=both.test,127.0.0.1,::1",
		(char *)(uintptr_t) "--host-record=four.test,127.0.0.4",
		(char *)(uintptr_t) "--host-record=six.test,::1",
		(char *)(uintptr_t) "--host-record=two.test,127.0.0.1",
		(char *)(uintptr_t) "--host-record=two.test,127.0.0.2",
		(char *)(uintptr_t) "--txt-record=text.test,words",
		(char *)(uintptr_t) "--cname=alias.test,four.test",
	};
	struct passwd *me = getpwuid(getuid());
	int n = 17;

	for (int i = 0; i < BIG_NAMES; i++) {
		snprintf(texts[i], sizeof(*texts),
			 "--host-record=big.test,127.0.1.%d", i + 1);
		argv[n++] = texts[i];
	}
	snprintf(texts[BIG_NAMES], sizeof(*texts), "--port=%d", port);
	argv[n++] = texts[BIG_NAMES];
	snprintf(texts[BIG_NAMES + 1], sizeof(*texts), "--user=%s",
		 me ? me->pw_name : "root");
	argv[n++] = texts[BIG_NAMES + 1];
	dup2(log, STDERR_FILENO);
	execv("/usr/sbin/dnsmasq", argv);
	_exit(127);
}

/* Whether it says that it has started, before it ends. */
static inline bool says_started(int log)
{
	char text[4096];
	size_t n = 0;
	ssize_t got;

	while (n < sizeof(text) - 1 &&
	       (got = read(log, text + n, sizeof(text) - 1 - n)) > 0) {
		n += (size_t)got;
		text[n] = '\0';
		if (strstr(text, "started"))
			return true;
	}
	return false;
}

/* On whichever port is free. Its process; it lives until stop_dnsmasq(). */
static inline pid_t start_dnsmasq(int *ret_log)
{
	int port, log[2];
	pid_t child;

	for (int turn = 0; turn < 10; turn++) {
		port = free_port();
		must_be(pipe2(log, O_CLOEXEC), 0);
		child = fork();
		must(child >= 0);
		if (child == 0)
			exec_dnsmasq(port, log[1]);
		close(log[1]);
		*ret_log = log[0];
		ask_port(port);
		if (says_started(log[0]))
			return child;
		close(log[0]);
		waitpid(child, NULL, 0);
	}
	must(!"dnsmasq starts");
	return -1;
}

static inline void stop_dnsmasq(pid_t child, int log)
{
	kill(child, SIGTERM);
	waitpid(child, NULL, 0);
	close(log);
}

/* ---- our own ---------------------------------------------------------------------- */

/* What it does with a query is told by the first label of the name. */
struct bad_server {
	int number, quit;
	pthread_t thread;
	atomic_int asked;
};

static inline int skip_name(const unsigned char *packet, int n)
{
	int at = 12;

	while (at < n && packet[at])
		at += packet[at] + 1;
	return at + 1; /* the type follows */
}

/* An answer with one address, 127.0.0.1 or ::1, to the question. */
static inline int put_address(unsigned char *packet, int n, int type)
{
	static const unsigned char a[] = { 0xc0, 12, 0, 1, 0,   1, 0, 0,
					   0,    60, 0, 4, 127, 0, 0, 1 };
	static const unsigned char aaaa[] = { 0xc0, 12, 0, 28, 0, 1,
					      0,    0,  0, 60, 0, 16 };

	packet[7] = 1; /* answers */
	if (type == 1) {
		memcpy(packet + n, a, sizeof(a));
		return n + (int)sizeof(a);
	}
	memcpy(packet + n, aaaa, sizeof(aaaa));
	n += (int)sizeof(aaaa);
	memset(packet + n, 0, 16);
	packet[n + 15] = 1;
	return n + 16;
}

static inline bool first_label(const unsigned char *packet, const char *label)
{
	return packet[12] == strlen(label) &&
	       memcmp(packet + 13, label, packet[12]) == 0;
}

/* The size of the answer; 0: there will be none. */
static inline int bad_answer(unsigned char *packet, int n)
{
	int end = skip_name(packet, n) + 4, type = packet[end - 3];

	packet[2] |= 0x80;
	packet[3] = 0x80;
	packet[9] = packet[11] = 0; /* nothing but the question */
	if (first_label(packet, "fails"))
		packet[3] |= 2;
	else if (first_label(packet, "refuses"))
		packet[3] |= 5;
	else if (first_label(packet, "garbles"))
		return 12;
	else if (first_label(packet, "silent") ||
		 (first_label(packet, "no6") && type == 28) ||
		 (first_label(packet, "no4") && type == 1))
		return 0;
	else
		return put_address(packet, end, type);
	return end;
}

static inline void *be_bad_server(void *arg)
{
	struct bad_server *server = arg;
	struct pollfd fds[2] = { { .fd = server->number, .events = POLLIN },
				 { .fd = server->quit, .events = POLLIN } };
	struct sockaddr_in from;
	unsigned char packet[2048];
	socklen_t size;
	int n;

	while (poll(fds, 2, -1) >= 0 && !fds[1].revents) {
		size = sizeof(from);
		n = (int)recvfrom(server->number, packet, 1024, MSG_DONTWAIT,
				  (void *)&from, &size);
		if (n < 18)
			continue;
		server->asked++;
		n = bad_answer(packet, n);
		if (n)
			sendto(server->number, packet, (size_t)n, MSG_DONTWAIT,
			       (void *)&from, size);
	}
	return NULL;
}

static inline void start_bad_server(struct bad_server *server)
{
	int port = 0;

	*server = (struct bad_server){ 0 };
	server->number = bound(SOCK_DGRAM, &port);
	must(server->number >= 0);
	server->quit = eventfd(0, EFD_CLOEXEC);
	must(server->quit >= 0);
	must_be(pthread_create(&server->thread, NULL, be_bad_server, server),
		0);
	ask_port(port);
}

static inline void stop_bad_server(struct bad_server *server)
{
	uint64_t one = 1;

	must_be(write(server->quit, &one, sizeof(one)), sizeof(one));
	pthread_join(server->thread, NULL);
	close(server->quit);
	close(server->number);
}

#endif
