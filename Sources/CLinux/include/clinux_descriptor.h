/// Descriptor calls behind _GNU_SOURCE. Results: >= 0 on success, -errno on failure.
#pragma once

/// pipe2(2) with O_CLOEXEC.
int clinux_pipe(int ends[2]);
