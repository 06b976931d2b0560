/// Ways for related processes to talk. Results: >= 0 on success, -errno on failure.
#pragma once
#include <stddef.h>

/// A connected pair of stream sockets, close-on-exec.
int clinux_socket_pair(int ends[2]);

/// Memory that this process and those it forks share; NULL where there is none to be had.
void *clinux_shared_memory(size_t size);

/// Sends one datagram to a Unix socket at `path`; never waits.
int clinux_send_datagram(const char *path, const void *bytes, size_t count);
