/*
 * A driver library that stands in for libnvidia-ml.so.1, so that the real bindings can be tested
 * against joules that are known beforehand. Every device name begins with SIMULATED.
 *
 * Here is what it answers; behaviour.c lists the variables that it takes from the environment.
 */

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "driver.h"

typedef int nvmlReturn_t;
enum {
    SUCCESS = 0, UNINITIALIZED = 1, INVALID_ARGUMENT = 2, NOT_SUPPORTED = 3, NOT_FOUND = 6,
    INSUFFICIENT_SIZE = 7, DRIVER_NOT_LOADED = 9, GPU_IS_LOST = 15, UNKNOWN = 999,
};
typedef struct device *nvmlDevice_t;

static int users;

static void configure_once(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, configure);
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

/* For what reads the device itself, and so takes the time that a driver needs for that. */
#define CHECK_READING(device) do { \
    if (device) wait_latency(device); \
    CHECK(device); \
} while (0)

/* --------------------------------------------------------------- beyond what a real driver has */

/* From now on the device works, or rests; of use where its shape is that of work. */
void aiesSimulatedWork(int device, int on) {
    configure_once();
    if (device < 0 || device >= device_count) misconfigured("there is no such device to work on");
    change_work(device, on != 0);
}

/* What the device drew until that time of the monotonic clock, between all steps. */
double aiesSimulatedJoules(int device, double seconds) {
    configure_once();
    if (device < 0 || device >= device_count) misconfigured("there is no such device to ask");
    return joules_until(&devices[device], seconds);
}

/* ------------------------------------------------------------------ the library and the system */

nvmlReturn_t nvmlInitWithFlags(unsigned flags) {
    (void)flags;
    configure_once();
    if (is_struck(&devices[0], NO_DRIVER)) return DRIVER_NOT_LOADED;
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
    CHECK_READING(device);
    memory->total = 80ULL << 30;
    memory->used = 1ULL << 30;
    memory->free = memory->total - memory->used;
    return SUCCESS;
}
nvmlReturn_t nvmlDeviceGetMemoryInfo_v2(nvmlDevice_t device, struct memory_v2 *memory) {
    CHECK_READING(device);
    memory->total = 80ULL << 30;
    memory->reserved = 0;
    memory->used = 1ULL << 30;
    memory->free = memory->total - memory->used;
    return SUCCESS;
}

nvmlReturn_t nvmlDeviceGetTotalEnergyConsumption(nvmlDevice_t device, unsigned long long *mj) {
    CHECK_READING(device);
    if (is_struck(device, NO_ENERGY)) return NOT_SUPPORTED;
    wait_counter(device);
    *mj = counter_millijoules(device);
    return SUCCESS;
}
nvmlReturn_t nvmlDeviceGetPowerUsage(nvmlDevice_t device, unsigned *milliwatts) {
    CHECK_READING(device);
    if (is_struck(device, NO_POWER)) return NOT_SUPPORTED;
    if (is_struck(device, NAN_POWER)) return UNKNOWN;
    *milliwatts = power_milliwatts(device, AVERAGE_SECONDS);
    return SUCCESS;
}

enum { DEFAULT_LIMIT_MILLIWATTS = 700000 };

nvmlReturn_t nvmlDeviceGetPowerManagementLimit(nvmlDevice_t device, unsigned *milliwatts) {
    CHECK_READING(device);
    *milliwatts = DEFAULT_LIMIT_MILLIWATTS;
    if (is_within(device->limited)) *milliwatts = (unsigned)(device->limit_watts * 1000 + 0.5);
    return SUCCESS;
}
nvmlReturn_t nvmlDeviceGetPowerManagementDefaultLimit(nvmlDevice_t device, unsigned *milliwatts) {
    CHECK(device);
    *milliwatts = DEFAULT_LIMIT_MILLIWATTS;
    return SUCCESS;
}
nvmlReturn_t nvmlDeviceGetPowerManagementLimitConstraints(nvmlDevice_t device, unsigned *lowest,
                                                          unsigned *highest) {
    CHECK(device);
    *lowest = 200000;
    *highest = DEFAULT_LIMIT_MILLIWATTS;
    return SUCCESS;
}
nvmlReturn_t nvmlDeviceGetEnforcedPowerLimit(nvmlDevice_t device, unsigned *milliwatts) {
    return nvmlDeviceGetPowerManagementLimit(device, milliwatts);
}
nvmlReturn_t nvmlDeviceGetTemperature(nvmlDevice_t device, int sensor, unsigned *celsius) {
    (void)sensor;
    CHECK_READING(device);
    double share = 1;
    if (device->celsius_seconds > 0)
        share = (clock_seconds() - zero_seconds()) / device->celsius_seconds;
    if (share > 1) share = 1;
    double rise = device->celsius_to - device->celsius_from;
    *celsius = (unsigned)(device->celsius_from + share * rise + 0.5);
    return SUCCESS;
}

struct temperature { unsigned version; int sensor, celsius; };

nvmlReturn_t nvmlDeviceGetTemperatureV(nvmlDevice_t device, struct temperature *temperature) {
    return nvmlDeviceGetTemperature(device, temperature->sensor, (unsigned *)&temperature->celsius);
}

/* Known of devices that work at times; the others always compute. */
static int is_idle(nvmlDevice_t device) {
    return device->shape.form == WORK && !is_busy(device->index);
}

struct utilization { unsigned gpu, memory; };

