/* SPDX-License-Identifier: MIT */
/*
 * codec.c - what it costs to make the bytes of a message, and a message of bytes
 *
 *     remote-codec [ROUNDS]
 *
 * Prints for each message and each format the median and the least of so many rounds:
 * nanoseconds of the processor to write it and to free the bytes, and to read it and
 * to drop what it owns; and how many bytes it is.
 */
#include <heph/remote/actor.h>

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TIMES = 20000, ROUNDS_MOST = 1000 };

/* ---- messages ---------------------------------------------------------------- */

/* Few numbers: what most messages are. */
struct point {
	uint64_t id;
	int32_t x, y;
	bool seen;
	HEPH_REPLY(int) done;
};
HEPH_CODEC(point, struct point, HEPH_FIELD(id), HEPH_FIELD(x), HEPH_FIELD(y),
	   HEPH_FIELD(seen), HEPH_FIELD_REPLY(done));

HEPH_ACTOR(points, struct point, void);
HEPH_REMOTE(points, point);

/* Texts, a number, a reference. */
struct order {
	uint64_t id;
	char customer[32];
	char *note; /* owned */
	double price;
	bool has_rebate;
	double rebate;
	points_ref answer_to;
};
HEPH_CODEC(order, struct order, HEPH_FIELD(id), HEPH_FIELD(customer),
	   HEPH_FIELD(note), HEPH_FIELD(price),
	   HEPH_FIELD(rebate, HEPH_IF(has_rebate)),
	   HEPH_FIELD_REF_OF(answer_to, points));

/* A list of structs on the heap. */
struct line {
	char what[16];
	uint32_t n;
	double price;
};
HEPH_CODEC(line, struct line, HEPH_FIELD(what), HEPH_FIELD(n),
	   HEPH_FIELD(price));
struct list {
	uint64_t id;
	struct line *lines; /* owned */
	unsigned n_lines;
};
HEPH_CODEC(list, struct list, HEPH_FIELD(id),
	   HEPH_LIST_OF(lines, n_lines, line));

/* A block of bytes. */
struct block {
	uint64_t offset;
	struct heph_bytes data; /* owned */
};
HEPH_CODEC(block, struct block, HEPH_FIELD(offset), HEPH_FIELD(data));

/* ---- references as their bytes ----------------------------------------------- */

static int out(const struct heph_codec_refs *refs,
	       const struct heph_field *field, struct heph_addr addr,
	       uint8_t wire[HEPH_WIRE_REF])
{
	(void)refs, (void)field;
	memset(wire, 0, HEPH_WIRE_REF);
	memcpy(wire, &addr, sizeof(addr));
	return 0;
}

static int in(const struct heph_codec_refs *refs, const struct heph_field *field,
	      const uint8_t wire[HEPH_WIRE_REF], struct heph_addr *ret_addr)
{
	(void)refs, (void)field;
	memcpy(ret_addr, wire, sizeof(*ret_addr));
	return 0;
}

static const struct heph_codec_refs refs = { .out = out, .in = in };

/* ---- measuring ----------------------------------------------------------------- */

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
	return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static void must(int err)
{
	if (err == 0)
		return;
	fprintf(stderr, "remote-codec: error %d\n", err);
	exit(1);
}

struct message {
	const char *name;
	const struct heph_codec *codec;
	const void *msg;
	unsigned times;
};

static size_t size_of(const struct message *it, enum heph_format format)
{
	struct heph_bytes bytes;

	must(heph_codec_write(it->codec, format, it->msg, &refs, &bytes, NULL));
	free(bytes.data);
	return bytes.size;
}

static double write_round(const struct message *it, enum heph_format format)
{
	struct heph_bytes bytes;
	double began = now();

	for (unsigned i = 0; i < it->times; i++) {
		must(heph_codec_write(it->codec, format, it->msg, &refs, &bytes,
				      NULL));
		free(bytes.data);
	}
	return (now() - began) / it->times;
}

static double read_round(const struct message *it, enum heph_format format)
{
	void *room = malloc(it->codec->size);
	struct heph_bytes bytes;
	double began;

	must(heph_codec_write(it->codec, format, it->msg, &refs, &bytes, NULL));
	began = now();
	for (unsigned i = 0; i < it->times; i++) {
		must(heph_codec_read(it->codec, format, bytes.data, bytes.size,
				     &refs, room, NULL));
		heph_codec_drop(it->codec, room);
	}
	began = (now() - began) / it->times;
	free(bytes.data);
	free(room);
	return began;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void print(const struct message *it, enum heph_format format,
		  const char *name, unsigned rounds)
{
	static double write_ns[ROUNDS_MOST], read_ns[ROUNDS_MOST];

	for (unsigned i = 0; i < rounds; i++) {
		write_ns[i] = write_round(it, format);
		read_ns[i] = read_round(it, format);
	}
	qsort(write_ns, rounds, sizeof(*write_ns), compare);
	qsort(read_ns, rounds, sizeof(*read_ns), compare);
	printf("%-6s %-4s %7zu %9.0f %7.0f %9.0f %7.0f\n", it->name, name,
	       size_of(it, format), write_ns[rounds / 2], write_ns[0],
	       read_ns[rounds / 2], read_ns[0]);
}

int main(int argc, char **argv)
{
	unsigned rounds = argc > 1 ? (unsigned)atoi(argv[1]) : 21;
	static struct line lines[100];
	static unsigned char data[65536];
	struct point point = { 123456, -70000, 12, true, { { 0 } } };
	struct order order = { .id = UINT64_C(1) << 40,
			       .customer = "A. Customer",
			       .note = (char *)(uintptr_t)"by the back door",
			       .price = 19.95,
			       .has_rebate = true,
			       .rebate = 0.5,
			       .answer_to.addr = { .id = 77, .slot = 1 } };
	struct list list = { .id = 7, .lines = lines, .n_lines = 100 };
	struct block block = { 4096, { data, sizeof(data) } };
	const struct message all[] = {
		{ "point", point_codec(), &point, TIMES },
		{ "order", order_codec(), &order, TIMES },
		{ "list", list_codec(), &list, TIMES / 50 },
		{ "block", block_codec(), &block, TIMES / 50 },
	};

	if (rounds < 1 || rounds > ROUNDS_MOST)
		return 2;
	/* Or it would be about how the heap shrinks and grows. */
	mallopt(M_TRIM_THRESHOLD, 64 << 20);
	for (unsigned i = 0; i < 100; i++)
		lines[i] = (struct line){ "some goods", i * 1000, 0.25 * i };
	printf("message      bytes  write ns   least   read ns   least\n");
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		print(&all[i], HEPH_CBOR, "CBOR", rounds);
		print(&all[i], HEPH_JSON, "JSON", rounds);
	}
	return 0;
}
