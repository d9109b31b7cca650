/* SPDX-License-Identifier: MIT */
/* The addresses of names: what is found, what is not, and who gives up. */
#include "names.h"

enum { MAX = 8 };

static pid_t dnsmasq;
static int dnsmasq_log;

/* ---- what comes back ------------------------------------------------------------ */

/* "127.0.0.1:80 [::1]:80" */
static void print_all(char *text, size_t size, const struct heph_address *from,
		      int n)
{
	char one[HEPH_ADDRESS_MAX];
	size_t at = 0;

	*text = '\0';
	for (int i = 0; i < n; i++) {
		must_be(heph_address_print(&from[i], one), 0);
		at += (size_t)snprintf(text + at, size - at, "%s%s",
				       at ? " " : "", one);
		must(at < size);
	}
}

static void must_find(heph_ctx ctx, const char *host, const char *service,
		      int family, const char *wanted)
{
	struct heph_address found[MAX];
	char text[1024];
	int n = heph_resolve(ctx, host, service, family, found, MAX);

	if (n < 0)
		fprintf(stderr, "%s: %d\n", host, n);
	must(n > 0 && n <= MAX);
	print_all(text, sizeof(text), found, n);
	if (strcmp(text, wanted) != 0) {
		fprintf(stderr, "%s: %s\n", host, text);
		must(!"these are found");
	}
}

static int look_up(heph_ctx ctx, const char *host, int family)
{
	struct heph_address found[MAX];

	return heph_resolve(ctx, host, "80", family, found, MAX);
}

/* ---- without anybody to ask --------------------------------------------------------- */

static int numbers(heph_ctx ctx, void *arg)
{
	must_find(ctx, "192.0.2.1", "80", AF_UNSPEC, "192.0.2.1:80");
	must_find(ctx, "192.0.2.1", NULL, AF_INET, "192.0.2.1:0");
	must_find(ctx, "2001:db8::1", "65535", AF_INET6, "[2001:db8::1]:65535");
	must_find(ctx, "localhost", "1", AF_UNSPEC, "[::1]:1 127.0.0.1:1");
	must_find(ctx, "LocalHost.", "1", AF_INET, "127.0.0.1:1");
	must_find(ctx, "a.localhost", "1", AF_INET6, "[::1]:1");
	return 0;
}

static void numbers_and_localhost_need_no_server(void **state)
{
	run_task(numbers);
	run_thread(numbers);
}

static int scopes(heph_ctx ctx, void *arg)
{
	struct heph_address found[MAX];
	const struct sockaddr_in6 *in = (const void *)&found[0].storage;

	must_be(heph_resolve(ctx, "fe80::1%lo", "1", 0, found, MAX), 1);
	must_be(in->sin6_scope_id, 1);
	must_be(heph_resolve(ctx, "fe80::1%7", "1", 0, found, MAX), 1);
	must_be(in->sin6_scope_id, 7);
	must_be(look_up(ctx, "fe80::1%none-such", AF_UNSPEC), -EINVAL);
	must_be(look_up(ctx, "fe80::1%99999999999", AF_UNSPEC), -EINVAL);
	return 0;
}

static void an_address_may_have_a_scope(void **state)
{
	run_task(scopes);
}

static int wrong(heph_ctx ctx, void *arg)
{
	char longest[300];
	struct heph_address found[1];

	memset(longest, 'a', sizeof(longest));
	longest[299] = '\0';
	must_be(look_up(ctx, NULL, AF_UNSPEC), -EINVAL);
	must_be(look_up(ctx, "", AF_UNSPEC), -EINVAL);
	must_be(look_up(ctx, longest, AF_UNSPEC), -EINVAL);
	must_be(look_up(ctx, "192.0.2.1", AF_UNIX), -EAFNOSUPPORT);
	must_be(look_up(ctx, "192.0.2.1", AF_INET6), -ENODATA);
	must_be(look_up(ctx, "::1", AF_INET), -ENODATA);
	must_be(heph_resolve(ctx, "::1", "65536", 0, found, 1), -EINVAL);
	must_be(heph_resolve(ctx, "::1", "99999999999999999999999", 0, found,
			     1),
		-EINVAL);
	must_be(heph_resolve(ctx, "::1", "1", 0, found, 0), -EINVAL);
	must_be(heph_resolve(ctx, "localhost", "1", 0, found, 1), 1);
	return 0;
}

