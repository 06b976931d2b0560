#include "CAgentTests.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

// Not in the C library of every distribution; the same numbers on every architecture.
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif

int write_into(pid_t pid, int descriptor, const char *text) {
    int process = (int)syscall(SYS_pidfd_open, pid, 0);
    if (process < 0) return errno;
    int own = (int)syscall(SYS_pidfd_getfd, process, descriptor, 0);
    int code = own < 0 ? errno : 0;
    if (own >= 0 && write(own, text, strlen(text)) < 0) code = errno;
    if (own >= 0) close(own);
    close(process);
    return code;
}
