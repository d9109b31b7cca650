/* SPDX-License-Identifier: MIT */
/* Receiving and sending in all forms. */
#include "task.h"

#include <linux/errqueue.h>
#include <linux/netlink.h>

enum { MIB = 1 << 20 };

static struct heph_address parsed(const char *text)
{
	struct heph_address address;

	must_be(heph_address_parse(&address, text), 0);
	return address;
}

static heph_fd bound(heph_ctx ctx, int domain, const char *text,
		     struct heph_address *ret_address)
{
	struct heph_address address = parsed(text);
	heph_fd fd;

	must_be(heph_socket_open(ctx, domain, SOCK_DGRAM, 0, &fd), 0);
	must_be(heph_socket_bind(ctx, fd, &address), 0);
	must_be(heph_socket_local(ctx, fd, ret_address), 0);
	return fd;
}

static void pair_of(heph_ctx ctx, int type, heph_fd fds[2])
{
	must_be(heph_socket_pair(ctx, AF_UNIX, type, 0, fds), 0);
}

static void tcp_pair(heph_ctx ctx, heph_fd fds[2])
{
	heph_fd listener = listen_somewhere(ctx);
	char address[HEPH_ADDRESS_MAX];

	address_of(address, port_of(ctx, listener));
	must_be(heph_connect(ctx, address, &fds[0]), 0);
	must_be(heph_accept(ctx, listener, &fds[1]), 0);
	heph_close(listener);
}

#define iov(buf_, size_) ((struct iovec){ (void *)(uintptr_t)(buf_), (size_) })

/* Runs a test wherever it can: on a worker, moving, and on a thread. */
static void run_all(task_fn fn)
{
	run_task(fn);
	run_thread_once(fn);
}

/* ---- flags ------------------------------------------------------------------------ */

static int flags(heph_ctx ctx, void *arg)
{
	heph_fd fds[2];
	char buf[8];

	pair_of(ctx, SOCK_STREAM, fds);
	must_be(heph_socket_recv(ctx, fds[1], buf, 8, MSG_DONTWAIT), -EAGAIN);
	must_be(heph_socket_send(ctx, fds[0], "hello", 5, 0), 5);
	must_be(heph_socket_recv(ctx, fds[1], buf, 8, MSG_PEEK), 5);
	must_be(heph_socket_recv(ctx, fds[1], buf, 3, MSG_PEEK), 3);
	must_be(heph_socket_recv(ctx, fds[1], buf, 8, MSG_DONTWAIT), 5);
	must_be(memcmp(buf, "hello", 5), 0);
	must_be(heph_socket_recv(heph_within(ctx, HEPH_MSEC), fds[1], buf, 8, 0),
		-ETIME);
	heph_close(fds[0]);
	must_be(heph_socket_recv(ctx, fds[1], buf, 8, 0), 0);
	must_be(heph_socket_send(ctx, fds[1], "x", 1, 0), -EPIPE);

	pair_of(ctx, SOCK_DGRAM, fds);
	must_be(heph_socket_send(ctx, fds[0], "packet", 6, 0), 6);
	must_be(heph_socket_send(ctx, fds[0], "", 0, 0), 0);
	must_be(heph_socket_send(ctx, fds[0], "packet", 6, 0), 6);
	memset(buf, 'z', sizeof(buf));
	must_be(heph_socket_recv(ctx, fds[1], buf, 3, MSG_TRUNC), 6);
	must_be(memcmp(buf, "paczz", 5), 0);
	must_be(heph_socket_recv(ctx, fds[1], buf, 8, 0), 0);
	must_be(heph_socket_recv(ctx, fds[1], buf, 3, 0), 3);
	must_be(heph_socket_recv(ctx, fds[1], buf, 8, MSG_DONTWAIT), -EAGAIN);
	return 0;
}

static void has_flags(void **state)
{
	run_all(flags);
}

static int urgent(heph_ctx ctx, void *arg)
{
	heph_fd fds[2];
	char byte;

	tcp_pair(ctx, fds);
	must_be(heph_socket_send(ctx, fds[0], "ab", 2, MSG_OOB), 2);
	must_be(heph_socket_recv(ctx, fds[1], &byte, 1, 0), 1);
	must_be(byte, 'a');
	must_be(heph_socket_recv(ctx, fds[1], &byte, 1, MSG_OOB), 1);
	must_be(byte, 'b');
	return 0;
}

