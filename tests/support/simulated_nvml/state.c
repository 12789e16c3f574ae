/*
 * What all processes with the same AIES_SIM_STATE share: the zero time, which the first of them
 * sets, and when each device was set to work and to rest. Without that file it is this process's
 * (and that of its forks) alone.
 *
 * Who notes a change holds the lock from the clock to the note, and who looks one up waits for it:
 * a change that is found late would make a counter step back. The system frees the lock of a
 * process that is killed, and a change is complete before it is counted.
 */

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "driver.h"

/* So many of the last changes of a device are kept; readers look back a few seconds. */
#define REMEMBERED 8192

struct change {
    double at_seconds, busy_seconds;
    int busy;
};
struct course {
    unsigned long long changes;
    struct change ring[REMEMBERED];
};
struct state {
    int ready;
    double zero_seconds;
    pthread_mutex_t lock, turn;
    struct course courses[MAX_GPUS];
};

static struct state *state;

double clock_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (now.tv_sec * 1000000000LL + now.tv_nsec) / 1e9;
}

static void prepare_state(void) {
    pthread_mutexattr_t kind;
    if (state->ready) return;
    pthread_mutexattr_init(&kind);
    pthread_mutexattr_setpshared(&kind, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&kind, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&state->lock, &kind);
    pthread_mutex_init(&state->turn, &kind);
    state->zero_seconds = clock_seconds();
    state->ready = 1;
}

void open_state(const char *path) {
    int file = -1, flags = MAP_SHARED | MAP_ANONYMOUS;
    if (path) {
        flags = MAP_SHARED;
        file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
        if (file < 0 || flock(file, LOCK_EX) || ftruncate(file, sizeof *state))
            misconfigured("AIES_SIM_STATE cannot be opened for writing");
    }
    state = mmap(NULL, sizeof *state, PROT_READ | PROT_WRITE, flags, file, 0);
    if (state == MAP_FAILED) misconfigured("AIES_SIM_STATE cannot be mapped");
    prepare_state();
    if (file < 0) return;
    flock(file, LOCK_UN); /* the mapping keeps the file, and with it the lock, beyond its closing */
    close(file);
}

double zero_seconds(void) { return state->zero_seconds; }

static void take(pthread_mutex_t *lock) {
    if (pthread_mutex_lock(lock) == EOWNERDEAD) pthread_mutex_consistent(lock);
}
static void lock_state(void) { take(&state->lock); }

/* Of the process that the driver answers; the others wait. */
void take_turn(void) { take(&state->turn); }
void leave_turn(void) { pthread_mutex_unlock(&state->turn); }

void change_work(int index, int busy) {
    struct course *course = &state->courses[index];
    lock_state();
    struct change last = {0, 0, 0};
    if (course->changes) last = course->ring[(course->changes - 1) % REMEMBERED];
    if (last.busy != busy) {
        double now = clock_seconds();
        double more = last.busy ? now - last.at_seconds : 0;
        course->ring[course->changes % REMEMBERED] =
            (struct change){now, last.busy_seconds + more, busy};
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
        course->changes++;
    }
    pthread_mutex_unlock(&state->lock);
}

/* The last change at or before `seconds`; before the first one the device was always at rest. */
static struct change change_before(int index, double seconds) {
    const struct course *course = &state->courses[index];
    struct change found = {0, 0, 0};
    lock_state();
    for (unsigned long long back = 1; back <= course->changes; back++) {
        if (back == REMEMBERED)
            misconfigured("the work changed too often since the time that was asked for");
        const struct change *change = &course->ring[(course->changes - back) % REMEMBERED];
        if (change->at_seconds > seconds) continue;
        found = *change;
        break;
    }
    pthread_mutex_unlock(&state->lock);
    return found;
}

double busy_seconds_until(int index, double seconds) {
    struct change last = change_before(index, seconds);
    return last.busy_seconds + (last.busy ? seconds - last.at_seconds : 0);
}

int is_busy(int index) { return change_before(index, clock_seconds()).busy; }
