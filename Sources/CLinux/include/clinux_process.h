/// Process calls that Swift cannot import: variadic, macro-only, or marked unavailable.
/// Every function returns a non-negative result on success and -errno on failure.
#pragma once
#include <stdint.h>
#include <sys/types.h>

/// fork(2). The child may only use async-signal-safe code or stay single-threaded.
pid_t clinux_fork(void);

/// The user and groups that a child takes between fork and exec.
struct clinux_identity {
    int set;         ///< 0: those of this process; 1: setgroups, setgid, setuid to the values below
    uid_t uid;
    gid_t gid;
    int keep_read;   ///< 1: keep CAP_DAC_READ_SEARCH as an ambient capability across exec
};

/// Starts a program with its descriptors 0, 1 and 2 taken from `stdio` and every other one closed.
///
/// `stdio[i]` of -1 means /dev/null. If `new_session` is 1 the child leads a new session, so that a
/// timeout can kill its whole process group. Its signal mask and dispositions are reset.
/// `affinity` (bytes of a cpu_set_t, may be NULL) is the CPU set the child runs on.
/// A failure of exec comes back through a close-on-exec pipe as -errno, and leaves no zombie.
pid_t clinux_spawn(const char *path, char *const argv[], char *const envp[], const char *directory,
                   const int stdio[3], int new_session, const struct clinux_identity *identity,
                   const unsigned char *affinity, size_t affinity_size);

/// waitpid(2), with WNOHANG if `no_hang` is 1. Returns the pid (0: still running), stores the status.
pid_t clinux_wait(pid_t pid, int no_hang, int *exit_status, int *term_signal);

/// pidfd_open(2): a descriptor that becomes readable when the process ends.
int clinux_pidfd_open(pid_t pid);

/// ioctl(2) with a pointer argument.
int clinux_ioctl(int fd, unsigned long request, void *argument);

/// open(2) and openat(2) with a mode; O_CLOEXEC is always added.
int clinux_open(const char *path, int flags, mode_t mode);
int clinux_openat(int directory, const char *path, int flags, mode_t mode);

/// fcntl(2): adds or removes O_NONBLOCK.
int clinux_set_nonblocking(int fd, int enabled);

/// renameat2(2) with RENAME_EXCHANGE or RENAME_NOREPLACE.
int clinux_renameat2(const char *from, const char *to, unsigned int flags);

/// Blocks SIGINT, SIGTERM and, unless it is ignored, SIGHUP in this thread and in threads it starts
/// later; returns a signalfd(2) for them.
int clinux_signalfd_interrupts(void);
