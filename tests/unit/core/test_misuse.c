/* SPDX-License-Identifier: MIT */
/* test_misuse.c - who uses a context or an inbox that is another's; in children */
#include "core/misuse.h"

#include "../base/child.h"
#include "rig.h"

#define GUIDE " (guide: errors-you-will-meet)\n"

static struct child child;
static heph_ctx lent;
static act_inbox lent_inbox;

/* ---- what is done with it ------------------------------------------------------- */

static int do_sleep(heph_ctx ctx, heph_ctx its)
{
	(void)ctx;
	return heph_sleep(its, HEPH_MSEC);
}

static int do_spawn(heph_ctx ctx, heph_ctx its)
{
	(void)ctx;
	return heph_spawn(its, act, NULL, { idle, NULL });
}

/* It has no look at the context before it suspends. */
static int do_wait(heph_ctx ctx, heph_ctx its)
{
	(void)ctx;
	return heph_wait_for(its, HEPH_WAIT_SIGNAL);
}

static int do_peek(heph_ctx ctx, heph_ctx its)
{
	struct act_msg msg;

	(void)its;
	return heph_peek(ctx, lent_inbox, &msg);
}

static int do_select(heph_ctx ctx, heph_ctx its)
{
	struct act_msg msg;

	(void)its;
	return heph_wait(ctx, heph_on_msg(lent_inbox, &msg));
}

typedef int do_fn(heph_ctx ctx, heph_ctx its);

static do_fn *what;

/* ---- who does it ---------------------------------------------------------------- */

static int lend(heph_ctx ctx, act_inbox in, void *arg)
{
	lent = ctx;
	lent_inbox = in;
	return idle(ctx, in, arg);
}

static int borrow(heph_ctx ctx, act_inbox in, void *arg)
{
	(void)in, (void)arg;
	return what(ctx, lent);
}

static void open_with_owner(void)
{
	rig_open(1);
	rig_spawn_with(0, (lend, NULL), .name = "owner");
	rig_settle();
}

static void by_an_actor(void)
{
	open_with_owner();
	rig_spawn_with(0, (borrow, NULL), .name = "borrower");
	rig_settle();
}

static void by_main(void)
{
	what((heph_ctx){ 0 }, (heph_ctx){ 0 });
}

static void *be_stranger(void *arg)
{
	heph_ctx own;

	if (arg)
		must(heph_attach(arg, &own) == 0);
	must(what(lent, lent) < 0);
	return NULL;
}

static void on_a_thread(struct heph *attached_to)
{
	pthread_t thread;

	open_with_owner();
	must(pthread_create(&thread, NULL, be_stranger, attached_to) == 0);
	pthread_join(thread, NULL);
}

static void by_a_stranger(void)
{
	on_a_thread(NULL);
}

static void by_an_attached_thread(void)
{
	on_a_thread(&rig.heph);
}

/* An actor has that of the thread which attached. */
static void by_an_actor_of_a_thread(void)
{
	open_with_owner();
	lent = rig.ctx;
	rig_spawn_with(0, (borrow, NULL), .name = "borrower");
	rig_settle();
}

struct note_msg {
	int n;
};
HEPH_ACTOR(note, struct note_msg, void);

static void note_drop(struct note_msg *msg)
{
	(void)msg;
	(void)!what(lent, lent);
}

static int note_main(heph_ctx ctx, note_inbox in)
{
	lent = ctx;
	return heph_send(ctx, heph_self(in), { 1 }); /* it drops that */
}
HEPH_ACTOR_MAIN(note, note_main, .drop = note_drop);

static void by_a_drop_function(void)
{
	struct heph_addr addr;

	rig_open(1);
	{
		HEPH_SPAWN__(note, .name = "owner")
		must(rig_begin(0, &note_actor, &heph_s__, &addr) == 0);
	}
	rig_settle();
}

/* ---- the tests ------------------------------------------------------------------- */

/* The text is all of a line, in which ... stands for anything. */
static bool says(const char *output, const char *text)
{
	const char *line = strstr(output, "heph: misuse: "), *gap;
	size_t len;

	if (!line)
		return false;
	line += strlen("heph: misuse: ");
	while ((gap = strstr(text, "..."))) {
		len = (size_t)(gap - text);
		if (strncmp(line, text, len) != 0)
			return false;
		text = gap + 3;
		gap = strstr(text, "...");
		len = gap ? (size_t)(gap - text) : strlen(text);
		for (line += 1; strncmp(line, text, len) != 0; line++)
			if (!*line || *line == '\n')
				return false;
	}
	return strncmp(line, text, strlen(text)) == 0;
}

static void dies(do_fn *fn, void (*who)(void), const char *text)
{
	what = fn;
	child_run(&child, who);
	if (!child_aborted(&child) || !says(child.output, text))
		print_message("not: %s\n%s\n", text, child.output);
	assert_true(child_aborted(&child));
	assert_true(says(child.output, text));
}

