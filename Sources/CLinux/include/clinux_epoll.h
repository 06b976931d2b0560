/// epoll(7) and eventfd(2), which Glibc's module map lacks.
/// Results: >= 0 on success, -errno on failure.
#pragma once
#include <stdint.h>

/// Readiness, as bits: input or end of input, output, an error or a hang-up.
enum { clinux_ready_input = 1, clinux_ready_output = 2, clinux_ready_over = 4 };

/// One descriptor that became ready.
struct clinux_event {
    uint64_t number;    ///< as given to clinux_epoll_add
    uint32_t readiness; ///< clinux_ready_… bits
};

/// An epoll instance, close-on-exec.
int clinux_epoll(void);

/// Watches a descriptor, edge-triggered, for what the bits of `interest` name.
int clinux_epoll_add(int epoll, int fd, uint64_t number, uint32_t interest);

/// Stops watching a descriptor.
int clinux_epoll_remove(int epoll, int fd);

/// Waits for `milliseconds` (-1: without limit). Returns how many events were stored; 0 if a signal
/// interrupted it.
int clinux_epoll_wait(int epoll, struct clinux_event *events, int capacity, int milliseconds);

/// A non-blocking, close-on-exec eventfd; with EFD_SEMAPHORE if `semaphore` is not 0.
int clinux_eventfd(int semaphore);

/// Adds one to an eventfd.
int clinux_eventfd_signal(int fd);

/// Reads an eventfd: all it counted, or one of a semaphore. 1 if it had counted something, else 0.
int clinux_eventfd_take(int fd);
