/* SPDX-License-Identifier: MIT */
/*
 * Datagrams as a door sees them, and as who connects does. An input is a list of
 * steps. One without a key would not get far: so steps make good datagrams, too, with
 * the keys that both sides have, change some bytes of them, keep them, and send them
 * again later. Whatever comes, a frame is delivered once, as it was sent, and a cookie
 * makes one wire.
 */
#include <sodium.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "remote/udp_shake.h"

enum { WIRES = 8, KEPT = 32, LONGEST = 400, STEPS = 200, WHO = 77 };

enum step {
	RAW,     /* bytes of the input, to the door or to a wire */
	INIT,    /* a good one, with some changes */
	ACCEPT,  /* what the door has answered, with some changes */
	CONFIRM, /* with some changes */
	FRAME,   /* over one of the wires, in one of both directions */
	AGAIN,   /* something that was sent before */
	LATER,   /* time passes */
	LEAP,    /* the sender changes its key */
	KINDS,
};

struct kept {
	size_t size;
	uint8_t data[LONGEST];
};

struct wire {
	struct heph_udp_box near, far; /* of who connected, of the door */
	uint64_t sent[2], serial[2];   /* frames; bits of those that came */
	bool came[2][STEPS];
};

struct state {
	const uint8_t *at, *end;
	heph_time now;
	struct heph_udp_bakery bakery;
	struct heph_udp_shake shake;
	bool shaking, answered, confirmed, held;
	uint8_t init[HEPH_UDP_SHAKE], answer[HEPH_UDP_SHAKE],
		confirm[HEPH_UDP_CONFIRM_SIZE];
	struct heph_udp_box waiting; /* for CONFIRM to be taken */
	struct wire wires[WIRES];
	unsigned n_wires;
	struct kept kept[KEPT];
	unsigned n_kept;
	uint64_t numbers;
};

static struct heph_udp_keys *keys;
static struct heph_address address;

static void must(bool good)
{
	if (!good)
		abort();
}

static unsigned next(struct state *state)
{
	return state->at < state->end ? *state->at++ : 0;
}

static void number(struct state *state, uint8_t *ret, size_t size)
{
	memset(ret, 0, size);
	state->numbers++;
	memcpy(ret, &state->numbers, sizeof(state->numbers));
}

/* Changes up to three bytes, or none. Returns whether it is another one now. */
static bool change(struct state *state, uint8_t *data, size_t *size)
{
	uint8_t before[LONGEST];
	size_t was = *size;
	unsigned n = next(state) % 8;

	memcpy(before, data, was);
	for (unsigned i = 0; i < n && i < 3; i++)
		data[next(state) % was] = (uint8_t)next(state);
	if (n == 4)
		*size = next(state) % (was + 1);
	return *size != was || memcmp(before, data, was) != 0;
}

static void keep(struct state *state, const uint8_t *data, size_t size)
{
	struct kept *kept = &state->kept[state->n_kept++ % KEPT];

	kept->size = size;
	memcpy(kept->data, data, size);
}

/* ---- what comes to both sides --------------------------------------------------------- */

/* A frame is its wire, its direction, and its number. */
static void delivered(struct state *state, unsigned w, unsigned direction,
		      const uint8_t *frame, int size)
{
	struct wire *wire = &state->wires[w];

	must(size >= 3 && frame[0] == w && frame[1] == direction);
	must(frame[2] < wire->sent[direction]);
	must(!wire->came[direction][frame[2]]);
	wire->came[direction][frame[2]] = true;
}

static void to_wires(struct state *state, const uint8_t *data, size_t size)
{
	uint8_t copy[LONGEST];
	int n;

	for (unsigned w = 0; w < state->n_wires; w++) {
		for (unsigned direction = 0; direction < 2; direction++) {
			memcpy(copy, data, size);
			n = heph_udp_box_open(direction ?
						      &state->wires[w].near :
						      &state->wires[w].far,
					      state->now, copy, size, NULL);
			if (n >= 0 && copy[0] == HEPH_UDP_DATA)
				delivered(state, w, direction,
					  copy + HEPH_UDP_HEAD, n);
		}
	}
}

static void on_init(struct state *state, const uint8_t *data, size_t size)
{
	struct heph_udp_dice dice;
	uint8_t answer[HEPH_UDP_SHAKE];

	number(state, dice.secret, sizeof(dice.secret));
	number(state, dice.bakery, sizeof(dice.bakery));
	dice.id = ++state->numbers;
	if (heph_udp_bakery_answer(&state->bakery, keys, WHO, &dice, state->now,
				   &address, data, size, answer) < 0)
		return;
	memcpy(state->answer, answer, sizeof(answer));
	state->answered = true;
	keep(state, answer, sizeof(answer));
}

