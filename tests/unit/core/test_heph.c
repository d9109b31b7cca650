/* SPDX-License-Identifier: MIT */
#include "core/heph.h"

#include "rig.h"

static const struct heph_config config = { .workers = 1, .poll_ratio = 64 };

static void has_places_for_256_runtimes(void **state)
{
	static struct heph runtimes[HEPH_RUNTIMES_MAX];
	struct heph one_more;

	(void)state;
	for (int n = 0; n < HEPH_RUNTIMES_MAX; n++) {
		assert_int_equal(heph_init(&runtimes[n], &config,
					   &heph_futex_driver),
				 0);
		assert_int_equal(runtimes[n].node, n);
	}
	assert_int_equal(heph_init(&one_more, &config, &heph_futex_driver),
			 -EAGAIN);
	heph_fini(&runtimes[100]);
	assert_int_equal(heph_init(&runtimes[100], &config, &heph_futex_driver),
			 0);
	assert_int_equal(runtimes[100].node, 100);
	for (int n = 0; n < HEPH_RUNTIMES_MAX; n++)
		heph_fini(&runtimes[n]);
}

static void copies_its_name(void **state)
{
	char name[] = "a name that may be longer than those of threads";
	struct heph_config named = config;
	struct heph heph;

	(void)state;
	named.name = name;
	assert_int_equal(heph_init(&heph, &named, &heph_futex_driver), 0);
	memset(name, 'x', sizeof(name) - 1);
	assert_memory_equal(heph.config.name, "a name that may be", 18);
	heph_fini(&heph);
	assert_int_equal(heph_init(&heph, &config, &heph_futex_driver), 0);
	assert_string_equal(heph.config.name, "");
	heph_fini(&heph);
}

static void is_entered_by_its_number(void **state)
{
	struct heph heph;
	bool inside;

	(void)state;
	assert_null(heph_enter(0, &inside));
	assert_null(heph_enter(255, &inside));
	assert_null(heph_enter(256, &inside));
	assert_null(heph_enter(UINT16_MAX, &inside));
	assert_int_equal(heph_init(&heph, &config, &heph_futex_driver), 0);
	assert_ptr_equal(heph_enter(heph.node, &inside), &heph);
	assert_false(inside);
	heph_leave(heph.node, inside);
	heph_fini(&heph);
	assert_null(heph_enter(0, &inside));
}

static void is_not_entered_by_its_own_threads(void **state)
{
	bool inside;

	(void)state;
	rig_open(1);
	assert_ptr_equal(heph_enter(rig.heph.node, &inside), &rig.heph);
	assert_true(inside);
	heph_leave(rig.heph.node, inside);
	rig_close();
}

static _Atomic bool leave;
static _Atomic int stage;

static void *stay_inside(void *arg)
{
	struct heph *heph = arg;
	bool inside;

	must(heph_enter(heph->node, &inside) == heph);
	stage = 1;
	while (!leave)
		sched_yield();
	stage = 2;
	must(heph->workers == 1); /* it is still there */
	heph_leave((uint16_t)(heph->node), inside);
	return NULL;
}

static void *let_go(void *arg)
{
	bool inside;

	while (heph_enter(*(uint16_t *)arg, &inside)) /* until it is out */
		heph_leave(*(uint16_t *)arg, inside);
	leave = true;
	return NULL;
}

static void waits_for_those_inside(void **state)
{
	struct heph *heph = malloc(sizeof(*heph));
	pthread_t inside, helper;
	uint16_t node;

	(void)state;
	leave = false;
	stage = 0;
	assert_int_equal(heph_init(heph, &config, &heph_futex_driver), 0);
	node = heph->node;
	assert_int_equal(pthread_create(&inside, NULL, stay_inside, heph), 0);
	while (stage != 1)
		sched_yield();
	assert_int_equal(pthread_create(&helper, NULL, let_go, &node), 0);
	heph_fini(heph);
	assert_int_equal(stage, 2);
	free(heph);
	pthread_join(inside, NULL);
	pthread_join(helper, NULL);
}

static void knows_the_highest_serial_of_its_place(void **state)
{
	struct heph heph;
	uint64_t base;

	(void)state;
	assert_int_equal(heph_init(&heph, &config, &heph_futex_driver), 0);
	base = heph_serial_base(&heph);
	heph_serial_used(&heph, base + 10);
	heph_serial_used(&heph, base + 5);
	heph_fini(&heph);
	assert_int_equal(heph_init(&heph, &config, &heph_futex_driver), 0);
	assert_int_equal(heph_serial_base(&heph), base + 10);
	heph_fini(&heph);
}

