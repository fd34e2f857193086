/* SPDX-License-Identifier: ISC */
/* fiber: starting, waiting, waking, ending. */
#include "unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "fiber/fiber.h"

static struct buf trace;
static int ends[2];
static struct fiber_queue queue;
static int count;

static void
pair(void)
{
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
}

static void
unpair(void)
{
	fiber_forget(ends[0]);
	fiber_forget(ends[1]);
	close(ends[0]);
	close(ends[1]);
}

static void
say(void *arg)
{
	buf_addz(&trace, arg);
}

static void
say_twice(void *arg)
{
	buf_addz(&trace, arg);
	fiber_yield();
	buf_addz(&trace, arg);
}

static void
order(void *arg)
{
	ck_assert(fiber_running());
	fiber_start(say_twice, (void *)(uintptr_t)"a", "a");
	fiber_start(say_twice, (void *)(uintptr_t)"b", "b");
	fiber_start(say, (void *)(uintptr_t)"c", "c");
	buf_addz(&trace, "m");
	fiber_yield();
	buf_addz(&trace, "n");
}

START_TEST(runs_in_order)
{
	ck_assert(!fiber_running());
	fiber_run(order, NULL);
	ck_str_is(buf_str(&trace), "mabcnab");
	ck_assert_uint_eq(fiber_stats().live, 0);
	buf_free(&trace);
}
END_TEST

static msec_t timers_start;

static void
sleeper(void *arg)
{
	msec_t *ms = arg;

	ck_assert_int_eq(fiber_sleep(timers_start + *ms), WAKE_TIMEOUT);
	buf_addf(&trace, "%d ", (int)*ms);
}

/* All are due at distances from one moment, which is far enough for all to be asleep by then. */
START_TEST(timers)
{
	static msec_t ms[] = { 40, 5, 60, 20, 1 };
	size_t i;

	timers_start = deadline_in(300);
	for (i = 0; i < 5; i++)
		fiber_start(sleeper, &ms[i], "sleeper");
	fiber_run(say, (void *)(uintptr_t)"go ");
	ck_str_is(buf_str(&trace), "go 1 5 20 40 60 ");
	ck_assert_int_ge(clock_ms(), timers_start + 60);
	buf_free(&trace);
}
END_TEST

/* Wait in the queue, as long as it takes to be woken there and not by the time; gives the deadline. */
static msec_t
woken_early(msec_t ms)
{
	msec_t deadline = deadline_in(ms);

	while (fiber_queue_wait(&queue, deadline) != WAKE_READY) {
		ms *= 2;
		deadline = deadline_in(ms);
	}
	return deadline;
}

/* A timer that an earlier wait left in the heap must not delay or hasten anything. */
static void
lazy(void *arg)
{
	msec_t left = woken_early(30);

	ck_assert_int_eq(fiber_sleep(left + 60), WAKE_TIMEOUT);
	ck_assert_int_ge(clock_ms(), left + 60);
	left = woken_early(3600000);
	ck_assert_int_eq(fiber_sleep(deadline_in(5)), WAKE_TIMEOUT);
	ck_assert_int_lt(clock_ms(), left);
	count++;
}

static void
lazy_main(void *arg)
{
	fiber_start(lazy, NULL, "lazy");
	while (count == 0) {
		fiber_sleep(deadline_in(5));
		(void)fiber_queue_wake(&queue);
	}
}

START_TEST(timers_lazy)
{
	fiber_run(lazy_main, NULL);
	ck_assert_int_eq(count, 1);
}
END_TEST

static void
reader(void *arg)
{
	char c;

	while (read(ends[1], &c, 1) == 1 || (errno == EAGAIN &&
	    (fiber_drained_read(ends[1]), fiber_wait_read(ends[1], deadline_in(5000)) == WAKE_READY)))
		count++;
}

static void
ping(void *arg)
{
	struct fiber *f = fiber_start(reader, NULL, "reader");
	int i;

	fiber_keep(f);
	for (i = 0; i < 10; i++) {
		ck_assert_int_eq(write(ends[0], "x", 1), 1);
		fiber_sleep(deadline_in(1));
	}
	shutdown(ends[0], SHUT_WR);
	errno = 0;
	ck_assert_int_eq(fiber_join(f, deadline_in(5000)), WAKE_READY);
	unpair();
}