static void on_confirm(struct state *state, const uint8_t *data, size_t size)
{
	struct wire *wire = &state->wires[state->n_wires];
	struct heph_udp_grant grant;
	struct heph_udp_box box;
	uint8_t copy[LONGEST];

	memcpy(copy, data, size);
	if (state->n_wires == WIRES ||
	    heph_udp_bakery_check(&state->bakery, state->now, &address, copy,
				  size, &grant) < 0)
		return;
	for (unsigned w = 0; w < state->n_wires; w++)
		if (state->wires[w].far.near == grant.near)
			return;
	if (heph_udp_bakery_admit(&state->bakery, state->now, &grant, copy,
				  size, &box) < 0)
		return;
	/* It was made by us, whatever came to it; the latest or one of before. */
	if (!state->held || state->waiting.near != box.far)
		return;
	memset(wire, 0, sizeof(*wire));
	wire->far = box;
	wire->near = state->waiting;
	state->held = false;
	state->n_wires++;
}

static void on_accept(struct state *state, const uint8_t *data, size_t size)
{
	uint64_t id;

	if (!state->shaking || heph_udp_accept_id(data, size, &id) < 0 ||
	    heph_udp_shake_accept(&state->shake, data, size, state->now,
				  &state->waiting, state->confirm) < 0)
		return;
	state->shaking = false;
	state->confirmed = state->held = true;
	keep(state, state->confirm, sizeof(state->confirm));
}

static void deliver(struct state *state, const uint8_t *data, size_t size)
{
	if (size && data[0] == HEPH_UDP_INIT)
		on_init(state, data, size);
	else if (size && data[0] == HEPH_UDP_ACCEPT)
		on_accept(state, data, size);
	else if (size && data[0] == HEPH_UDP_CONFIRM)
		on_confirm(state, data, size);
	to_wires(state, data, size);
}

/* ---- steps ------------------------------------------------------------------------------ */

static void deliver_changed(struct state *state, const uint8_t *data,
			    size_t size)
{
	uint8_t copy[LONGEST];

	memcpy(copy, data, size);
	change(state, copy, &size);
	deliver(state, copy, size);
}

static void raw(struct state *state)
{
	size_t size = next(state) * 2, left = (size_t)(state->end - state->at);
	uint8_t data[2 * 255 + 1];

	size = size < left ? size : left;
	size = size < LONGEST ? size : LONGEST;
	memcpy(data, state->at, size);
	state->at += size;
	deliver(state, data, size);
}

static void begin(struct state *state)
{
	const struct heph_udp_secret *key =
		&keys->secrets[next(state) % keys->n];
	uint8_t secret[HEPH_NOISE_KEY];

	number(state, secret, sizeof(secret));
	heph_udp_shake_init(&state->shake, key, ++state->numbers, 5, secret,
			    state->init);
	state->shaking = true;
	keep(state, state->init, sizeof(state->init));
	deliver_changed(state, state->init, sizeof(state->init));
}

static void send_frame(struct state *state)
{
	unsigned w = next(state), direction = next(state) % 2;
	uint8_t frame[64] = { 0 }, data[LONGEST];
	struct wire *wire;
	int n;

	if (!state->n_wires)
		return;
	w %= state->n_wires;
	wire = &state->wires[w];
	frame[0] = (uint8_t)w;
	frame[1] = (uint8_t)direction;
	frame[2] = (uint8_t)wire->sent[direction]++;
	n = heph_udp_box_seal(direction ? &wire->far : &wire->near, state->now,
			      HEPH_UDP_DATA, frame, 3 + next(state) % 60, data);
	if (n < 0)
		return;
	keep(state, data, (size_t)n);
	deliver_changed(state, data, (size_t)n);
}

static void leap(struct state *state)
{
	unsigned w = next(state);

	if (!state->n_wires)
		return;
	w %= state->n_wires;
	if (next(state) % 2)
		state->wires[w].near.counter = UINT32_MAX - next(state) % 4;
	else
		state->wires[w].near.rekey = 1 + next(state);
}

static void again(struct state *state)
{
	const struct kept *kept = &state->kept[next(state) % KEPT];

	deliver_changed(state, kept->data, kept->size ? kept->size : 1);
}

static void step(struct state *state)
{
	switch ((enum step)(next(state) % KINDS)) {
	case INIT:
		begin(state);
		break;
	case ACCEPT:
		if (state->answered)
			deliver_changed(state, state->answer,
					sizeof(state->answer));
		break;
	case CONFIRM:
		if (state->confirmed)
			deliver_changed(state, state->confirm,
					sizeof(state->confirm));
		break;
	case FRAME:
		send_frame(state);
		break;
	case AGAIN:
		again(state);
		break;
	case LATER:
		state->now += next(state) * HEPH_SEC / 8;
		heph_udp_bakery_tick(&state->bakery, state->now);
		break;
	case LEAP:
		leap(state);
		break;
	default:
		raw(state);
	}
}

static void prepare(void)
{
	const struct heph_udp_key list[] = { { { 1 }, "" }, { { 2 }, "node" } };

	must(sodium_init() >= 0);
	must(heph_udp_keys_new(list, 2, &keys) == 0);
	must(heph_address_parse(&address, "10.0.0.1:7000") == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct state *state = calloc(1, sizeof(*state));

	if (!keys)
		prepare();
	must(state);
	state->now = 1000 * HEPH_SEC;
	state->at = data;
	state->end = data + size;
	for (int i = 0; i < STEPS && state->at < state->end; i++)
		step(state);
	free(state);
	return 0;
}