static void what_makes_no_sense_is_refused(void **state)
{
	run_task(wrong);
	run_thread(wrong);
}

/* ---- by a name server -------------------------------------------------------------------- */

/* Whether names can be asked for in this build, and there is dnsmasq. */
static bool can_ask(heph_ctx ctx)
{
	if (look_up(ctx, "four.test", AF_INET) == -ENOSYS)
		return false;
	return dnsmasq > 0;
}

static int names(heph_ctx ctx, void *arg)
{
	if (!can_ask(ctx))
		return 0;
	must_find(ctx, "both.test", "80", AF_UNSPEC, "[::1]:80 127.0.0.1:80");
	must_find(ctx, "both.test", "80", AF_INET, "127.0.0.1:80");
	must_find(ctx, "both.test", "80", AF_INET6, "[::1]:80");
	must_find(ctx, "four.test", "7", AF_UNSPEC, "127.0.0.4:7");
	must_find(ctx, "six.test", "7", AF_UNSPEC, "[::1]:7");
	must_find(ctx, "FOUR.test.", "7", AF_UNSPEC, "127.0.0.4:7");
	must_find(ctx, "alias.test", NULL, AF_INET, "127.0.0.4:0");
	must_be(look_up(ctx, "two.test", AF_INET), 2);
	return 0;
}

static void finds_addresses_of_both_families(void **state)
{
	run_task(names);
	run_thread(names);
}

static int services(heph_ctx ctx, void *arg)
{
	struct heph_address found[MAX];

	if (!can_ask(ctx) || access("/etc/services", R_OK) < 0)
		return 0;
	must_find(ctx, "four.test", "https", AF_UNSPEC, "127.0.0.4:443");
	must_find(ctx, "192.0.2.1", "https", AF_UNSPEC, "192.0.2.1:443");
	must_be(heph_resolve(ctx, "four.test", "none-such", 0, found, MAX),
		-EINVAL);
	return 0;
}

static void a_service_may_have_a_name(void **state)
{
	run_task(services);
}

static int not_there(heph_ctx ctx, void *arg)
{
	if (!can_ask(ctx))
		return 0;
	must_be(look_up(ctx, "nobody.test", AF_UNSPEC), -ENOENT);
	must_be(look_up(ctx, "nobody.test", AF_INET), -ENOENT);
	must_be(look_up(ctx, "four.test", AF_INET6), -ENODATA);
	must_be(look_up(ctx, "six.test", AF_INET), -ENODATA);
	must_be(look_up(ctx, "text.test", AF_UNSPEC), -ENODATA);
	must_be(look_up(ctx, "two..dots.test", AF_UNSPEC), -EINVAL);
	return 0;
}

static void tells_no_such_name_from_no_such_address(void **state)
{
	run_task(not_there);
	run_thread(not_there);
}

static int big(heph_ctx ctx, void *arg)
{
	struct heph_address found[HEPH_RESOLVE_MAX + 1];

	if (!can_ask(ctx))
		return 0;
	must_be(heph_resolve(ctx, "big.test", "1", AF_INET, found,
			     HEPH_RESOLVE_MAX + 1),
		BIG_NAMES);
	must_be(heph_resolve(ctx, "big.test", "1", AF_INET, found, 3), 3);
	return 0;
}

static void
an_answer_that_is_too_long_for_a_datagram_is_asked_for_by_tcp(void **state)
{
	run_task(big);
}