#define ACTOR(name_) "actor " name_ " (type act, id ..., worker 0)"
#define ADVICE                                                                 \
	"use the context that its function was called with, and keep none in " \
	"a global variable" GUIDE

static void an_empty_context(void **state)
{
#define EMPTY                                                                  \
	" with an empty context: an actor has the one that its function was "  \
	"called with, main() gets one by heph_new(), another thread by "       \
	"heph_attach(); or use heph_run()" GUIDE
	(void)state;
	dies(do_sleep, by_main, "heph_sleep" EMPTY);
	dies(do_spawn, by_main, "heph_spawn" EMPTY);
}

static void the_context_of_another_actor(void **state)
{
	(void)state;
	dies(do_sleep, by_an_actor,
	     "heph_sleep with the context of " ACTOR("owner") ", by " ACTOR(
		     "borrower") ": " ADVICE);
	dies(do_spawn, by_an_actor,
	     "heph_spawn with the context of " ACTOR("owner") ", by " ACTOR(
		     "borrower") ": " ADVICE);
	dies(do_wait, by_an_actor,
	     "a wait with the context or inbox of " ACTOR(
		     "owner") ", by " ACTOR("borrower") ": " ADVICE);
}

static void the_context_of_another_thread(void **state)
{
	(void)state;
	dies(do_sleep, by_an_actor_of_a_thread,
	     "heph_sleep with the context of another thread, by " ACTOR(
		     "borrower") ": " ADVICE);
	/* It would have waited for ever, and kept its worker. */
	dies(do_wait, by_an_actor_of_a_thread,
	     "a wait with the context or inbox of another thread, by " ACTOR(
		     "borrower") ": " ADVICE);
}

static void a_thread_that_has_no_context_or_its_own(void **state)
{
#define GETS ": a thread gets its own by heph_new() or heph_attach()" GUIDE
	(void)state;
	dies(do_sleep, by_a_stranger,
	     "heph_sleep with the context of " ACTOR(
		     "owner") ", by a thread that has none" GETS);
	dies(do_sleep, by_an_attached_thread,
	     "heph_sleep with the context of " ACTOR(
		     "owner") ", by a thread that has another one" GETS);
}

static void a_wait_in_a_drop_function(void **state)
{
	(void)state;
	dies(do_sleep, by_a_drop_function,
	     "heph_sleep with ..., by a function that the runtime calls (drop, "
	     "copy, decide, ...): such a function must not wait" GUIDE);
}

static void the_inbox_of_another_actor(void **state)
{
#define INBOX                                                                  \
	"a receive by " ACTOR("borrower") " from the inbox of " ACTOR(         \
		"owner") ": an actor receives from its own inbox; send it a "  \
			 "message instead" GUIDE
	(void)state;
	dies(do_peek, by_an_actor, INBOX);
	dies(do_select, by_an_actor, INBOX);
}

/* ---- no false alarm ---------------------------------------------------------------- */

static bool were_mine;

static int ask(heph_ctx ctx, act_inbox in, void *arg)
{
	act_ref short_lived;

	(void)in, (void)arg;
	must(!heph_ctx_is_ours((heph_ctx){ 0 }.self));
	must(!heph_ctx_is_ours(lent.self));
	were_mine = heph_ctx_is_ours(ctx.self);
	must(heph_sleep(heph_within(ctx, HEPH_SEC), HEPH_USEC) == 0);
	must(heph_spawn(ctx, act, &short_lived, { idle, NULL }) == 0);
	heph_stop(short_lived);
	must(heph_join(ctx, short_lived, NULL) == 0);
	were_mine &= heph_ctx_is_ours(ctx.self);
	return 0;
}

static void an_own_context_is_used_without_a_word(void **state)
{
	act_ref owner;

	(void)state;
	rig_open(1);
	assert_true(heph_ctx_is_ours(rig.ctx.self));
	owner = rig_spawn(0, lend, NULL);
	rig_settle();
	rig_spawn(0, ask, NULL);
	rig_settle();
	assert_true(were_mine);
	assert_true(heph_ctx_is_ours(rig.ctx.self));
	assert_false(heph_ctx_is_ours(lent.self));
	heph_stop(owner);
	rig_settle();
	rig_close();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_context),
		cmocka_unit_test(the_context_of_another_actor),
		cmocka_unit_test(the_context_of_another_thread),
		cmocka_unit_test(a_thread_that_has_no_context_or_its_own),
		cmocka_unit_test(a_wait_in_a_drop_function),
		cmocka_unit_test(the_inbox_of_another_actor),
		cmocka_unit_test(an_own_context_is_used_without_a_word),
	};

	return cmocka_run_group_tests_name("misuse", tests, NULL, NULL);
}