static void numbers_its_threads(void **state)
{
	static struct heph_thread threads[HEPH_THREADS_MAX], one_more;
	struct heph heph;

	(void)state;
	assert_int_equal(heph_init(&heph, &config, &heph_futex_driver), 0);
	for (int n = 0; n < HEPH_THREADS_MAX; n++) {
		assert_int_equal(heph_threads_add(&heph, &threads[n]), 0);
		assert_int_equal(threads[n].number, n);
		assert_ptr_equal(heph_thread_of(&heph, (unsigned)n),
				 &threads[n]);
	}
	assert_int_equal(heph_threads_add(&heph, &one_more), -EAGAIN);
	assert_null(heph_threads_reuse(&heph));
	heph_threads_retire(&heph, &threads[7]);
	heph_threads_retire(&heph, &threads[9]);
	assert_ptr_equal(heph_thread_of(&heph, 7), &threads[7]);
	assert_ptr_equal(heph_threads_reuse(&heph), &threads[9]);
	assert_ptr_equal(heph_threads_reuse(&heph), &threads[7]);
	assert_null(heph_threads_reuse(&heph));
	heph_fini(&heph);
}

static void keeps_the_first_result_and_deadline(void **state)
{
	(void)state;
	rig_open(2);
	heph_fail(&rig.heph, -ECHILD);
	heph_fail(&rig.heph, -EIO);
	assert_int_equal(atomic_load(&rig.heph.result), -ECHILD);
	heph_stop_runtime(&rig.heph, 5);
	assert_true(atomic_load(&rig.heph.deadline) > 5);
	rig_settle();
	rig_close();
	rig_open(2);
	heph_stop_runtime(&rig.heph, 5);
	heph_stop_runtime(&rig.heph, 7);
	assert_int_equal(atomic_load(&rig.heph.deadline), 5);
	rig_settle();
	rig_close();
}

static void stops_the_first_level_only(void **state)
{
	act_ref refs[4];

	(void)state;
	rig_open(2);
	for (int n = 0; n < 4; n++)
		refs[n] = rig_spawn((unsigned)n % 2, idle, NULL);
	rig_settle();
	heph_stop_runtime(&rig.heph, heph_now() + HEPH_SEC);
	rig_settle();
	for (int n = 0; n < 4; n++)
		assert_false(heph_alive(refs[n]));
	rig_close();
}

/* A sender of no runtime, while runtimes come and go. */
static _Atomic bool over;
static _Atomic(uint64_t) target; /* the id; 0: nobody */

static void *shoot(void *arg)
{
	struct act_msg msg = { .n = 1 };
	struct heph_addr addr = { .slot = 1 };

	(void)arg;
	while (!over) {
		addr.id = target;
		(void)!heph_raw_try_send(addr, &msg, sizeof(msg));
		heph_raw_stop(addr);
		(void)heph_raw_alive(addr);
	}
	return NULL;
}

static void comes_and_goes_under_fire(void **state)
{
	pthread_t thread;
	act_ref ref;

	(void)state;
	over = false;
	target = 0;
	assert_int_equal(pthread_create(&thread, NULL, shoot, NULL), 0);
	for (int n = 0; n < 100; n++) {
		rig_open(1);
		ref = rig_spawn(0, idle, NULL);
		target = ref.addr.id;
		while (heph_alive(ref))
			rig_step(0);
		while (atomic_load(&rig.heph.strangers))
			rig_step(0);
		rig_close();
	}
	over = true;
	pthread_join(thread, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(has_places_for_256_runtimes),
		cmocka_unit_test(copies_its_name),
		cmocka_unit_test(is_entered_by_its_number),
		cmocka_unit_test(is_not_entered_by_its_own_threads),
		cmocka_unit_test(waits_for_those_inside),
		cmocka_unit_test(knows_the_highest_serial_of_its_place),
		cmocka_unit_test(numbers_its_threads),
		cmocka_unit_test(keeps_the_first_result_and_deadline),
		cmocka_unit_test(stops_the_first_level_only),
		cmocka_unit_test(comes_and_goes_under_fire),
	};

	return cmocka_run_group_tests_name("heph", tests, NULL, NULL);
}