/* A file in place of /etc/hosts. */
static int hosts(heph_ctx ctx, void *arg)
{
	char path[] = "/tmp/heph-hosts-XXXXXX";
	static const char text[] = "127.0.0.9 written.example second\n";
	int number = mkstemp(path);

	must(number >= 0);
	must_be(write(number, text, sizeof(text) - 1), sizeof(text) - 1);
	close(number);
	must_be(setenv("CARES_HOSTS", path, 1), 0);
	if (can_ask(ctx)) {
		must_find(ctx, "written.example", "5", AF_INET, "127.0.0.9:5");
		must_find(ctx, "second", "5", AF_UNSPEC, "127.0.0.9:5");
	}
	must_be(unsetenv("CARES_HOSTS"), 0);
	unlink(path);
	return 0;
}

static void finds_what_the_file_of_hosts_says(void **state)
{
	run_task(hosts);
}

/* ---- many -------------------------------------------------------------------------------- */

enum { MANY = 1000 };

static int ask_one(heph_ctx ctx, void *arg)
{
	intptr_t n = (intptr_t)arg;

	if (n % 10 == 9)
		must_be(look_up(ctx, "nobody.test", AF_UNSPEC), -ENOENT);
	else if (n % 2)
		must_find(ctx, "four.test", "1", AF_UNSPEC, "127.0.0.4:1");
	else
		must_find(ctx, "both.test", "1", AF_UNSPEC,
			  "[::1]:1 127.0.0.1:1");
	return 0;
}

static int many(heph_ctx ctx, void *arg)
{
	static task_ref tasks[MANY];

	if (!can_ask(ctx))
		return 0;
	for (intptr_t n = 0; n < MANY; n++)
		must_be(heph_spawn(ctx, task, &tasks[n], { ask_one, (void *)n },
				   .on = HEPH_WORKER((int)(n % 2))),
			0);
	for (int n = 0; n < MANY; n++)
		end_task(ctx, tasks[n]);
	return 0;
}

static void a_thousand_ask_at_once(void **state)
{
	run_task_on(2, many, NULL);
}

/* ---- by one that does not answer as it should ----------------------------------------------- */

static int failing(heph_ctx ctx, void *arg)
{
	if (look_up(ctx, "a.bad", AF_INET) == -ENOSYS)
		return 0;
	must_be(look_up(ctx, "a.bad", AF_UNSPEC), 2);
	must_be(look_up(ctx, "fails.bad", AF_UNSPEC), -EREMOTEIO);
	must_be(look_up(ctx, "refuses.bad", AF_INET), -EREMOTEIO);
	must(look_up(ctx, "garbles.bad", AF_INET) < 0);
	return 0;
}

static void a_server_may_fail(void **state)
{
	struct bad_server server;

	setenv("RES_OPTIONS", "retrans:100 retry:2", 1);
	start_bad_server(&server);
	run_task(failing);
	run_thread(failing);
	stop_bad_server(&server);
}

static int silent(heph_ctx ctx, void *arg)
{
	if (look_up(ctx, "a.bad", AF_INET) == -ENOSYS)
		return 0;
	must_be(look_up(ctx, "silent.bad", AF_INET), -ETIMEDOUT);
	must_be(look_up(ctx, "no6.bad", AF_INET), 1);
	must_be(look_up(heph_within(ctx, 0), "silent.bad", AF_INET), -ETIME);
	must_be(look_up(heph_within(ctx, 20 * HEPH_MSEC), "silent.bad",
			AF_INET),
		-ETIME);
	return 0;
}

static void a_server_may_say_nothing(void **state)
{
	struct bad_server server;

	setenv("RES_OPTIONS", "retrans:100 retry:2", 1);
	start_bad_server(&server);
	run_task(silent);
	run_thread(silent);
	stop_bad_server(&server);
}

