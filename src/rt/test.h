/* SPDX-License-Identifier: MIT */
/* test.h - the inside of a test runtime */
#ifndef HEPH_RT_TEST_H
#define HEPH_RT_TEST_H

#include <heph/test.h>

#include "base/rand.h"
#include "rt/runtime.h"

struct heph_probe;

enum { HEPH_TEST_TEXT = 1024 };

struct heph_test {
	struct heph_runtime *runtime;
	struct heph_worker *worker;
	heph_ctx ctx;
	struct heph_test_config config;
	heph_time now;
	struct heph_rand order;
	uint64_t steps; /* since time has passed, or the test began to wait */
	_Atomic bool news; /* for the coordinator */
	bool running;
	struct heph_thread *mine; /* current, while it runs */
	bool failed;
	struct heph_probe *probes;
	struct heph_test_failure *failures;
	unsigned n_failures, max_failures, told; /* of them, to `fail` */
	char text[HEPH_TEST_TEXT];               /* of the failure */
	char state[HEPH_TEST_TEXT];
};

/* Fails the test. */
_Noreturn void heph_test_fail(struct heph_test *test, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* What runs until heph_test_leave() is on the worker's account. */
void heph_test_enter(struct heph_test *test);
void heph_test_leave(struct heph_test *test);

/* Takes in what has come, runs an actor if one can run, or lets time pass, but
 * not beyond `deadline`. Whether anything has happened. */
bool heph_test_progress(struct heph_test *test, heph_time deadline);

/* The actor with that address, or NULL. */
struct heph_self *heph_test_find(struct heph_test *test, struct heph_addr addr);

/* Logs what all actors wait for. */
void heph_test_list(struct heph_test *test);

/* Frees the records of probes, whose actors have ended. */
void heph_probes_free(struct heph_test *test);

#endif
