/* SPDX-License-Identifier: MIT */
/*
 * shop.c - a node to be asked by heph remote; for tests/tools/test_remote.sh
 *
 *     remote-shop [-l] [-t] TRANSPORT WHERE     the node "shop"; -l it is listed,
 *                                               -t it is tapped
 *     remote-shop TRANSPORT WHERE visit         another one, which calls it once
 *
 * TRANSPORT is tcp, udp-plain, tls=DIR (in which are shop.pem, shop.key, ca.pem),
 * udp=SECRET, key=64 HEXADECIMAL DIGITS, or nats=URL.
 */
#include <heph/heph.h>
#include <heph/remote.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct door_msg {
	int32_t who;
	HEPH_REPLY(int32_t) number;
};
HEPH_CODEC(door_msg, struct door_msg, HEPH_FIELD(who),
	   HEPH_FIELD_REPLY(number));
HEPH_ACTOR(door, struct door_msg, void);
HEPH_REMOTE(door, door_msg);

static int door_main(heph_ctx ctx, door_inbox in)
{
	struct door_msg msg;
	int32_t n = 0;
	int err;

	while ((err = heph_recv(ctx, in, &msg)) == 0)
		heph_answer(msg.number, ++n);
	return err;
}
HEPH_ACTOR_MAIN(door, door_main);

/* ---- transports ------------------------------------------------------------------- */

static int tls_new(const char *dir, const char *name,
		   struct heph_transport **ret)
{
	char cert[300], key[300], ca[300];

	snprintf(cert, sizeof(cert), "%s/%s.pem", dir, name);
	snprintf(key, sizeof(key), "%s/%s.key", dir, name);
	snprintf(ca, sizeof(ca), "%s/ca.pem", dir);
	return heph_tcp_tls_new(ret, .cert_file = cert, .key_file = key,
				.ca_file = ca);
}

static int key_new(const char *hex, struct heph_transport **ret)
{
	struct heph_udp_key key = { .name = "" };

	for (int n = 0; n < HEPH_UDP_KEY; n++)
		if (sscanf(hex + 2 * n, "%2hhx", &key.key[n]) != 1)
			return -EINVAL;
	return heph_udp_new(ret, .keys = &key, .n_keys = 1);
}

static int nats_new(heph_ctx ctx, const char *url, struct heph_transport **ret)
{
#if HEPH_NATS
	heph_nats nats;
	int err = heph_nats_connect(ctx, &nats, .url = url);

	return err < 0 ? err : heph_nats_transport_new(ctx, nats, ret);
#else
	return -EOPNOTSUPP;
#endif
}

static int transport_new(heph_ctx ctx, const char *text, const char *name,
			 struct heph_transport **ret)
{
	const char *value = strchr(text, '=');

	value = value ? value + 1 : "";
	if (strncmp(text, "tls=", 4) == 0)
		return tls_new(value, name, ret);
	if (strncmp(text, "udp=", 4) == 0)
		return heph_udp_new(ret, .secret = value);
	if (strncmp(text, "key=", 4) == 0)
		return key_new(value, ret);
	if (strncmp(text, "nats=", 5) == 0)
		return nats_new(ctx, value, ret);
	if (strcmp(text, "udp-plain") == 0)
		return heph_udp_plain_new(ret, 0);
	return heph_tcp_plain_new(ret, 0);
}

/* ---- the program --------------------------------------------------------------------- */

struct app_arg {
	const char *transport, *where;
	bool listed, tapped, visits;
};
HEPH_ACTOR(app, void, struct app_arg);

static int serve(heph_ctx ctx, const struct app_arg *arg, heph_node node,
		 struct heph_transport *transport)
{
	char where[HEPH_WHERE_MAX];
	door_ref door;
	int err = heph_spawn(ctx, door, &door);

	if (err == 0)
		err = heph_node_export(ctx, node, door, door, "front door");
	if (err == 0)
		err = heph_node_listen(ctx, node, transport, arg->where, where);
	if (err < 0)
		return err;
	printf("listening on %s\n", where);
	fflush(stdout);
	return heph_sleep(ctx, HEPH_NEVER);
}

static int visit(heph_ctx ctx, const struct app_arg *arg, heph_node node,
		 struct heph_transport *transport)
{
	door_ref door;
	int32_t number;
	int err;

	ctx = heph_within(ctx, 10 * HEPH_SEC);
	err = heph_node_connect(ctx, node, transport, arg->where, "shop");
	if (err == 0)
		err = heph_node_whereis(ctx, node, "shop", door, "front door",
					&door);
	if (err == 0)
		err = heph_call(ctx, door, number, &number, { .who = 4711 });
	return err;
}

static int app_main(heph_ctx ctx, struct app_arg *arg)
{
	const char *name = arg->visits ? "visitor" : "shop";
	struct heph_transport *transport;
	heph_node node;
	int err = transport_new(ctx, arg->transport, name, &transport);

	if (err < 0)
		return err;
	err = heph_node_start(ctx, &node, .name = name, .listed = arg->listed,
			      .tapped = arg->tapped);
	if (err == 0)
		err = (arg->visits ? visit : serve)(ctx, arg, node, transport);
	heph_transport_free(transport);
	return err;
}
HEPH_ACTOR_MAIN(app, app_main);

int main(int argc, char **argv)
{
	struct app_arg arg = { 0 };
	int letter, err;

	while ((letter = getopt(argc, argv, "lt")) != -1) {
		arg.listed = arg.listed || letter == 'l';
		arg.tapped = arg.tapped || letter == 't';
	}
	if (argc - optind < 2)
		return 64;
	arg.transport = argv[optind];
	arg.where = argv[optind + 1];
	arg.visits = argc - optind > 2;
	err = heph_run(NULL, app, arg);
	if (err < 0)
		fprintf(stderr, "shop: %s\n", strerror(-err));
	return err < 0;
}
