/* SPDX-License-Identifier: MIT */
/* switch_aarch64.S - the switch, and where coroutines begin
 *
 * A suspended coroutine is its stack pointer, below which nothing is kept. It
 * points to a frame that all coroutines have in the same form:
 *
 *	sp + 0		argument of the function at sp + 8
 *	sp + 8		where to go on: a function, as if the one that was left
 *			had tail-called it
 *	sp + 16		x19 to x30
 *	sp + 112	d8 to d15
 *	sp + 176	the stack of who called us; of a new coroutine, its foot:
 *			what to call when its function has returned, and the
 *			coroutine. Above that is the top, aligned to 16
 */
#ifdef __aarch64__
	.text

	.macro	function name
	.globl	\name
	.hidden	\name
	.type	\name, %function
	.p2align 4
\name:
	.cfi_startproc
	hint	#34			/* bti c */
	.endm

	.macro	end name
	.cfi_endproc
	.size	\name, . - \name
	.endm

	.macro	suspend
	sub	sp, sp, #176
	.cfi_adjust_cfa_offset 176
	stp	x2, x3, [sp]
	stp	x19, x20, [sp, #16]
	stp	x21, x22, [sp, #32]
	stp	x23, x24, [sp, #48]
	stp	x25, x26, [sp, #64]
	stp	x27, x28, [sp, #80]
	stp	x29, x30, [sp, #96]
	.cfi_rel_offset x29, 96
	.cfi_rel_offset x30, 104
	stp	d8, d9, [sp, #112]
	stp	d10, d11, [sp, #128]
	stp	d12, d13, [sp, #144]
	stp	d14, d15, [sp, #160]
	mov	x9, sp
	str	x9, [x0]
	.endm

/* x1: the coroutine to go on with; at its start sp has our own frame. */
	.macro	resume
	mov	x0, x1
	ldr	x9, [x1]
	mov	sp, x9
	ldp	x1, x16, [sp]
	ldp	x19, x20, [sp, #16]
	ldp	x21, x22, [sp, #32]
	ldp	x23, x24, [sp, #48]
	ldp	x25, x26, [sp, #64]
	ldp	x27, x28, [sp, #80]
	ldp	x29, x30, [sp, #96]
	ldp	d8, d9, [sp, #112]
	ldp	d10, d11, [sp, #128]
	ldp	d12, d13, [sp, #144]
	ldp	d14, d15, [sp, #160]
	add	sp, sp, #176
	.cfi_adjust_cfa_offset -176
	.cfi_restore x29
	.cfi_restore x30
	br	x16			/* to a bti c */
	.endm

/* int heph_coro_jump(from, to, arg, then) */
function heph_coro_jump
	suspend
	resume
end heph_coro_jump

/* void heph_coro_swap(from, to) */
function heph_coro_swap
	adr	x3, 1f
	suspend
	resume
1:	hint	#34
	ret
end heph_coro_swap

/* _Noreturn void heph_coro_go(from, to) */
function heph_coro_go
	.cfi_undefined x30
	.cfi_adjust_cfa_offset 176
	resume
end heph_coro_go

/* Comes in by resume: x0 is the coroutine, x1 its function; on the stack lie
 * what to call with the function's result, and the coroutine. The return address
 * is undefined and x29 0, so that unwinders, by CFI or by frame pointers, end
 * here. */
function heph_coro_entry
	.cfi_undefined x30
	mov	x29, xzr
	mov	x30, xzr
	blr	x1
	.globl	heph_coro_returned
	.hidden	heph_coro_returned
heph_coro_returned:
	mov	w1, w0
	ldp	x2, x0, [sp], #16
	blr	x2
	brk	#0
end heph_coro_entry

/* _Noreturn void heph_coro_restart(self, fn, foot): enters with that in sp */
function heph_coro_restart
	.cfi_undefined x30
	mov	sp, x2
	b	heph_coro_entry
end heph_coro_restart
#endif

	.section .note.GNU-stack, "", %progbits
