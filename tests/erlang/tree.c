/* SPDX-License-Identifier: MIT */
/*
 * tree.c - small supervision trees, as ours runs them; see tree.erl
 *
 * All actors are on one worker, so they may print and share what is global,
 * and a step is over when nobody has said anything for some rounds.
 */
#include <heph/heph.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned long said;

static void say(const char *who, const char *what)
{
	printf("%s%s\n", who, what);
	said++;
}

/* ---- children -------------------------------------------------------------- */

struct child_msg {
	bool fail;
};

struct child_arg {
	char name[2];
};

HEPH_ACTOR(child, struct child_msg, struct child_arg);

static int child_main(heph_ctx ctx, child_inbox in, struct child_arg *arg)
{
	struct child_msg msg;

	say(arg->name, " starts");
	if (heph_recv(ctx, in, &msg) < 0) {
		say(arg->name, " stops");
		return 0;
	}
	say(arg->name, msg.fail ? " fails" : " ends");
	return msg.fail ? -EIO : 0;
}
HEPH_ACTOR_MAIN(child, child_main);

static child_ref children[3]; /* a, b, c */
static enum heph_restart_type types[3];

static int spawn_child(heph_ctx ctx, struct heph_tree *tree, int n)
{
	return heph_spawn(ctx, child, &children[n], { { (char)('a' + n) } },
			  .tree = tree, .restart = types[n]);
}

/* Until nobody has said anything for some rounds. */
static int await_quiet(heph_ctx ctx)
{
	unsigned long before = said;
	int err = 0;

	for (int rounds = 0; err == 0 && rounds < 30; rounds++) {
		err = heph_yield(ctx);
		if (said != before)
			rounds = 0;
		before = said;
	}
	return err;
}

/* ---- supervisors ----------------------------------------------------------- */

enum shape { FLAT, INNER_FIRST, INNER_LAST, INNER };

struct top_arg {
	enum heph_strategy strategy;
	unsigned times;
	enum shape shape;
};

HEPH_ACTOR(top, void, struct top_arg);

static int spawn_inner(heph_ctx ctx, struct heph_tree *tree)
{
	return heph_spawn(ctx, top, NULL, { HEPH_ONE_FOR_ALL, 1, INNER },
			  .name = "inner", .tree = tree,
			  .restart = HEPH_PERMANENT);
}

static int spawn_children(heph_ctx ctx, struct heph_tree *tree,
			  enum shape shape)
{
	int err = 0;

	if (shape == INNER_LAST)
		err = spawn_child(ctx, tree, 2);
	if (err == 0 && (shape == INNER_FIRST || shape == INNER_LAST))
		err = spawn_inner(ctx, tree);
	if (err == 0 && shape == INNER_FIRST)
		err = await_quiet(
			ctx); /* Erlang's are started when they say so */
	if (err == 0 && (shape == FLAT || shape == INNER))
		err = spawn_child(ctx, tree, 0);
	if (err == 0 && (shape == FLAT || shape == INNER))
		err = spawn_child(ctx, tree, 1);
	if (err == 0 && (shape == FLAT || shape == INNER_FIRST))
		err = spawn_child(ctx, tree, 2);
	return err;
}

static int top_main(heph_ctx ctx, struct top_arg *arg)
{
	struct heph_tree tree = { .strategy = arg->strategy,
				  .times = arg->times,
				  .within = 3600 * HEPH_SEC };
	int err = spawn_children(ctx, &tree, arg->shape);

	/* Erlang's wait for more when the last child has ended. */
	while (err == 0) {
		err = heph_supervise(ctx, &tree);
		if (err == 0)
			err = heph_sleep(ctx, HEPH_NEVER);
	}
	return err;
}
HEPH_ACTOR_MAIN(top, top_main);

/* ---- scenarios ------------------------------------------------------------- */

struct driver_arg {
	const char *path;
};

HEPH_ACTOR(driver, void, struct driver_arg);

/* "fail:a" */
static int step(heph_ctx ctx, const char *text)
{
	bool fail = text[0] == 'f';
	const char *name = strchr(text, ':') + 1;
	child_ref ref = children[name[0] - 'a'];
	int err;

	if (!heph_alive(ref)) {
		say("there is no ", name);
		return 0;
	}
	err = heph_send(ctx, ref, { fail });
	return err < 0 ? err : await_quiet(ctx);
}

static enum heph_strategy strategy_of(const char *name)
{
	if (!strcmp(name, "one_for_one"))
		return HEPH_ONE_FOR_ONE;
	return !strcmp(name, "one_for_all") ? HEPH_ONE_FOR_ALL :
					      HEPH_REST_FOR_ONE;
}

static enum shape shape_of(const char *name)
{
	if (!strcmp(name, "flat"))
		return FLAT;
	return !strcmp(name, "inner_first") ? INNER_FIRST : INNER_LAST;
}

static void set_types(const char *text)
{
	for (int n = 0; n < 3; n++)
		types[n] = text[n] == 'p' ? HEPH_PERMANENT :
			   text[n] == 't' ? HEPH_TRANSIENT :
					    HEPH_TEMPORARY;
}

/* STRATEGY TIMES SHAPE TYPES STEP... */
static int run(heph_ctx ctx, char *line)
{
	struct top_arg arg = { 0 };
	char *rest, *word;
	bool gone;
	top_ref top;
	int err;

	arg.strategy = strategy_of(strtok_r(line, " ", &rest));
	arg.times = (unsigned)atoi(strtok_r(NULL, " ", &rest));
	arg.shape = shape_of(strtok_r(NULL, " ", &rest));
	set_types(strtok_r(NULL, " ", &rest));
	err = heph_spawn(ctx, top, &top, arg);
	if (err == 0)
		err = await_quiet(ctx);
	while (err == 0 && (word = strtok_r(NULL, " ", &rest)))
		err = step(ctx, word);
	gone = !heph_alive(top);
	heph_stop(top);
	if (err == 0)
		err = heph_join(ctx, top, NULL);
	say(gone ? "gave up\n" : "stopped\n", "");
	return err;
}

static int driver_main(heph_ctx ctx, struct driver_arg *arg)
{
	FILE *file = fopen(arg->path, "re");
	char line[256];
	int err = file ? 0 : -ENOENT;

	while (err == 0 && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = 0;
		say(line, "");
		err = run(ctx, line);
	}
	if (file)
		fclose(file);
	return err;
}
HEPH_ACTOR_MAIN(driver, driver_main);

int main(int argc, char **argv)
{
	const struct heph_config config = { .workers = 1 };

	if (argc != 2)
		return 2;
	return heph_run(&config, driver, { argv[1] }) < 0;
}
