/* SPDX-License-Identifier: MIT */
/*
 * What encrypted datagrams cost: to seal and open one; to send and receive one
 * through the loopback, beside sendto(2) and recvfrom(2) alone.
 *
 *     build/bench/remote-udp [rounds]
 *
 * Prints the best of some rounds. CPU time is that of the whole process, both ends.
 */
#include <heph/heph.h>
#include <heph/remote/udp.h>

#include <netinet/in.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "remote/udp_shake.h"

enum { SEALS = 200000, DATAGRAMS = 100000, UNDER_WAY = 64, LONGEST = 1232 };

static const size_t sizes[] = { 100, 1200 - HEPH_UDP_OVERHEAD };

static void need(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "%s\n", what);
	exit(1);
}

static double cpu(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* ---- sealing and opening --------------------------------------------------------- */

static double seal_and_open(size_t size, bool plain)
{
	static const uint8_t keys[2][32] = { { 1 }, { 2 } };
	static uint8_t body[LONGEST], data[LONGEST];
	struct heph_udp_box a, b;
	double begun;
	int n;

	heph_udp_box_init(&a, keys[0], keys[1]);
	heph_udp_box_init(&b, keys[1], keys[0]);
	a.plain = b.plain = plain;
	begun = cpu();
	for (int i = 0; i < SEALS; i++) {
		n = heph_udp_box_seal(&a, 1, HEPH_UDP_DATA, body, size, data);
		n = heph_udp_box_open(&b, 1, data, (size_t)n, NULL);
		need(n == (int)size, "not opened");
	}
	return (cpu() - begun) / SEALS;
}

/* ---- handshakes ------------------------------------------------------------------ */

/* Of both sides; or what one with a wrong key costs a door. */
static double shake_hands(size_t rounds, bool forged)
{
	struct heph_udp_key key = { .key = { 1 } };
	struct heph_udp_bakery bakery = { .serial = 0 };
	struct heph_udp_dice dice = { .id = 1 };
	uint8_t init[HEPH_UDP_SHAKE], accept[HEPH_UDP_SHAKE];
	uint8_t confirm[HEPH_UDP_CONFIRM_SIZE];
	struct heph_address address;
	struct heph_udp_shake shake;
	struct heph_udp_grant grant;
	struct heph_udp_box near, far;
	struct heph_udp_keys *keys;
	heph_time now = HEPH_SEC;
	double begun;
	int err;

	need(heph_udp_keys_new(&key, 1, &keys) == 0 &&
		     heph_address_parse(&address, "10.0.0.1:1") == 0,
	     "no key");
	begun = cpu();
	for (size_t i = 0; i < rounds; i++, now += 10 * HEPH_MSEC) {
		randombytes_buf(dice.secret, sizeof(dice.secret));
		if (!forged || i == 0)
			heph_udp_shake_init(&shake, &keys->secrets[0], i, 1,
					    dice.secret, init);
		init[100] ^= forged && i == 0;
		randombytes_buf(dice.secret, sizeof(dice.secret));
		err = heph_udp_bakery_answer(&bakery, keys, 2, &dice, now,
					     &address, init, sizeof(init),
					     accept);
		need(err == (forged ? -EBADMSG : 0), "not as it should be");
		if (forged)
			continue;
		err = heph_udp_shake_accept(&shake, accept, sizeof(accept), now,
					    &near, confirm);
		if (err == 0)
			err = heph_udp_bakery_check(&bakery, now, &address,
						    confirm, sizeof(confirm),
						    &grant);
		if (err == 0)
			err = heph_udp_bakery_admit(&bakery, now, &grant,
						    confirm, sizeof(confirm),
						    &far);
		need(err == 0, "no handshake");
	}
	heph_udp_keys_unref(keys);
	return (cpu() - begun) / (double)rounds;
}

/* ---- the kernel alone --------------------------------------------------------------- */

static int open_socket(struct sockaddr_in *ret_address)
{
	socklen_t size = sizeof(*ret_address);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	*ret_address = (struct sockaddr_in){ .sin_family = AF_INET };
	ret_address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	need(fd >= 0 && bind(fd, (void *)ret_address, size) == 0 &&
		     getsockname(fd, (void *)ret_address, &size) == 0,
	     "no socket");
	return fd;
}

static double kernel_alone(size_t size)
{
	static char data[LONGEST];
	struct sockaddr_in from, to;
	int in = open_socket(&to), out = open_socket(&from);
	double begun = cpu();

	for (int i = 0; i < DATAGRAMS; i += UNDER_WAY) {
		for (int j = 0; j < UNDER_WAY; j++)
			need(sendto(out, data, size, 0, (void *)&to,
				    sizeof(to)) == (ssize_t)size,
			     "not sent");
		for (int j = 0; j < UNDER_WAY; j++)
			need(recvfrom(in, data, sizeof(data), 0, NULL, NULL) ==
				     (ssize_t)size,
			     "not received");
	}
	close(in);
	close(out);
	return (cpu() - begun) / DATAGRAMS;
}

/* ---- wires ----------------------------------------------------------------------------- */

struct run {
	struct heph_transport *transport;
	size_t size;
	long sent, came;
	char where[HEPH_WHERE_MAX];
	struct heph_wire *near;
	char frame[LONGEST];
	struct iovec frames[UNDER_WAY];
	double ns;
};

struct run_arg {
	struct run *run;
};
HEPH_ACTOR(sender, void, struct run_arg);
HEPH_ACTOR(bench, void, struct run_arg);

/* Some under way, never more: so none is lost. */
static int sender_main(heph_ctx ctx, struct run_arg *arg)
{
	struct run *run = arg->run;
	const struct heph_transport_type *type = run->near->type;
	int err = type->open_sender(ctx, run->near);

	while (err == 0 && run->sent < DATAGRAMS) {
		while (err == 0 && run->sent > run->came)
			err = heph_yield(ctx);
		if (err == 0)
			err = type->send(ctx, run->near, run->frames,
					 UNDER_WAY);
		run->sent += UNDER_WAY;
	}
	type->close_sender(ctx, run->near);
	return err;
}
HEPH_ACTOR_MAIN(sender, sender_main);

static int receive_all(heph_ctx ctx, struct run *run, struct heph_wire *far)
{
	const void *data;
	double begun = cpu();
	sender_ref ref;
	int n = heph_spawn(ctx, sender, &ref, { run });

	while (n >= 0 && run->came < DATAGRAMS) {
		n = far->type->recv(heph_within(ctx, 10 * HEPH_SEC), far,
				    &data);
		need(n == (int)run->size, "a datagram was lost");
		run->came++;
	}
	run->ns = (cpu() - begun) / DATAGRAMS;
	return heph_join(ctx, ref, NULL);
}

static int bench_main(heph_ctx ctx, struct run_arg *arg)
{
	struct run *run = arg->run;
	const struct heph_transport_type *type = run->transport->type;
	struct heph_wire *far;
	struct heph_door *door;
	int err = type->listen(ctx, run->transport, "127.0.0.1:0", &door,
			       run->where);

	need(err == 0, "cannot listen");
	err = type->connect(ctx, run->transport, run->where, &run->near);
	need(err == 0, "cannot connect");
	need(type->accept(ctx, door, &far) == 0, "cannot accept");
	need(type->open(ctx, run->near) == 0 && type->open(ctx, far) == 0,
	     "cannot open");
	err = receive_all(ctx, run, far);
	type->close(ctx, run->near);
	type->close(ctx, far);
	type->close_door(ctx, door);
	return err;
}
HEPH_ACTOR_MAIN(bench, bench_main);

static double over_a_wire(size_t size, bool plain)
{
	const struct heph_udp_key key = { .key = { 1 } };
	const struct heph_config config = { .workers = 1 };
	struct run *run = calloc(1, sizeof(*run));
	double ns;
	int err;

	need(run, "no memory");
	run->size = size;
	for (int i = 0; i < UNDER_WAY; i++)
		run->frames[i] = (struct iovec){ run->frame, size };
	err = plain ? heph_udp_plain_new(&run->transport, 0) :
		      heph_udp_new(&run->transport, .keys = &key, .n_keys = 1);
	need(err == 0, "no transport");
	need(heph_run(&config, bench, { run }) == 0, "it failed");
	heph_transport_free(run->transport);
	ns = run->ns;
	free(run);
	return ns;
}

/* ---- all ------------------------------------------------------------------------------- */

static double best(int rounds, double (*fn)(size_t, bool), size_t size,
		   bool plain)
{
	double least = fn(size, plain), now;

	for (int i = 1; i < rounds; i++) {
		now = fn(size, plain);
		least = now < least ? now : least;
	}
	return least;
}

static double alone(size_t size, bool plain)
{
	(void)plain;
	return kernel_alone(size + HEPH_UDP_OVERHEAD);
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 5;
	double ns;

	need(sodium_init() >= 0 && rounds > 0, "usage: remote-udp [rounds]");
	setenv("HEPH_LOG", "off", 0);
	printf("handshake, both sides   %7.0f ns\n",
	       best(rounds, shake_hands, 2000, false));
	printf("one with a wrong key    %7.0f ns\n",
	       best(rounds, shake_hands, 20000, true));
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		printf("frame of %zu bytes:\n", sizes[i]);
		printf("  seal and open        %7.0f ns\n",
		       best(rounds, seal_and_open, sizes[i], false));
		ns = best(rounds, alone, sizes[i], false);
		printf("  sendto and recvfrom  %7.0f ns  %8.0f per CPU second\n",
		       ns, 1e9 / ns);
		ns = best(rounds, over_a_wire, sizes[i], true);
		printf("  plain wire           %7.0f ns  %8.0f per CPU second\n",
		       ns, 1e9 / ns);
		ns = best(rounds, over_a_wire, sizes[i], false);
		printf("  encrypted wire       %7.0f ns  %8.0f per CPU second\n",
		       ns, 1e9 / ns);
	}
	return 0;
}
