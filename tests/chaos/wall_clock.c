/* Preloaded into every program of a test machine: its wall clock can be set, and a program of it can
 * be made to hang in its next sleep. Both are told by a small file that all of them map. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

struct dials {
    int64_t offset_seconds;
    int64_t hanging_pid;
};

static const volatile struct dials *dials;

__attribute__((constructor)) static void find_dials(void) {
    int file = open("/run/dials", O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return;
    void *mapped = mmap(NULL, sizeof(struct dials), PROT_READ, MAP_SHARED, file, 0);
    close(file);
    if (mapped != MAP_FAILED)
        dials = mapped;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    int failed = (int)syscall(SYS_clock_gettime, clock, now);
    if (!failed && dials && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        now->tv_sec += dials->offset_seconds;
    return failed;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec exact;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &exact);
    now->tv_sec = exact.tv_sec;
    now->tv_usec = exact.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *out) {
    struct timespec exact;
    clock_gettime(CLOCK_REALTIME, &exact);
    if (out)
        *out = exact.tv_sec;
    return exact.tv_sec;
}

int clock_nanosleep(clockid_t clock, int flags, const struct timespec *wanted,
                    struct timespec *left) {
    static const struct timespec second = {1, 0};
    while (dials && dials->hanging_pid == getpid())
        if (syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &second, NULL))
            return errno;
    return syscall(SYS_clock_nanosleep, clock, flags, wanted, left) ? errno : 0;
}
