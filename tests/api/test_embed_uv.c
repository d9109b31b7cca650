/* SPDX-License-Identifier: MIT */
/* A runtime inside a loop of libuv. */
#include "embed.h"

#include <uv.h>

static uv_loop_t *loop;

static void stop_if_over(void)
{
	if (scene.over)
		uv_stop(loop);
}

static void on_embed(uv_poll_t *poll, int status, int events)
{
	(void)poll, (void)events;
	must_be(status, 0);
	scene_run();
	stop_if_over();
}

static void on_input(uv_poll_t *poll, int status, int events)
{
	(void)poll, (void)events;
	must_be(status, 0);
	scene_input();
	stop_if_over();
}

static void on_timer(uv_timer_t *timer)
{
	(void)timer;
	scene_tick();
	stop_if_over();
}

static void watch(uv_poll_t *poll, int fd, uv_poll_cb callback)
{
	must_be(uv_poll_init(loop, poll, fd), 0);
	must_be(uv_poll_start(poll, UV_READABLE, callback), 0);
}

static void loop_of_uv(void)
{
	static uv_poll_t embed, input;
	static uv_timer_t timer;
	static uv_loop_t this_loop;

	loop = &this_loop;
	must_be(uv_loop_init(loop), 0);
	watch(&embed, heph_embed_fd(scene.embed), on_embed);
	watch(&input, scene.pipe[0], on_input);
	must_be(uv_timer_init(loop, &timer), 0);
	must_be(uv_timer_start(&timer, on_timer, 1, 1), 0);
	uv_run(loop, UV_RUN_DEFAULT);
	uv_close((uv_handle_t *)&embed, NULL);
	uv_close((uv_handle_t *)&input, NULL);
	uv_close((uv_handle_t *)&timer, NULL);
	uv_run(loop, UV_RUN_DEFAULT);
	must_be(uv_loop_close(loop), 0);
}

static void serves_in_a_loop_of_libuv(void **state)
{
	(void)state;
	play(loop_of_uv);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(serves_in_a_loop_of_libuv),
	};

	return cmocka_run_group_tests_name("embed_uv", tests, NULL, NULL);
}
