#include "clinux_process.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

pid_t clinux_fork(void) {
    pid_t pid = fork();
    return pid < 0 ? -errno : pid;
}

static int keep_read_capability(void) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2] = {{0}};
    data[0].effective = data[0].permitted = data[0].inheritable = 1u << CAP_DAC_READ_SEARCH;
    if (syscall(SYS_capset, &header, data) != 0) return -1;
    return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_READ_SEARCH, 0, 0);
}

// The calls themselves: glibc's functions change the identity of every thread they find, and between
// vfork(2) and exec the threads they find are the parent's.
static int take_identity(const struct clinux_identity *identity) {
    if (!identity || !identity->set) return 0;
    if (identity->keep_read && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0) return -1;
    // Without CAP_SETGID the groups are already ours alone.
    if (syscall(SYS_setgroups, 0, NULL) != 0 && errno != EPERM) return -1;
    if (syscall(SYS_setresgid, identity->gid, identity->gid, identity->gid) != 0) return -1;
    if (syscall(SYS_setresuid, identity->uid, identity->uid, identity->uid) != 0) return -1;
    return identity->keep_read ? keep_read_capability() : 0;
}

static void close_all_but(int keep) {
    if (keep > 3) syscall(SYS_close_range, 3, keep - 1, 0);
    if (syscall(SYS_close_range, keep + 1, ~0u, 0) == 0) return;
    for (int fd = 3; fd < 65536; fd++)
        if (fd != keep) close(fd);
}

// What a program is started with, and where its child says why it could not be.
struct start {
    const char *path;
    char *const *argv, *const *envp;
    const char *directory;
    const int *stdio;
    int new_session;
    const struct clinux_identity *identity;
    const unsigned char *affinity;
    size_t affinity_size;
    int report;
};

// The child until exec. It shares the parent's memory: nothing here may write to what is the parent's.
__attribute__((noinline, noreturn)) static void run_child(const struct start *start) {
    struct sigaction standard;
    memset(&standard, 0, sizeof standard);
    standard.sa_handler = SIG_DFL;
    for (int number = 1; number < NSIG; number++) sigaction(number, &standard, NULL);
    int code = 0, channel = start->report;
    // The report pipe must stay clear of 0, 1 and 2.
    if (channel < 3) {
        channel = fcntl(channel, F_DUPFD_CLOEXEC, 3);
        if (channel < 0) _exit(127);
    }
    int source[3];
    for (int i = 0; i < 3; i++) {
        source[i] = start->stdio[i];
        if (source[i] < 0) source[i] = open("/dev/null", (i == 0 ? O_RDONLY : O_WRONLY));
        if (source[i] >= 0 && source[i] < 3) source[i] = fcntl(source[i], F_DUPFD, 3);
        if (source[i] < 0) goto fail;
    }
    for (int i = 0; i < 3; i++)
        if (dup2(source[i], i) < 0) goto fail;
    close_all_but(channel);
    if (start->new_session && setsid() < 0) goto fail;
    if (start->affinity && start->affinity_size > 0 &&
        sched_setaffinity(0, start->affinity_size, (const cpu_set_t *)start->affinity) != 0)
        goto fail;
    if (start->directory && chdir(start->directory) != 0) goto fail;
    if (take_identity(start->identity) != 0) goto fail;
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execve(start->path, start->argv, start->envp);
fail:
    code = errno;
    (void)!write(channel, &code, sizeof code);
    _exit(127);
}

pid_t clinux_spawn(const char *path, char *const argv[], char *const envp[], const char *directory,
                   const int stdio[3], int new_session, const struct clinux_identity *identity,
                   const unsigned char *affinity, size_t affinity_size) {
    int report[2];
    if (pipe2(report, O_CLOEXEC) != 0) return -errno;
    const struct start start = {path,     argv,     envp,          directory, stdio, new_session,
                                identity, affinity, affinity_size, report[1]};

    // No signal may run a handler of ours in the child before exec.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    // With fork(2) the kernel would copy the page tables of all our memory, only to drop them at exec.
    pid_t pid = vfork();
    if (pid == 0) run_child(&start);
    int saved = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(report[1]);
    if (pid < 0) {
        close(report[0]);
        return -saved;
    }
    int code = 0;
    ssize_t n;
    do n = read(report[0], &code, sizeof code);
    while (n < 0 && errno == EINTR);
    close(report[0]);
    if (n != (ssize_t)sizeof code) return pid;
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {}
    return -code;
}

pid_t clinux_wait(pid_t pid, int no_hang, int *exit_status, int *term_signal) {
    int status = 0;
    pid_t result;
    do result = waitpid(pid, &status, no_hang ? WNOHANG : 0);
    while (result < 0 && errno == EINTR);
    if (result < 0) return -errno;
    if (result > 0) {
        *exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
        *term_signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    }
    return result;
}

int clinux_pidfd_open(pid_t pid) {
    long fd = syscall(SYS_pidfd_open, pid, 0);
    return fd < 0 ? -errno : (int)fd;
}

int clinux_ioctl(int fd, unsigned long request, void *argument) {
    int result = ioctl(fd, request, argument);
    return result < 0 ? -errno : result;
}

int clinux_open(const char *path, int flags, mode_t mode) {
    int fd;
    do fd = open(path, flags | O_CLOEXEC, mode);
    while (fd < 0 && errno == EINTR);
    return fd < 0 ? -errno : fd;
}

int clinux_openat(int directory, const char *path, int flags, mode_t mode) {
    int fd;
    do fd = openat(directory, path, flags | O_CLOEXEC, mode);
    while (fd < 0 && errno == EINTR);
    return fd < 0 ? -errno : fd;
}

int clinux_set_nonblocking(int fd, int enabled) {
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0) return -errno;
    flags = enabled ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
    return fcntl(fd, F_SETFL, flags) < 0 ? -errno : 0;
}

int clinux_renameat2(const char *from, const char *to, unsigned int flags) {
    return syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags) < 0 ? -errno : 0;
}

int clinux_signalfd_interrupts(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    // Under nohup(1) SIGHUP is ignored, and stays so: blocked, it would be kept for the descriptor.
    struct sigaction hangup;
    if (sigaction(SIGHUP, NULL, &hangup) == 0 && hangup.sa_handler != SIG_IGN) {
        sigaddset(&set, SIGHUP);
    }
    int code = pthread_sigmask(SIG_BLOCK, &set, NULL);
    if (code != 0) return -code;
    int fd = signalfd(-1, &set, SFD_CLOEXEC);
    return fd < 0 ? -errno : fd;
}
