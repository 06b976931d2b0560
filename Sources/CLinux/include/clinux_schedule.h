/// CPU affinity, scheduling class and CPU time of processes.
/// Results: >= 0 on success, -errno on failure.
#pragma once
#include <stddef.h>
#include <stdint.h>

/// sched_getaffinity(2) of this process; returns how many bytes of the mask were written.
int clinux_get_affinity(unsigned char *mask, size_t size);

/// sched_setaffinity(2) of this process.
int clinux_set_affinity(const unsigned char *mask, size_t size);

/// sched_setaffinity(2) of another process or thread.
int clinux_set_affinity_of(int pid, const unsigned char *mask, size_t size);

/// SCHED_IDLE and idle I/O priority; children inherit both.
int clinux_be_idle(void);

/// The CPU this process runs on at this moment.
int clinux_current_cpu(void);

/// CPU time in microseconds of this process and of its children that have ended.
int64_t clinux_cpu_microseconds(void);
