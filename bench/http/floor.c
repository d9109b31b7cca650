/* SPDX-License-Identifier: MIT */
/*
 * floor.c - as little as a server can do: what the kernel costs
 *
 * floor PORT
 *
 * One thread, one ring: connections are accepted and received from by operations
 * that go on, buffers are the kernel's choice, nobody waits for what was sent.
 * Nothing is parsed: for each empty line there is one answer, which is always the
 * same. Only for benches: it believes that a request comes in one piece, and that
 * an answer is sent whole. See scripts/bench-http.py.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <liburing.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	BUFFERS = 1024, /* a power of two */
	SIZE = 4096,
	GROUP = 0,
	CONNECTIONS = 1 << 15,
	ENTRIES = 1024,
};

/* In the upper half of user_data; the descriptor is in the lower one. */
enum { ACCEPT, RECEIVE, SEND };

static const char answer[] = "HTTP/1.1 200 OK\r\n"
			     "Content-Length: 13\r\n"
			     "Content-Type: text/plain\r\n"
			     "Date: Mon, 23 Nov 2026 12:00:00 GMT\r\n"
			     "\r\n"
			     "Hello, World!";

static struct io_uring ring;
static struct io_uring_buf_ring *lent;
static char *buffers;
static char *answers[CONNECTIONS]; /* what is being sent */
static int listener;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static struct io_uring_sqe *entry(unsigned what, int number)
{
	struct io_uring_sqe *sqe;

	while (!(sqe = io_uring_get_sqe(&ring)))
		io_uring_submit(&ring);
	sqe->user_data = (uint64_t)what << 32 | (unsigned)number;
	return sqe;
}

/* Filling in an entry clears what is in it. */
static void name(struct io_uring_sqe *sqe, unsigned what, int number)
{
	sqe->user_data = (uint64_t)what << 32 | (unsigned)number;
}

static void accept_all(void)
{
	struct io_uring_sqe *sqe = entry(ACCEPT, listener);

	io_uring_prep_multishot_accept(sqe, listener, NULL, NULL, 0);
	name(sqe, ACCEPT, listener);
}

static void receive(int number)
{
	struct io_uring_sqe *sqe = entry(RECEIVE, number);

	io_uring_prep_recv_multishot(sqe, number, NULL, 0, 0);
	sqe->flags |= IOSQE_BUFFER_SELECT;
	sqe->buf_group = GROUP;
	name(sqe, RECEIVE, number);
}

static void send_it(int number, size_t size)
{
	struct io_uring_sqe *sqe = entry(SEND, number);

	io_uring_prep_send(sqe, number, answers[number], size, MSG_NOSIGNAL);
	sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
	name(sqe, SEND, number);
}

static void lend(unsigned id)
{
	io_uring_buf_ring_add(lent, buffers + (size_t)id * SIZE, SIZE,
			      (unsigned short)id,
			      io_uring_buf_ring_mask(BUFFERS), 0);
	io_uring_buf_ring_advance(lent, 1);
}

static void accepted(int number)
{
	int one = 1;

	if (number < 0)
		return;
	if (number >= CONNECTIONS) {
		close(number);
		return;
	}
	setsockopt(number, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (!answers[number] && !(answers[number] = malloc(SIZE)))
		die("malloc");
	receive(number);
}

/* How many bytes of answers there are to `n` bytes of requests. */
static size_t answer_all(char *to, const char *from, size_t n)
{
	const char *end = from + n;
	size_t size = 0;

	while ((from = memmem(from, (size_t)(end - from), "\r\n\r\n", 4)) &&
	       size + sizeof(answer) <= SIZE) {
		memcpy(to + size, answer, sizeof(answer) - 1);
		size += sizeof(answer) - 1;
		from += 4;
	}
	return size;
}

static void received(int number, const struct io_uring_cqe *cqe)
{
	unsigned id = cqe->flags >> IORING_CQE_BUFFER_SHIFT;
	size_t size = 0;

	if (cqe->res > 0)
		size = answer_all(answers[number], buffers + (size_t)id * SIZE,
				  (size_t)cqe->res);
	if (cqe->flags & IORING_CQE_F_BUFFER)
		lend(id);
	if (size)
		send_it(number, size);
	if (cqe->res <= 0 && cqe->res != -ENOBUFS)
		close(number);
	else if (!(cqe->flags & IORING_CQE_F_MORE))
		receive(number);
}

static void handle(const struct io_uring_cqe *cqe)
{
	int number = (int)(cqe->user_data & UINT32_MAX);

	switch (cqe->user_data >> 32) {
	case ACCEPT:
		accepted(cqe->res);
		if (!(cqe->flags & IORING_CQE_F_MORE))
			accept_all();
		break;
	case RECEIVE:
		received(number, cqe);
		break;
	}
}

static void listen_at(int port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int one = 1;

	listener = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(listener, 4096) < 0)
		die("listen");
}

static void set_up(void)
{
	struct io_uring_params params = {
		.flags = IORING_SETUP_SINGLE_ISSUER |
			 IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE |
			 IORING_SETUP_SUBMIT_ALL,
		.cq_entries = 8 * ENTRIES,
	};
	struct io_uring_buf_reg reg = { .ring_entries = BUFFERS,
					.bgid = GROUP };

	if (io_uring_queue_init_params(ENTRIES, &ring, &params) < 0)
		die("io_uring");
	io_uring_register_ring_fd(&ring);
	lent = aligned_alloc(SIZE, BUFFERS * sizeof(struct io_uring_buf));
	buffers = aligned_alloc(SIZE, (size_t)BUFFERS * SIZE);
	if (!lent || !buffers)
		die("memory");
	reg.ring_addr = (uintptr_t)lent;
	io_uring_buf_ring_init(lent);
	if (io_uring_register_buf_ring(&ring, &reg, 0) < 0)
		die("buffers");
	for (unsigned id = 0; id < BUFFERS; id++)
		lend(id);
}

int main(int argc, char **argv)
{
	struct io_uring_cqe *cqe;
	unsigned head, n;

	if (argc != 2) {
		fprintf(stderr, "usage: floor PORT\n");
		return 2;
	}
	listen_at(atoi(argv[1]));
	set_up();
	accept_all();
	for (;;) {
		io_uring_submit_and_wait(&ring, 1);
		n = 0;
		io_uring_for_each_cqe(&ring, head, cqe) {
			handle(cqe);
			n++;
		}
		io_uring_cq_advance(&ring, n);
	}
}
