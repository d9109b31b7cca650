/* SPDX-License-Identifier: MIT */
/* test_systemd.cpp - the actor of systemd.h, by heph.hpp alone */
#include "act.hpp"

#include <cstdlib>

static int is_well(heph_ctx, char *)
{
	return 0;
}

static void has_the_words_of_cxx(void **)
{
	unsetenv("NOTIFY_SOCKET");
	run([](heph_ctx ctx) {
		heph_systemd_ref notify;
		struct heph_exit why;
		int err;

		must_be(heph_spawn(ctx, heph_systemd, &notify,
				   { .health = is_well, .later = true }),
			0);
		heph_post(notify, { .kind = heph_systemd_msg::
					    HEPH_SYSTEMD_SET_STATE,
				    .state = HEPH_SYSTEMD_READY });
		err = heph_join(ctx, notify, &why);
		must(err == 0 || err == -ESRCH); /* nobody manages this one */
		must(err < 0 || why.err == 0);
		return 0;
	});
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(has_the_words_of_cxx),
	};

	return cmocka_run_group_tests_name("systemd in C++", tests, NULL,
					   NULL);
}
