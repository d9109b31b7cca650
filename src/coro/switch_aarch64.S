/* SPDX-License-Identifier: MIT */
/* switch_aarch64.S - where coroutines begin
 *
 * The first switch arrives here with x1 = the coroutine, sp = the top of its
 * stack, aligned to 16, and x29 = its function. The return address is undefined
 * and x29 becomes 0, so that unwinders, by CFI or by frame pointers, end here.
 */
#ifdef __aarch64__
	.text

	.globl	heph_coro_entry
	.hidden	heph_coro_entry
	.type	heph_coro_entry, %function
	.p2align 4
heph_coro_entry:
	.cfi_startproc
	.cfi_undefined x30
	hint	#38			/* bti jc */
	mov	x0, x1
	mov	x2, x29
	mov	x29, xzr
	mov	x30, xzr
	blr	x2
	brk	#0
	.cfi_endproc
	.size	heph_coro_entry, . - heph_coro_entry

/* _Noreturn void heph_coro_restart(struct heph_coro *, void *top,
 *				     heph_coro_fn *): enters again, at `top` */
	.globl	heph_coro_restart
	.hidden	heph_coro_restart
	.type	heph_coro_restart, %function
	.p2align 4
heph_coro_restart:
	.cfi_startproc
	.cfi_undefined x30
	hint	#34			/* bti c */
	mov	sp, x1
	mov	x1, x0
	mov	x29, x2
	b	heph_coro_entry
	.cfi_endproc
	.size	heph_coro_restart, . - heph_coro_restart
#endif

	.section .note.GNU-stack, "", %progbits
