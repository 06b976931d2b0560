/// epoll(7) and eventfd(2), which Glibc's module map lacks.
/// Results: >= 0 on success, -errno on failure.
#pragma once
#include <stdint.h>

/// Readiness, as bits: input (or its end), output, an error or a hang-up.
enum { clinux_ready_input = 1, clinux_ready_output = 2, clinux_ready_over = 4 };

/// One descriptor that became ready.
struct clinux_event {
    uint64_t number;    ///< as given to clinux_epoll_add
    uint32_t readiness; ///< clinux_ready_… bits
};

/// An epoll instance, close-on-exec.
int clinux_epoll(void);

/// Watches a descriptor, edge-triggered, for input and output as the bits of `interest` say.
int clinux_epoll_add(int epoll, int fd, uint64_t number, uint32_t interest);

/// Stops watching a descriptor.
int clinux_epoll_remove(int epoll, int fd);

/// Waits (milliseconds; -1: without limit); the count of events stored. An interrupted wait returns 0.
int clinux_epoll_wait(int epoll, struct clinux_event *events, int capacity, int milliseconds);

/// A non-blocking, close-on-exec eventfd; a semaphore where `semaphore`.
int clinux_eventfd(int semaphore);

/// Adds one to an eventfd.
int clinux_eventfd_signal(int fd);

/// Takes what an eventfd holds (one, of a semaphore): 1 when there was something, else 0.
int clinux_eventfd_take(int fd);
