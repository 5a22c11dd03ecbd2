/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A hook of a function in which tasks sleep, for those that are to go on into the kernel's body:
 * nothing of the module may be on their stacks then, or unload would have to wait for each of them.
 */
#ifndef TAIL_HOOK_H
#define TAIL_HOOK_H

#include <linux/linkage.h>
#include <linux/static_call_types.h>
#include <asm/frame.h>
#include <asm/ibt.h>

/*
 * The hook @fn, of a function without parameters: it runs @instead if @wanted() says so, and the
 * static call @body otherwise, each as if the function had called it.
 */
#define DEFINE_TAIL_HOOK(fn, wanted, instead, body)			\
	void fn(void);							\
	asm(".pushsection .text, \"ax\", @progbits\n"			\
	    ".type " #fn ", @function\n"				\
	    ".globl " #fn "\n"						\
	    #fn ":\n"							\
	    ASM_ENDBR							\
	    FRAME_BEGIN							\
	    "	call " #wanted "\n"					\
	    FRAME_END							\
	    "	testb %al, %al\n"					\
	    "	jne " #instead "\n"					\
	    "	jmp " STATIC_CALL_TRAMP_STR(body) "\n"			\
	    ".size " #fn ", .-" #fn "\n"				\
	    ".popsection\n")

#endif /* TAIL_HOOK_H */