static void sends_urgent_bytes(void **state)
{
	run_all(urgent);
}

static int no_sockets(heph_ctx ctx, void *arg)
{
	struct iovec many[HEPH_IOV_MAX + 1] = { { NULL, 0 } };
	heph_fd fds[2], file = adopt(ctx, open("/dev/null", O_RDWR));
	char byte = 'x';
	size_t done = 7;

	must_be(heph_socket_recv(ctx, file, &byte, 1, 0), -ENOTSOCK);
	must_be(heph_socket_send(ctx, file, &byte, 1, 0), -ENOTSOCK);
	must_be(heph_socket_recv(ctx, (heph_fd){ 0 }, &byte, 1, 0), -EBADF);
	must_be(heph_socket_recv_exact(ctx, (heph_fd){ 0 }, &byte, 1, 0, &done),
		-EBADF);
	must_be(done, 0);
	pair_of(ctx, SOCK_STREAM, fds);
	must_be(heph_socket_sendv(ctx, fds[0], many, HEPH_IOV_MAX + 1, 0),
		-EMSGSIZE);
	must_be(heph_socket_recv_exact(ctx, fds[0], &byte, 1, MSG_PEEK, NULL),
		-EINVAL);
	return 0;
}

static void refuses_what_cannot_be(void **state)
{
	run_all(no_sockets);
}

/* ---- several buffers, and all of it ------------------------------------------------ */

static int vectors(heph_ctx ctx, void *arg)
{
	char a[2], b[3], c[4] = "....";
	struct iovec in[] = { iov(a, 2), iov(NULL, 0), iov(b, 3), iov(c, 4) };
	struct iovec out[] = { iov("ab", 2), iov("cdef", 4), iov("", 0) };
	heph_fd fds[2];

	pair_of(ctx, SOCK_STREAM, fds);
	must_be(heph_socket_sendv(ctx, fds[0], out, 3, 0), 6);
	must_be(heph_socket_recvv(ctx, fds[1], in, 4, 0), 6);
	must_be(memcmp(a, "ab", 2), 0);
	must_be(memcmp(b, "cde", 3), 0);
	must_be(memcmp(c, "f...", 4), 0);
	pair_of(ctx, SOCK_SEQPACKET, fds);
	must_be(heph_socket_sendv(ctx, fds[0], out, 3, 0), 6);
	must_be(heph_socket_recvv(ctx, fds[1], in, 1, 0), 2);
	return 0;
}

static void has_vectors(void **state)
{
	run_all(vectors);
}

struct flow {
	heph_fd fd;
	int flags;
	size_t size; /* of each half */
};

static char pattern(size_t i)
{
	return (char)(i * 31 + i / 251);
}

/* From one end: two buffers with an empty one between, and one behind. */
static int send_flow(heph_ctx ctx, void *arg)
{
	struct flow *flow = arg;
	char *bytes = malloc(2 * flow->size);
	struct iovec out[] = { iov(bytes, flow->size), iov(NULL, 0),
			       iov(bytes + flow->size, flow->size),
			       iov(NULL, 0) };
	size_t done;
	heph_fd fd = flow->fd;

	for (size_t i = 0; i < 2 * flow->size; i++)
		bytes[i] = pattern(i);
	must_be(heph_socket_sendv_exact(ctx, fd, out, 4, flow->flags, &done),
		0);
	must_be(done, 2 * flow->size);
	must_be(heph_socket_send_exact(ctx, fd, "", 0, 0, &done), 0);
	must_be(heph_shutdown(ctx, fd, SHUT_WR), 0);
	free(bytes);
	return 0;
}

static void receive_flow(heph_ctx ctx, heph_fd fd, size_t size)
{
	char *bytes = malloc(2 * size + 1);
	struct iovec in[] = { iov(bytes, 1), iov(bytes + 1, size),
			      iov(bytes + 1 + size, size - 1), iov(bytes, 0) };
	size_t done;

	must_be(heph_socket_recvv_exact(ctx, fd, in, 4, 0, &done), 0);
	must_be(done, 2 * size);
	for (size_t i = 0; i < 2 * size; i++)
		must_be(bytes[i], pattern(i));
	must_be(heph_socket_recv_exact(ctx, fd, bytes, 1, 0, &done), -ENODATA);
	must_be(done, 0);
	free(bytes);
}

