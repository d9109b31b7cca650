/* SPDX-License-Identifier: MIT */
/* switch_x86_64.h - the switch on x86-64; included by coro.h alone
 *
 * rsi holds `to` at the jump: the entry (switch_x86_64.S) finds it there. The
 * label is a numbered one, so any number of copies can stand in one file. All
 * registers but rsp and rbp are clobbered; rbp cannot be in the list, as it may
 * be the frame pointer, and is saved by hand.
 */
#if defined(__CET__) && (__CET__ & 1)
#define HEPH_CORO_LAND__ "endbr64\n\t"
#else
#define HEPH_CORO_LAND__
#endif

/* clang-format off */
#ifdef __AVX512F__
#define HEPH_CORO_CLOBBERS_AVX512__                                            \
	, "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22",       \
	  "xmm23", "xmm24", "xmm25", "xmm26", "xmm27", "xmm28", "xmm29",       \
	  "xmm30", "xmm31", "k0", "k1", "k2", "k3", "k4", "k5", "k6", "k7"
#else
#define HEPH_CORO_CLOBBERS_AVX512__
#endif

_Static_assert(offsetof(struct heph_coro, sp) == 0 &&
	       offsetof(struct heph_coro, ip) == 8 &&
	       offsetof(struct heph_coro, fp) == 16, "as the code below has it");

static inline __attribute__((always_inline)) void
heph_coro_jump(struct heph_coro *from, struct heph_coro *to)
{
	__asm__ volatile(
		"leaq	1f(%%rip), %%rax\n\t"
		"movq	%%rsp, 0(%%rdi)\n\t"
		"movq	%%rax, 8(%%rdi)\n\t"
		"movq	%%rbp, 16(%%rdi)\n\t"
		"movq	0(%%rsi), %%rsp\n\t"
		"movq	16(%%rsi), %%rbp\n\t"
		"jmpq	*8(%%rsi)\n"
		"1:\n\t"
		HEPH_CORO_LAND__
		: "+D"(from), "+S"(to)
		:
		: "rax", "rbx", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12",
		  "r13", "r14", "r15", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4",
		  "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11",
		  "xmm12", "xmm13", "xmm14", "xmm15", "st", "st(1)", "st(2)",
		  "st(3)", "st(4)", "st(5)", "st(6)", "st(7)", "cc", "memory"
		  HEPH_CORO_CLOBBERS_AVX512__);
}

static inline __attribute__((always_inline, noreturn)) void
heph_coro_go(struct heph_coro *to)
{
	__asm__ volatile(
		"movq	0(%%rsi), %%rsp\n\t"
		"movq	16(%%rsi), %%rbp\n\t"
		"jmpq	*8(%%rsi)"
		:
		: "S"(to)
		: "memory");
	__builtin_unreachable();
}
/* clang-format on */
