/* SPDX-License-Identifier: MIT */
#include "base/list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct job {
	int n;
	struct heph_list node;
};

static struct heph_list list;
static struct job jobs[4];

static int start(void **state)
{
	(void)state;
	heph_list_init(&list);
	for (int i = 0; i < 4; i++)
		jobs[i].n = i;
	return 0;
}

static struct job *job_of(struct heph_list *node)
{
	return node ? heph_container_of(node, struct job, node) : NULL;
}

static void is_empty_at_first(void **state)
{
	(void)state;
	assert_true(heph_list_empty(&list));
	assert_null(heph_list_first(&list));
	assert_null(heph_list_last(&list));
	assert_null(heph_list_pop_front(&list));
}

static void keeps_the_order_of_pushes(void **state)
{
	(void)state;
	heph_list_push_back(&list, &jobs[1].node);
	heph_list_push_back(&list, &jobs[2].node);
	heph_list_push_front(&list, &jobs[0].node);
	assert_ptr_equal(job_of(heph_list_first(&list)), &jobs[0]);
	assert_ptr_equal(job_of(heph_list_last(&list)), &jobs[2]);
	for (int i = 0; i < 3; i++)
		assert_int_equal(job_of(heph_list_pop_front(&list))->n, i);
	assert_true(heph_list_empty(&list));
}

static void lets_a_node_be_removed_twice(void **state)
{
	(void)state;
	heph_list_push_back(&list, &jobs[0].node);
	heph_list_push_back(&list, &jobs[1].node);
	heph_list_remove(&jobs[0].node);
	heph_list_remove(&jobs[0].node);
	assert_true(heph_list_empty(&jobs[0].node));
	assert_ptr_equal(heph_list_first(&list), &jobs[1].node);
	assert_ptr_equal(heph_list_last(&list), &jobs[1].node);
}

static void visits_each_node(void **state)
{
	struct heph_list *node;
	int n = 0;

	(void)state;
	heph_list_each(node, &list)
		fail_msg("an empty list has no nodes");
	for (int i = 0; i < 4; i++)
		heph_list_push_back(&list, &jobs[i].node);
	heph_list_each(node, &list)
		assert_int_equal(job_of(node)->n, n++);
	assert_int_equal(n, 4);
}

static void lets_the_visited_node_go(void **state)
{
	struct heph_list *node, *tmp;

	(void)state;
	for (int i = 0; i < 4; i++)
		heph_list_push_back(&list, &jobs[i].node);
	heph_list_each_safe(node, tmp, &list)
		if (job_of(node)->n % 2)
			heph_list_remove(node);
	assert_ptr_equal(heph_list_first(&list), &jobs[0].node);
	assert_ptr_equal(heph_list_last(&list), &jobs[2].node);
}

static void moves_all_to_the_end_of_another(void **state)
{
	struct heph_list other;

	(void)state;
	heph_list_init(&other);
	heph_list_splice(&other, &list);
	assert_true(heph_list_empty(&other));
	heph_list_push_back(&other, &jobs[0].node);
	heph_list_push_back(&list, &jobs[1].node);
	heph_list_push_back(&list, &jobs[2].node);
	heph_list_splice(&other, &list);
	assert_true(heph_list_empty(&list));
	for (int i = 0; i < 3; i++)
		assert_int_equal(job_of(heph_list_pop_front(&other))->n, i);
	assert_true(heph_list_empty(&other));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(is_empty_at_first, start),
		cmocka_unit_test_setup(keeps_the_order_of_pushes, start),
		cmocka_unit_test_setup(lets_a_node_be_removed_twice, start),
		cmocka_unit_test_setup(visits_each_node, start),
		cmocka_unit_test_setup(lets_the_visited_node_go, start),
		cmocka_unit_test_setup(moves_all_to_the_end_of_another, start),
	};

	return cmocka_run_group_tests_name("list", tests, NULL, NULL);
}
