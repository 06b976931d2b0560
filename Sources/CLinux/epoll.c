#include "clinux_epoll.h"

#include <errno.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

int clinux_epoll(void) {
    int fd = epoll_create1(EPOLL_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int clinux_epoll_add(int epoll, int fd, uint64_t number, uint32_t interest) {
    struct epoll_event event = {.events = EPOLLET, .data.u64 = number};
    if (interest & clinux_ready_input) event.events |= EPOLLIN | EPOLLRDHUP;
    if (interest & clinux_ready_output) event.events |= EPOLLOUT;
    return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

int clinux_epoll_remove(int epoll, int fd) {
    return epoll_ctl(epoll, EPOLL_CTL_DEL, fd, NULL) < 0 ? -errno : 0;
}

int clinux_epoll_wait(int epoll, struct clinux_event *events, int capacity, int milliseconds) {
    struct epoll_event raw[256];
    if (capacity > 256) capacity = 256;
    int count = epoll_wait(epoll, raw, capacity, milliseconds);
    if (count < 0) return errno == EINTR ? 0 : -errno;
    for (int i = 0; i < count; i++) {
        events[i].number = raw[i].data.u64;
        events[i].readiness = 0;
        if (raw[i].events & (EPOLLIN | EPOLLRDHUP)) events[i].readiness |= clinux_ready_input;
        if (raw[i].events & EPOLLOUT) events[i].readiness |= clinux_ready_output;
        if (raw[i].events & (EPOLLERR | EPOLLHUP)) events[i].readiness |= clinux_ready_over;
    }
    return count;
}

int clinux_eventfd(int semaphore) {
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK | (semaphore ? EFD_SEMAPHORE : 0));
    return fd < 0 ? -errno : fd;
}

int clinux_eventfd_signal(int fd) {
    eventfd_t one = 1;
    return eventfd_write(fd, one) < 0 ? -errno : 0;
}

int clinux_eventfd_take(int fd) {
    eventfd_t value;
    return eventfd_read(fd, &value) == 0;
}
