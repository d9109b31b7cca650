/* SPDX-License-Identifier: MIT */
/*
 * echo_epoll - an echo server as one writes it by hand: one thread, epoll(7)
 *
 * All connections share one buffer. What is read is written back at once; only
 * what the kernel does not take then is kept, and the connection is not read
 * until that is written. Level-triggered: a message costs a recv and a send,
 * and its share of an epoll_wait.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server.h"

struct conn {
	int fd;
	char *rest; /* to be written before anything is read; or NULL */
	size_t size, done;
};

static char buf[SERVER_READ];
static int epoll;
static struct conn listener;
static volatile sig_atomic_t stopped;

static void on_term(int signal)
{
	stopped = signal;
}

static void drop(struct conn *conn)
{
	close(conn->fd);
	free(conn->rest);
	free(conn);
}

static void watch(struct conn *conn, int how, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = conn };

	server_must_call(epoll_ctl(epoll, how, conn->fd, &event), "epoll_ctl");
}

static bool again(void)
{
	return errno == EAGAIN || errno == EINTR;
}

static void keep_rest(struct conn *conn, const char *rest, size_t size)
{
	conn->rest = malloc(size);
	server_must(conn->rest ? 0 : -ENOMEM, "malloc");
	memcpy(conn->rest, rest, size);
	conn->size = size;
	conn->done = 0;
	watch(conn, EPOLL_CTL_MOD, EPOLLOUT);
}

static void echo(struct conn *conn)
{
	ssize_t n = recv(conn->fd, buf, sizeof(buf), 0), sent;

	if (n < 0 && again())
		return;
	if (n <= 0) {
		drop(conn);
		return;
	}
	sent = send(conn->fd, buf, (size_t)n, MSG_NOSIGNAL);
	if (sent < 0 && !again())
		drop(conn);
	else if (sent < n)
		keep_rest(conn, buf + (sent < 0 ? 0 : sent),
			  (size_t)(n - (sent < 0 ? 0 : sent)));
}

static void write_rest(struct conn *conn)
{
	ssize_t sent = send(conn->fd, conn->rest + conn->done,
			    conn->size - conn->done, MSG_NOSIGNAL);

	if (sent < 0) {
		if (!again())
			drop(conn);
		return;
	}
	conn->done += (size_t)sent;
	if (conn->done < conn->size)
		return;
	free(conn->rest);
	conn->rest = NULL;
	watch(conn, EPOLL_CTL_MOD, EPOLLIN);
}

static void accept_all(void)
{
	struct conn *conn;
	int fd;

	while ((fd = accept4(listener.fd, NULL, NULL,
			     SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		conn = calloc(1, sizeof(*conn));
		server_must(conn ? 0 : -ENOMEM, "calloc");
		conn->fd = fd;
		watch(conn, EPOLL_CTL_ADD, EPOLLIN);
	}
}

static void listen_there(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	server_must_call(fd, "socket");
	server_must_call(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one,
				    sizeof(one)), /* connections inherit it */
			 "TCP_NODELAY");
	server_must_call(bind(fd, (struct sockaddr *)&address, size), "bind");
	server_must_call(listen(fd, SERVER_BACKLOG), "listen");
	server_must_call(getsockname(fd, (struct sockaddr *)&address, &size),
			 "getsockname");
	listener.fd = fd;
	watch(&listener, EPOLL_CTL_ADD, EPOLLIN);
	server_say_port(ntohs(address.sin_port));
}

/* SIGTERM is let in only while it waits. */
static void prepare_signals(sigset_t *ret_while_waiting)
{
	struct sigaction action = { .sa_handler = on_term };
	sigset_t term;

	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, ret_while_waiting);
	sigaction(SIGTERM, &action, NULL);
}

static void serve(const sigset_t *while_waiting)
{
	static struct epoll_event events[SERVER_EVENTS];
	struct conn *conn;
	int n = epoll_pwait(epoll, events, SERVER_EVENTS, -1, while_waiting);

	for (int i = 0; i < n; i++) {
		conn = events[i].data.ptr;
		if (conn == &listener)
			accept_all();
		else if (conn->rest)
			write_rest(conn);
		else
			echo(conn);
	}
}

int main(void)
{
	sigset_t while_waiting;

	prepare_signals(&while_waiting);
	epoll = server_must_call(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
	listen_there();
	while (!stopped)
		serve(&while_waiting);
	server_say_end();
	return 0;
}