static void flow_through(heph_ctx ctx, heph_fd fds[2], int how, size_t size)
{
	struct flow flow = { fds[0], how, size };
	struct flow *shared = malloc(sizeof(flow));
	task_ref task;

	*shared = flow;
	must_be(heph_spawn(ctx, task, &task,
			   { .fn = send_flow, .arg = shared },
			   .give = fds[0]),
		0);
	receive_flow(ctx, fds[1], size);
	end_task(ctx, task);
	free(shared);
	heph_close(fds[1]);
}

static int flows(heph_ctx ctx, void *arg)
{
	heph_fd fds[2];

	pair_of(ctx, SOCK_STREAM, fds);
	flow_through(ctx, fds, 0, 2 * MIB);
	tcp_pair(ctx, fds);
	flow_through(ctx, fds, 0, 2 * MIB);
	pair_of(ctx, SOCK_STREAM, fds); /* has no zero copy */
	flow_through(ctx, fds, MSG_ZEROCOPY, MIB);
	tcp_pair(ctx, fds);
	flow_through(ctx, fds, MSG_ZEROCOPY, 2 * MIB);
	tcp_pair(ctx, fds);
	flow_through(ctx, fds, MSG_ZEROCOPY, 1000);
	return 0;
}

static void moves_all_of_it(void **state)
{
	run_task(flows);
}

/* From buffers on the stack, which others stand in for. */
static int from_stack(heph_ctx ctx, void *arg)
{
	char out[5000], in[5000];
	struct iovec parts[] = { iov(out, 2000), iov("heap?", 0),
				 iov(out + 2000, 3000) };
	heph_fd fds[2];

	for (size_t i = 0; i < sizeof(out); i++)
		out[i] = pattern(i);
	pair_of(ctx, SOCK_DGRAM, fds);
	for (int round = 0; round < 3; round++) {
		memset(in, 0, sizeof(in));
		must_be(heph_socket_sendv(ctx, fds[0], parts, 3,
					  MSG_ZEROCOPY),
			sizeof(out));
		must_be(heph_socket_recv(ctx, fds[1], in, sizeof(in), 0),
			sizeof(in));
		must_be(memcmp(in, out, sizeof(in)), 0);
	}
	return 0;
}

static void buffers_may_be_on_the_stack(void **state)
{
	run_all(from_stack);
}

/* ---- packets ------------------------------------------------------------------------- */

static void exchange(heph_ctx ctx, int domain, const char *text)
{
	struct heph_address a, b, from = { 0 };
	heph_fd fa = bound(ctx, domain, text, &a), fb = bound(ctx, domain, text,
							      &b);
	char buf[16];

	must_be(heph_socket_send_to(ctx, fa, "ping", 4, 0, &b), 4);
	must_be(heph_socket_recv_from(ctx, fb, buf, sizeof(buf), 0, &from), 4);
	must(heph_address_same(&from, &a));
	must_be(heph_socket_send_to(ctx, fb, "", 0, 0, &from), 0);
	must_be(heph_socket_recv_from(ctx, fa, buf, sizeof(buf), 0, &from), 0);
	must(heph_address_same(&from, &b));
	must_be(heph_socket_connect(ctx, fa, &b), 0);
	must_be(heph_write(ctx, fa, "hello", 5), 5);
	must_be(heph_socket_recv_from(ctx, fb, buf, sizeof(buf), 0, &from), 5);
	must(heph_address_same(&from, &a));
	heph_close(fa);
	heph_close(fb);
}

static int packets(heph_ctx ctx, void *arg)
{
	struct heph_address from = { 0 }, nowhere = parsed("[::1]:9");
	heph_fd fds[2], fd;
	char byte;

	exchange(ctx, AF_INET, "127.0.0.1:0");
	exchange(ctx, AF_INET6, "[::1]:0");
	exchange(ctx, AF_UNIX, "unix:");
	pair_of(ctx, SOCK_DGRAM, fds); /* without names */
	must_be(heph_socket_send(ctx, fds[0], "x", 1, 0), 1);
	must_be(heph_socket_recv_from(ctx, fds[1], &byte, 1, 0, &from), 1);
	must_be(from.size, 0);
	must_be(heph_socket_open(ctx, AF_INET, SOCK_DGRAM, 0, &fd), 0);
	must_be(heph_socket_send(ctx, fd, "x", 1, 0), -EDESTADDRREQ);
	must_be(heph_socket_send_to(ctx, fd, "x", 1, 0, &nowhere),
		-EAFNOSUPPORT);
	return 0;
}

