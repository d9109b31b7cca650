/* SPDX-License-Identifier: MIT */
/* fault.h - the report of a crash
 *
 * On SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGABRT the process writes to standard error
 * what happened, at which address and instruction, who was running, and a
 * backtrace; then what was installed before takes the signal, by default a core
 * dump. The handler runs on an alternate stack, so that it can report the
 * overflow of the one in use: each thread needs heph_fault_thread_init.
 *
 * The environment HEPH_FAULT=off switches it off, and so do ASan and TSan,
 * which have reports of their own: then all functions return 0 and do nothing.
 */
#ifndef HEPH_CORO_FAULT_H
#define HEPH_CORO_FAULT_H

/* Writes to `fd` who was running on this thread, and whether `addr`, the
 * address of the fault, is in the guard of its stack, as lines that begin with
 * "heph: ". `addr` is NULL if the signal was sent. Called in a signal handler:
 * only write(2) and the like. Set once, before heph_fault_install; may be
 * NULL. */
extern void (*heph_fault_describe)(int fd, const void *addr);

/* Called after the report, in the handler: to save what is not written yet. Set
 * by an upper layer, or NULL. */
extern void (*heph_fault_save)(void);

/* Installs the handlers; once per process, further calls do nothing. Any
 * thread. Returns 0 or a negative errno. */
int heph_fault_install(void);

/* Gives the calling thread an alternate signal stack, if it has none. Returns
 * 0; -ENOMEM. */
int heph_fault_thread_init(void);

/* Takes it away. The same thread; accepts one that was not initialised. */
void heph_fault_thread_fini(void);

#endif
