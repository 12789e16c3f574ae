/*
 * The power of the devices over time, and what the readings make of it.
 *
 * Everything follows from the integral of the power since the clock began, which has a closed
 * formula for every shape: nothing accumulates, and all processes agree.
 */

#include <stdint.h>

#include "driver.h"

static long long whole_periods(double seconds, double period_seconds) {
    long long periods = (long long)(seconds / period_seconds);
    return periods * period_seconds > seconds ? periods - 1 : periods;
}

static double square_joules(const struct shape *shape, double seconds) {
    long long periods = whole_periods(seconds, shape->period_seconds);
    double half = shape->period_seconds / 2, within = seconds - periods * shape->period_seconds;
    double joules = periods * half * (shape->low + shape->high);
    if (within <= half) return joules + within * shape->low;
    return joules + half * shape->low + (within - half) * shape->high;
}

static double ramp_joules(const struct shape *shape, double seconds) {
    long long periods = whole_periods(seconds, shape->period_seconds);
    double within = seconds - periods * shape->period_seconds;
    double rise = (shape->high - shape->low) / shape->period_seconds;
    return periods * shape->period_seconds * (shape->low + shape->high) / 2
        + within * shape->low + rise * within * within / 2;
}

double joules_until(const struct device *device, double seconds) {
    const struct shape *shape = &device->shape;
    switch (shape->form) {
    case SQUARE: return square_joules(shape, seconds);
    case RAMP: return ramp_joules(shape, seconds);
    case WORK:
        return shape->low * seconds
            + (shape->high - shape->low) * busy_seconds_until(device->index, seconds);
    default: return shape->low * seconds;
    }
}

/* From 0 to 1, the same in all processes and different for every step, device and purpose. */
static double chance(const struct device *device, long long step, uint64_t purpose) {
    uint64_t mixed = (uint64_t)step * 64 + (uint64_t)device->index + (purpose << 58);
    mixed = (mixed ^ (mixed >> 31)) * 0x9e3779b97f4a7c15ULL;
    mixed = (mixed ^ (mixed >> 29)) * 0xd1342543de82ef95ULL;
    mixed = (mixed ^ (mixed >> 32)) * 0x9e3779b97f4a7c15ULL;
    return (mixed >> 11) / 9007199254740992.0;
}

/* The time of the last step that can be seen at `seconds`. */
static double counter_step(const struct device *device, double seconds) {
    if (device->step_seconds <= 0) return seconds;
    for (long long step = whole_periods(seconds, device->step_seconds);; step--) {
        double at = step * device->step_seconds + device->jitter_seconds * chance(device, step, 1);
        if (at + device->delay_seconds * chance(device, step, 2) <= seconds) return at;
    }
}

unsigned long long counter_millijoules(const struct device *device) {
    double until = clock_seconds(), joules_before = 0;
    double stuck_at = zero_seconds() + device->fault_from[STUCK];
    double reset_at = zero_seconds() + device->fault_from[RESET];
    if (is_struck(device, NO_VALUE)) return ~0ULL;
    if (until > stuck_at) until = stuck_at;
    if (until >= reset_at) joules_before = joules_until(device, reset_at);
    double joules = joules_until(device, counter_step(device, until)) - joules_before;
    return joules > 0 ? (unsigned long long)(joules * 1000) : 0;
}

/* The mean of `mean_seconds` before the last renewal of the power readings. */
unsigned power_milliwatts(const struct device *device, double mean_seconds) {
    double until = clock_seconds();
    if (device->power_step_seconds > 0)
        until = whole_periods(until, device->power_step_seconds) * device->power_step_seconds;
    double joules = joules_until(device, until) - joules_until(device, until - mean_seconds);
    return (unsigned)(joules / mean_seconds * device->power_scale * 1000 + 0.5);
}
