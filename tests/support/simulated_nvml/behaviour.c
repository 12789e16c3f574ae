/*
 * The behaviour of the simulated driver, from the environment, read when the library is initialised
 * for the first time. SECONDS, FROM and TO count from the common zero time, see AIES_SIM_STATE. In
 * lists, separated by commas, there is one entry for each device, and the last one repeats.
 *
 *   AIES_SIM_GPUS           number of devices (1)
 *   AIES_SIM_WATTS          list: watts of devices with a constant shape (350)
 *   AIES_SIM_SHAPE          list: watts over time (constant):
 *       constant
 *       square:LOW:HIGH:PERIOD_SECONDS   half of each period low, then half high
 *       ramp:LOW:HIGH:PERIOD_SECONDS     rises steadily for a period, then falls back at once
 *       work:IDLE:BUSY                   busy while set to work with aiesSimulatedWork
 *                           Periods begin when the monotonic clock is a multiple of them.
 *   AIES_SIM_STEP_MS        list: period in which the energy counter is renewed; 0: always (100)
 *   AIES_SIM_JITTER_MS      each step of the counter comes late by a random part of it (0); it
 *                           holds the energy until then
 *   AIES_SIM_DELAY_MS       each step is seen later than it was by a random part of it (0)
 *   AIES_SIM_POWER_STEP_MS  period in which the power readings are renewed; 0: always (100)
 *   AIES_SIM_POWER_SCALE    factor of all power readings (1)
 *   AIES_SIM_LATENCY_MS     every call that reads a device takes so long before it looks (0)
 *   AIES_SIM_COUNTER_MS     USUAL or USUAL:SLOW:ONE_IN, what the driver takes beside that for the
 *                           energy counter: as a rule, and once in so many answers (0). It answers
 *                           one process at a time.
 *   AIES_SIM_STALL_MS       BEFORE:LENGTH, from when before each step of the counter on, and for how
 *                           long, the driver answers nobody who asks for it (never)
 *   AIES_SIM_STATE          file that the processes share, for work and the zero time, which is
 *                           that of the first initialisation with it (none: this process and its
 *                           forks share their own)
 *   AIES_SIM_MIG            1: MIG mode is on (0)
 *   AIES_SIM_ECC            0: the memory's error correction is off (1)
 *   AIES_SIM_PERSISTENCE    0: persistence mode is off (1)
 *   AIES_SIM_CELSIUS        temperature, or FROM:TO:SECONDS where it goes from one to the other in
 *                           so many seconds after zero (45)
 *   AIES_SIM_FAULT          what goes wrong, separated by semicolons (none):
 *       none
 *       no_driver              initialisation fails
 *       no_energy              the energy counter is not supported
 *       no_power               the power readings are not supported
 *       no_value:SECONDS       from then on the counter answers "no value"
 *       reset_after:SECONDS    from then on the counter counts from zero again
 *       stuck_after:SECONDS    from then on the counter stands still
 *       lost_after:SECONDS     from then on the GPU is lost
 *       nan_power:SECONDS      from then on the power fields are not a number, and the power usage
 *                              is an unknown error
 *   AIES_SIM_PROCESSES      list: processes that compute on the device all the time, separated by
 *                           colons (0, which is none)
 *   AIES_SIM_FOREIGN        FROM or FROM:TO, when process 4242 computes on the device (never)
 *   AIES_SIM_THROTTLE       FROM or FROM:TO, when the hardware slows down for its heat (never)
 *   AIES_SIM_LIMIT_CHANGE   SECONDS:WATTS, the power limit from then on (never)
 *   AIES_SIM_FAULT_GPU      index of the only device with the last four (all)
 *
 * The counter is the integral of the power since the monotonic clock began, rounded down to a whole
 * step: within any window the energy is exact but for what was drawn in one step.
 */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "driver.h"

#define NOWHERE {INFINITY, INFINITY}

struct device devices[MAX_GPUS];
int device_count, mig_enabled, ecc_enabled, persistence_enabled;

void misconfigured(const char *what) {
    fprintf(stderr, "simulated driver: %s\n", what);
    abort();
}

