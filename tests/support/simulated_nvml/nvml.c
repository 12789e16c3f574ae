/*
 * A driver library that stands in for libnvidia-ml.so.1, so that the real bindings can be tested
 * against joules that are known beforehand. Every device name begins with SIMULATED.
 *
 * Behaviour, from the environment, read when the library is initialised for the first time:
 *
 *   AIES_SIM_GPUS      number of devices (1)
 *   AIES_SIM_WATTS     constant watts per device, separated by commas; the last one repeats (350)
 *   AIES_SIM_STEP_MS   period in which the energy counters are renewed, per device like the watts;
 *                      0: continuously (100)
 *   AIES_SIM_MIG       1: MIG mode is on (0)
 *   AIES_SIM_FAULT     what goes wrong (none):
 *       none
 *       no_driver            initialisation fails
 *       no_energy            the energy counter is not supported
 *       no_value:SECONDS     from then on the counter answers "no value"
 *       reset_after:SECONDS  from then on the counter counts from zero again
 *       stuck_after:SECONDS  from then on the counter stands still
 *       lost_after:SECONDS   from then on the GPU is lost
 *   AIES_SIM_FAULT_GPU index of the only device with the fault (all)
 *
 * A counter is watts x the monotonic clock, rounded down to a whole step: within any window the
 * energy is watts x duration, wrong by less than watts x step. SECONDS count from initialisation.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_GPUS 64

typedef int nvmlReturn_t;
enum {
    SUCCESS = 0, UNINITIALIZED = 1, INVALID_ARGUMENT = 2, NOT_SUPPORTED = 3, NOT_FOUND = 6,
    INSUFFICIENT_SIZE = 7, DRIVER_NOT_LOADED = 9, GPU_IS_LOST = 15,
};

enum fault { NONE, NO_DRIVER, NO_ENERGY, NO_VALUE, RESET, STUCK, LOST };

struct device {
    int index;
    double watts, step_seconds;
    enum fault fault;
};
typedef struct device *nvmlDevice_t;

static struct device devices[MAX_GPUS];
static int device_count, mig_enabled, users;
static double fault_after_seconds, initialised_at;

static double clock_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec + now.tv_nsec / 1e9;
}

static double number(const char *name, double otherwise) {
    const char *text = getenv(name);
    return text && *text ? atof(text) : otherwise;
}

/* The next number of a list separated by commas; the last one repeats. */
static double next_number(const char **list, double last) {
    if (!*list || !**list) return last;
    double value = atof(*list);
    *list = strchr(*list, ',');
    if (*list) ++*list;
    return value;
}

static void misconfigured(const char *what) {
    fprintf(stderr, "simulated driver: %s\n", what);
    abort();
}

static enum fault read_fault(void) {
    static const struct { const char *name; enum fault fault; } known[] = {
        {"none", NONE}, {"no_driver", NO_DRIVER}, {"no_energy", NO_ENERGY}, {"no_value", NO_VALUE},
        {"reset_after", RESET}, {"stuck_after", STUCK}, {"lost_after", LOST},
    };
    const char *text = getenv("AIES_SIM_FAULT");
    if (!text || !*text) return NONE;
    size_t length = strcspn(text, ":");
    fault_after_seconds = text[length] ? atof(text + length + 1) : 0;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strlen(known[i].name) == length && !strncmp(text, known[i].name, length))
            return known[i].fault;
    misconfigured("AIES_SIM_FAULT is not one of those it knows");
    return NONE;
}

static void configure(void) {
    enum fault fault = read_fault();
    int faulty = (int)number("AIES_SIM_FAULT_GPU", -1);
    const char *all_watts = getenv("AIES_SIM_WATTS"), *all_steps = getenv("AIES_SIM_STEP_MS");
    double watts = 350, step_ms = 100;

    device_count = (int)number("AIES_SIM_GPUS", 1);
    if (device_count < 0 || device_count > MAX_GPUS) misconfigured("AIES_SIM_GPUS is out of range");
    mig_enabled = number("AIES_SIM_MIG", 0) != 0;
    for (int i = 0; i < device_count; i++) {
        watts = next_number(&all_watts, watts);
        step_ms = next_number(&all_steps, step_ms);
        devices[i].index = i;
        devices[i].watts = watts;
        devices[i].step_seconds = step_ms / 1000;
        devices[i].fault = faulty < 0 || faulty == i ? fault : NONE;
    }
    initialised_at = clock_seconds();
}

