/* SPDX-License-Identifier: MIT */
/*
 * The names are those of the structs, without heph_. What the script reads as a
 * number has at most eight bytes; what it goes through as a list, or follows as
 * an address, has the form that is asserted below.
 */
#include "rt/gdb.h"

#include <stdalign.h>

#include "core/inbox.h"
#include "core/life.h"
#include "core/slot.h"
#include "core/solo.h"
#include "core/timers.h"
#include "io/op.h"

extern const char heph_coro_entry[] __attribute__((visibility("hidden")));

/* One byte beside the script, so that a static program has that, too. Who does
 * not build by meson.build has no script in it. */
#ifdef HEPH_GDB_SCRIPT
extern const char heph_gdb_script[] __attribute__((visibility("hidden")));
#else
static const char heph_gdb_script[1];
#endif

#define SIZE_OF_(type_, member_) sizeof(((struct heph_##type_ *)0)->member_)
#define MEMBER(type_, member_)                                                 \
	{                                                                      \
#type_ "." #member_, SIZE_OF_(type_, member_),                 \
		{                                                              \
			.value = offsetof(struct heph_##type_, member_)        \
		}                                                              \
	}
#define AS(name_, type_, member_)                                              \
	{                                                                      \
		name_, SIZE_OF_(type_, member_),                               \
		{                                                              \
			.value = offsetof(struct heph_##type_, member_)        \
		}                                                              \
	}
#define OF_HEPH(member_)                                                       \
	{                                                                      \
		"heph." #member_, sizeof(((struct heph *)0)->member_),         \
		{                                                              \
			.value = offsetof(struct heph, member_)                \
		}                                                              \
	}
#define NUMBER(name_, value_)                                                  \
	{                                                                      \
		name_, 0,                                                      \
		{                                                              \
			.value = (value_)                                      \
		}                                                              \
	}
#define ADDRESS(name_, address_)                                               \
	{                                                                      \
		name_, 0,                                                      \
		{                                                              \
			.address = (address_)                                  \
		}                                                              \
	}
#define SIZE(type_) NUMBER(#type_, sizeof(struct heph_##type_))
#define WAIT(name_, bit_) NUMBER("wait." name_, HEPH_WAIT_##bit_)
#define FLAG(name_, bit_) NUMBER("flag." name_, HEPH_FLAG_##bit_)

/* Where a suspended coroutine keeps a register; see switch_*.S. */
#define SAVED(name_, at_)                                                      \
	{                                                                      \
		"frame." name_, 8,                                             \
		{                                                              \
			.value = (at_)                                         \
		}                                                              \
	}

/* clang-format off */
static const struct heph_gdb_entry entries[] = {
	ADDRESS("script", heph_gdb_script),

	/* the runtimes */
	ADDRESS("places", heph_places), NUMBER("places.n", HEPH_RUNTIMES_MAX),
	SIZE(place), MEMBER(place, heph),
	OF_HEPH(name),
	OF_HEPH(workers),
	OF_HEPH(threads),
	OF_HEPH(solos),
	OF_HEPH(driver), OF_HEPH(files),
	NUMBER("thread_bits", HEPH_THREADS_MAX), NUMBER("solo", HEPH_SOLO),
	MEMBER(driver, name),

	/* threads and workers */
	MEMBER(thread, current), MEMBER(thread, number), MEMBER(thread, moves),
	MEMBER(thread, tid), MEMBER(thread, asleep),
	AS("thread.spawned", thread, count.spawned),
	AS("thread.received", thread, count.received),
	AS("thread.displaced", thread, count.displaced),
	MEMBER(worker, selves), MEMBER(worker, first_self),
	MEMBER(worker, n_selves), MEMBER(worker, kinds),
	MEMBER(worker, n_kinds), MEMBER(worker, alarms),
	MEMBER(worker, alive), MEMBER(worker, now),
	AS("worker.slots", worker, slots.n),
	SIZE(solo), MEMBER(solo, runner),
	MEMBER(solos, table), MEMBER(solos, selves), MEMBER(solos, n),
	NUMBER("solos.max", HEPH_SOLOS_MAX),
	SIZE(kind), MEMBER(kind, type),
	MEMBER(actor, name), MEMBER(actor, msg_size), MEMBER(actor, arg_size),
	MEMBER(actor, entry), MEMBER(actor, drop),
	SIZE(alarm), MEMBER(alarm, deadline),

	/* actors */
	SIZE(self),
	AS("self.sp", self, coro.sp),
	MEMBER(self, id), MEMBER(self, last), MEMBER(self, thread),
	MEMBER(self, n), MEMBER(self, capacity), MEMBER(self, waiting),
	MEMBER(self, woken), MEMBER(self, flags), MEMBER(self, kind),
	MEMBER(self, received), MEMBER(self, received_high),
	MEMBER(self, slot), MEMBER(self, ext), MEMBER(self, parent),
	MEMBER(ext, name), MEMBER(ext, operations),
	WAIT("msg", MSG), WAIT("room", ROOM), WAIT("call", CALL),
	WAIT("watch", WATCH), WAIT("child", CHILD), WAIT("op", OP),
	WAIT("signal", SIGNAL), WAIT("request", REQUEST),
	WAIT("drain", DRAIN), WAIT("verdict", VERDICT),
	WAIT("force", FORCE), WAIT("hand", HAND), WAIT("park", PARK),
	WAIT("time", TIME), WAIT("stop", STOP),
	FLAG("stop", STOP), FLAG("failed", FAILED),
	FLAG("finishing", FINISHING), FLAG("away", AWAY),

	/* messages */
	MEMBER(msg, next), MEMBER(msg, size), MEMBER(msg, reply_at),
	NUMBER("msg.data", offsetof(struct heph_msg, data)),

	/* operations */
	AS("list.next", list, next), MEMBER(op, node), MEMBER(op, kind), MEMBER(op, number),
	MEMBER(op, file), MEMBER(file, number), MEMBER(op, done),
	SIZE(file), MEMBER(file, turn), MEMBER(file, owner),
	ADDRESS("op_types", heph_op_types), NUMBER("op_types.n", HEPH_OP_KINDS),
	SIZE(op_type), MEMBER(op_type, name),

	/* stacks */
	SIZE(slot), MEMBER(slot, inside), MEMBER(slot, low),
	MEMBER(slot, stacks), AS("stacks.size", stacks, size),
	MEMBER(saved, slot_and_known),
	NUMBER("saved.bytes", offsetof(struct heph_saved, bytes)),
	ADDRESS("coro.entry", heph_coro_entry),
	ADDRESS("coro.returned", heph_coro_returned),
	{ "coro.end", 0, { .function = (void (*)(void))heph_life_ended } },
	NUMBER("coro.foot", HEPH_CORO_FOOT),
	NUMBER("coro.known", HEPH_CORO_KNOWN_MAX),
	SAVED("then", 8),
#if defined(__x86_64__)
	SAVED("r15", 16), SAVED("r14", 24), SAVED("r13", 32), SAVED("r12", 40),
	SAVED("rbx", 48), SAVED("rbp", 56), SAVED("pc", 64),
	NUMBER("frame", 72),
#else
	SAVED("x19", 16), SAVED("x20", 24), SAVED("x21", 32), SAVED("x22", 40),
	SAVED("x23", 48), SAVED("x24", 56), SAVED("x25", 64), SAVED("x26", 72),
	SAVED("x27", 80), SAVED("x28", 88), SAVED("x29", 96), SAVED("pc", 104),
	NUMBER("frame", 176),
#endif
};
/* clang-format on */

_Static_assert(sizeof(struct heph_gdb_entry) == 32, "as the script has it");
_Static_assert(sizeof(struct heph_gdb_layout) == 32, "as the script has it");
_Static_assert(offsetof(struct heph_worker, thread) == 0,
	       "workers are threads");
_Static_assert(offsetof(struct heph_solo, worker) == 0, "solos are workers");
_Static_assert(alignof(struct heph_slot) == 16, "slot_and_known has four bits");
_Static_assert(HEPH_RUNTIMES_MAX <= 1024, "the script reads the table at once");

__attribute__((used)) const struct heph_gdb_layout heph_gdb_layout = {
	.magic = "heph gdb layout",
	.version = HEPH_GDB_VERSION,
	.n = sizeof(entries) / sizeof(*entries),
	.entries = entries,
};
