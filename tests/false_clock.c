/* A wrong time of day, FALSE_CLOCK seconds ahead, for a program and those that it starts.
 *
 *     cc -shared -fPIC -O2 -o build/false_clock.so tests/false_clock.c
 *     LD_PRELOAD=build/false_clock.so FALSE_CLOCK=86400 date
 *
 * libfaketime shows the true time to a signal handler that interrupts a wait. The handler of
 * Postgres's timers takes that time, finds that nothing is due for years and sets its timer anew:
 * lock_timeout, statement_timeout and deadlock_timeout never come. Here the time of day is wrong
 * everywhere, and nothing else is: timers, waits and the monotonic clock stay true.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static time_t ahead;

__attribute__((constructor)) static void begin(void)
{
    const char *seconds = getenv("FALSE_CLOCK");
    ahead = seconds ? strtoll(seconds, NULL, 10) : 0;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    int failed = (int) syscall(SYS_clock_gettime, clock, now);
    if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        now->tv_sec += ahead;
    return failed;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    struct timespec exact;
    (void) zone;
    clock_gettime(CLOCK_REALTIME, &exact);
    now->tv_sec = exact.tv_sec;
    now->tv_usec = exact.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *now)
{
    struct timespec exact;
    clock_gettime(CLOCK_REALTIME, &exact);
    if (now)
        *now = exact.tv_sec;
    return exact.tv_sec;
}

int timespec_get(struct timespec *now, int base)
{
    return base == TIME_UTC && !clock_gettime(CLOCK_REALTIME, now) ? base : 0;
}