static void packets_have_addresses(void **state)
{
	run_all(packets);
}

/* ---- descriptors ----------------------------------------------------------------------- */

static struct heph_socket_msg message(const struct iovec *iov, heph_fd *fds,
				      unsigned n, unsigned max)
{
	return (struct heph_socket_msg){
		.iov = iov, .n_iov = 1, .fds = fds, .n_fds = n, .max_fds = max
	};
}

static void pass(heph_ctx ctx, heph_fd through[2], unsigned n, unsigned max)
{
	heph_fd sent[HEPH_PASSED_MAX], got[HEPH_PASSED_MAX];
	char byte = 'x';
	struct iovec iov = iov(&byte, 1);
	struct heph_socket_msg out = message(&iov, sent, n, 0),
			       in = message(&iov, got, 0, max);
	unsigned fit = n < max ? n : max;

	for (unsigned i = 0; i < n; i++)
		sent[i] = adopt(ctx, open("/dev/null", O_RDWR | O_CLOEXEC));
	must_be(heph_socket_sendmsg(ctx, through[0], &out, 0), 1);
	must_be(heph_socket_recvmsg(ctx, through[1], &in, 0), 1);
	must_be(in.n_fds, fit);
	must_be(!!(in.flags & MSG_CTRUNC), n > max);
	for (unsigned i = 0; i < n; i++)
		heph_close(sent[i]);
	for (unsigned i = 0; i < fit; i++) {
		must_be(heph_write(ctx, got[i], "x", 1), 1);
		must_be(fcntl(heph_fd_number(ctx, got[i]), F_GETFD),
			FD_CLOEXEC);
		heph_close(got[i]);
	}
}

static int passing(heph_ctx ctx, void *arg)
{
	static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET };
	heph_fd fds[2], none = { 0 };
	char byte = 'x';
	struct iovec iov = iov(&byte, 1);
	struct heph_socket_msg msg = message(&iov, &none, 1, 0);

	for (int i = 0; i < 3; i++) {
		pair_of(ctx, types[i], fds);
		pass(ctx, fds, 1, 1);
		pass(ctx, fds, 3, 5);
		pass(ctx, fds, 3, 2);
		pass(ctx, fds, 2, 0);
		pass(ctx, fds, 100, 1);
		pass(ctx, fds, HEPH_PASSED_MAX, HEPH_PASSED_MAX);
	}
	must_be(heph_socket_sendmsg(ctx, fds[0], &msg, 0), -EBADF);
	msg.n_fds = HEPH_PASSED_MAX + 1;
	must_be(heph_socket_sendmsg(ctx, fds[0], &msg, 0), -EINVAL);
	/* heph_read() does not leak what it does not give */
	msg.fds = fds;
	msg.n_fds = 1;
	must_be(heph_socket_sendmsg(ctx, fds[0], &msg, 0), 1);
	must_be(heph_read(ctx, fds[1], &byte, 1), 1);
	return 0;
}

static void passes_descriptors(void **state)
{
	run_all(passing);
}

static int half_of_a_pair(heph_ctx ctx, void *arg)
{
	heph_fd through[2], fds[2], got;
	char buf[4] = "abc";
	struct iovec iov = iov(buf, 4);
	struct heph_socket_msg out = message(&iov, &fds[1], 1, 0),
			       in = message(&iov, &got, 0, 1);

	pair_of(ctx, SOCK_STREAM, through);
	pair_of(ctx, SOCK_SEQPACKET, fds);
	must_be(heph_socket_sendmsg(ctx, through[0], &out, 0), 4);
	heph_close(fds[1]);
	must_be(heph_socket_recvmsg(ctx, through[1], &in, 0), 4);
	must_be(in.n_fds, 1);
	must_be(heph_write(ctx, fds[0], "packet", 6), 6);
	must_be(heph_socket_recv(ctx, got, buf, 4, MSG_TRUNC), 6);
	heph_close(fds[0]);
	must_be(heph_read(ctx, got, buf, 4), 0);
	return 0;
}

static void what_was_passed_can_be_used(void **state)
{
	run_all(half_of_a_pair);
}

/* ---- a receiver that is full -------------------------------------------------------- */

