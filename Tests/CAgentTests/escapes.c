#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "CAgentTests.h"

static int code(long answer) { return answer < 0 ? errno : 0; }

static int opened(const char *path, int flags) {
    int fd = open(path, flags, 0600);
    if (fd < 0) return errno;
    close(fd);
    return 0;
}

static int connected(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0) return errno;
    int answer = code(connect(fd, (struct sockaddr *)&address, sizeof address));
    close(fd);
    return answer;
}

static int traced(pid_t pid) {
    int answer = code(ptrace(PTRACE_SEIZE, pid, NULL, NULL));
    if (answer == 0) {
        ptrace(PTRACE_INTERRUPT, pid, NULL, NULL);
        waitpid(pid, NULL, __WALL);
        ptrace(PTRACE_DETACH, pid, NULL, NULL);
    }
    return answer;
}

static int renamed(const char *path) {
    char target[4096];
    snprintf(target, sizeof target, "%s.moved", path);
    return code(rename(path, target));
}

static int linked(const char *path, int symbolic) {
    char target[4096];
    snprintf(target, sizeof target, "%s.link", path);
    return code(symbolic ? symlink(path, target) : link(path, target));
}

static int same_host_name(void) {
    char name[256] = "";
    gethostname(name, sizeof name - 1);
    return code(sethostname(name, strlen(name)));
}

static int flags_set(const char *path) {
    int fd = open(path, O_RDONLY);
    if (fd < 0) return errno;
    // Those it has stay: ext4 takes clearing its own for a conversion of the file, and refuses that
    // while its blocks are not on disk yet.
    int flags = 0;
    if (ioctl(fd, FS_IOC_GETFLAGS, &flags) != 0) flags = 0;
    flags |= FS_NODUMP_FL;
    return code(ioctl(fd, FS_IOC_SETFLAGS, &flags));
}

static int forked(void) {
    pid_t pid = fork();
    if (pid == 0) _exit(0);
    if (pid < 0) return errno;
    waitpid(pid, NULL, 0);
    return 0;
}

static int written_into(pid_t pid) {
    static char byte = 'x';
    struct iovec here = {&byte, 1}, there = {&byte, 1};
    return code(process_vm_writev(pid, &here, 1, &there, 1, 0));
}

int escape_attempt(const char *name, const char *argument) {
    pid_t pid = atoi(argument);
#define ATTEMPT(text) else if (strcmp(name, text) == 0) return
    if (0) return -1;
    ATTEMPT("create") opened(argument, O_WRONLY | O_CREAT);
    ATTEMPT("write") opened(argument, O_WRONLY);
    ATTEMPT("read-write") opened(argument, O_RDWR);
    ATTEMPT("append") opened(argument, O_WRONLY | O_APPEND);
    ATTEMPT("truncating-read") opened(argument, O_RDONLY | O_TRUNC);
    ATTEMPT("nameless") opened(argument, O_RDWR | O_TMPFILE);
    ATTEMPT("read") opened(argument, O_RDONLY);
    ATTEMPT("openat2")
        code(syscall(437, AT_FDCWD, argument, (uint64_t[3]){O_WRONLY, 0, 0}, sizeof(uint64_t[3])));
    ATTEMPT("unlink") code(unlink(argument));
    ATTEMPT("rename") renamed(argument);
    ATTEMPT("mkdir") code(mkdir(argument, 0700));
    ATTEMPT("chmod") code(chmod(argument, 0777));
    ATTEMPT("chown") code(chown(argument, 1, 1));
    ATTEMPT("truncate") code(truncate(argument, 0));
    ATTEMPT("symlink") linked(argument, 1);
    ATTEMPT("link") linked(argument, 0);
    ATTEMPT("mknod") code(mknod(argument, S_IFCHR | 0600, 0x0103));
    ATTEMPT("utimes") code(utimensat(AT_FDCWD, argument, NULL, 0));
    ATTEMPT("setxattr") code(setxattr(argument, "trusted.muster", "x", 1, 0));
    ATTEMPT("setflags") flags_set(argument);
    ATTEMPT("remount") code(mount(NULL, argument, NULL, MS_REMOUNT | MS_BIND, NULL));
    ATTEMPT("mount") code(mount("tmpfs", argument, "tmpfs", 0, NULL));
    ATTEMPT("umount") code(umount2(argument, MNT_DETACH));
    ATTEMPT("unshare") code(unshare(CLONE_NEWNS));
    ATTEMPT("setns") code(setns(open(argument, O_RDONLY), 0));
    ATTEMPT("kill") code(kill(pid, SIGTERM));
    ATTEMPT("kill-thread") code(syscall(SYS_tgkill, pid, pid, SIGTERM));
    ATTEMPT("kill-queue") code(sigqueue(pid, SIGTERM, (union sigval){0}));
    ATTEMPT("kill-by-descriptor")
        code(syscall(SYS_pidfd_send_signal, syscall(SYS_pidfd_open, pid, 0), SIGTERM, NULL, 0));
    ATTEMPT("ptrace") traced(pid);
    ATTEMPT("write-memory") written_into(pid);
    ATTEMPT("module") code(syscall(SYS_init_module, "", 0, ""));
    ATTEMPT("connect") connected(argument);
    ATTEMPT("socket") code(socket(AF_INET, SOCK_STREAM, 0));
    ATTEMPT("exec") code(execl(argument, argument, (char *)NULL));
    ATTEMPT("fork") forked();
    ATTEMPT("terminal-input") code(ioctl(0, TIOCSTI, "x"));
    ATTEMPT("sethostname") same_host_name();
    ATTEMPT("settime") code(syscall(SYS_clock_settime, CLOCK_REALTIME, &(struct timespec){-1, -1}));
    ATTEMPT("add-key") code(syscall(SYS_add_key, "user", "muster-test", "x", 1, -2));
    ATTEMPT("bpf") code(syscall(SYS_bpf, 0, NULL, 0));
    ATTEMPT("io-uring") code(syscall(425, 1, (char[256]){0}));
    ATTEMPT("swapoff") code(syscall(SYS_swapoff, argument));
    ATTEMPT("set-owner-of-signals") code(fcntl(0, F_SETOWN, pid));
    ATTEMPT("affinity") code(sched_setaffinity(0, 8, (const cpu_set_t *)(uint64_t[]){1}));
    ATTEMPT("raise-limit")
        code(setrlimit(RLIMIT_NOFILE, &(struct rlimit){512, 512}));
    return -1;
}

const char *error_name(int number) {
    static char digits[16];
    switch (number) {
    case 0: return "done";
    case EPERM: return "EPERM";
    case EROFS: return "EROFS";
    case EACCES: return "EACCES";
    case ENOSYS: return "ENOSYS";
    case ENOENT: return "ENOENT";
    default: snprintf(digits, sizeof digits, "%d", number); return digits;
    }
}
