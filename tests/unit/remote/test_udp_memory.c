/* SPDX-License-Identifier: MIT */
/*
 * Doors and wires without memory: each allocation fails once, in a simulated world,
 * and what there was is given back.
 */
#include "../../api/act.h"

#include <heph/remote/udp.h>

#include "remote/mem.h"
#include "remote/udp.h"

enum { NEVER = -1, MOST = 100 };

struct scene {
	struct heph_transport *transport;
	struct heph_door *door;
	struct heph_wire *near, *far;
	char where[HEPH_WHERE_MAX];
	int err;
};

static int make_scene(struct scene *scene)
{
	const struct heph_udp_key key = { .key = { 1 } };

	return heph_udp_new(&scene->transport, .keys = &key, .n_keys = 1);
}

static int pass_a_frame(heph_ctx ctx, struct scene *scene)
{
	const struct heph_transport_type *type = scene->near->type;
	char hello[] = "hello";
	const struct iovec frame = { hello, 5 };
	const void *data;
	int err = type->open(ctx, scene->near);

	if (err == 0)
		err = type->open(ctx, scene->far);
	if (err == 0)
		err = type->open_sender(ctx, scene->near);
	if (err == 0)
		err = type->send(ctx, scene->near, &frame, 1);
	if (err == 0)
		err = type->recv(heph_within(ctx, HEPH_SEC), scene->far, &data);
	if (err >= 0) {
		must_be(err, 5);
		must_be(memcmp(data, "hello", 5), 0);
	}
	type->close_sender(ctx, scene->near);
	return err < 0 ? err : 0;
}

static int all_of_it(heph_ctx ctx, struct scene *scene)
{
	const struct heph_transport_type *type = scene->transport->type;
	int err = type->listen(ctx, scene->transport, "10.0.0.1:0",
			       &scene->door, scene->where);

	if (err < 0)
		return err;
	err = type->connect(heph_within(ctx, 3 * HEPH_SEC), scene->transport,
			    scene->where, &scene->near);
	if (err == 0)
		err = type->accept(heph_within(ctx, HEPH_SEC), scene->door,
				   &scene->far);
	if (err == 0)
		err = pass_a_frame(ctx, scene);
	heph_remote_mem_fail_after(NEVER);
	if (scene->near)
		type->close(ctx, scene->near);
	if (scene->far)
		type->close(ctx, scene->far);
	type->close_door(ctx, scene->door);
	return err;
}

static int without_memory(heph_ctx ctx, act_inbox in, void *arg)
{
	struct scene *scene = arg;

	scene->err = make_scene(scene);
	if (scene->err == 0)
		scene->err = all_of_it(ctx, scene);
	heph_remote_mem_fail_after(NEVER);
	return 0;
}

static void what_there_was_is_given_back(void **state)
{
	struct scene scene;
	int n;

	setenv("HEPH_LOG", "off", 0);
	for (n = 0; n < MOST; n++) {
		scene = (struct scene){ 0 };
		heph_remote_mem_fail_after(n);
		must_be(heph_sim_run(1, NULL, act, { without_memory, &scene }),
			0);
		heph_transport_free(scene.transport);
		must_be(heph_remote_mem_used(), 0);
		if (scene.err == 0)
			break;
		must(scene.err == -ENOMEM || scene.err == -ETIME ||
		     scene.err == -ENETDOWN);
	}
	assert_in_range(n, 8, MOST - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_there_was_is_given_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