START_TEST(wait_read)
{
	pair();
	fiber_run(ping, NULL);
	ck_assert_int_ge(count, 10);
}
END_TEST

/* Data and the end of file behind one edge: the end is noticed although "drained" was said. */
static void
data_and_fin(void *arg)
{
	char b[100];

	ck_assert_int_eq(fiber_wait_read(ends[1], deadline_in(1)), WAKE_TIMEOUT);
	ck_assert_int_eq(write(ends[0], "bye", 3), 3);
	shutdown(ends[0], SHUT_WR);
	ck_assert_int_eq(fiber_wait_read(ends[1], deadline_in(1000)), WAKE_READY);
	ck_assert_int_eq(read(ends[1], b, sizeof(b)), 3);
	fiber_drained_read(ends[1]);
	ck_assert_int_eq(fiber_wait_read(ends[1], deadline_in(1000)), WAKE_READY);
	ck_assert_int_eq(read(ends[1], b, sizeof(b)), 0);
	count++;
	unpair();
}

START_TEST(wait_data_and_fin)
{
	pair();
	fiber_run(data_and_fin, NULL);
	ck_assert_int_eq(count, 1);
}
END_TEST

/* The same with what libevent does not tell apart (a pipe's hang-up): noticed within seconds. */
static void
data_and_hup(void *arg)
{
	msec_t t = clock_ms();
	char b[100];

	ck_assert_int_eq(fiber_wait_read(ends[0], deadline_in(1)), WAKE_TIMEOUT);
	ck_assert_int_eq(write(ends[1], "bye", 3), 3);
	close(ends[1]);
	ck_assert_int_eq(fiber_wait_read(ends[0], deadline_in(9000)), WAKE_READY);
	ck_assert_int_eq(read(ends[0], b, sizeof(b)), 3);
	fiber_drained_read(ends[0]);
	ck_assert_int_eq(fiber_wait_read(ends[0], deadline_in(9000)), WAKE_READY);
	ck_assert_int_eq(read(ends[0], b, sizeof(b)), 0);
	ck_assert_int_lt(clock_ms() - t, 5000);
	fiber_forget(ends[0]);
	count++;
}

