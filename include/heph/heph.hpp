/* SPDX-License-Identifier: MIT */
/*
 * heph.hpp - the typed half for C++17: the words of typed.h, as templates
 *
 *     HEPH_ACTOR(counter, struct counter_msg, struct counter_arg);
 *
 * means the same in C and in C++, so a header that declares an actor serves
 * both, and one end of a conversation may be C and the other C++. In one .cpp
 * file HEPH_ACTOR_MAIN(counter, counter_main, .drop = counter_msg_drop) says
 * which function, or lambda without captures, it is. What differs from typed.h:
 *
 *   - Options follow the argument as one value, which is { } if the actor takes
 *     none:   heph_spawn(ctx, counter, &ref, { 2 }, { .inbox = 128 })
 *   - heph_wait() takes its clauses in order: no [A] = in front.
 *   - heph_spawn_fn() makes an actor of a lambda, and heph_defer() takes one.
 *   - Times may be std::chrono's: heph_within(ctx, 2s).
 *   - heph_recv(ctx, in) and heph_ask(ctx, ref, member, message) return what they
 *     got, or why not: a heph_cxx::result.
 *
 * Messages that are trivially copyable are copied byte by byte, as in C, and may
 * come from there. All others, with a std::string in them for example, are moved:
 * to the heap when they are sent, and out of it when they are received. The same
 * holds for what lambdas capture, and for values in channels. Arguments
 * (HEPH_ACTOR) and answers are always copied byte by byte.
 *
 * An actor whose lambda captures what is not trivially copyable has it until it
 * ends for good, however it ends. When it is restarted it gets a copy of what it
 * captured first; one whose captures cannot be copied cannot be restarted.
 *
 * Exceptions. One that leaves the function of an actor made here becomes a
 * panic with its what() as the note, after the destructors of its frames have
 * run: the supervisor decides. (heph_panic() itself abandons frames: where
 * destructors matter, throw.) One that leaves a deferred call, a drop function
 * or .decide, or an actor that is written in C, ends the process.
 *
 * No wait inside a catch block: while it lasts, the C++ runtime keeps the
 * exception in a stack of the thread, which all actors of a worker share. Copy
 * what is needed, leave the block, then wait. Without NDEBUG the verbs below
 * stop the process when they are called in one. A destructor must not wait
 * while an exception passes through its frame either; that of heph_cxx::scope,
 * which does, sees to it.
 */
#ifndef HEPH_HEPH_HPP
#define HEPH_HEPH_HPP

#include <heph/cxx/actor.hpp>
#include <heph/cxx/chan.hpp>
#include <heph/cxx/group.hpp>
#include <heph/cxx/message.hpp>
#include <heph/cxx/scoped.hpp>
#include <heph/cxx/systemd.hpp>
#include <heph/cxx/test.hpp>
#include <heph/cxx/value.hpp>

#endif