/* Where the power of a device is decided; everything else follows from its integral over time. */
static double watts_now(const struct device *device) { return device->watts; }

static double joules_until(const struct device *device, double seconds) {
    return device->watts * seconds;
}

static int is_struck(const struct device *device, enum fault fault) {
    return device->fault == fault && clock_seconds() - initialised_at >= fault_after_seconds;
}

static double last_step(const struct device *device, double seconds) {
    double step = device->step_seconds;
    return step > 0 ? (long long)(seconds / step) * step : seconds;
}

static unsigned long long read_counter(const struct device *device) {
    double until = clock_seconds();
    double struck_at = initialised_at + fault_after_seconds;
    if (is_struck(device, NO_VALUE)) return ~0ULL;
    if (is_struck(device, RESET)) return (unsigned long long)
        (joules_until(device, last_step(device, until - struck_at)) * 1000);
    if (is_struck(device, STUCK)) until = struck_at;
    return (unsigned long long)(joules_until(device, last_step(device, until)) * 1000);
}

static nvmlReturn_t put_text(char *to, unsigned length, const char *text) {
    if (strlen(text) + 1 > length) return INSUFFICIENT_SIZE;
    strcpy(to, text);
    return SUCCESS;
}

#define CHECK(device) do { \
    if (users == 0) return UNINITIALIZED; \
    if (!(device)) return INVALID_ARGUMENT; \
    if (is_struck((device), LOST)) return GPU_IS_LOST; \
} while (0)

/* ------------------------------------------------------------------ the library and the system */

nvmlReturn_t nvmlInitWithFlags(unsigned flags) {
    (void)flags;
    if (read_fault() == NO_DRIVER) return DRIVER_NOT_LOADED;
    if (initialised_at == 0) configure();
    users++;
    return SUCCESS;
}
nvmlReturn_t nvmlInit_v2(void) { return nvmlInitWithFlags(0); }
nvmlReturn_t nvmlInit(void) { return nvmlInitWithFlags(0); }
nvmlReturn_t nvmlShutdown(void) {
    if (users == 0) return UNINITIALIZED;
    users--;
    return SUCCESS;
}

const char *nvmlErrorString(nvmlReturn_t code) {
    switch (code) {
    case SUCCESS: return "Success";
    case UNINITIALIZED: return "Uninitialized";
    case INVALID_ARGUMENT: return "Invalid Argument";
    case NOT_SUPPORTED: return "Not Supported";
    case NOT_FOUND: return "Not Found";
    case INSUFFICIENT_SIZE: return "Insufficient Size";
    case DRIVER_NOT_LOADED: return "Driver Not Loaded";
    case GPU_IS_LOST: return "GPU is lost";
    default: return "Unknown Error";
    }
}

nvmlReturn_t nvmlSystemGetDriverVersion(char *version, unsigned length) {
    return put_text(version, length, "999.00.01");
}
nvmlReturn_t nvmlSystemGetNVMLVersion(char *version, unsigned length) {
    return put_text(version, length, "13.999.00.01");
}
nvmlReturn_t nvmlSystemGetCudaDriverVersion_v2(int *version) {
    *version = 13000;
    return SUCCESS;
}
nvmlReturn_t nvmlSystemGetCudaDriverVersion(int *version) {
    return nvmlSystemGetCudaDriverVersion_v2(version);
}

/* ------------------------------------------------------------------------- finding the devices */

