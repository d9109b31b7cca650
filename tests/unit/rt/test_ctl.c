/* SPDX-License-Identifier: MIT */
/* Whole runtimes that are asked over their control sockets. */
#include "../../api/task.h"

#include <heph/embed.h>

#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/un.h>

#include "base/log.h"
#include "base/mem.h"
#include "rt/ctl.h"
#include "rt/ctl_request.h"

static char path[108];

/* Not used by a test before, so what that one left is not mistaken for ours. */
static void new_path(void)
{
	static int turn;

	snprintf(path, sizeof(path), "/tmp/heph-test-ctl-%d-%d", getpid(),
		 turn++);
}

static heph_ctx begin(unsigned workers)
{
	const struct heph_config config = { .name = "tested",
					    .workers = workers,
					    .actors = 1000,
					    .no_signals = true,
					    .control = path };
	heph_ctx ctx;

	new_path();
	must_be(heph_new(&ctx, &config), 0);
	return ctx;
}

/* ---- a client ------------------------------------------------------------------------ */

struct client {
	int fd;
	size_t n;
	char data[1 << 20];
};

static int try_connect(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(address.sun_path, path, sizeof(path));
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	close(fd);
	return -1;
}

static struct client *come(void)
{
	struct client *client = calloc(1, sizeof(*client));

	client->fd = try_connect();
	must(client->fd >= 0);
	return client;
}

static void go(struct client *client)
{
	close(client->fd);
	free(client);
}

static void say(struct client *client, const char *text)
{
	size_t size = strlen(text);

	must_be(send(client->fd, text, size, MSG_NOSIGNAL), size);
}

/* The next line of an answer; NULL: the other end has gone. */
static json_t *hear(struct client *client)
{
	char *end;
	json_t *line;
	ssize_t n;

	while (!(end = memchr(client->data, '\n', client->n))) {
		must(client->n < sizeof(client->data));
		n = recv(client->fd, client->data + client->n,
			 sizeof(client->data) - client->n, 0);
		if (n <= 0)
			return NULL;
		client->n += (size_t)n;
	}
	line = json_loadb(client->data, (size_t)(end - client->data), 0, NULL);
	must(line != NULL);
	client->n -= (size_t)(end + 1 - client->data);
	memmove(client->data, end + 1, client->n);
	return line;
}

/* The last line of the answer to a request, and how many actors it told of, or
 * children of one. */
static json_t *ask(struct client *client, const char *text, size_t *ret_actors)
{
	json_t *line = NULL;
	size_t n = 0;

	say(client, text);
	do {
		json_decref(line);
		line = hear(client);
		must(line != NULL);
		n += json_array_size(json_object_get(line, "actors"));
		n += json_array_size(json_object_get(line, "family"));
	} while (!json_object_get(line, "done") &&
		 !json_object_get(line, "error"));
	if (ret_actors)
		*ret_actors = n;
	return line;
}

/* A worker that does not answer in time, as the machine is busy, is told as stuck
 * or left out: then it is asked so often. */
enum { TRIES = 20 };

/* The same, until it tells of so many actors, and of no error. */
static json_t *ask_for(struct client *client, const char *text, size_t wanted)
{
	json_t *line;
	size_t n;

	for (int tries = 0; tries < TRIES; tries++) {
		line = ask(client, text, &n);
		if (n == wanted && !json_object_get(line, "error") &&
		    !json_array_size(json_object_get(line, "stuck")))
			return line;
		json_decref(line);
	}
	fail_msg("%.60s: %zu actors at last, not %zu", text, n, wanted);
	return NULL;
}

static bool refuses(struct client *client, const char *text, const char *code,
		    const char *why, bool last)
{
	json_t *line = ask(client, text, NULL);
	json_t *error = json_object_get(line, "error");
	const char *is = json_string_value(json_object_get(error, "code"));
	const char *said = json_string_value(json_object_get(error, "message"));
	bool so = is && strcmp(is, code) == 0 && strstr(said, why);

	if (!so && last)
		fail_msg("%.60s: %s: %s", text, is ? is : "no error",
			 said ? said : "");
	json_decref(line);
	return so;
}

/* Whether the answer is an error with that code and text. */
static void refused(struct client *client, const char *text, const char *code,
		    const char *why)
{
	int tries = 1;

	while (!refuses(client, text, code, why, tries == TRIES))
		tries++;
}

static bool answers(struct client *client)
{
	json_t *line = ask(client, "{\"cmd\": \"version\"}\n", NULL);
	const char *name = json_string_value(json_object_get(line, "name"));
	bool ours = name && strcmp(name, "tested") == 0;

	json_decref(line);
	return ours;
}

