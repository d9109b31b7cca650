/* SPDX-License-Identifier: MIT */
/* switch_x86_64.S - the switch, and where coroutines begin
 *
 * A suspended coroutine is its stack pointer, below which nothing is kept. It
 * points to a frame that all coroutines have in the same form:
 *
 *	sp + 0	argument of the function at sp + 8
 *	sp + 8	where to go on: a function, as if the one that was left had
 *		tail-called it
 *	sp + 16	r15, r14, r13, r12, rbx, rbp
 *	sp + 64	the return address of who called us; of a new coroutine, its
 *		foot: what to call when its function has returned, and the
 *		coroutine. Above that is the top of its stack, aligned to 16
 */
#ifdef __x86_64__
	.text

/* Only what is jumped to through a register begins with endbr64. */
	.macro	function name
	.globl	\name
	.hidden	\name
	.type	\name, @function
	.p2align 4
\name:
	.cfi_startproc
	.endm

	.macro	end name
	.cfi_endproc
	.size	\name, . - \name
	.endm

	.macro	save reg
	pushq	%\reg
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset \reg, 0
	.endm

	.macro	restore reg
	popq	%\reg
	.cfi_adjust_cfa_offset -8
	.cfi_restore \reg
	.endm

/* rsi: the coroutine to go on with; at its start rsp has our own frame. */
	.macro	resume
	movq	%rsi, %rdi
	movq	(%rsi), %rsp
	popq	%rsi
	.cfi_adjust_cfa_offset -8
	popq	%rax
	.cfi_adjust_cfa_offset -8
	restore	r15
	restore	r14
	restore	r13
	restore	r12
	restore	rbx
	restore	rbp
	jmp	*%rax
	.endm

	.macro	suspend
	save	rbp
	save	rbx
	save	r12
	save	r13
	save	r14
	save	r15
	pushq	%rcx
	.cfi_adjust_cfa_offset 8
	pushq	%rdx
	.cfi_adjust_cfa_offset 8
	movq	%rsp, (%rdi)
	.endm

/* int heph_coro_jump(from, to, arg, then) */
function heph_coro_jump
	suspend
	resume
end heph_coro_jump

/* void heph_coro_swap(from, to). Comes back by a jump: the two sides are called
 * from different places, so the processor would predict a return wrongly. */
function heph_coro_swap
	leaq	1f(%rip), %rcx
	suspend
	resume
1:	endbr64
	popq	%rcx
	.cfi_adjust_cfa_offset -8
	notrack jmp *%rcx
end heph_coro_swap

/* _Noreturn void heph_coro_go(from, to) */
function heph_coro_go
	.cfi_undefined rip
	.cfi_adjust_cfa_offset 64
	resume
end heph_coro_go

/* Comes in by resume: rdi is the coroutine, rsi its function; on the stack lie
 * what to call with the function's result, and the coroutine. All registers that
 * functions preserve are 0. The return address is undefined and rbp 0, so that
 * unwinders, by CFI or by frame pointers, end here. */
function heph_coro_entry
	.cfi_undefined rip
	endbr64
	call	*%rsi
	.globl	heph_coro_returned
	.hidden	heph_coro_returned
heph_coro_returned:
	popq	%rcx
	popq	%rdi
	movl	%eax, %esi
	call	*%rcx
	ud2
end heph_coro_entry

/* _Noreturn void heph_coro_restart(self, fn, foot): enters with that in rsp */
function heph_coro_restart
	.cfi_undefined rip
	movq	%rdx, %rsp
	xorl	%ebp, %ebp
	xorl	%ebx, %ebx
	xorl	%r12d, %r12d
	xorl	%r13d, %r13d
	xorl	%r14d, %r14d
	xorl	%r15d, %r15d
	jmp	heph_coro_entry
end heph_coro_restart
#endif

	.section .note.GNU-stack, "", %progbits