/* Until the server has been asked, and until then it waits in vain. */
static int ask_in_vain(heph_ctx ctx, void *arg)
{
	must_be(look_up(ctx, "silent.bad", AF_UNSPEC), -ECANCELED);
	must_be(look_up(ctx, "192.0.2.1", AF_UNSPEC), -ECANCELED);
	must_find(heph_shield(ctx, HEPH_SEC), "192.0.2.1", "1", 0,
		  "192.0.2.1:1");
	return 0;
}

static void await_asked(heph_ctx ctx, struct bad_server *server, int n)
{
	heph_time until = heph_now() + 20 * HEPH_SEC;

	while (server->asked < n && heph_now() < until)
		must_be(heph_sleep(ctx, HEPH_MSEC), 0);
	must(server->asked >= n);
}

/* More than are asked at a time: others wait for their turn, and are stopped
 * there. */
static int stopped(heph_ctx ctx, void *arg)
{
	struct bad_server *server = arg;
	task_ref tasks[400];

	if (look_up(ctx, "a.bad", AF_INET) == -ENOSYS)
		return 0;
	server->asked = 0;
	for (int n = 0; n < 400; n++)
		tasks[n] = start_task(ctx, ask_in_vain, NULL);
	await_asked(ctx, server, 2);
	for (int n = 0; n < 400; n++)
		heph_stop(tasks[n]);
	for (int n = 0; n < 400; n++)
		end_task(ctx, tasks[n]);
	must_be(look_up(ctx, "a.bad", AF_UNSPEC), 2); /* not after them */
	return 0;
}

static void who_waits_for_an_answer_can_be_stopped(void **state)
{
	struct bad_server server;

	unsetenv("RES_OPTIONS");
	start_bad_server(&server);
	run_task_on(1, stopped, &server);
	stop_bad_server(&server);
}

/* ---- servers that cannot be asked ------------------------------------------------------------- */

static int unreachable(heph_ctx ctx, void *arg)
{
	if (look_up(ctx, "a.bad", AF_INET) != -ENOSYS)
		must_be(look_up(ctx, "a.bad", AF_INET), -EREMOTEIO);
	return 0;
}

static void a_server_may_not_be_there(void **state)
{
	ask_port(free_port());
	run_task(unreachable);
}

static int unreadable(heph_ctx ctx, void *arg)
{
	if (look_up(ctx, "a.bad", AF_INET) != -ENOSYS)
		must_be(look_up(ctx, "a.bad", AF_INET), -EINVAL);
	return 0;
}

static void a_list_of_servers_that_is_none_is_an_error(void **state)
{
	setenv("HEPH_DNS_SERVERS", "not an address", 1);
	run_task(unreadable);
}

static int start_servers(void **state)
{
	setenv("HEPH_LOG", "off", 1);
	if (have_dnsmasq())
		dnsmasq = start_dnsmasq(&dnsmasq_log);
	return 0;
}

static int stop_servers(void **state)
{
	if (dnsmasq > 0)
		stop_dnsmasq(dnsmasq, dnsmasq_log);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_and_localhost_need_no_server),
		cmocka_unit_test(an_address_may_have_a_scope),
		cmocka_unit_test(what_makes_no_sense_is_refused),
		cmocka_unit_test(finds_addresses_of_both_families),
		cmocka_unit_test(a_service_may_have_a_name),
		cmocka_unit_test(tells_no_such_name_from_no_such_address),
		cmocka_unit_test(
			an_answer_that_is_too_long_for_a_datagram_is_asked_for_by_tcp),
		cmocka_unit_test(finds_what_the_file_of_hosts_says),
		cmocka_unit_test(a_thousand_ask_at_once),
		cmocka_unit_test(a_server_may_fail),
		cmocka_unit_test(a_server_may_say_nothing),
		cmocka_unit_test(who_waits_for_an_answer_can_be_stopped),
		cmocka_unit_test(a_server_may_not_be_there),
		cmocka_unit_test(a_list_of_servers_that_is_none_is_an_error),
	};

	return cmocka_run_group_tests(tests, start_servers, stop_servers);
}