/* ---- actors ---------------------------------------------------------------------------- */

struct idler_msg {
	int any;
};
HEPH_ACTOR(idler, struct idler_msg, void);

static int idler_main(heph_ctx ctx, idler_inbox in)
{
	struct idler_msg msg;

	while (heph_recv(ctx, in, &msg) == 0)
		;
	return 0;
}
HEPH_ACTOR_MAIN(idler, idler_main);

struct parent_arg {
	_Atomic int *ready;
};
HEPH_ACTOR(parent, struct idler_msg, struct parent_arg);

static int parent_main(heph_ctx ctx, parent_inbox in, struct parent_arg *arg)
{
	struct idler_msg msg;
	idler_ref child;

	for (int n = 0; n < 3; n++)
		must_be(heph_spawn(ctx, idler, &child, .name = "child"), 0);
	atomic_store(arg->ready, 1);
	while (heph_recv(ctx, in, &msg) == 0)
		;
	return 0;
}
HEPH_ACTOR_MAIN(parent, parent_main);

struct stuck_arg {
	_Atomic int *ready, *go;
};
HEPH_ACTOR(stuck, void, struct stuck_arg);

static int stuck_main(heph_ctx ctx, struct stuck_arg *arg)
{
	atomic_store(arg->ready, 1);
	while (!atomic_load(arg->go))
		sched_yield();
	return 0;
}
HEPH_ACTOR_MAIN(stuck, stuck_main);

static void await(_Atomic int *flag)
{
	while (!atomic_load(flag))
		sched_yield();
}

/* ---- tests ------------------------------------------------------------------------------- */

static void it_is_off_unless_asked_for(void **state)
{
	const struct heph_config config = { .workers = 1 };
	heph_ctx ctx;

	must_be(heph_new(&ctx, &config), 0);
	assert_null(((struct heph_runtime *)heph_runtime(ctx))->ctl);
	heph_free(ctx);
}

static void the_environment_goes_first(void **state)
{
	const struct heph_config config = { .name = "tested",
					    .workers = 1,
					    .control = "/nowhere/at/all" };
	struct client *client;
	heph_ctx ctx;

	new_path();
	setenv("HEPH_CONTROL", path, 1);
	must_be(heph_new(&ctx, &config), 0);
	client = come();
	assert_true(answers(client));
	go(client);
	heph_free(ctx);
	setenv("HEPH_CONTROL", "off", 1);
	must_be(heph_new(&ctx, &config), 0);
	heph_free(ctx);
	unsetenv("HEPH_CONTROL");
	must_be(heph_new(&ctx, &config), -ENOENT);
}

static void the_end_takes_it_away(void **state)
{
	heph_ctx ctx = begin(1);
	struct client *client = come();

	assert_true(answers(client));
	heph_free(ctx);
	assert_null(hear(client));
	go(client);
	assert_int_equal(access(path, F_OK), -1);
}

/* A thread has one runtime at a time. */
static void *begin_another(void *arg)
{
	const struct heph_config config = { .workers = 1, .control = path };
	heph_ctx ctx;

	must_be(heph_new(&ctx, &config), -EADDRINUSE);
	return NULL;
}

static void a_place_that_is_taken_is_refused(void **state)
{
	heph_ctx ctx = begin(1);
	struct client *client;
	pthread_t thread;

	pthread_create(&thread, NULL, begin_another, NULL);
	pthread_join(thread, NULL);
	client = come();
	assert_true(answers(client));
	go(client);
	heph_free(ctx);
}

static void actors_are_listed(void **state)
{
	_Atomic int ready = 0;
	heph_ctx ctx = begin(2);
	struct client *client = come();

	must_be(heph_spawn(ctx, parent, NULL, { &ready }, .name = "mother"), 0);
	await(&ready);
	json_decref(ask_for(client, "{\"cmd\": \"list\"}\n", 4));
	json_decref(ask_for(client,
			    "{\"cmd\": \"list\", \"type\": \"idler\"}\n", 3));
	json_decref(
		ask_for(client, "{\"cmd\": \"list\", \"name\": \"m*r\"}\n", 1));
	json_decref(
		ask_for(client, "{\"cmd\": \"list\", \"worker\": 77}\n", 0));
	json_decref(ask_for(client,
			    "{\"cmd\": \"list\", \"state\": \"ending\"}\n", 0));
	json_decref(ask_for(client, "{\"cmd\": \"tree\"}\n", 4));
	go(client);
	heph_free(ctx);
}

