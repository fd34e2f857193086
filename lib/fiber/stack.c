/* SPDX-License-Identifier: ISC */
/*
 * stack - see stack.h.
 *
 * _FORTIFY_SOURCE is off in this file: its longjmp refuses to jump "up", which is what a switch
 * between stacks looks like.
 */
#undef _FORTIFY_SOURCE

#include <errno.h>
#include <setjmp.h>
#include <stdint.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/panic.h"
#include "fiber/stack.h"

#ifdef HAVE_VALGRIND_VALGRIND_H
#include <valgrind/valgrind.h>
#endif

#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#endif
#ifdef WITH_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#define NO_ASAN	__attribute__((no_sanitize_address))
#else
#define NO_ASAN
#endif

#ifndef MAP_STACK
#define MAP_STACK 0
#endif
#ifndef MAP_NORESERVE
#define MAP_NORESERVE 0
#endif

/* What the bottom function of a new stack needs to know; makecontext passes only ints. */
static struct context *starting, *starter;

size_t
context_page(void)
{
	static size_t page;

	if (page == 0)
		page = (size_t)sysconf(_SC_PAGESIZE);
	return page;
}

/* Tell ASan that we are about to leave for `to`. */
static inline void
leaving(struct context *from, struct context *to, bool last)
{
#ifdef WITH_ASAN
	__sanitizer_start_switch_fiber(last ? NULL : &from->fake, to->asan_low, to->asan_size);
#else
	(void)from; (void)to; (void)last;
#endif
}

/* Tell ASan that we arrived in `to`; its fake stack is used again. */
static inline void
arrived(struct context *to)
{
#ifdef WITH_ASAN
	void *fake = to->fake;

	to->fake = NULL;
	__sanitizer_finish_switch_fiber(fake, NULL, NULL);
#else
	(void)to;
#endif
}

/* The bottom of every stack.  Its first visit only leaves a place to jump to. */
NO_ASAN static void
bottom(void)
{
	struct context *c = starting;
	struct context *volatile self = c;

#ifdef WITH_ASAN
	__sanitizer_finish_switch_fiber(NULL, &starter->asan_low, &starter->asan_size);
#endif
	if (_setjmp(c->env) == 0) {
		leaving(self, starter, false);
		_longjmp(starter->env, 1);
	}
	arrived(self);
	for (;;)
		self->body(self->arg);
}

char *
context_map(size_t size)
{
	size_t page = context_page();
	char *map;

	map = mmap(NULL, size + page, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
	if (map == MAP_FAILED)
		return NULL;
	if (mprotect(map, page, PROT_NONE) != 0) {
		munmap(map, size + page);
		return NULL;
	}
	return map + page + size;
}

void
context_new(struct context *c, struct context *from, void *limit, char *top, size_t size,
    void (*body)(void *), void *arg)
{
	ucontext_t there;

	*c = (struct context){ .low = top - size, .size = size, .body = body, .arg = arg };
	c->asan_low = c->low;
	c->asan_size = (size_t)((char *)limit - (char *)c->low);
#ifdef HAVE_VALGRIND_VALGRIND_H
	c->valgrind_id = VALGRIND_STACK_REGISTER(c->low, limit);
#endif
	if (getcontext(&there) != 0)
		panic("getcontext: errno %d", errno);
	there.uc_link = NULL;
	there.uc_stack.ss_sp = c->low;
	there.uc_stack.ss_size = c->asan_size;
	makecontext(&there, bottom, 0);
	starting = c;
	starter = from;
	if (_setjmp(from->env) == 0) {
		leaving(from, c, false);
		setcontext(&there);
		panic("setcontext: errno %d", errno);
	}
	arrived(from);
}

void
context_free(struct context *c)
{
	size_t page = context_page();

	if (c->low == NULL)
		return;
#ifdef HAVE_VALGRIND_VALGRIND_H
	VALGRIND_STACK_DEREGISTER(c->valgrind_id);
#endif
#ifdef WITH_ASAN
	/* The next owner of these addresses must not meet our red zones. */
	__asan_unpoison_memory_region(c->low, c->size);
#endif
	munmap((char *)c->low - page, c->size + page);
	c->low = NULL;
}

void __attribute__((noinline))
context_switch(struct context *from, struct context *to, bool last)
{
	leaving(from, to, last);
	if (_setjmp(from->env) == 0)
		_longjmp(to->env, 1);
	arrived(from);
}

size_t
context_used(const struct context *c)
{
	size_t page = context_page(), pages = c->size / page, i;
	unsigned char in;

	for (i = 0; i < pages; i++)
		if (mincore((char *)c->low + i * page, page, &in) == 0 && (in & 1) != 0)
			break;
	return (pages - i) * page;
}

void
context_trim(const struct context *c)
{
	uintptr_t low = (uintptr_t)c->low, here = (uintptr_t)__builtin_frame_address(0);
	size_t page = context_page();

	/* One page stays for this frame and those it is about to call. */
	here = (here - page) / page * page;
	if (here > low && here < low + c->size)
		(void)madvise(c->low, here - low, MADV_DONTNEED);
}
