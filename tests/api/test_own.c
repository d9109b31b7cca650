/* SPDX-License-Identifier: MIT */
/* What an actor acquires, and gives back in reverse. */
#include "act.h"

static char trail[100];
static _Atomic int freed;

static void note(const char *what)
{
	must(strlen(trail) + strlen(what) < sizeof(trail));
	strcat(trail, what);
}

static void free_noted(void *ptr)
{
	note(ptr);
	free(ptr);
	freed++;
}

struct big {
	char letter[8];
	long numbers[40];
};

static void note_big(heph_ctx ctx, struct big *big)
{
	for (int n = 0; n < 40; n++)
		must_be(big->numbers[n], n);
	note(big->letter);
	must_be(heph_sleep(ctx, HEPH_USEC), 0); /* it may wait */
}

static void note_letter(heph_ctx ctx, long *letter)
{
	char text[2] = { (char)*letter };

	(void)ctx;
	note(text);
}

static int acquire(heph_ctx ctx, act_inbox in, void *arg)
{
	struct big big = { .letter = "b" };
	char *a = malloc(2), *d = malloc(2), *text;
	long *numbers;

	(void)in;
	strcpy(a, "a");
	strcpy(d, "d");
	for (int n = 0; n < 40; n++)
		big.numbers[n] = n;
	must_be(heph_own(ctx, a, free_noted), 0);
	must_be(heph_defer(ctx, note_big, big), 0);
	big.numbers[0] = 99; /* it has its own copy */
	must_be(heph_defer(ctx, note_letter, (long)'c'), 0);
	must_be(heph_own(ctx, d, free_noted), 0);
	text = heph_strdup(ctx, "some text");
	must(text && !strcmp(text, "some text"));
	for (size_t size = 0; size < 20000; size += 777) {
		numbers = heph_alloc(ctx, size);
		must(numbers && (uintptr_t)numbers % 16 == 0);
		for (size_t n = 0; n < size; n++)
			must(!((char *)numbers)[n]);
		memset(numbers, 0xff, size);
	}
	must(!heph_alloc(ctx, SIZE_MAX));
	must(!strcmp(text, "some text"));
	switch ((intptr_t)arg) {
	case 'p':
		heph_panic(ctx, "on purpose");
	case 's':
		return idle(ctx, in, NULL);
	default:
		return (int)(intptr_t)arg;
	}
}

static int acquire_in_all_ways(heph_ctx ctx, act_inbox in, void *arg)
{
	static const intptr_t ways[] = { 0, -EIO, 'p', 's' };
	act_ref ref;

	(void)in, (void)arg;
	for (int n = 0; n < 8; n++) {
		trail[0] = '\0';
		ref = spawn_on(ctx, HEPH_WORKER(n / 4), acquire,
			       (void *)ways[n % 4]);
		if (n % 4 == 3)
			heph_stop(ref);
		must_be(heph_join(ctx, ref, NULL), 0);
		must(!strcmp(trail, "dcba"));
	}
	return 0;
}

static void is_given_back_however_it_ends(void **state)
{
	(void)state;
	freed = 0;
	run(acquire_in_all_ways, NULL);
	must_be(freed, 16);
}

static int disown_some(heph_ctx ctx, act_inbox in, void *arg)
{
	char *letters[] = { strdup("a"), strdup("b"), strdup("c") };
	struct heph_scope scope;

	(void)in, (void)arg;
	must(!heph_disown(ctx, letters[0])); /* nothing at all is owned */
	for (int n = 0; n < 2; n++)
		must_be(heph_own(ctx, letters[n], free_noted), 0);
	must_be(heph_defer(ctx, note_letter, (long)'d'), 0);
	must_be(heph_scope_open(ctx, &scope), 0);
	must_be(heph_own(ctx, letters[2], free_noted), 0);
	must(heph_disown(ctx, letters[0]));
	must(!heph_disown(ctx, letters[0]));
	must(heph_disown(ctx, letters[2]));
	heph_scope_close(ctx, scope);
	must_be(strlen(trail), 0);
	must_be(heph_own(ctx, letters[2], free_noted), 0);
	free(letters[0]);
	return 0;
}

static void is_not_freed_if_disowned(void **state)
{
	(void)state;
	trail[0] = '\0';
	run(disown_some, NULL);
	assert_string_equal(trail, "cdb");
}