nvmlReturn_t nvmlDeviceGetCount_v2(unsigned *count) {
    if (users == 0) return UNINITIALIZED;
    *count = (unsigned)device_count;
    return SUCCESS;
}
nvmlReturn_t nvmlDeviceGetHandleByIndex_v2(unsigned index, nvmlDevice_t *device) {
    if (users == 0) return UNINITIALIZED;
    if (index >= (unsigned)device_count) return INVALID_ARGUMENT;
    *device = &devices[index];
    CHECK(*device);
    return SUCCESS;
}
nvmlReturn_t nvmlDeviceGetUUID(nvmlDevice_t device, char *uuid, unsigned length) {
    char text[64];
    CHECK(device);
    snprintf(text, sizeof text, "GPU-51510000-0000-4000-8000-%012d", device->index);
    return put_text(uuid, length, text);
}
nvmlReturn_t nvmlDeviceGetHandleByUUID(const char *uuid, nvmlDevice_t *device) {
    char text[64];
    if (users == 0) return UNINITIALIZED;
    for (int i = 0; i < device_count; i++) {
        snprintf(text, sizeof text, "GPU-51510000-0000-4000-8000-%012d", i);
        if (!strcmp(text, uuid)) return nvmlDeviceGetHandleByIndex_v2((unsigned)i, device);
    }
    return NOT_FOUND;
}

/* ------------------------------------------------------------------------ what a device answers */

nvmlReturn_t nvmlDeviceGetIndex(nvmlDevice_t device, unsigned *index) {
    CHECK(device);
    *index = (unsigned)device->index;
    return SUCCESS;
}
nvmlReturn_t nvmlDeviceGetMinorNumber(nvmlDevice_t device, unsigned *number) {
    return nvmlDeviceGetIndex(device, number);
}
nvmlReturn_t nvmlDeviceGetName(nvmlDevice_t device, char *name, unsigned length) {
    CHECK(device);
    return put_text(name, length, "SIMULATED NVIDIA H100 80GB HBM3");
}
nvmlReturn_t nvmlDeviceGetCudaComputeCapability(nvmlDevice_t device, int *major, int *minor) {
    CHECK(device);
    *major = 9;
    *minor = 0;
    return SUCCESS;
}
nvmlReturn_t nvmlDeviceGetArchitecture(nvmlDevice_t device, unsigned *architecture) {
    CHECK(device);
    *architecture = 9;
    return SUCCESS;
}

struct memory { unsigned long long total, free, used; };
struct memory_v2 { unsigned version; unsigned long long total, reserved, free, used; };

nvmlReturn_t nvmlDeviceGetMemoryInfo(nvmlDevice_t device, struct memory *memory) {
    CHECK(device);
    memory->total = 80ULL << 30;
    memory->used = 1ULL << 30;
    memory->free = memory->total - memory->used;
    return SUCCESS;
}
nvmlReturn_t nvmlDeviceGetMemoryInfo_v2(nvmlDevice_t device, struct memory_v2 *memory) {
    CHECK(device);
    memory->total = 80ULL << 30;
    memory->reserved = 0;
    memory->used = 1ULL << 30;
    memory->free = memory->total - memory->used;
    return SUCCESS;
}

nvmlReturn_t nvmlDeviceGetTotalEnergyConsumption(nvmlDevice_t device, unsigned long long *mj) {
    CHECK(device);
    if (device->fault == NO_ENERGY) return NOT_SUPPORTED;
    *mj = read_counter(device);
    return SUCCESS;
}
nvmlReturn_t nvmlDeviceGetPowerUsage(nvmlDevice_t device, unsigned *milliwatts) {
    CHECK(device);
    *milliwatts = (unsigned)(watts_now(device) * 1000);
    return SUCCESS;
}
nvmlReturn_t nvmlDeviceGetPowerManagementLimit(nvmlDevice_t device, unsigned *milliwatts) {
    CHECK(device);
    *milliwatts = 700000;
    return SUCCESS;
}
nvmlReturn_t nvmlDeviceGetPowerManagementDefaultLimit(nvmlDevice_t device, unsigned *milliwatts) {
    return nvmlDeviceGetPowerManagementLimit(device, milliwatts);
}
nvmlReturn_t nvmlDeviceGetEnforcedPowerLimit(nvmlDevice_t device, unsigned *milliwatts) {
    return nvmlDeviceGetPowerManagementLimit(device, milliwatts);
}
nvmlReturn_t nvmlDeviceGetTemperature(nvmlDevice_t device, int sensor, unsigned *celsius) {
    (void)sensor;
    CHECK(device);
    *celsius = 45;
    return SUCCESS;
}

