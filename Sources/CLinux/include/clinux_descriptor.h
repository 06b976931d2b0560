/// Descriptor calls behind _GNU_SOURCE. Results: >= 0 on success, -errno on failure.
#pragma once
#include <stddef.h>

/// pipe2(2) with O_CLOEXEC.
int clinux_pipe(int ends[2]);

/// lgetxattr(2): the attribute's size; a link at the path is not followed.
long clinux_get_attribute(const char *path, const char *name, void *value, size_t size);

/// fsetxattr(2), creating or replacing.
int clinux_set_attribute(int fd, const char *name, const void *value, size_t size);
