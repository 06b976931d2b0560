/// Descriptor calls behind _GNU_SOURCE. Results: >= 0 on success, -errno on failure.
#pragma once
#include <stddef.h>

/// pipe2(2) with O_CLOEXEC.
int clinux_pipe(int ends[2]);

/// lgetxattr(2): returns the attribute's size; does not follow a symbolic link at the path.
long clinux_get_attribute(const char *path, const char *name, void *value, size_t size);

/// fsetxattr(2): creates the attribute, or replaces it.
int clinux_set_attribute(int fd, const char *name, const void *value, size_t size);