enum { PACKETS = 60 };

struct packet {
	unsigned n;
	char text[20];
};

struct receiver {
	heph_fd fd;
	unsigned first, last;
};

static struct packet packet_of(unsigned n)
{
	struct packet packet = { .n = n };

	snprintf(packet.text, sizeof(packet.text), "packet %u", n);
	return packet;
}

/* All, whole, and in their order. */
static int receive_all(heph_ctx ctx, void *arg)
{
	struct receiver *receiver = arg;
	struct packet packet, wanted;

	for (unsigned n = receiver->first; n < receiver->last; n++) {
		wanted = packet_of(n);
		must_be(heph_read(ctx, receiver->fd, &packet, sizeof(packet)),
			sizeof(packet));
		must_be(packet.n, n);
		must_be(memcmp(&packet, &wanted, sizeof(packet)), 0);
		if (n % 8 == 0)
			must_be(heph_yield(ctx), 0);
	}
	return 0;
}

/* In every form that there is; to `at`, or where it is connected. */
static int send_as(heph_ctx ctx, heph_fd fd, const struct heph_address *at,
		   unsigned form, struct packet *packet)
{
	struct iovec halves[] = { iov(packet, 8),
				  iov(packet->text + 4, sizeof(*packet) - 8) };
	bool passes = !at || at->storage.ss_family == AF_UNIX;
	struct heph_socket_msg out = message(halves, &fd, passes, 0);

	out.n_iov = 2;
	if (at) {
		out.has = HEPH_MSG_ADDRESS;
		out.address = *at;
		if (form < 3)
			return heph_socket_send_to(ctx, fd, packet,
						   sizeof(*packet), 0, at);
	}
	switch (form) {
	case 0:
		return heph_write(ctx, fd, packet, sizeof(*packet));
	case 1:
		return heph_socket_send(ctx, fd, packet, sizeof(*packet), 0);
	case 2:
		return heph_writev(ctx, fd, halves, 2);
	default:
		return heph_socket_sendmsg(ctx, fd, &out, 0);
	}
}

static unsigned fill(heph_ctx ctx, heph_fd fd, const struct heph_address *at)
{
	struct packet packet;
	unsigned n = 0;
	int sent;

	for (;; n++) {
		packet = packet_of(n);
		sent = heph_socket_send_to(ctx, fd, &packet, sizeof(packet),
					   MSG_DONTWAIT, at);
		if (sent == -EAGAIN)
			return n;
		must_be(sent, sizeof(packet));
	}
}

static void send_to_full(heph_ctx ctx, heph_fd fd, struct receiver *receiver,
			 const struct heph_address *at,
			 const struct heph_address *to)
{
	struct packet packet;
	task_ref task;
	int sent;

	receiver->first = 0;
	receiver->last = fill(ctx, fd, at);
	packet = packet_of(receiver->last);
	for (unsigned form = 0; form < 4; form++)
		must_be(send_as(heph_within(ctx, HEPH_MSEC), fd, to, form,
				&packet),
			-ETIME);
	receiver->last += PACKETS;
	must_be(heph_spawn(ctx, task, &task, { receive_all, receiver },
			   .give = receiver->fd),
		0);
	for (unsigned n = receiver->last - PACKETS; n < receiver->last; n++) {
		packet = packet_of(n);
		must_be(send_as(ctx, fd, to, n % 4, &packet), sizeof(packet));
	}
	end_task(ctx, task);
	do /* it is closed, soon */
		sent = send_as(ctx, fd, to, 0, &packet);
	while (sent == (int)sizeof(packet));
	must_be(sent, -ECONNREFUSED);
}

static int full_receiver(heph_ctx ctx, void *arg)
{
	struct receiver *receiver = malloc(sizeof(*receiver));
	struct heph_address at;
	heph_fd fd;

	must(receiver);
	for (int connected = 0; connected < 2; connected++) {
		receiver->fd = bound(ctx, AF_UNIX, "unix:", &at);
		must_be(heph_socket_open(ctx, AF_UNIX, SOCK_DGRAM, 0, &fd), 0);
		if (connected)
			must_be(heph_socket_connect(ctx, fd, &at), 0);
		send_to_full(ctx, fd, receiver, &at, connected ? NULL : &at);
		heph_close(fd);
	}
	free(receiver);
	return 0;
}