static void a_limit_says_that_there_is_more(void **state)
{
	_Atomic int ready = 0;
	heph_ctx ctx = begin(1);
	struct client *client = come();
	json_t *line;

	must_be(heph_spawn(ctx, parent, NULL, { &ready }), 0);
	await(&ready);
	line = ask_for(client, "{\"cmd\": \"list\", \"limit\": 3}\n", 3);
	assert_true(json_is_true(json_object_get(line, "more")));
	json_decref(line);
	line = ask_for(client, "{\"cmd\": \"list\", \"limit\": 4}\n", 4);
	assert_true(json_is_false(json_object_get(line, "more")));
	assert_int_equal(json_integer_value(json_object_get(line, "count")), 4);
	json_decref(line);
	go(client);
	heph_free(ctx);
}

static void rows_come_in_the_order_that_was_asked(void **state)
{
	_Atomic int ready = 0;
	heph_ctx ctx = begin(1);
	struct client *client = come();
	json_t *line, *row;

	must_be(heph_spawn(ctx, parent, NULL, { &ready }, .name = "mother"), 0);
	await(&ready);
	line = NULL;
	for (int n = 0; n < TRIES && !json_object_get(line, "rows"); n++) {
		json_decref(line);
		say(client,
		    "{\"cmd\": \"list\", \"rows\": true, \"name\": \"mother\", "
		    "\"fields\": [\"children\", \"name\", \"parent\"]}\n");
		line = hear(client);
		assert_int_equal(
			json_array_size(json_object_get(line, "columns")), 3);
		json_decref(line);
		line = hear(client); /* the last one, if there are no rows */
	}
	row = json_array_get(json_object_get(line, "rows"), 0);
	assert_int_equal(json_integer_value(json_array_get(row, 0)), 3);
	assert_string_equal(json_string_value(json_array_get(row, 1)),
			    "mother");
	assert_true(json_is_null(json_array_get(row, 2)));
	json_decref(line);
	json_decref(hear(client));
	go(client);
	heph_free(ctx);
}

static void one_actor_is_shown_with_its_children(void **state)
{
	_Atomic int ready = 0;
	heph_ctx ctx = begin(1);
	struct client *client = come();
	json_t *line, *actor;
	char text[80];

	must_be(heph_spawn(ctx, parent, NULL, { &ready }, .name = "mother"), 0);
	await(&ready);
	line = ask_for(client, "{\"cmd\": \"show\", \"actor\": \"mother\"}\n",
		       3);
	actor = json_object_get(line, "actor");
	assert_string_equal(json_string_value(json_object_get(actor, "type")),
			    "parent");
	snprintf(text, sizeof(text), "{\"cmd\": \"show\", \"actor\": %lld}\n",
		 json_integer_value(json_object_get(actor, "id")));
	json_decref(line);
	line = ask_for(client, text, 3);
	actor = json_object_get(line, "actor");
	assert_string_equal(json_string_value(json_object_get(actor, "name")),
			    "mother");
	json_decref(line);
	refused(client, "{\"cmd\": \"show\", \"actor\": \"child\"}\n",
		"ENOTUNIQ", "3 actors are called 'child'");
	refused(client, "{\"cmd\": \"show\", \"actor\": \"0\"}\n", "ESRCH",
		"0");
	refused(client, "{\"cmd\": \"show\", \"actor\": \"x#0\"}\n", "ESRCH",
		"x#0");
	refused(client, "{\"cmd\": \"show\", \"actor\": \"nobody\"}\n", "ESRCH",
		"there is no actor 'nobody'");
	refused(client, "{\"cmd\": \"stop\", \"actor\": 999999}\n", "ESRCH",
		"there is no actor 999999");
	go(client);
	heph_free(ctx);
}

static void one_actor_is_stopped(void **state)
{
	heph_ctx ctx = begin(1);
	struct client *client = come();
	struct heph_exit exit;
	idler_ref idler;

	must_be(heph_spawn(ctx, idler, &idler), 0);
	json_decref(ask_for(client,
			    "{\"cmd\": \"stop\", \"actor\": \"idler\"}\n", 0));
	(void)!heph_join(ctx, idler, &exit);
	must_be(heph_drain(ctx), 0);
	go(client);
	heph_free(ctx);
}

static void all_are_stopped(void **state)
{
	_Atomic int ready = 0;
	heph_ctx ctx = begin(2);
	struct client *client = come();

	must_be(heph_spawn(ctx, parent, NULL, { &ready }), 0);
	await(&ready);
	json_decref(ask(client, "{\"cmd\": \"stop\", \"all\": true}\n", NULL));
	must_be(heph_drain(ctx), 0);
	go(client);
	heph_free(ctx);
}