nvmlReturn_t nvmlDeviceGetUtilizationRates(nvmlDevice_t device, struct utilization *percent) {
    CHECK_READING(device);
    percent->gpu = is_idle(device) ? 0 : 100;
    percent->memory = is_idle(device) ? 0 : 50;
    return SUCCESS;
}
nvmlReturn_t nvmlDeviceGetClockInfo(nvmlDevice_t device, int clock, unsigned *mhz) {
    static const unsigned graphics_sm_memory_video[] = {1980, 1980, 2619, 1545};
    CHECK_READING(device);
    if (clock < 0 || clock > 3) return INVALID_ARGUMENT;
    *mhz = graphics_sm_memory_video[clock];
    return SUCCESS;
}
nvmlReturn_t nvmlDeviceGetMaxClockInfo(nvmlDevice_t device, int clock, unsigned *mhz) {
    return nvmlDeviceGetClockInfo(device, clock, mhz);
}

enum { EVENT_GPU_IDLE = 0x1, EVENT_HARDWARE_THERMAL_SLOWDOWN = 0x40 };

nvmlReturn_t nvmlDeviceGetCurrentClocksEventReasons(nvmlDevice_t device, unsigned long long *why) {
    CHECK_READING(device);
    *why = is_idle(device) ? EVENT_GPU_IDLE : 0;
    if (is_within(device->throttled)) *why |= EVENT_HARDWARE_THERMAL_SLOWDOWN;
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
    *mode = persistence_enabled;
    return SUCCESS;
}
nvmlReturn_t nvmlDeviceGetEccMode(nvmlDevice_t device, int *current, int *pending) {
    CHECK(device);
    *current = *pending = ecc_enabled;
    return SUCCESS;
}
nvmlReturn_t nvmlDeviceGetMigMode(nvmlDevice_t device, unsigned *current, unsigned *pending) {
    CHECK(device);
    *current = *pending = (unsigned)mig_enabled;
    return SUCCESS;
}

struct process { unsigned pid; unsigned long long memory; unsigned gpu_instance, compute_instance; };

nvmlReturn_t nvmlDeviceGetComputeRunningProcesses_v3(nvmlDevice_t device, unsigned *count,
                                                     struct process *processes) {
    CHECK_READING(device);
    unsigned room = *count;
    int foreign = is_within(device->foreign);
    *count = device->pid_count + (unsigned)foreign;
    if (room < *count) return INSUFFICIENT_SIZE;
    if (*count && !processes) return INVALID_ARGUMENT;
    for (unsigned i = 0; i < *count; i++) {
        unsigned pid = i < device->pid_count ? device->pids[i] : 4242;
        processes[i] = (struct process){pid, 1ULL << 30, ~0U, ~0U};
    }
    return SUCCESS;
}
nvmlReturn_t nvmlDeviceGetComputeRunningProcesses_v2(nvmlDevice_t device, unsigned *count,
                                                     struct process *processes) {
    return nvmlDeviceGetComputeRunningProcesses_v3(device, count, processes);
}
nvmlReturn_t nvmlDeviceGetGraphicsRunningProcesses_v3(nvmlDevice_t device, unsigned *count,
                                                      struct process *processes) {
    (void)processes;
    CHECK_READING(device);
    *count = 0;
    return SUCCESS;
}
nvmlReturn_t nvmlDeviceGetMPSComputeRunningProcesses_v3(nvmlDevice_t device, unsigned *count,
                                                        struct process *processes) {
    return nvmlDeviceGetGraphicsRunningProcesses_v3(device, count, processes);
}

/* The fields for energy, average and instant power; every other one is not supported. */
struct field_value {
    unsigned id, scope;
    long long timestamp_us, latency_us;
    int type;
    nvmlReturn_t code;
    union { double d; unsigned ui; unsigned long long ull; } value;
};
enum { FIELD_ENERGY = 83, FIELD_POWER_AVERAGE = 185, FIELD_POWER_INSTANT = 186 };
enum { TYPE_DOUBLE = 0, TYPE_UNSIGNED_INT = 1, TYPE_UNSIGNED_LONG_LONG = 3 };

static void answer_power(nvmlDevice_t device, double mean_seconds, struct field_value *field) {
    field->code = is_struck(device, NO_POWER) ? NOT_SUPPORTED : SUCCESS;
    if (is_struck(device, NAN_POWER)) {
        field->type = TYPE_DOUBLE;
        field->value.d = __builtin_nan("");
    } else {
        field->type = TYPE_UNSIGNED_INT;
        field->value.ui = power_milliwatts(device, mean_seconds);
    }
}

nvmlReturn_t nvmlDeviceGetFieldValues(nvmlDevice_t device, int count, struct field_value *fields) {
    CHECK_READING(device);
    for (int i = 0; i < count; i++) {
        struct field_value *field = &fields[i];
        field->timestamp_us = (long long)(clock_seconds() * 1e6);
        field->latency_us = 0;
        if (field->id == FIELD_ENERGY) {
            field->type = TYPE_UNSIGNED_LONG_LONG;
            field->code = nvmlDeviceGetTotalEnergyConsumption(device, &field->value.ull);
        } else if (field->id == FIELD_POWER_AVERAGE) {
            answer_power(device, AVERAGE_SECONDS, field);
        } else if (field->id == FIELD_POWER_INSTANT) {
            answer_power(device, INSTANT_SECONDS, field);
        } else {
            field->code = NOT_SUPPORTED;
        }
    }
    return SUCCESS;
}
