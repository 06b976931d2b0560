#include "clinux_schedule.h"

#include <errno.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

int clinux_get_affinity(unsigned char *mask, size_t size) {
    // The system call itself says how many bytes the kernel's mask has; glibc's wrapper does not.
    long filled = syscall(SYS_sched_getaffinity, 0, size, mask);
    return filled < 0 ? -errno : (int)filled;
}

int clinux_set_affinity(const unsigned char *mask, size_t size) {
    return syscall(SYS_sched_setaffinity, 0, size, mask) < 0 ? -errno : 0;
}

int clinux_set_affinity_of(int pid, const unsigned char *mask, size_t size) {
    return syscall(SYS_sched_setaffinity, pid, size, mask) < 0 ? -errno : 0;
}

int clinux_be_idle(void) {
    const int who_process = 1, class_idle = 3, class_shift = 13;
    struct sched_param parameters = {0};
    if (sched_setscheduler(0, SCHED_IDLE, &parameters) != 0) return -errno;
    return syscall(SYS_ioprio_set, who_process, 0, class_idle << class_shift) < 0 ? -errno : 0;
}

int clinux_current_cpu(void) {
    int cpu = sched_getcpu();
    return cpu < 0 ? -errno : cpu;
}

static int64_t spent(int who) {
    struct rusage usage;
    if (getrusage(who, &usage) != 0) return 0;
    return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000ll + usage.ru_utime.tv_usec +
           usage.ru_stime.tv_usec;
}

int64_t clinux_cpu_microseconds(void) { return spent(RUSAGE_SELF) + spent(RUSAGE_CHILDREN); }