START_TEST(wait_data_and_hup)
{
	ck_assert_int_eq(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
	fiber_run(data_and_hup, NULL);
	ck_assert_int_eq(count, 1);
}
END_TEST

static void
fill(void *arg)
{
	static char b[65536];
	ssize_t n;

	while ((n = write(ends[0], b, sizeof(b))) > 0)
		count += (int)n;
	ck_assert_int_eq(errno, EAGAIN);
	fiber_drained_write(ends[0]);
	ck_assert_int_eq(fiber_wait_write(ends[0], deadline_in(5)), WAKE_TIMEOUT);
	while (read(ends[1], b, sizeof(b)) > 0)
		;
	ck_assert_int_eq(fiber_wait_write(ends[0], deadline_in(5000)), WAKE_READY);
	ck_assert_int_gt(write(ends[0], b, 1), 0);
	unpair();
}

START_TEST(wait_write)
{
	pair();
	fiber_run(fill, NULL);
	ck_assert_int_gt(count, 0);
}
END_TEST

/* A descriptor number that is used again starts afresh. */
static void
reuse(void *arg)
{
	int i, first = -1;

	for (i = 0; i < 5; i++) {
		pair();
		if (first < 0)
			first = ends[1];
		ck_assert_int_eq(ends[1], first);
		ck_assert_int_eq(fiber_wait_read(ends[1], deadline_in(2)), WAKE_TIMEOUT);
		ck_assert_int_eq(write(ends[0], "x", 1), 1);
		ck_assert_int_eq(fiber_wait_read(ends[1], deadline_in(2000)), WAKE_READY);
		unpair();
	}
}

START_TEST(wait_reused)
{
	fiber_run(reuse, NULL);
}
END_TEST

static void
wait_forever(void *arg)
{
	ck_assert_int_eq(fiber_wait_read(ends[1], NEVER), WAKE_CANCEL);
	ck_assert_int_eq(fiber_sleep(NEVER), WAKE_CANCEL);
	ck_assert_int_eq(fiber_queue_wait(&queue, NEVER), WAKE_CANCEL);
	ck_assert_uint_eq(queue.count, 0);
	ck_assert(fiber_cancelled());
	count++;
}

static void
queue_forever(void *arg)
{
	ck_assert_int_eq(fiber_queue_wait(&queue, NEVER), WAKE_CANCEL);
	count++;
}

static void
cancels(void *arg)
{
	struct fiber *f[3];
	int i;

	f[0] = fiber_start(wait_forever, NULL, "a");
	f[1] = fiber_start(queue_forever, NULL, "b");
	f[2] = fiber_start(queue_forever, NULL, "c");
	fiber_yield();
	ck_assert_uint_eq(queue.count, 2);
	for (i = 0; i < 3; i++) {
		fiber_keep(f[i]);
		fiber_cancel(f[i]);
	}
	for (i = 0; i < 3; i++)
		ck_assert_int_eq(fiber_join(f[i], deadline_in(1000)), WAKE_READY);
	ck_assert_uint_eq(queue.count, 0);
	unpair();
}

START_TEST(cancel)
{
	pair();
	fiber_run(cancels, NULL);
	ck_assert_int_eq(count, 3);
}
END_TEST

static void
waiter(void *arg)
{
	if (fiber_queue_wait(&queue, NEVER) == WAKE_READY)
		buf_addz(&trace, arg);
	else
		buf_addz(&trace, "-");
}

static void
queues(void *arg)
{
	queue.limit = 3;
	fiber_start(waiter, (void *)(uintptr_t)"1", "1");
	fiber_start(waiter, (void *)(uintptr_t)"2", "2");
	fiber_start(waiter, (void *)(uintptr_t)"3", "3");
	fiber_start(waiter, (void *)(uintptr_t)"4", "4");
	fiber_yield();
	ck_str_is(buf_str(&trace), "-");
	ck_assert_uint_eq(fiber_queue_wake(&queue), 1);
	fiber_yield();
	ck_str_is(buf_str(&trace), "-1");
	ck_assert_uint_eq(fiber_queue_wake_all(&queue), 2);
	ck_assert_uint_eq(fiber_queue_wake(&queue), 0);
	fiber_yield();
	ck_str_is(buf_str(&trace), "-123");
}

START_TEST(queue_order)
{
	fiber_run(queues, NULL);
	buf_free(&trace);
}
END_TEST

static void
slow(void *arg)
{
	fiber_sleep(deadline_in(20));
}

static void
joins(void *arg)
{
	struct fiber *f = fiber_start(slow, NULL, "slow");

	fiber_keep(f);
	ck_assert_int_eq(fiber_join(f, deadline_in(1)), WAKE_TIMEOUT);
	ck_assert_int_eq(fiber_join(f, deadline_in(1000)), WAKE_READY);
	f = fiber_start(say, (void *)(uintptr_t)"", "say");
	fiber_keep(f);
	fiber_yield();
	ck_assert_int_eq(fiber_join(f, NEVER), WAKE_READY);
}

START_TEST(join)
{
	fiber_run(joins, NULL);
	buf_free(&trace);
}
END_TEST

static void
on_usr1(void *arg)
{
	buf_addz(&trace, "usr1");
	fiber_stop();
}

static void
signals(void *arg)
{
	fiber_signal(SIGUSR1, on_usr1, NULL);
	kill(getpid(), SIGUSR1);
	fiber_sleep(NEVER);
}

START_TEST(signal_and_stop)
{
	fiber_run(signals, NULL);
	ck_str_is(buf_str(&trace), "usr1");
	buf_free(&trace);
}
END_TEST

/* Ten thousand fibers at once, started from a fiber, all waiting, all woken. */
#ifdef HAVE_VALGRIND_VALGRIND_H
#include <valgrind/valgrind.h>
#define MANY	(RUNNING_ON_VALGRIND ? 100 : 10000)
#else
#define MANY	10000
#endif

static void
one_of_many(void *arg)
{
	if (fiber_queue_wait(&queue, deadline_in(60000)) == WAKE_READY)
		count++;
}

static void
many_main(void *arg)
{
	unsigned many = MANY, i;

	for (i = 0; i < many; i++)
		fiber_start(one_of_many, NULL, "many");
	fiber_yield();
	while (queue.count < many)
		fiber_yield();
	ck_assert_uint_eq(fiber_stats().live, many + 1);
	ck_assert_uint_eq(fiber_queue_wake_all(&queue), many);
}

START_TEST(many)
{
	fiber_run(many_main, NULL);
	ck_assert_int_eq(count, MANY);
	ck_assert_uint_eq(fiber_stats().stacks, 0);
}
END_TEST

static void deep(int n);
static void (*volatile deeper)(int) = deep;	/* a frame each, whatever the optimizer thinks */

static void
deep(int n)
{
	volatile char here[1024];

	here[n & 1023] = (char)n;	/* which one is not known: the whole array stays */
	if (n > 0)
		deeper(n - 1);
	here[(n + 1) & 1023] = here[n & 1023];
}

static void
stack_use(void *arg)
{
	size_t before = fiber_stack_used(fiber_self());

	deep(20);
	ck_assert_uint_ge(fiber_stack_used(fiber_self()), before + 8192);
	ck_assert_uint_le(fiber_stack_used(fiber_self()), fiber_stats().stack_size);
}

START_TEST(stack_used)
{
	fiber_run(stack_use, NULL);
}
END_TEST

/* Stacks are used again; a fiber that ends gives its own to the next. */
static void
churn_one(void *arg)
{
	count++;
}

static void
churn(void *arg)
{
	int i;

	for (i = 0; i < 1000; i++) {
		fiber_start(churn_one, NULL, "churn");
		fiber_yield();
	}
	ck_assert_uint_le(fiber_stats().stacks, 2);
}

START_TEST(stacks_reused)
{
	fiber_run(churn, NULL);
	ck_assert_int_eq(count, 1000);
	count = 0;
	fiber_run(churn, NULL);
	ck_assert_int_eq(count, 1000);
}
END_TEST

static void
fresh(void)
{
	count = 0;
	memset(&queue, 0, sizeof(queue));
}

/* Who comes while the first waits goes on with it; who comes after that waits anew. */
static struct fiber_gather place;
static unsigned through;

static void
come(void *arg)
{
	fiber_gather(&place, 20);
	through++;
}

static void
gathering(void *arg)
{
	fiber_start(come, NULL, "first");
	fiber_yield();
	for (int i = 0; i < 4; i++)
		fiber_start(come, NULL, "other");
	fiber_yield();
	ck_assert_uint_eq(through, 0);
	ck_assert(place.open);
	while (through == 0)
		(void)fiber_sleep(deadline_in(1));
	fiber_yield();
	ck_assert_uint_eq(through, 5);
	ck_assert(!place.open);
	fiber_start(come, NULL, "late");
	fiber_yield();
	ck_assert_uint_eq(through, 5);
	while (through == 5)
		(void)fiber_sleep(deadline_in(1));
}

/* One that is cancelled leaves alone, or opens the way for the others. */
static void
gathering_cancelled(void *arg)
{
	struct fiber *first = fiber_start(come, NULL, "first"), *other;

	fiber_yield();
	other = fiber_start(come, NULL, "other");
	fiber_start(come, NULL, "another");
	fiber_yield();
	fiber_cancel(other);
	fiber_yield();
	ck_assert_uint_eq(through, 1);
	fiber_cancel(first);
	fiber_yield();
	fiber_yield();
	ck_assert_uint_eq(through, 3);
	ck_assert(!place.open);
}

START_TEST(gather)
{
	through = 0;
	fiber_run(gathering, NULL);
	ck_assert_uint_eq(through, 6);
	through = 0;
	fiber_run(gathering_cancelled, NULL);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("fiber");
	TCase *t = tcase_create("fiber");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, fresh, NULL);
	tcase_add_test(t, runs_in_order);
	tcase_add_test(t, timers);
	tcase_add_test(t, timers_lazy);
	tcase_add_test(t, wait_read);
	tcase_add_test(t, wait_data_and_fin);
	tcase_add_test(t, wait_data_and_hup);
	tcase_add_test(t, wait_write);
	tcase_add_test(t, wait_reused);
	tcase_add_test(t, cancel);
	tcase_add_test(t, queue_order);
	tcase_add_test(t, gather);
	tcase_add_test(t, join);
	tcase_add_test(t, signal_and_stop);
	tcase_add_test(t, many);
	tcase_add_test(t, stack_used);
	tcase_add_test(t, stacks_reused);
	suite_add_tcase(s, t);
	return s;
}

UNIT_MAIN(suite)