static void waits_for_a_receiver_that_is_full(void **state)
{
	run_all(full_receiver);
}

/* Its receiver says nothing of its room, and it says that it can be written. */
static int full_netlink(heph_ctx ctx, void *arg)
{
	struct receiver *receiver = malloc(sizeof(*receiver));
	struct heph_address at = { .size = sizeof(struct sockaddr_nl) };
	heph_fd fd;

	must(receiver);
	at.storage.ss_family = AF_NETLINK;
	must_be(heph_socket_open(ctx, AF_NETLINK, SOCK_RAW, NETLINK_USERSOCK,
				 &fd),
		0);
	must_be(heph_socket_open(ctx, AF_NETLINK, SOCK_RAW, NETLINK_USERSOCK,
				 &receiver->fd),
		0);
	must_be(heph_socket_bind(ctx, receiver->fd, &at), 0);
	must_be(heph_socket_local(ctx, receiver->fd, &at), 0);
	send_to_full(ctx, fd, receiver, &at, &at);
	heph_close(fd);
	free(receiver);
	return 0;
}

static void waits_where_no_socket_tells_of_room(void **state)
{
	int number =
		socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_USERSOCK);

	if (number < 0)
		skip();
	close(number);
	run_all(full_netlink);
}

/* Room is told only to who has little unread elsewhere, by poll(2). */
static int unread_elsewhere(heph_ctx ctx, void *arg)
{
	struct receiver *receiver = malloc(sizeof(*receiver));
	struct heph_address at, other_at;
	heph_fd fd, other = bound(ctx, AF_UNIX, "unix:", &other_at);
	char *large = calloc(1, 10000);
	struct packet packet;
	heph_time began;
	task_ref task;

	must(receiver && large);
	receiver->fd = bound(ctx, AF_UNIX, "unix:", &at);
	must_be(heph_socket_open(ctx, AF_UNIX, SOCK_DGRAM, 0, &fd), 0);
	must_be(heph_socket_connect(ctx, fd, &at), 0);
	for (int n = 0; n < 8; n++)
		must_be(heph_socket_send_to(ctx, fd, large, 10000, 0,
					    &other_at),
			10000);
	receiver->first = 0;
	receiver->last = fill(ctx, fd, &at) + 1;
	packet = packet_of(receiver->last - 1);
	must_be(heph_spawn(ctx, task, &task, { receive_all, receiver },
			   .give = receiver->fd),
		0);
	began = heph_now();
	must_be(heph_write(heph_within(ctx, patience()), fd, &packet,
			   sizeof(packet)),
		sizeof(packet));
	must(heph_now() - began < patience() / 2);
	end_task(ctx, task);
	heph_close(fd);
	heph_close(other);
	free(large);
	free(receiver);
	return 0;
}

static void hears_of_room_though_others_do_not_read(void **state)
{
	run_all(unread_elsewhere);
}

/* ---- what else comes along ---------------------------------------------------------------- */

static int credentials(heph_ctx ctx, void *arg)
{
	heph_fd fds[2];
	char byte = 'x';
	struct iovec iov = iov(&byte, 1);
	struct heph_socket_msg in = message(&iov, NULL, 0, 0), out = in;

	pair_of(ctx, SOCK_DGRAM, fds);
	must_be(heph_socket_send(ctx, fds[0], "x", 1, 0), 1);
	must_be(heph_socket_recvmsg(ctx, fds[1], &in, 0), 1);
	must(!(in.has & HEPH_MSG_CREDENTIALS));
	must_be(heph_socket_set(ctx, fds[1], HEPH_SOCKET_CREDENTIALS, 1), 0);
	must_be(heph_socket_send(ctx, fds[0], "x", 1, 0), 1);
	must_be(heph_socket_recvmsg(ctx, fds[1], &in, 0), 1);
	must(in.has & HEPH_MSG_CREDENTIALS);
	must_be(in.credentials.pid, getpid());
	must_be(in.credentials.uid, getuid());
	must_be(in.credentials.gid, getgid());
	out.has = HEPH_MSG_CREDENTIALS;
	out.credentials = in.credentials;
	must_be(heph_socket_sendmsg(ctx, fds[0], &out, 0), 1);
	must_be(heph_socket_recvmsg(ctx, fds[1], &in, 0), 1);
	must_be(in.credentials.pid, getpid());
	return 0;
}

