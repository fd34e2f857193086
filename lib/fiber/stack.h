/* SPDX-License-Identifier: ISC */
/*
 * stack - stacks and the switch between them; for lib/fiber alone.
 *
 * A stack is a mapping with a guard page below it.  It is made once with makecontext and entered
 * once with setcontext; from then on _setjmp and _longjmp switch, which cost no system call.
 * Its bottom function never returns: it runs one body after the other, so a stack that is used
 * again needs nothing but a switch.
 */
#ifndef FIBER_STACK_H
#define FIBER_STACK_H

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>

struct context {
	jmp_buf env;
	void *low;		/* lowest usable byte; NULL for the thread's own stack */
	size_t size;		/* bytes from low to the top of the mapping */
	void (*body)(void *);	/* called with `arg` at each entry from the bottom */
	void *arg;
	void *fake;		/* ASan's fake stack while switched away */
	const void *asan_low;	/* the bounds as ASan wants them */
	size_t asan_size;
	unsigned valgrind_id;
};

/*
 * Map a stack of `size` bytes with a guard page below; gives its top, or NULL with errno.
 */
char *context_map(size_t size);

/*
 * Make `c` the context of a stack that context_map gave.  Frames begin below `limit`; what is above
 * it (the fiber itself, and `c` in it) is the caller's.  The bottom of the stack calls `body(arg)`
 * for ever, once each time it is switched to after body ended by a last context_switch.  `from` is
 * the running context.
 */
void context_new(struct context *c, struct context *from, void *limit, char *top, size_t size,
    void (*body)(void *), void *arg);

/* Unmap the stack, which is not the running one; `c` is a copy outside it. */
void context_free(struct context *c);

/*
 * Go on in `to`; returns when someone switches back.  With `last` the running body has ended:
 * nothing of its frames is needed again (ASan only).
 */
void context_switch(struct context *from, struct context *to, bool last);

/* Bytes of the stack that were ever touched, in pages. */
size_t context_used(const struct context *c);

/* Give back the pages below the running frame: deep calls of the past are not paid for while idle. */
void context_trim(const struct context *c);

/* Size of a page. */
size_t context_page(void);

#endif