/* The other worker may not answer in time as well. */
static bool tells_of_stuck(struct client *client)
{
	json_t *line = ask(client, "{\"cmd\": \"list\"}\n", NULL), *actor;
	const char *name;
	bool told = false;
	size_t n;

	json_array_foreach(json_object_get(line, "stuck"), n, actor)
	{
		name = json_string_value(json_object_get(actor, "name"));
		told |= name && strcmp(name, "stuck") == 0;
	}
	json_decref(line);
	return told;
}

static void a_stuck_worker_is_told(void **state)
{
	_Atomic int ready = 0, go_on = 0;
	heph_ctx ctx = begin(2);
	struct client *client = come();
	bool told = false;

	must_be(heph_spawn(ctx, stuck, NULL, { &ready, &go_on },
			   .on = HEPH_WORKER(1)),
		0);
	must_be(heph_spawn(ctx, idler, NULL, .on = HEPH_WORKER(0)), 0);
	await(&ready);
	for (int n = 0; n < TRIES && !told; n++)
		told = tells_of_stuck(client);
	assert_true(told);
	json_decref(ask(client, "{\"cmd\": \"stats\"}\n", NULL));
	json_decref(ask(client, "{\"cmd\": \"metrics\"}\n", NULL));
	atomic_store(&go_on, 1);
	go(client);
	heph_free(ctx);
}

static void the_simple_ones_answer(void **state)
{
	static const char *const lines[] = {
		"{\"cmd\": \"help\"}\n",   "{\"cmd\": \"version\"}\n",
		"{\"cmd\": \"stats\"}\n",  "{\"cmd\": \"metrics\"}\n",
		"{\"cmd\": \"cycles\"}\n", "{\"cmd\": \"log\"}\n",
	};
	heph_ctx ctx = begin(2);
	struct client *client = come();
	json_t *line;

	for (size_t n = 0; n < sizeof(lines) / sizeof(*lines); n++) {
		line = ask_for(client, lines[n], 0);
		assert_true(json_is_true(json_object_get(line, "done")));
		json_decref(line);
	}
	go(client);
	heph_free(ctx);
}

static void the_level_of_the_log_changes(void **state)
{
	heph_ctx ctx = begin(1);
	struct client *client = come();
	int before = heph_log_level_of(NULL);
	json_t *line;

	line = ask(client, "{\"cmd\": \"log\", \"level\": \"error\"}\n", NULL);
	assert_string_equal(json_string_value(json_object_get(line, "level")),
			    "error");
	assert_int_equal(heph_log_level_of(NULL), HEPH_LOG_ERROR);
	json_decref(line);
	heph_log_set_level((enum heph_log_level)before);
	go(client);
	heph_free(ctx);
}

/* ---- bad clients --------------------------------------------------------------------------- */

static void bad_lines_are_answered_and_the_next_one_too(void **state)
{
	heph_ctx ctx = begin(1);
	struct client *client = come();
	char *huge = malloc(3 * HEPH_CTL_LINE_MAX);
	json_t *line;

	refused(client, "nonsense\n", "EBADMSG", "column");
	refused(client, "{\"cmd\": \"\xff\xfe\"}\n", "EBADMSG", "decode");
	refused(client, "{\"cmd\": \"dance\"}\n", "ENOSYS", "'dance'");
	memset(huge, '[', 3 * HEPH_CTL_LINE_MAX);
	strcpy(huge + 3 * HEPH_CTL_LINE_MAX - 2, "\n");
	refused(client, huge, "EMSGSIZE", "longer than");
	memset(huge, '[', HEPH_CTL_LINE_MAX - 2);
	strcpy(huge + HEPH_CTL_LINE_MAX - 2, "\n");
	refused(client, huge, "EBADMSG", "depth");
	say(client, "\r\n \n{\"cmd\": \"vers");
	say(client, "ion\", \"id\": \"x\"}\n");
	line = hear(client);
	assert_string_equal(json_string_value(json_object_get(line, "id")),
			    "x");
	json_decref(line);
	say(client, "{\"cmd\": \"list\""); /* and goes */
	go(client);
	client = come();
	assert_true(answers(client));
	go(client);
	free(huge);
	heph_free(ctx);
}

