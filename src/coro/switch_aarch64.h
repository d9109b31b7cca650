/* SPDX-License-Identifier: MIT */
/* switch_aarch64.h - the switch on AArch64; included by coro.h alone
 *
 * x1 holds `to` at the jump: the entry (switch_aarch64.S) finds it there. The
 * label is a numbered one, so any number of copies can stand in one file. All
 * registers but sp and x29 are clobbered; x29 cannot be in the list, as it may
 * be the frame pointer, and is saved by hand. x18 is an ordinary register on
 * Linux, which compilers use: it is clobbered too.
 */
#ifdef __ARM_FEATURE_BTI_DEFAULT
#define HEPH_CORO_LAND__ "hint	#36\n\t" /* bti j */
#else
#define HEPH_CORO_LAND__
#endif

/* clang-format off */
#ifdef __ARM_FEATURE_SVE
#define HEPH_CORO_CLOBBERS_SVE__                                               \
	, "p0", "p1", "p2", "p3", "p4", "p5", "p6", "p7", "p8", "p9", "p10",   \
	  "p11", "p12", "p13", "p14", "p15", "ffr"
#else
#define HEPH_CORO_CLOBBERS_SVE__
#endif

_Static_assert(offsetof(struct heph_coro, sp) == 0 &&
	       offsetof(struct heph_coro, ip) == 8 &&
	       offsetof(struct heph_coro, fp) == 16, "as the code below has it");

static inline __attribute__((always_inline)) void
heph_coro_jump(struct heph_coro *from, struct heph_coro *to)
{
	register struct heph_coro *x0 __asm__("x0") = from;
	register struct heph_coro *x1 __asm__("x1") = to;

	__asm__ volatile(
		"mov	x2, sp\n\t"
		"adr	x3, 1f\n\t"
		"stp	x2, x3, [x0]\n\t"
		"str	x29, [x0, #16]\n\t"
		"ldp	x2, x17, [x1]\n\t"
		"ldr	x29, [x1, #16]\n\t"
		"mov	sp, x2\n\t"
		"br	x17\n"
		"1:\n\t"
		HEPH_CORO_LAND__
		: "+r"(x0), "+r"(x1)
		:
		: "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11",
		  "x12", "x13", "x14", "x15", "x16", "x17", "x18", "x19", "x20",
		  "x21", "x22", "x23", "x24", "x25", "x26", "x27", "x28", "x30",
		  "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9",
		  "v10", "v11", "v12", "v13", "v14", "v15", "v16", "v17", "v18",
		  "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26", "v27",
		  "v28", "v29", "v30", "v31", "cc", "memory"
		  HEPH_CORO_CLOBBERS_SVE__);
}

static inline __attribute__((always_inline, noreturn)) void
heph_coro_go(struct heph_coro *to)
{
	register struct heph_coro *x1 __asm__("x1") = to;

	__asm__ volatile(
		"ldp	x2, x17, [x1]\n\t"
		"ldr	x29, [x1, #16]\n\t"
		"mov	sp, x2\n\t"
		"br	x17"
		:
		: "r"(x1)
		: "x2", "x17", "memory");
	__builtin_unreachable();
}
/* clang-format on */
