/* SPDX-License-Identifier: MIT */
/* Which driver it is, and why. */
#include "loop.h"

#include <heph/drivers.h>

#include "base/log.h"
#include "io/epoll.h"

#include "../../forbid.h"
#include "../base/child.h"

static struct child child;

/* What was logged in a child process that ran `fn`; it must end well. */
static const char *logged(void (*fn)(void))
{
	child_run(&child, fn);
	if (WIFEXITED(child.status) && WEXITSTATUS(child.status) == 77)
		skip(); /* no filters here */
	if (child.status)
		fprintf(stderr, "%s", child.output);
	assert_int_equal(child.status, 0);
	return child.output;
}

static void expect_text(const char *where, const char *what)
{
	if (!strstr(where, what))
		fail_msg("expected '%s' in: %s", what, where);
}

/* In a child: chooses, ends with 0 if it is that driver or that error. */
static void choose(const char *forced, const char *wanted, const char *name,
		   int err)
{
	const struct heph_io *io = NULL;
	int result;

	heph_log_set_level(HEPH_LOG_DEBUG);
	if (forced)
		setenv("HEPH_DRIVER", forced, 1);
	else
		unsetenv("HEPH_DRIVER");
	result = heph_choose(wanted, &io);
	heph_log_flush();
	must_be(result, err);
	if (err == 0)
		must(strcmp(io->driver.name, name) == 0);
}

/* ---- wanted -------------------------------------------------------------------- */

static void by_environment(void)
{
	choose("epoll", "uring", "epoll", 0);
}

static void by_configuration(void)
{
	choose(NULL, "epoll", "epoll", 0);
}

static void by_empty_environment(void)
{
	choose("", "epoll", "epoll", 0);
}

static void a_name_is_followed(void **state)
{
	expect_text(logged(by_environment), "by=HEPH_DRIVER");
	expect_text(logged(by_configuration), "by=driver");
	logged(by_empty_environment);
}

static void wrong_environment(void)
{
	choose("iouring", NULL, NULL, -EINVAL);
}

static void wrong_configuration(void)
{
	choose(NULL, "libuv", NULL, -EINVAL);
}

static void a_wrong_name_is_told(void **state)
{
	const char *said = logged(wrong_environment);

	expect_text(said, "level=error");
	expect_text(said, "key=HEPH_DRIVER");
	expect_text(said, "value=iouring");
	expect_text(said, "uring, epoll");
	said = logged(wrong_configuration);
	expect_text(said, "key=driver");
	expect_text(said, "value=libuv");
}

/* ---- tried --------------------------------------------------------------------- */

static void what_is_best(void)
{
	struct heph_uring_report it;

	choose(NULL, NULL, heph_examine_uring(&it) == 0 ? "uring" : "epoll", 0);
}

static void it_is_io_uring_if_that_works(void **state)
{
	logged(what_is_best);
}

static void must_forbid(unsigned number, unsigned err)
{
	if (!forbid(number, err))
		exit(77);
}

static void no_setup_eperm(void)
{
	must_forbid(FORBID_IO_URING_SETUP, EPERM);
	choose(NULL, NULL, "epoll", 0);
}

static void no_setup_enosys(void)
{
	must_forbid(FORBID_IO_URING_SETUP, ENOSYS);
	choose(NULL, NULL, "epoll", 0);
}

static void no_setup_enomem(void)
{
	must_forbid(FORBID_IO_URING_SETUP, ENOMEM);
	choose(NULL, NULL, "epoll", 0);
}

static void no_enter(void)
{
	must_forbid(FORBID_IO_URING_ENTER, EPERM);
	choose(NULL, NULL, "epoll", 0);
}

static void no_register(void)
{
	must_forbid(FORBID_IO_URING_REGISTER, EACCES);
	choose(NULL, NULL, "epoll", 0);
}

static void wanted_in_vain(void)
{
	must_forbid(FORBID_IO_URING_SETUP, ENOSYS);
	choose("uring", NULL, NULL, -ENOSYS);
}

static bool has_ring(void)
{
	struct heph_uring_report it;

	return heph_examine_uring(&it) == 0;
}

static void it_is_epoll_if_io_uring_is_forbidden(void **state)
{
	const char *said = logged(no_setup_eperm);

	expect_text(said, "level=info");
	expect_text(said, "driver is epoll");
	expect_text(said, "io_uring_setup");
	expect_text(said, "err=EPERM");
	expect_text(logged(no_setup_enosys), "err=ENOSYS");
	expect_text(logged(no_setup_enomem), "err=ENOMEM");
	if (!has_ring())
		return;
	expect_text(logged(no_enter), "io_uring_enter");
	expect_text(logged(no_register), "io_uring_register");
}

static void who_wants_what_is_forbidden_is_told(void **state)
{
	const char *said = logged(wanted_in_vain);

	expect_text(said, "level=error");
	expect_text(said, "key=HEPH_DRIVER");
	expect_text(said, "io_uring_setup");
	expect_text(said, "err=ENOSYS");
}

static void lists_all_there_is(void **state)
{
	struct heph_uring_report it;
	int err = heph_examine_uring(&it), fds = count_fds();

	assert_int_equal(err, it.err);
	assert_true(it.n > 10 && it.n <= HEPH_URING_FEATURES_MAX);
	for (size_t n = 0; n < it.n; n++) {
		assert_non_null(it.features[n].name);
		assert_non_null(it.features[n].since);
		if (err == 0 && it.features[n].needed)
			assert_int_equal(it.features[n].err, 0);
	}
	heph_examine_uring(&it);
	assert_int_equal(count_fds(), fds);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_is_followed),
		cmocka_unit_test(a_wrong_name_is_told),
		cmocka_unit_test(it_is_io_uring_if_that_works),
		cmocka_unit_test(it_is_epoll_if_io_uring_is_forbidden),
		cmocka_unit_test(who_wants_what_is_forbidden_is_told),
		cmocka_unit_test(lists_all_there_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
