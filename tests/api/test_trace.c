/* SPDX-License-Identifier: MIT */
/* Traces: spans of all kinds of actors and threads, on and off, what is lost. */
#include "act.h"

#include <heph/embed.h>
#include <heph/test.h>

#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* ---- a directory ------------------------------------------------------------------- */

static char dir_path[64];

static int dir_begin(void **state)
{
	strcpy(dir_path, "/tmp/heph-trace-XXXXXX");
	return mkdtemp(dir_path) ? 0 : -1;
}

static int dir_remove(const char *path, const struct stat *info, int type,
		      struct FTW *ftw)
{
	return ftw->level ? remove(path) : 0;
}

static void dir_clear(void)
{
	must_be(nftw(dir_path, dir_remove, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static int dir_end(void **state)
{
	dir_clear();
	return rmdir(dir_path);
}

/* A name in it as a whole path, in memory that the next four calls leave. */
static const char *dir_name(const char *name)
{
	static char paths[4][PATH_MAX];
	static int turn;
	char *path = paths[turn++ % 4];

	snprintf(path, PATH_MAX, "%s/%s", dir_path, name);
	return path;
}

static bool dir_has(const char *name)
{
	return access(dir_name(name), F_OK) == 0;
}

/* ---- the file -------------------------------------------------------------------- */

struct file {
	unsigned char *data;
	size_t size;
};

static struct file load(const char *name)
{
	int fd = open(dir_name(name), O_RDONLY);
	struct file file = { 0 };
	struct stat info;

	must(fd >= 0);
	must_be(fstat(fd, &info), 0);
	file.size = (size_t)info.st_size;
	file.data = malloc(file.size + 1);
	must_be(read(fd, file.data, file.size), file.size);
	close(fd);
	return file;
}

static uint32_t u32_at(const unsigned char *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 |
	       (uint32_t)at[2] << 8 | at[3];
}

static uint64_t u64_at(const unsigned char *at)
{
	return (uint64_t)u32_at(at) << 32 | u32_at(at + 4);
}

/* The next packet; NULL: that was the last. Nothing is between them. */
static const unsigned char *next(const struct file *file,
				 const unsigned char *at)
{
	at = at ? at + u32_at(at + 4) : file->data;
	if (at == file->data + file->size)
		return NULL;
	must(at + 8 <= file->data + file->size);
	must(u32_at(at) == 0xC1FC1FB7 || u32_at(at) == 0x75D11D4D);
	must(at + u32_at(at + 4) <= file->data + file->size);
	return at;
}

/* How many events there are whose bytes behind the times are these; where the
 * first one is. */
static unsigned count(const struct file *file, const void *bytes, size_t size,
		      const unsigned char **ret_at)
{
	const unsigned char *at = NULL;
	unsigned n = 0;

	while ((at = next(file, at))) {
		if (u32_at(at) != 0xC1FC1FB7 || u32_at(at + 4) < 40 + size ||
		    memcmp(at + 40, bytes, size) != 0)
			continue;
		if (n++ == 0 && ret_at)
			*ret_at = at;
	}
	return n;
}

#define COUNT(file_, text_, ret_at_)                                           \
	count((file_), (text_), sizeof(text_) - 1, (ret_at_))

/* Of all streams; a number that is missing is one of an event that was lost. */
static unsigned missing(const struct file *file)
{
	uint32_t next_of[2048] = { 0 };
	const unsigned char *at = NULL;
	unsigned sum = 0;
	uint32_t *of;

	while ((at = next(file, at))) {
		if (u32_at(at) != 0xC1FC1FB7)
			continue;
		must(u32_at(at + 8) < 2048);
		of = &next_of[u32_at(at + 8)];
		must(u32_at(at + 12) >= *of);
		sum += u32_at(at + 12) - *of;
		*of = u32_at(at + 12) + 1;
	}
	return sum;
}

/* ---- spans ------------------------------------------------------------------------- */

static unsigned evaluated;

static uint64_t evaluate(void)
{
	return ++evaluated;
}

static void end_with_all(heph_ctx ctx, struct heph_span span)
{
	static const uint64_t u64s[] = { 1, UINT64_MAX };
	static const int64_t i64s[] = { -2 };
	static const double f64s[] = { 0.5, -2 };
	static const char *const strs[] = { "a", "", "bcd" };

	must_be(heph_span_end(ctx, span, "All kinds", HEPH_SPAN_U64("u", 258),
			      HEPH_SPAN_I64("i", -1), HEPH_SPAN_F64("f", 1.0),
			      HEPH_SPAN_STR("s", "text"),
			      HEPH_SPAN_FMT("p", "%d/%s", 7, "x"),
			      HEPH_SPAN_U64S("us", u64s, 2),
			      HEPH_SPAN_I64S("is", i64s, 1),
			      HEPH_SPAN_F64S("fs", f64s, 2),
			      HEPH_SPAN_STRS("ss", strs, 3),
			      HEPH_SPAN_U64S("no", NULL, 0),
			      HEPH_SPAN_STR("null", NULL)),
		0);
}

static const char all_kinds[] =
	"\0\x09"
	"All kinds"
	"\0\1u\1\0\0\0\0\0\0\1\2"
	"\0\1i\2\xff\xff\xff\xff\xff\xff\xff\xff"
	"\0\1f\3\x3f\xf0\0\0\0\0\0\0"
	"\0\1s\4\0\4text"
	"\0\1p\4\0\3"
	"7/x"
	"\0\2us\x81\0\2\0\0\0\0\0\0\0\1\xff\xff\xff\xff\xff\xff\xff\xff"
	"\0\2is\x82\0\1\xff\xff\xff\xff\xff\xff\xff\xfe"
	"\0\2fs\x83\0\2\x3f\xe0\0\0\0\0\0\0\xc0\0\0\0\0\0\0\0"
	"\0\2ss\x84\0\3\0\1a\0\0\0\3"
	"bcd"
	"\0\2no\x81\0\0"
	"\0\4null\4\0\6(null)";

static int tell_all(heph_ctx ctx, act_inbox in, void *arg)
{
	uint64_t *id = arg;
	struct heph_span span;

	*id = heph_self(in).addr.id;
	span = heph_span_begin(ctx);
	must(span.start);
	must_be(heph_sleep(ctx, 2 * HEPH_MSEC), 0);
	end_with_all(ctx, span);
	return 0;
}

static heph_ctx begin_traced(const char *name)
{
	struct heph_config config = two_workers;

	config.trace = dir_name(name);
	return begin(&config);
}

static void has_all_of(const struct file *file, uint64_t id, bool own_thread)
{
	const unsigned char *at;

	must_be(COUNT(file, all_kinds, &at), 1);
	must_be(u32_at(at + 4), 40 + sizeof(all_kinds) - 1);
	must(own_thread ? u32_at(at + 8) > 1024 : u32_at(at + 8) - 1 < 2);
	must(u64_at(at + 16) == id);
	must(u64_at(at + 32) - u64_at(at + 24) >= 2000000);
	must(u64_at(at + 32) < 600000000000);
	must_be(missing(file), 0);
}

static void are_written_byte_by_byte(void **state)
{
	static const int places[] = { HEPH_WORKER(1), HEPH_ANY,
				      HEPH_OWN_THREAD };
	static const char epoch[] = "\x75\xD1\x1D\x4D\0\0\0\x17\0\5epoch";
	static uint64_t id;
	struct file file;
	heph_ctx ctx;

	for (int n = 0; n < 3; n++) {
		dir_clear();
		ctx = begin_traced("all");
		spawn_on(ctx, places[n], tell_all, &id);
		end(ctx);
		file = load("all");
		must_be(memcmp(file.data, epoch, sizeof(epoch) - 1), 0);
		must(u64_at(file.data + 15) / HEPH_SEC - (uint64_t)time(NULL) +
			     600 <
		     1200);
		has_all_of(&file, id, places[n] == HEPH_OWN_THREAD);
		free(file.data);
	}
}

static void are_those_of_plain_threads_too(void **state)
{
	struct heph_span span, none = { 0 };
	struct file file;
	heph_ctx ctx;

	dir_clear();
	ctx = begin_traced("plain");
	span = heph_span_begin(ctx);
	must_be(heph_span_end(ctx, span, "once"), 0);
	must_be(heph_span_end(ctx, span, "twice"), 0);
	must_be(heph_span_end(ctx, span, "twice"), 0);
	must_be(heph_span_end(ctx, none, "never"), 0);
	end(ctx);
	file = load("plain");
	must_be(COUNT(&file, "\0\4once", NULL), 1);
	must_be(COUNT(&file, "\0\5twice", NULL), 2);
	must_be(COUNT(&file, "\0\5never", NULL), 0);
	must_be(COUNT(&file,
		      "\0\x11"
		      "Attached a thread",
		      NULL),
		1);
	must_be(missing(&file), 0);
	free(file.data);
}

static void cost_nothing_when_nothing_is_traced(void **state)
{
	heph_ctx ctx = begin(&two_workers);
	struct heph_span span = heph_span_begin(ctx);

	evaluated = 0;
	must_be(span.start, 0);
	must_be(heph_span_end(ctx, span, "x", HEPH_SPAN_U64("n", evaluate())),
		0);
	must_be(evaluated, 0);
	span.start = 1; /* one of a trace that has ended */
	must_be(heph_span_end(ctx, span, "x", HEPH_SPAN_FMT("n", "%d", 1)), 0);
	end(ctx);
}

static char *repeat(char c, size_t n)
{
	char *text = malloc(n + 1);

	memset(text, c, n);
	text[n] = '\0';
	return text;
}

static void have_bounds(void **state)
{
	char *a = repeat('a', 70000), *b = repeat('b', 60000);
	const unsigned char *at;
	struct heph_span span;
	struct file file;
	heph_ctx ctx;

	dir_clear();
	ctx = begin_traced("large");
	span = heph_span_begin(ctx);
	must_be(heph_span_end(ctx, span, "cut", HEPH_SPAN_FMT("f", "%s", a)),
		0);
	must_be(heph_span_end(ctx, span, a, HEPH_SPAN_STR(b, "x")), 0);
	must_be(heph_span_end(ctx, span, "too much", HEPH_SPAN_STR("a", a),
			      HEPH_SPAN_STR("b", b), HEPH_SPAN_STR("c", b)),
		-EMSGSIZE);
	must_be(heph_span_end(ctx, span, "wrong",
			      HEPH_SPAN_FMT("f", "%ls",
					    (const wchar_t *)L"\xdfff")),
		0);
	must_be(heph_trace_info(heph_runtime(ctx)).lost, 1);
	end(ctx);
	file = load("large");
	must_be(COUNT(&file,
		      "\0\3cut\0\1f\4\xff\xff"
		      "aaaa",
		      &at),
		1);
	must_be(u32_at(at + 4), 40 + 5 + 4 + 2 + 65535);
	must_be(COUNT(&file,
		      "\xff\xff"
		      "aaaa",
		      &at),
		1);
	must_be(u32_at(at + 4), 40 + 2 + 65535 + 2 + 60000 + 1 + 3);
	must_be(COUNT(&file, "\0\5wrong\0\1f\4\0\x0b<fmt error>", NULL), 1);
	must_be(missing(&file), 1);
	free(file.data);
	free(a);
	free(b);
}

/* ---- calls, and what the runtime tells ------------------------------------------------ */

static int ask(heph_ctx ctx, act_inbox in, void *arg)
{
	act_ref ref = spawn_on(ctx, HEPH_WORKER(0), answer_all, NULL);

	for (int n = 0; n < 3; n++)
		sync_with(ctx, ref);
	return 0;
}

static void calls_are_told(void **state)
{
	static const int places[] = { HEPH_WORKER(0), HEPH_WORKER(1), HEPH_ANY,
				      HEPH_OWN_THREAD };
	struct file file;
	heph_ctx ctx;

	for (int n = 0; n < 4; n++) {
		dir_clear();
		ctx = begin_traced("calls");
		spawn_on(ctx, places[n], ask, NULL);
		end(ctx);
		file = load("calls");
		must_be(COUNT(&file, "\0\7Calling\0\2to\1", NULL), 3);
		must(memmem(file.data, file.size, "act.answer", 10));
		must(COUNT(&file, "\0\x0dRunning actor\0\2id\1", NULL) >= 3);
		must_be(COUNT(&file, "\0\x1dInitialised the worker thread",
			      NULL),
			2);
		must_be(missing(&file), 0);
		free(file.data);
	}
}

static int wait_for_usr1(heph_ctx ctx, act_inbox in, void *arg)
{
	_Atomic bool *ready = arg;

	must_be(heph_wait(heph_within(ctx, 0), heph_on_signal(SIGUSR1, NULL)),
		-ETIME);
	*ready = true;
	must_be(heph_wait(ctx, heph_on_signal(SIGUSR1, NULL)), 0);
	return 0;
}

static void signals_are_told(void **state)
{
	static _Atomic bool ready;
	struct file file;
	heph_ctx ctx;

	dir_clear();
	ready = false;
	ctx = begin_traced("signals");
	spawn_on(ctx, HEPH_WORKER(1), wait_for_usr1, &ready);
	while (!ready)
		sched_yield();
	must_be(kill(getpid(), SIGUSR1), 0);
	end(ctx);
	file = load("signals");
	must_be(COUNT(&file,
		      "\0\x18Relaying process signals\0\6signal\1"
		      "\0\0\0\0\0\0\0\x0a",
		      NULL),
		1);
	must_be(COUNT(&file, "\0\x21Relaying process signal to actors", NULL),
		1);
	free(file.data);
}

/* Whoever does nothing but switch is summed up: the file stays small. */
static int spin_long(heph_ctx ctx, act_inbox in, void *arg)
{
	for (int n = 0; n < 300000; n++)
		must_be(heph_yield(ctx), 0);
	return 0;
}

static void turns_are_summed_up(void **state)
{
	unsigned runs;
	struct file file;
	heph_ctx ctx;

	dir_clear();
	ctx = begin_traced("sums");
	spawn_on(ctx, HEPH_WORKER(0), spin_long, NULL);
	end(ctx);
	file = load("sums");
	runs = COUNT(&file, "\0\x0dRunning actor\0", NULL);
	must(runs > 1000 && runs < 300000);
	must(COUNT(&file, "\0\x0eRunning actors\0\5steps\1", NULL) > 0);
	free(file.data);
}

/* ---- on and off ------------------------------------------------------------------------- */

static void it_goes_on_and_off(void **state)
{
	heph_ctx ctx = begin(&two_workers);
	struct heph *heph = heph_runtime(ctx);
	struct heph_trace_info info;
	char name[16];
	struct file file;

	dir_clear();
	must_be(heph_trace_stop(heph), -EALREADY);
	for (int n = 0; n < 20; n++) {
		snprintf(name, sizeof(name), "trace%d", n);
		must_be(heph_trace_start(heph, dir_name(name)), 0);
		must_be(heph_trace_start(heph, dir_name("x")), -EALREADY);
		must(!dir_has("x"));
		must_be(heph_span_end(ctx, heph_span_begin(ctx), "here"), 0);
		stop_and_join(ctx,
			      spawn_on(ctx, HEPH_WORKER(n % 2), idle, NULL));
		must_be(heph_trace_stop(heph), 0);
		must_be(heph_span_begin(ctx).start, 0);
		info = heph_trace_info(heph);
		must_be(info.on, false);
		must_be(info.lost, 0);
		file = load(name);
		must_be(info.bytes, file.size);
		must_be(COUNT(&file, "", NULL), info.written);
		must_be(COUNT(&file, "\0\4here", NULL), 1);
		must_be(COUNT(&file, "\0\x12Starting the trace", NULL), 1);
		free(file.data);
	}
	must_be(heph_trace_start(heph, dir_name("trace0")), -EEXIST);
	must_be(heph_trace_start(heph, dir_name("no/dir")), -ENOENT);
	must_be(heph_trace_info(heph).on, false);
	end(ctx);
}

static _Atomic bool enough;

static int talk(heph_ctx ctx, act_inbox in, void *arg)
{
	act_ref ref = spawn_on(ctx, HEPH_WORKER(1), answer_all, NULL);

	while (!enough) {
		sync_with(ctx, ref);
		heph_span_end(ctx, heph_span_begin(ctx), "talked");
	}
	return 0;
}

static void it_goes_on_and_off_amid_work(void **state)
{
	heph_ctx ctx = begin(&two_workers);
	struct heph *heph = heph_runtime(ctx);
	struct file file;
	unsigned seen = 0;

	enough = false;
	spawn_on(ctx, HEPH_WORKER(0), talk, NULL);
	spawn_on(ctx, HEPH_ANY, talk, NULL);
	spawn_on(ctx, HEPH_OWN_THREAD, talk, NULL);
	for (int n = 0; n < 10 || !seen; n++) {
		dir_clear();
		must_be(heph_trace_start(heph, dir_name("amid")), 0);
		must_be(heph_sleep(ctx, HEPH_MSEC), 0);
		must_be(heph_trace_stop(heph), 0);
		file = load("amid");
		must_be(missing(&file), heph_trace_info(heph).lost);
		seen += COUNT(&file, "\0\6talked", NULL);
		free(file.data);
	}
	enough = true;
	end(ctx);
}

static void the_environment_goes_first(void **state)
{
	const struct heph_config config = { .workers = 1,
					    .trace = "/nowhere/at/all" };
	char name[32];
	heph_ctx ctx;

	dir_clear();
	must_be(heph_new(&ctx, &config), -ENOENT);
	setenv("HEPH_TRACE", dir_name("of-%p-%r-%%"), 1);
	ctx = begin(&config);
	snprintf(name, sizeof(name), "of-%d-0-%%", (int)getpid());
	must(dir_has(name));
	end(ctx);
	must_be(heph_new(&ctx, &config), -EEXIST);
	setenv("HEPH_TRACE", dir_name("%z"), 1);
	must_be(heph_new(&ctx, &config), -EINVAL);
	unsetenv("HEPH_TRACE");
}

static void an_embedded_runtime_is_traced(void **state)
{
	struct heph_config config = { .trace = dir_name("embedded") };
	struct heph_embed *embed;
	static uint64_t id;
	struct file file;
	act_ref ref;

	dir_clear();
	must_be(heph_embed_new(&embed, &config), 0);
	must_be(heph_spawn(heph_embed_ctx(embed), act, &ref, { tell_all, &id }),
		0);
	must_be(heph_join(heph_embed_ctx(embed), ref, NULL), 0);
	heph_embed_free(embed);
	file = load("embedded");
	has_all_of(&file, id, false);
	must_be(COUNT(&file,
		      "\0\x14"
		      "Building the runtime",
		      NULL),
		1);
	free(file.data);
}

static int start_here(heph_ctx ctx, act_inbox in, void *arg)
{
	must_be(heph_trace_start(heph_runtime(ctx), dir_name("sim")),
		-EOPNOTSUPP);
	return 0;
}

static void a_simulated_one_is_not(void **state)
{
	dir_clear();
	must_be(heph_sim_run(1, NULL, act, { start_here, NULL }), 0);
	must(!dir_has("sim"));
}

/* ---- when things go wrong ------------------------------------------------------------------ */

/* The disk is full after so many bytes; what is in the file is whole. */
static void a_full_disk_ends_it(void **state)
{
	struct rlimit limit, old;
	struct heph_span span;
	uint64_t written;
	struct heph *heph;
	struct file file;
	heph_ctx ctx;

	dir_clear();
	signal(SIGXFSZ, SIG_IGN);
	must_be(getrlimit(RLIMIT_FSIZE, &old), 0);
	ctx = begin_traced("full");
	heph = heph_runtime(ctx);
	limit = old;
	limit.rlim_cur = 5000;
	must_be(setrlimit(RLIMIT_FSIZE, &limit), 0);
	span = heph_span_begin(ctx);
	while (heph_trace_info(heph).err == 0) {
		for (int n = 0; n < 100; n++)
			heph_span_end(ctx, span, "a span that takes some room");
		sched_yield();
	}
	stop_and_join(ctx, spawn_on(ctx, HEPH_WORKER(1), idle, NULL));
	must_be(heph_trace_stop(heph), -EFBIG);
	must_be(setrlimit(RLIMIT_FSIZE, &old), 0);
	written = heph_trace_info(heph).written;
	end(ctx);
	file = load("full");
	must(file.size <= 5000);
	must_be(COUNT(&file, "", NULL), written);
	free(file.data);
}

static int span_and_die(heph_ctx ctx, act_inbox in, void *arg)
{
	void (*die)(void) = *(void (**)(void))arg;

	heph_span_end(ctx, heph_span_begin(ctx), "last words");
	dies_with_leaks();
	die();
	return 0;
}

static void leave(void)
{
	exit(0);
}

static void die_in_a_child(void (*die)(void))
{
	struct rlimit none = { 0, 0 };
	pid_t pid = fork();
	heph_ctx ctx;

	must(pid >= 0);
	if (pid == 0) {
		setrlimit(RLIMIT_CORE, &none);
		must(freopen("/dev/null", "w", stderr));
		ctx = begin_traced("dead");
		spawn_on(ctx, HEPH_WORKER(1), span_and_die, &die);
		(void)!heph_drain(ctx);
		_exit(1);
	}
	must_be(waitpid(pid, NULL, 0), pid);
}

#define HANDLES_FAULTS (!ON_ASAN && !ON_TSAN)

static void what_dies_has_told(void **state)
{
	struct file file;

	if (HANDLES_FAULTS) {
		dir_clear();
		die_in_a_child(abort);
		file = load("dead");
		must_be(COUNT(&file, "\0\x0alast words", NULL), 1);
		free(file.data);
	}
	dir_clear();
	die_in_a_child(leave);
	file = load("dead");
	must_be(COUNT(&file, "\0\x0alast words", NULL), 1);
	free(file.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(are_written_byte_by_byte),
		cmocka_unit_test(are_those_of_plain_threads_too),
		cmocka_unit_test(cost_nothing_when_nothing_is_traced),
		cmocka_unit_test(have_bounds),
		cmocka_unit_test(calls_are_told),
		cmocka_unit_test(signals_are_told),
		cmocka_unit_test(turns_are_summed_up),
		cmocka_unit_test(it_goes_on_and_off),
		cmocka_unit_test(it_goes_on_and_off_amid_work),
		cmocka_unit_test(the_environment_goes_first),
		cmocka_unit_test(an_embedded_runtime_is_traced),
		cmocka_unit_test(a_simulated_one_is_not),
		cmocka_unit_test(a_full_disk_ends_it),
		cmocka_unit_test(what_dies_has_told),
	};

	setenv("HEPH_LOG", "off", 0);
	return cmocka_run_group_tests(tests, dir_begin, dir_end);
}
