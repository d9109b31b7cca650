/* In virtual time, without a thread; a failure prints why, and aborts. */
#include <heph/heph.h>
#include <heph/test.h>

#include <stdio.h>

#include "counter.h"

int main(void)
{
	struct heph_test *test;
	counter_ref counter;
	heph_ctx ctx;
	long total = -1;

	if (heph_test_new(&test, &(struct heph_test_config){ .fail_on_error = true }) < 0)
		return 1;
	ctx = heph_test_ctx(test);
	heph_check(ctx, heph_spawn(ctx, counter, &counter) == 0);
	heph_check(ctx, heph_send(ctx, counter, { .kind = COUNTER_ADD, .n = 40 }) == 0);
	heph_check(ctx, heph_send(ctx, counter, { .kind = COUNTER_ADD, .n = 2 }) == 0);
	heph_check(ctx, heph_call(ctx, counter, total, &total, { .kind = COUNTER_TOTAL }) == 0);
	heph_check(ctx, total == 42);
	heph_test_free(test);
	puts("ok");
	return 0;
}
