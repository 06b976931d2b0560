#include "clinux_descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int clinux_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC) < 0 ? -errno : 0; }