struct utilization { unsigned gpu, memory; };

nvmlReturn_t nvmlDeviceGetUtilizationRates(nvmlDevice_t device, struct utilization *percent) {
    CHECK(device);
    percent->gpu = 100;
    percent->memory = 50;
    return SUCCESS;
}
nvmlReturn_t nvmlDeviceGetClockInfo(nvmlDevice_t device, int clock, unsigned *mhz) {
    (void)clock;
    CHECK(device);
    *mhz = 1980;
    return SUCCESS;
}
nvmlReturn_t nvmlDeviceGetMaxClockInfo(nvmlDevice_t device, int clock, unsigned *mhz) {
    return nvmlDeviceGetClockInfo(device, clock, mhz);
}
nvmlReturn_t nvmlDeviceGetCurrentClocksEventReasons(nvmlDevice_t device, unsigned long long *why) {
    CHECK(device);
    *why = 0;
    return SUCCESS;
}
nvmlReturn_t nvmlDeviceGetCurrentClocksThrottleReasons(nvmlDevice_t device,
                                                       unsigned long long *why) {
    return nvmlDeviceGetCurrentClocksEventReasons(device, why);
}
nvmlReturn_t nvmlDeviceGetComputeMode(nvmlDevice_t device, int *mode) {
    CHECK(device);
    *mode = 0;
    return SUCCESS;
}
nvmlReturn_t nvmlDeviceGetPersistenceMode(nvmlDevice_t device, int *mode) {
    CHECK(device);
    *mode = 1;
    return SUCCESS;
}
nvmlReturn_t nvmlDeviceGetMigMode(nvmlDevice_t device, unsigned *current, unsigned *pending) {
    CHECK(device);
    *current = *pending = (unsigned)mig_enabled;
    return SUCCESS;
}
nvmlReturn_t nvmlDeviceGetComputeRunningProcesses_v3(nvmlDevice_t device, unsigned *count,
                                                     void *processes) {
    (void)processes;
    CHECK(device);
    *count = 0;
    return SUCCESS;
}
nvmlReturn_t nvmlDeviceGetGraphicsRunningProcesses_v3(nvmlDevice_t device, unsigned *count,
                                                      void *processes) {
    return nvmlDeviceGetComputeRunningProcesses_v3(device, count, processes);
}

/* The fields for energy, average and instant power; every other one is not supported. */
struct field_value {
    unsigned id, scope;
    long long timestamp_us, latency_us;
    int type;
    nvmlReturn_t code;
    union { unsigned ui; unsigned long long ull; } value;
};
enum { FIELD_ENERGY = 83, FIELD_POWER_AVERAGE = 185, FIELD_POWER_INSTANT = 186 };
enum { TYPE_UNSIGNED_INT = 1, TYPE_UNSIGNED_LONG_LONG = 3 };

nvmlReturn_t nvmlDeviceGetFieldValues(nvmlDevice_t device, int count, struct field_value *fields) {
    CHECK(device);
    for (int i = 0; i < count; i++) {
        struct field_value *field = &fields[i];
        field->timestamp_us = (long long)(clock_seconds() * 1e6);
        field->latency_us = 0;
        if (field->id == FIELD_ENERGY) {
            field->type = TYPE_UNSIGNED_LONG_LONG;
            field->code = nvmlDeviceGetTotalEnergyConsumption(device, &field->value.ull);
        } else if (field->id == FIELD_POWER_AVERAGE || field->id == FIELD_POWER_INSTANT) {
            field->type = TYPE_UNSIGNED_INT;
            field->code = nvmlDeviceGetPowerUsage(device, &field->value.ui);
        } else {
            field->code = NOT_SUPPORTED;
        }
    }
    return SUCCESS;
}