/* Asks until the other end does not read any more, and reads nothing. */
static void choke(struct client *client)
{
	static const char text[] = "{\"cmd\": \"help\"}\n";
	struct pollfd fd = { .fd = client->fd, .events = POLLOUT };
	ssize_t n;

	for (;;) {
		n = send(client->fd, text, sizeof(text) - 1,
			 MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0)
			return; /* EAGAIN, or it was dropped */
		poll(&fd, 1, 0);
	}
}

static void one_that_does_not_read_holds_up_nobody(void **state)
{
	heph_ctx ctx = begin(1);
	struct client *slow = come(), *other = come();

	choke(slow);
	assert_true(answers(other));
	go(other);
	heph_free(ctx); /* which does not wait for it */
	go(slow);
}

static void one_that_does_not_read_is_dropped(void **state)
{
	heph_ctx ctx = begin(1);
	struct heph_runtime *runtime = (struct heph_runtime *)heph_runtime(ctx);
	struct client *client;
	struct pollfd fd = { .events = 0 };

	atomic_store(&runtime->ctl->patience, 20 * HEPH_MSEC);
	client = come();
	fd.fd = client->fd;
	choke(client);
	while (poll(&fd, 1, -1) != 1 || !(fd.revents & POLLHUP))
		;
	go(client);
	client = come();
	assert_true(answers(client));
	go(client);
	heph_free(ctx);
}

static void there_is_room_for_so_many(void **state)
{
	heph_ctx ctx = begin(1);
	struct client *clients[HEPH_CTL_CLIENTS], *more;
	json_t *line;

	for (int n = 0; n < HEPH_CTL_CLIENTS; n++) {
		clients[n] = come();
		assert_true(answers(clients[n]));
	}
	more = come();
	line = hear(more);
	assert_non_null(json_object_get(line, "error"));
	json_decref(line);
	assert_null(hear(more));
	go(more);
	go(clients[0]);
	for (line = NULL; !line || json_object_get(line, "error");) {
		json_decref(line);
		more = come();
		if (send(more->fd, "{\"cmd\":\"version\"}\n", 18,
			 MSG_NOSIGNAL) < 0)
			assert_int_equal(errno, EPIPE);
		line = hear(more);
		go(more);
	}
	json_decref(line);
	for (int n = 1; n < HEPH_CTL_CLIENTS; n++)
		go(clients[n]);
	heph_free(ctx);
}

/* ---- when things fail ------------------------------------------------------------------------ */

static void starts_or_says_why(void **state)
{
	const struct heph_config config = { .workers = 1,
					    .actors = 1000,
					    .no_signals = true,
					    .control = path };
	int failures = 0, err = -ENOMEM;
	heph_ctx ctx;

	new_path();
	for (long n = 1; err == -ENOMEM; n++) {
		heph_mem_fail_after(n);
		err = heph_new(&ctx, &config);
		heph_mem_fail_after(-1);
		if (err < 0)
			assert_int_equal(access(path, F_OK), -1);
		failures += err == -ENOMEM;
	}
	assert_int_equal(err, 0);
	assert_true(failures > 1);
	heph_free(ctx);
}

static void one_that_is_embedded_has_it_too(void **state)
{
	const struct heph_config config = { .name = "tested", .control = path };
	struct heph_embed *embed;
	struct client *client;

	new_path();
	must_be(heph_embed_new(&embed, &config), 0);
	client = come();
	assert_true(answers(client));
	go(client);
	heph_embed_free(embed);
	assert_int_equal(access(path, F_OK), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_off_unless_asked_for),
		cmocka_unit_test(the_environment_goes_first),
		cmocka_unit_test(the_end_takes_it_away),
		cmocka_unit_test(a_place_that_is_taken_is_refused),
		cmocka_unit_test(actors_are_listed),
		cmocka_unit_test(a_limit_says_that_there_is_more),
		cmocka_unit_test(rows_come_in_the_order_that_was_asked),
		cmocka_unit_test(one_actor_is_shown_with_its_children),
		cmocka_unit_test(one_actor_is_stopped),
		cmocka_unit_test(all_are_stopped),
		cmocka_unit_test(a_stuck_worker_is_told),
		cmocka_unit_test(the_simple_ones_answer),
		cmocka_unit_test(the_level_of_the_log_changes),
		cmocka_unit_test(bad_lines_are_answered_and_the_next_one_too),
		cmocka_unit_test(one_that_does_not_read_holds_up_nobody),
		cmocka_unit_test(one_that_does_not_read_is_dropped),
		cmocka_unit_test(there_is_room_for_so_many),
		cmocka_unit_test(starts_or_says_why),
		cmocka_unit_test(one_that_is_embedded_has_it_too),
	};

	unsetenv("HEPH_CONTROL");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
