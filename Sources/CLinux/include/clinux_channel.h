/// Ways for related processes to talk. Results: >= 0 on success, -errno on failure.
#pragma once
#include <stddef.h>

/// A connected pair of stream sockets, close-on-exec.
int clinux_socket_pair(int ends[2]);

/// Memory shared by this process and the processes it forks; NULL if it cannot be mapped.
void *clinux_shared_memory(size_t size);

/// Sends one datagram to a Unix socket at `path`; never waits.
int clinux_send_datagram(const char *path, const void *bytes, size_t count);
