/* SPDX-License-Identifier: MIT */
/*
 * usdt.h - static probes for bpftrace, perf, SystemTap, and gdb
 *
 * A probe is one nop, and a note in the file that says where it is and where its
 * arguments are: in which registers, or at which offset from one. So what is
 * passed on a hot path is a value that is in a register there, or a member of a
 * struct whose address is: nothing is computed or loaded for it. Without
 * <sys/sdt.h> (Debian: systemtap-sdt-dev) there are none. docs/guide/probes.md
 * tells what each of them says.
 */
#ifndef HEPH_BASE_USDT_H
#define HEPH_BASE_USDT_H

#ifdef HEPH_USDT
/* clang would take the "o" of the default for a reason to store it first. */
#ifdef __clang__
#define STAP_SDT_ARG_CONSTRAINT nr
#endif
#include <sys/sdt.h>
#define HEPH_PROBE1(name_, a_) STAP_PROBE1(heph, name_, a_)
#define HEPH_PROBE2(name_, a_, b_) STAP_PROBE2(heph, name_, a_, b_)
#define HEPH_PROBE3(name_, a_, b_, c_) STAP_PROBE3(heph, name_, a_, b_, c_)
#define HEPH_PROBE4(name_, a_, b_, c_, d_)                                     \
	STAP_PROBE4(heph, name_, a_, b_, c_, d_)
#else
#define HEPH_PROBE1(name_, a_) ((void)0)
#define HEPH_PROBE2(name_, a_, b_) ((void)0)
#define HEPH_PROBE3(name_, a_, b_, c_) ((void)0)
#define HEPH_PROBE4(name_, a_, b_, c_, d_) ((void)0)
#endif

#endif
