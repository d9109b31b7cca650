/* SPDX-License-Identifier: MIT */
/* Sockets: stopped wherever they wait. */
#include "stops.h"

#include <heph/socket_msg.h>

/* ---- connections ----------------------------------------------------------- */

static void begin_listener(heph_ctx ctx, struct stops *it)
{
	it->fd = listen_somewhere(ctx);
	it->n = port_of(ctx, it->fd);
}

static void feed_connection(struct stops *it)
{
	int number = raw_connect((int)it->n);

	must(number >= 0);
	if (it->other < 0)
		it->other = number;
	else
		close(number);
}

static int run_accept_from(heph_ctx ctx, struct stops *it)
{
	struct heph_address peer;
	heph_fd fd;

	return heph_accept_from(ctx, it->fd, &fd, &peer);
}

static int run_connect_to(heph_ctx ctx, struct stops *it)
{
	struct heph_address address;
	char text[HEPH_ADDRESS_MAX];
	heph_fd fd;

	snprintf(text, sizeof(text), "127.0.0.1:%d", (int)it->n);
	must_be(heph_address_parse(&address, text), 0);
	return heph_connect_to(ctx, &address, &fd);
}

static int run_socket_connect(heph_ctx ctx, struct stops *it)
{
	struct heph_address address;
	heph_fd fd;

	must_be(heph_socket_local(ctx, it->fd, &address), 0);
	must_be(heph_socket_open(ctx, AF_INET, SOCK_STREAM, 0, &fd), 0);
	return heph_socket_connect(ctx, fd, &address);
}

/* ---- messages --------------------------------------------------------------- */

static void begin_packets(heph_ctx ctx, struct stops *it)
{
	int numbers[2];

	must_be(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, numbers),
		0);
	it->fd = adopt(ctx, numbers[0]);
	it->other = numbers[1];
}

static void feed_bytes(struct stops *it)
{
	must_be(write(it->other, "0123456789", 10), 10);
}

/* With two descriptors. */
static void feed_passed(struct stops *it)
{
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(2 * sizeof(int))];
	} control = { .head = { .cmsg_len = CMSG_LEN(2 * sizeof(int)),
				.cmsg_level = SOL_SOCKET,
				.cmsg_type = SCM_RIGHTS } };
	int numbers[2] = { it->other, it->other };
	struct iovec iov = { (void *)(uintptr_t) "x", 1 };
	struct msghdr header = { .msg_iov = &iov,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control) };

	memcpy(CMSG_DATA(&control.head), numbers, sizeof(numbers));
	must_be(sendmsg(it->other, &header, 0), 1);
}

static int run_recv(heph_ctx ctx, struct stops *it)
{
	char stack[10];

	return heph_socket_recv(ctx, it->fd, stack, sizeof(stack), 0);
}

static int run_recv_exact(heph_ctx ctx, struct stops *it)
{
	return heph_socket_recv_exact(ctx, it->fd, it->bytes, 20, 0, NULL);
}

static int run_recv_from(heph_ctx ctx, struct stops *it)
{
	struct heph_address from;

	return heph_socket_recv_from(ctx, it->fd, it->bytes, 10, 0, &from);
}

static int receive_passed(heph_ctx ctx, struct stops *it, unsigned max)
{
	struct iovec iov = { it->bytes, 10 };
	heph_fd fds[2];
	struct heph_socket_msg msg = {
		.iov = &iov, .n_iov = 1, .fds = fds, .max_fds = max
	};

	return heph_socket_recvmsg(ctx, it->fd, &msg, 0);
}

static int run_recvmsg(heph_ctx ctx, struct stops *it)
{
	return receive_passed(ctx, it, 2);
}

static int run_recvmsg_one(heph_ctx ctx, struct stops *it)
{
	return receive_passed(ctx, it, 1);
}

static int run_send(heph_ctx ctx, struct stops *it)
{
	char stack[10] = "123456789";

	return heph_socket_send(ctx, it->fd, stack, sizeof(stack), 0);
}

static const struct stops_row rows[] = {
	{ "accept_from", begin_listener, run_accept_from, feed_connection,
	  NULL },
	{ "connect_to", begin_listener, run_connect_to, NULL, NULL },
	{ "socket_connect", begin_listener, run_socket_connect, NULL, NULL },
	{ "recv", begin_packets, run_recv, feed_bytes, NULL },
	{ "recv_exact", begin_packets, run_recv_exact, feed_bytes, NULL },
	{ "recv_from", begin_packets, run_recv_from, feed_bytes, NULL },
	{ "recvmsg with descriptors", begin_packets, run_recvmsg, feed_passed,
	  NULL },
	{ "recvmsg without room for one", begin_packets, run_recvmsg_one,
	  feed_passed, NULL },
	{ "send", begin_packets, run_send, NULL, NULL },
};
STOPS_MAIN(rows)
