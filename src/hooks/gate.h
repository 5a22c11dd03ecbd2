/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A gate in front of a hook: what a hooked function calls first, with the backend
 * "direct". Once the hooks are proven, and while bypass is off, it returns into the
 * function at once, so that a context switch costs a handful of instructions more than
 * without the module.
 */
#ifndef GATE_H
#define GATE_H

#include <linux/compiler.h>
#include <linux/linkage.h>
#include <linux/types.h>
#include <asm/ibt.h>

/* Read by the gates. Written by gate.c alone. */
extern bool gate_open;

/*
 * The gate of the hook @fn. ftrace has the function call it when it is entered, so
 * on the stack are the address behind that call, and the function's own return
 * address. When the gate is open, it returns to the hook instead, which then
 * finds what the function would find. The arguments stay in their registers;
 * %rax holds none.
 */
#define DEFINE_GATE(fn)							\
	void gate_##fn(void);						\
	asm(".pushsection .text, \"ax\", @progbits\n"			\
	    ".type gate_" #fn ", @function\n"				\
	    ".globl gate_" #fn "\n"					\
	    "gate_" #fn ":\n"						\
	    ASM_ENDBR							\
	    "	cmpb $0, gate_open(%rip)\n"				\
	    "	jne 1f\n"						\
	    ASM_RET							\
	    "1:	lea " #fn "(%rip), %rax\n"				\
	    "	movq %rax, (%rsp)\n"					\
	    ASM_RET							\
	    ".size gate_" #fn ", .-gate_" #fn "\n"			\
	    ".popsection\n")

void gate_change(int change);
void gate_prove(void);
unsigned long gate_settled(void);

/* Bypass may begin or end on any CPU from now on. */
static inline void gate_hold(void)
{
	gate_change(1);
}

/* The flags of all CPUs are what they are to be, after gate_hold(). */
static inline void gate_release(void)
{
	gate_change(-1);
}

/* Is bypass on, or does it change? */
static inline bool gate_is_open(void)
{
	return READ_ONCE(gate_open);
}

/* Written by gate.c alone: whether gate_prove() was called */
extern bool gate_proven;
/* and the changes of bypass that have begun, from 1 on. */
extern unsigned long gate_changes;

#endif /* GATE_H */
