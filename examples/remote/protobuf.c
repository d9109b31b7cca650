/* SPDX-License-Identifier: MIT */
/*
 * protobuf.c - messages of an actor that travel as Protobuf
 *
 *     protobuf write >order.bin     an order, in the bytes of Protobuf
 *     protobuf read <order.bin      gives such an order to an actor
 *
 * The type is declared in shop.proto, of which protoc-c makes the struct and its
 * functions; five functions here make a codec of them. To what carries messages it
 * is a codec like any other: other programs, in other languages, read and write the
 * same bytes.
 */
#include <heph/heph.h>
#include <heph/remote/actor.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shop.pb-c.h"

/* ---- the codec: where the two are that use it --------------------------------- */

struct order {
	Shop__Order *it; /* owned, as protobuf-c makes it */
};

static int write_order(const void *msg, const struct heph_codec_refs *refs,
		       struct heph_bytes *ret_bytes,
		       struct heph_codec_error *error)
{
	const struct order *order = msg;
	size_t size = shop__order__get_packed_size(order->it);
	uint8_t *data = malloc(size + 1);

	(void)refs;
	if (!data) {
		snprintf(error->why, sizeof(error->why), "no memory");
		return -ENOMEM;
	}
	shop__order__pack(order->it, data);
	*ret_bytes = (struct heph_bytes){ data, size };
	return 0;
}

/* Protobuf passes over what it does not know, so that newer programs may send
 * more. A text that is not there is empty. */
static int read_order(const void *data, size_t size,
		      const struct heph_codec_refs *refs, void *ret_msg,
		      struct heph_codec_error *error)
{
	struct order *order = ret_msg;

	(void)refs;
	order->it = shop__order__unpack(NULL, size, data);
	if (order->it)
		return 0;
	snprintf(error->why, sizeof(error->why), "this is no shop.Order");
	return -EBADMSG;
}

/* There is no other way to copy a message of protobuf-c. */
static int copy_order(void *to, const void *from)
{
	struct heph_codec_error error;
	struct heph_bytes bytes;
	int err = write_order(from, NULL, &bytes, &error);

	if (err < 0)
		return err;
	err = read_order(bytes.data, bytes.size, NULL, to, &error);
	free(bytes.data);
	return err < 0 ? -ENOMEM : 0;
}

static void drop_order(void *msg)
{
	struct order *order = msg;

	shop__order__free_unpacked(order->it, NULL);
}

static size_t print_order(const void *msg, char *buf, size_t size)
{
	const Shop__Order *it = ((const struct order *)msg)->it;
	int n = snprintf(buf, size, "order{id=%" PRIu64 " customer=\"%s\" lines=%zu}",
			 it->id, it->customer, it->n_lines);

	return n < 0 ? 0 : (size_t)n < size ? (size_t)n : size - 1;
}

static const struct heph_codec_own order_protobuf = {
	.hash = 1, /* another one when old programs would not understand */
	.write = write_order,
	.read = read_order,
	.copy = copy_order,
	.drop = drop_order,
	.print = print_order,
};
HEPH_CODEC_OWN(order, struct order, &order_protobuf);

HEPH_ACTOR(shop, struct order, void);
HEPH_REMOTE(shop, order); /* may stand for one of another process from here on */

/* ---- the actor --------------------------------------------------------------------- */

/* Takes one order. */
static int shop_main(heph_ctx ctx, shop_inbox in)
{
	struct order order;
	char text[200];
	int err = heph_recv(ctx, in, &order);

	if (err < 0)
		return err;
	heph_codec_print(order_codec(), &order, text, sizeof(text));
	printf("%s\n", text);
	for (size_t i = 0; i < order.it->n_lines; i++)
		printf("%6" PRIu32 " %s\n", order.it->lines[i]->n,
		       order.it->lines[i]->what);
	if (order.it->rebate > 0)
		printf("less %g%%\n", 100 * order.it->rebate);
	order_drop(&order);
	return 0;
}
HEPH_ACTOR_MAIN(shop, shop_main, .drop = order_drop, .copy = order_copy);

/* ---- the program --------------------------------------------------------------------- */

static int write_one(void)
{
	Shop__Line lines[] = { SHOP__LINE__INIT, SHOP__LINE__INIT };
	Shop__Line *pointers[] = { &lines[0], &lines[1] };
	Shop__Order it = SHOP__ORDER__INIT;
	struct order order = { &it };
	struct heph_bytes bytes;

	lines[0].what = (char *)(uintptr_t)"tea";
	lines[0].n = 2;
	lines[1].what = (char *)(uintptr_t)"milk";
	lines[1].n = 300;
	it.id = UINT64_C(1) << 60;
	it.customer = (char *)(uintptr_t)"J\xc3\xb8rgen";
	it.lines = pointers;
	it.n_lines = 2;
	it.rebate = 0.25;
	if (heph_codec_write(order_codec(), HEPH_CBOR, &order, NULL, &bytes,
			     NULL) < 0)
		return 1;
	fwrite(bytes.data, 1, bytes.size, stdout);
	free(bytes.data);
	return ferror(stdout) || fflush(stdout);
}

HEPH_ACTOR(app, void, struct order);

/* Lets a shop have the order. */
static int app_main(heph_ctx ctx, struct order *order)
{
	struct order mine;
	shop_ref shop;
	int err = heph_spawn(ctx, shop, &shop);

	if (err == 0)
		err = order_copy(&mine, order);
	if (err < 0)
		return err;
	err = heph_send(ctx, shop, mine);
	if (err < 0)
		order_drop(&mine);
	return err < 0 ? err : heph_join(ctx, shop, NULL);
}
HEPH_ACTOR_MAIN(app, app_main, .drop_arg = order_drop);

static int read_one(void)
{
	static unsigned char data[65536];
	struct heph_codec_error error;
	struct order order;
	size_t size = fread(data, 1, sizeof(data), stdin);

	if (heph_codec_read(order_codec(), HEPH_CBOR, data, size, NULL, &order,
			    &error) < 0) {
		fprintf(stderr, "protobuf: %s\n", error.why);
		return 1;
	}
	return heph_run(NULL, app, order) < 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "write") == 0)
		return write_one();
	if (argc == 2 && strcmp(argv[1], "read") == 0)
		return read_one();
	fprintf(stderr, "usage: protobuf write >FILE | protobuf read <FILE\n");
	return 2;
}
