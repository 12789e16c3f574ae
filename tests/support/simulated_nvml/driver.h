/* What the parts of the simulated driver know of each other. Seconds are of the monotonic clock,
 * or where it says "since zero", from the common zero time of the processes (state.c). */

#ifndef SIMULATED_DRIVER_H
#define SIMULATED_DRIVER_H

/* Only the driver's own functions may be seen from outside: the names below could be anyone's. */
#pragma GCC visibility push(hidden)

#define MAX_GPUS 64
#define MAX_PROCESSES 8

enum fault {
    NO_DRIVER, NO_ENERGY, NO_POWER, NO_VALUE, RESET, STUCK, LOST, NAN_POWER, FAULT_COUNT,
};
enum form { CONSTANT, SQUARE, RAMP, WORK };

/* Watts over time: `low` alone where the form is constant, idle and busy where it is work. */
struct shape {
    enum form form;
    double low, high, period_seconds;
};

/* From and until, since zero; infinite where it never comes or never ends. */
struct span { double from, until; };

struct device {
    int index;
    struct shape shape;
    double step_seconds, jitter_seconds, delay_seconds;
    double power_step_seconds, power_scale, latency_seconds;
    double counter_ms, slow_ms, stall_before_ms, stall_ms;
    unsigned slow_one_in;
    double fault_from[FAULT_COUNT];
    struct span foreign, throttled, limited;
    unsigned pids[MAX_PROCESSES], pid_count;
    double limit_watts;
    double celsius_from, celsius_to, celsius_seconds;
};

/* behaviour.c: the environment, read once. */
extern struct device devices[MAX_GPUS];
extern int device_count, mig_enabled, ecc_enabled, persistence_enabled;
void configure(void);
void misconfigured(const char *what);
int is_struck(const struct device *device, enum fault fault);
int is_within(struct span span);
void wait_latency(const struct device *device);
void wait_counter(const struct device *device);

/* state.c: what the processes share. */
double clock_seconds(void);
void open_state(const char *path);
double zero_seconds(void);
void take_turn(void);
void leave_turn(void);
void change_work(int index, int busy);
double busy_seconds_until(int index, double seconds);
int is_busy(int index);

/* power.c: the shapes, and what the readings make of them. */
#define INSTANT_SECONDS 0.025
#define AVERAGE_SECONDS 1.0
double joules_until(const struct device *device, double seconds);
unsigned long long counter_millijoules(const struct device *device);
unsigned power_milliwatts(const struct device *device, double mean_seconds);

#pragma GCC visibility pop

#endif
