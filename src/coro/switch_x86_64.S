/* SPDX-License-Identifier: MIT */
/* switch_x86_64.S - where coroutines begin
 *
 * The first switch arrives here with rsi = the coroutine, rsp = the top of its
 * stack, aligned to 16, and rbp = its function. The return address is undefined
 * and rbp becomes 0, so that unwinders, by CFI or by frame pointers, end here.
 */
#ifdef __x86_64__
	.text

	.globl	heph_coro_entry
	.hidden	heph_coro_entry
	.type	heph_coro_entry, @function
	.p2align 4
heph_coro_entry:
	.cfi_startproc
	.cfi_undefined rip
	endbr64
	movq	%rsi, %rdi
	movq	%rbp, %rax
	xorl	%ebp, %ebp
	call	*%rax
	ud2
	.cfi_endproc
	.size	heph_coro_entry, . - heph_coro_entry

/* _Noreturn void heph_coro_restart(struct heph_coro *, void *top,
 *				     heph_coro_fn *): enters again, at `top` */
	.globl	heph_coro_restart
	.hidden	heph_coro_restart
	.type	heph_coro_restart, @function
	.p2align 4
heph_coro_restart:
	.cfi_startproc
	.cfi_undefined rip
	endbr64
	movq	%rsi, %rsp
	movq	%rdi, %rsi
	movq	%rdx, %rbp
	jmp	heph_coro_entry
	.cfi_endproc
	.size	heph_coro_restart, . - heph_coro_restart
#endif

	.section .note.GNU-stack, "", %progbits