static void tells_who_has_sent_it(void **state)
{
	run_all(credentials);
}

static void about_packets(heph_ctx ctx, int domain, const char *text)
{
	static const enum heph_socket_option on[] = {
		HEPH_SOCKET_PACKET_INFO, HEPH_SOCKET_RECEIVE_HOPS,
		HEPH_SOCKET_RECEIVE_TRAFFIC_CLASS, HEPH_SOCKET_TIMESTAMPS,
		HEPH_SOCKET_DROP_COUNT
	};
	struct heph_address at, from, host;
	heph_fd fd = bound(ctx, domain, text, &at),
		sender = bound(ctx, domain, text, &from);
	char buf[8] = "hello";
	struct iovec iov = iov(buf, 5);
	struct heph_socket_msg in = message(&iov, NULL, 0, 0), out = in;

	for (size_t i = 0; i < sizeof(on) / sizeof(*on); i++)
		must_be(heph_socket_set(ctx, fd, on[i], 1), 0);
	out.address = at;
	out.has = HEPH_MSG_ADDRESS | HEPH_MSG_HOPS | HEPH_MSG_TRAFFIC_CLASS |
		  HEPH_MSG_PACKET_INFO;
	out.hops = 7;
	out.traffic_class = 16;
	out.packet.interface = 1;
	must_be(heph_socket_sendmsg(ctx, sender, &out, 0), 5);
	must_be(heph_socket_recvmsg(ctx, fd, &in, 0), 5);
	must(heph_address_same(&in.address, &from));
	must_be(in.has & (HEPH_MSG_ADDRESS | HEPH_MSG_PACKET_INFO |
			  HEPH_MSG_HOPS | HEPH_MSG_TRAFFIC_CLASS |
			  HEPH_MSG_TIMESTAMP),
		HEPH_MSG_ADDRESS | HEPH_MSG_PACKET_INFO | HEPH_MSG_HOPS |
			HEPH_MSG_TRAFFIC_CLASS | HEPH_MSG_TIMESTAMP);
	host = at;
	must_be(heph_address_set_port(&host, 0), 0);
	must(heph_address_same(&in.packet.local, &host));
	must_be(in.packet.interface, 1);
	must_be(in.hops, 7);
	must_be(in.traffic_class, 16);
	must(in.timestamp > 1600000000 * HEPH_SEC);

	out.has = HEPH_MSG_ADDRESS | HEPH_MSG_PACKET_INFO; /* from there */
	out.packet.local = host;
	must_be(heph_socket_sendmsg(ctx, sender, &out, 0), 5);
	must_be(heph_socket_recvmsg(ctx, fd, &in, 0), 5);
	out.packet.local = parsed(domain == AF_INET ? "[::1]:0" :
						      "127.0.0.1:0");
	must_be(heph_socket_sendmsg(ctx, sender, &out, 0), -EINVAL);
}

static int info(heph_ctx ctx, void *arg)
{
	heph_fd fds[2];
	struct iovec iov = iov("x", 1);
	struct heph_socket_msg out = message(&iov, NULL, 0, 0);

	about_packets(ctx, AF_INET, "127.0.0.1:0");
	about_packets(ctx, AF_INET6, "[::1]:0");
	pair_of(ctx, SOCK_DGRAM, fds);
	out.has = HEPH_MSG_HOPS;
	must_be(heph_socket_sendmsg(ctx, fds[0], &out, 0), -EINVAL);
	return 0;
}

static void tells_where_a_packet_has_arrived(void **state)
{
	run_all(info);
}

/* One send, many packets; and all of them in one receive. */
static int segments(heph_ctx ctx, void *arg)
{
	struct heph_address at, from;
	heph_fd fd = bound(ctx, AF_INET, "127.0.0.1:0", &at),
		sender = bound(ctx, AF_INET, "127.0.0.1:0", &from);
	char *buf = malloc(4096);
	struct iovec iov = iov(buf, 2500);
	struct heph_socket_msg in = message(&iov, NULL, 0, 0), out = in;

	memset(buf, 'x', 4096);
	out.has = HEPH_MSG_ADDRESS | HEPH_MSG_SEGMENT;
	out.address = at;
	out.segment = 1000;
	must_be(heph_socket_sendmsg(ctx, sender, &out, 0), 2500);
	must_be(heph_socket_recv(ctx, fd, buf, 4096, 0), 1000);
	must_be(heph_socket_recv(ctx, fd, buf, 4096, 0), 1000);
	must_be(heph_socket_recv(ctx, fd, buf, 4096, 0), 500);
	must_be(heph_socket_set(ctx, fd, HEPH_SOCKET_RECEIVE_SEGMENTS, 1), 0);
	must_be(heph_socket_sendmsg(ctx, sender, &out, 0), 2500);
	iov.iov_len = 4096;
	must_be(heph_socket_recvmsg(ctx, fd, &in, 0), 2500);
	must(in.has & HEPH_MSG_SEGMENT);
	must_be(in.segment, 1000);
	out.segment = 70000;
	must_be(heph_socket_sendmsg(ctx, sender, &out, 0), -EINVAL);
	free(buf);
	return 0;
}

