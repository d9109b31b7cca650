/* SPDX-License-Identifier: MIT */
/* A runtime inside a main loop of GLib. */
#include "embed.h"

#include <glib-unix.h>

static GMainLoop *loop;

static gboolean go_on(void)
{
	if (scene.over)
		g_main_loop_quit(loop);
	return G_SOURCE_CONTINUE;
}

static gboolean on_embed(gint fd, GIOCondition condition, gpointer data)
{
	(void)fd, (void)condition, (void)data;
	scene_run();
	return go_on();
}

static gboolean on_input(gint fd, GIOCondition condition, gpointer data)
{
	(void)fd, (void)condition, (void)data;
	scene_input();
	return go_on();
}

static gboolean on_timer(gpointer data)
{
	(void)data;
	scene_tick();
	return go_on();
}

static void loop_of_glib(void)
{
	guint sources[3];

	loop = g_main_loop_new(NULL, FALSE);
	sources[0] = g_unix_fd_add(heph_embed_fd(scene.embed), G_IO_IN,
				   on_embed, NULL);
	sources[1] = g_unix_fd_add(scene.pipe[0], G_IO_IN, on_input, NULL);
	sources[2] = g_timeout_add(1, on_timer, NULL);
	g_main_loop_run(loop);
	for (int n = 0; n < 3; n++)
		g_source_remove(sources[n]);
	g_main_loop_unref(loop);
}

static void serves_in_a_loop_of_glib(void **state)
{
	(void)state;
	play(loop_of_glib);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(serves_in_a_loop_of_glib),
	};

	return cmocka_run_group_tests_name("embed_glib", tests, NULL, NULL);
}