static void is_given_back_by_threads(void **state)
{
	heph_ctx ctx = begin(&two_workers);

	(void)state;
	trail[0] = '\0';
	must_be(acquire(ctx, (act_inbox){ { NULL } }, NULL), 0);
	must(!strcmp(trail, ""));
	end(ctx);
	must(!strcmp(trail, "dcba"));
}

/* A deferred call may acquire, spawn and wait. */
static void busy_end(heph_ctx ctx, long *letter)
{
	act_ref ref;

	note_letter(ctx, letter);
	if (*letter == 'z')
		return;
	ref = spawn_on(ctx, HEPH_WORKER(1), answer_all, NULL);
	sync_with(ctx, ref);
	must_be(heph_spawn(ctx, act, NULL, { idle, NULL }), 0);
	must(heph_alloc(ctx, 1000));
	must_be(heph_defer(ctx, busy_end, (long)'z'), 0);
	must(heph_deadline(ctx) <= heph_now() + 5 * HEPH_SEC);
}

static int end_busily(heph_ctx ctx, act_inbox in, void *arg)
{
	trail[0] = '\0';
	must_be(heph_defer(ctx, note_letter, (long)'x'), 0);
	must_be(heph_defer(ctx, busy_end, (long)'y'), 0);
	return arg ? idle(ctx, in, NULL) : 0;
}

static int end_two_busily(heph_ctx ctx, act_inbox in, void *arg)
{
	act_ref ref;

	(void)in, (void)arg;
	for (int n = 0; n < 2; n++) {
		ref = spawn_on(ctx, HEPH_WORKER(n), end_busily,
			       n ? trail : NULL);
		if (n)
			heph_stop(ref);
		must_be(heph_join(ctx, ref, NULL), 0);
		must(!strcmp(trail, "yzx"));
	}
	return 0;
}

static void may_be_acquired_while_ending(void **state)
{
	(void)state;
	run(end_two_busily, NULL);
}

/* ---- endings --------------------------------------------------------------- */

struct guarded {
	long letter;
	struct heph_ending guard;
};

static void end_guarded(heph_ctx ctx, struct heph_ending *guard)
{
	struct guarded *guarded =
		(void *)((char *)guard - offsetof(struct guarded, guard));

	note_letter(ctx, &guarded->letter);
	heph_ending_clear(guard); /* it is not set any more */
	must_be(heph_sleep(ctx, HEPH_USEC), 0);
	free(guarded);
}

static struct guarded *guarded_new(heph_ctx ctx, long letter)
{
	struct guarded *guarded = calloc(1, sizeof(*guarded));

	guarded->letter = letter;
	must_be(heph_ending_set(ctx, &guarded->guard, end_guarded), 0);
	return guarded;
}

static int be_guarded(heph_ctx ctx, act_inbox in, void *arg)
{
	struct guarded *first = guarded_new(ctx, 'a'), *other;
	struct heph_scope scope;

	must_be(heph_defer(ctx, note_letter, (long)'b'), 0);
	guarded_new(ctx, 'c');
	must_be(heph_scope_open(ctx, &scope), 0);
	other = guarded_new(ctx, 'd');
	guarded_new(ctx, 'e');
	heph_ending_clear(&other->guard);
	heph_ending_clear(&other->guard);
	heph_scope_close(ctx, scope);
	must(!strcmp(trail, "e"));
	heph_ending_clear(&first->guard);
	must_be(heph_ending_set(ctx, &first->guard, end_guarded), 0);
	free(other);
	if (arg)
		heph_panic(ctx, "on purpose");
	return idle(ctx, in, NULL);
}

static int guard_in_all_ways(heph_ctx ctx, act_inbox in, void *arg)
{
	act_ref ref;

	(void)in, (void)arg;
	for (int n = 0; n < 4; n++) {
		trail[0] = '\0';
		ref = spawn_on(ctx, HEPH_WORKER(n / 2), be_guarded,
			       n % 2 ? trail : NULL);
		heph_stop(ref);
		must_be(heph_join(ctx, ref, NULL), 0);
		must(!strcmp(trail, "eacb"));
	}
	return 0;
}

static void an_ending_is_called_unless_it_is_cleared(void **state)
{
	(void)state;
	run(guard_in_all_ways, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_ending_is_called_unless_it_is_cleared),
		cmocka_unit_test(is_given_back_however_it_ends),
		cmocka_unit_test(is_not_freed_if_disowned),
		cmocka_unit_test(is_given_back_by_threads),
		cmocka_unit_test(may_be_acquired_while_ending),
	};

	return cmocka_run_group_tests_name("own", tests, NULL, NULL);
}