static void sends_many_packets_at_once(void **state)
{
	run_all(segments);
}

/* What comes back about a packet that nobody takes; also one that is awaited. */
static int errors(heph_ctx ctx, void *arg)
{
	struct heph_address at, from;
	heph_fd fd = bound(ctx, AF_INET, "127.0.0.1:0", &at),
		sender = bound(ctx, AF_INET, "127.0.0.1:0", &from);
	char buf[8] = "hello";
	struct iovec iov = iov(buf, 8);
	struct heph_socket_msg in = message(&iov, NULL, 0, 0);

	heph_close(fd);
	must_be(heph_socket_set(ctx, sender, HEPH_SOCKET_RECEIVE_ERRORS, 1), 0);
	must_be(heph_socket_recvmsg(heph_within(ctx, HEPH_MSEC), sender, &in,
				    MSG_ERRQUEUE),
		-ETIME);
	must_be(heph_socket_send_to(ctx, sender, "hello", 5, 0, &at), 5);
	must_be(heph_socket_recvmsg(heph_within(ctx, 20 * HEPH_SEC), sender,
				    &in, MSG_ERRQUEUE),
		5);
	must(in.flags & MSG_ERRQUEUE);
	must(in.has & HEPH_MSG_ERROR);
	must_be(in.error.err, -ECONNREFUSED);
	must_be(in.error.origin, SO_EE_ORIGIN_ICMP);
	must(heph_address_same(&in.address, &at));
	must_be(in.error.offender.storage.ss_family, AF_INET);
	return 0;
}

static void tells_what_came_back(void **state)
{
	run_all(errors);
}

/* A packet that is too long says so. */
static int truncated(heph_ctx ctx, void *arg)
{
	heph_fd fds[2];
	char buf[4];
	struct iovec iov = iov(buf, 4);
	struct heph_socket_msg in = message(&iov, NULL, 0, 0);

	pair_of(ctx, SOCK_SEQPACKET, fds);
	must_be(heph_write(ctx, fds[0], "hello", 5), 5);
	must_be(heph_write(ctx, fds[0], "bye", 3), 3);
	must_be(heph_socket_recvmsg(ctx, fds[1], &in, 0), 4);
	must_be(in.flags & MSG_TRUNC, MSG_TRUNC);
	must_be(heph_socket_recvmsg(ctx, fds[1], &in, 0), 3);
	must_be(in.flags & MSG_TRUNC, 0);
	must_be(in.flags & MSG_EOR, MSG_EOR & in.flags);
	return 0;
}

static void tells_of_what_is_cut(void **state)
{
	run_all(truncated);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(has_flags),
		cmocka_unit_test(sends_urgent_bytes),
		cmocka_unit_test(refuses_what_cannot_be),
		cmocka_unit_test(has_vectors),
		cmocka_unit_test(moves_all_of_it),
		cmocka_unit_test(buffers_may_be_on_the_stack),
		cmocka_unit_test(packets_have_addresses),
		cmocka_unit_test(passes_descriptors),
		cmocka_unit_test(what_was_passed_can_be_used),
		cmocka_unit_test(waits_for_a_receiver_that_is_full),
		cmocka_unit_test(waits_where_no_socket_tells_of_room),
		cmocka_unit_test(hears_of_room_though_others_do_not_read),
		cmocka_unit_test(tells_who_has_sent_it),
		cmocka_unit_test(tells_where_a_packet_has_arrived),
		cmocka_unit_test(sends_many_packets_at_once),
		cmocka_unit_test(tells_what_came_back),
		cmocka_unit_test(tells_of_what_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
