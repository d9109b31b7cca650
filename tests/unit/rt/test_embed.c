/* SPDX-License-Identifier: MIT */
/* What an embedded runtime leaves behind when it cannot be made. */
#include "../../api/task.h"

#include <heph/embed.h>

#include <sys/resource.h>

#include "base/log.h"
#include "base/mem.h"

static const struct heph_config config = { .actors = 100 };

static void once(void)
{
	struct heph_embed *embed;

	must_be(heph_embed_new(&embed, &config), 0);
	heph_embed_free(embed);
}

/* Each allocation in turn. */
static void gives_all_back_when_there_is_no_memory(void **state)
{
	struct heph_embed *embed;
	int before, err = -ENOMEM, refused = 0;

	(void)state;
	once();
	before = count_fds();
	for (long n = 1; err == -ENOMEM; n++) {
		heph_mem_fail_after(n);
		err = heph_embed_new(&embed, &config);
		heph_mem_fail_after(-1);
		if (err < 0) {
			must_be(err, -ENOMEM);
			must(!embed);
			refused++;
		} else {
			heph_embed_free(embed);
		}
		must_be(count_fds(), before);
	}
	must(refused > 5);
}

static void set_limit(rlim_t n)
{
	struct rlimit limit;

	must_be(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = n;
	must_be(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void gives_all_back_when_there_are_no_descriptors(void **state)
{
	struct heph_embed *embed;
	struct rlimit limit;
	int before, lowest, err = -EMFILE, refused = 0;

	(void)state;
	must_be(getrlimit(RLIMIT_NOFILE, &limit), 0);
	before = count_fds();
	lowest = dup(0);
	close(lowest);
	for (rlim_t n = (rlim_t)lowest; err == -EMFILE; n++, refused++) {
		set_limit(n);
		err = heph_embed_new(&embed, &config);
		set_limit(limit.rlim_cur);
		if (err < 0)
			must_be(count_fds(), before);
	}
	must_be(err, 0);
	must(refused >= 4);
	heph_embed_free(embed);
	must_be(count_fds(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_all_back_when_there_is_no_memory),
		cmocka_unit_test(gives_all_back_when_there_are_no_descriptors),
	};

	heph_log_set_level(HEPH_LOG_OFF);
	return cmocka_run_group_tests_name("embed", tests, NULL, NULL);
}