static const char *text(const char *name) {
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

static double number(const char *name, double otherwise) {
    return text(name) ? atof(text(name)) : otherwise;
}

/* Copies the next entry of a list to `entry`, which keeps the last one when there is no other. */
static void next_entry(const char **list, char *entry, size_t size) {
    if (!*list || !**list) return;
    size_t length = strcspn(*list, ",");
    if (length >= size) misconfigured("an entry of a list is too long");
    memcpy(entry, *list, length);
    entry[length] = 0;
    *list += length;
    if (**list) ++*list;
}

static struct shape read_shape(const char *entry, double watts) {
    struct shape shape = {CONSTANT, watts, watts, 0};
    double *low = &shape.low, *high = &shape.high, *period = &shape.period_seconds;
    char rest;
    if (!strcmp(entry, "constant")) return shape;
    if (sscanf(entry, "work:%lf:%lf%c", low, high, &rest) == 2) shape.form = WORK;
    else if (sscanf(entry, "square:%lf:%lf:%lf%c", low, high, period, &rest) == 3)
        shape.form = SQUARE;
    else if (sscanf(entry, "ramp:%lf:%lf:%lf%c", low, high, period, &rest) == 3) shape.form = RAMP;
    else misconfigured("AIES_SIM_SHAPE is not one of those it knows");
    if (shape.form != WORK && shape.period_seconds <= 0)
        misconfigured("AIES_SIM_SHAPE has a period that is not above zero");
    return shape;
}

static void read_fault(const char *name, size_t length, double from[FAULT_COUNT]) {
    static const char *const known[FAULT_COUNT] = {
        [NO_DRIVER] = "no_driver", [NO_ENERGY] = "no_energy", [NO_POWER] = "no_power",
        [NO_VALUE] = "no_value", [RESET] = "reset_after", [STUCK] = "stuck_after",
        [LOST] = "lost_after", [NAN_POWER] = "nan_power",
    };
    size_t end = strcspn(name, ":;");
    if (end == 4 && !strncmp(name, "none", 4)) return;
    for (int i = 0; i < FAULT_COUNT; i++)
        if (strlen(known[i]) == end && !strncmp(name, known[i], end)) {
            from[i] = end < length ? atof(name + end + 1) : 0;
            return;
        }
    misconfigured("AIES_SIM_FAULT is not one of those it knows");
}

static void read_faults(double from[FAULT_COUNT]) {
    for (int i = 0; i < FAULT_COUNT; i++) from[i] = INFINITY;
    for (const char *rest = text("AIES_SIM_FAULT"); rest && *rest;) {
        size_t length = strcspn(rest, ";");
        read_fault(rest, length, from);
        rest += length;
        if (*rest) rest++;
    }
}

static struct span read_span(const char *name) {
    struct span span = NOWHERE;
    if (text(name) && sscanf(text(name), "%lf:%lf", &span.from, &span.until) < 1)
        misconfigured("AIES_SIM_FOREIGN or AIES_SIM_THROTTLE is not FROM:TO");
    return span;
}

static void read_processes(struct device *device, const char *entry) {
    for (const char *rest = entry; *rest;) {
        char *end;
        unsigned pid = (unsigned)strtoul(rest, &end, 10);
        if (end == rest || (*end && *end != ':') || device->pid_count == MAX_PROCESSES)
            misconfigured("AIES_SIM_PROCESSES is not a list of a few processes");
        if (pid) device->pids[device->pid_count++] = pid;
        rest = *end ? end + 1 : end;
    }
}

static void read_celsius(struct device *device) {
    const char *celsius = text("AIES_SIM_CELSIUS");
    double *from = &device->celsius_from, *to = &device->celsius_to;
    *from = *to = 45;
    int numbers = celsius ? sscanf(celsius, "%lf:%lf:%lf", from, to, &device->celsius_seconds) : 1;
    if (numbers == 1) *to = *from;
    else if (numbers != 3) misconfigured("AIES_SIM_CELSIUS is neither a number nor FROM:TO:SECONDS");
}

static void read_waits(struct device *device) {
    const char *counter = text("AIES_SIM_COUNTER_MS"), *stall = text("AIES_SIM_STALL_MS");
    double *usual = &device->counter_ms, *slow = &device->slow_ms;
    double *before = &device->stall_before_ms, *length = &device->stall_ms;
    int numbers = counter ? sscanf(counter, "%lf:%lf:%u", usual, slow, &device->slow_one_in) : 1;
    if (numbers != 1 && (numbers != 3 || !device->slow_one_in))
        misconfigured("AIES_SIM_COUNTER_MS is neither USUAL nor USUAL:SLOW:ONE_IN");
    if (stall && sscanf(stall, "%lf:%lf", before, length) != 2)
        misconfigured("AIES_SIM_STALL_MS is not BEFORE:LENGTH");
    if (*length > 0 && *length >= 1000 * device->step_seconds)
        misconfigured("AIES_SIM_STALL_MS is longer than a step");
}

static void read_troubles(struct device *device) {
    int faulty = (int)number("AIES_SIM_FAULT_GPU", -1);
    read_faults(device->fault_from);
    device->foreign = read_span("AIES_SIM_FOREIGN");
    device->throttled = read_span("AIES_SIM_THROTTLE");
    device->limited = (struct span)NOWHERE;
    const char *limit = text("AIES_SIM_LIMIT_CHANGE");
    if (limit && sscanf(limit, "%lf:%lf", &device->limited.from, &device->limit_watts) != 2)
        misconfigured("AIES_SIM_LIMIT_CHANGE is not SECONDS:WATTS");
    if (faulty < 0 || faulty == device->index) return;
    for (int i = 0; i < FAULT_COUNT; i++)
        if (i != NO_DRIVER) device->fault_from[i] = INFINITY;
    device->foreign = device->throttled = device->limited = (struct span)NOWHERE;
}

void configure(void) {
    const char *watts = text("AIES_SIM_WATTS"), *steps = text("AIES_SIM_STEP_MS");
    const char *shapes = text("AIES_SIM_SHAPE"), *processes = text("AIES_SIM_PROCESSES");
    char one_watts[64] = "350", one_step[64] = "100", one_shape[256] = "constant";
    char one_processes[128] = "0";

    device_count = (int)number("AIES_SIM_GPUS", 1);
    if (device_count < 0 || device_count > MAX_GPUS) misconfigured("AIES_SIM_GPUS is out of range");
    mig_enabled = number("AIES_SIM_MIG", 0) != 0;
    ecc_enabled = number("AIES_SIM_ECC", 1) != 0;
    persistence_enabled = number("AIES_SIM_PERSISTENCE", 1) != 0;
    for (int i = 0; i < MAX_GPUS; i++) {
        struct device *device = &devices[i];
        next_entry(&watts, one_watts, sizeof one_watts);
        next_entry(&steps, one_step, sizeof one_step);
        next_entry(&shapes, one_shape, sizeof one_shape);
        next_entry(&processes, one_processes, sizeof one_processes);
        device->index = i;
        device->shape = read_shape(one_shape, atof(one_watts));
        device->step_seconds = atof(one_step) / 1000;
        device->jitter_seconds = number("AIES_SIM_JITTER_MS", 0) / 1000;
        device->delay_seconds = number("AIES_SIM_DELAY_MS", 0) / 1000;
        double latest = device->jitter_seconds + device->delay_seconds;
        if (device->step_seconds > 0 && latest >= device->step_seconds)
            misconfigured("AIES_SIM_JITTER_MS and AIES_SIM_DELAY_MS are longer than a step");
        device->latency_seconds = number("AIES_SIM_LATENCY_MS", 0) / 1000;
        device->power_step_seconds = number("AIES_SIM_POWER_STEP_MS", 100) / 1000;
        device->power_scale = number("AIES_SIM_POWER_SCALE", 1);
        read_waits(device);
        read_processes(device, one_processes);
        read_celsius(device);
        read_troubles(device);
    }
    open_state(text("AIES_SIM_STATE"));
}

int is_struck(const struct device *device, enum fault fault) {
    return clock_seconds() >= zero_seconds() + device->fault_from[fault];
}

static void wait_seconds(double seconds) {
    if (seconds <= 0) return;
    struct timespec rest = {(time_t)seconds, (long)((seconds - (time_t)seconds) * 1e9)};
    while (nanosleep(&rest, &rest)) continue;
}

void wait_latency(const struct device *device) { wait_seconds(device->latency_seconds); }

/* Scattered over the answers, so that the slow ones keep no step with the counter. */
static int is_slow(const struct device *device) {
    static unsigned answers;
    unsigned mixed = ++answers * 2654435769U;
    return device->slow_one_in && (mixed >> 8) % device->slow_one_in == 0;
}

void wait_counter(const struct device *device) {
    if (device->counter_ms <= 0 && device->stall_ms <= 0) return;
    take_turn();
    wait_seconds((is_slow(device) ? device->slow_ms : device->counter_ms) / 1000);
    if (device->stall_ms > 0) {
        double ahead = clock_seconds() + device->stall_before_ms / 1000;
        wait_seconds(device->stall_ms / 1000 - fmod(ahead, device->step_seconds));
    }
    leave_turn();
}

int is_within(struct span span) {
    double now = clock_seconds() - zero_seconds();
    return now >= span.from && now < span.until;
}
