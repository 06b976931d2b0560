// System call filters in classic BPF (seccomp(2)), for x86_64 and aarch64.
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "clinux_sandbox.h"

#if defined(__x86_64__)
#define OUR_ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OUR_ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#error "no system call filter for this architecture"
#endif

#ifndef CLONE_NEWCGROUP
#define CLONE_NEWCGROUP 0x02000000
#endif
#ifndef F_OFD_GETLK
#define F_OFD_GETLK 36
#endif

#define ALLOW SECCOMP_RET_ALLOW
#define REFUSE (SECCOMP_RET_ERRNO | EPERM)
#define UNKNOWN (SECCOMP_RET_ERRNO | ENOSYS)
#define COUNT(list) (sizeof(list) / sizeof(list)[0])

struct filter {
    struct sock_filter code[512];
    unsigned short length;
};

static void add(struct filter *filter, unsigned short code, unsigned char if_true,
                unsigned char if_false, unsigned value) {
    if (filter->length >= COUNT(filter->code)) return;
    filter->code[filter->length++] = (struct sock_filter){code, if_true, if_false, value};
}

static void answer(struct filter *filter, unsigned value) { add(filter, BPF_RET | BPF_K, 0, 0, value); }

static void load(struct filter *filter, size_t offset) {
    add(filter, BPF_LD | BPF_W | BPF_ABS, 0, 0, (unsigned)offset);
}

// The low half of an argument; both architectures are little-endian.
static size_t low_half(int argument) {
    return offsetof(struct seccomp_data, args) + 8 * (size_t)argument;
}

static void begin(struct filter *filter) {
    filter->length = 0;
    load(filter, offsetof(struct seccomp_data, arch));
    add(filter, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, OUR_ARCHITECTURE);
    answer(filter, SECCOMP_RET_KILL_PROCESS);
    load(filter, offsetof(struct seccomp_data, nr));
#if defined(__x86_64__)
    // The x32 calls would bypass every comparison below.
    add(filter, BPF_JMP | BPF_JGE | BPF_K, 0, 1, 0x40000000);
    answer(filter, REFUSE);
#endif
}

static void each(struct filter *filter, const int *calls, size_t count, unsigned value) {
    for (size_t i = 0; i < count; i++) {
        add(filter, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, (unsigned)calls[i]);
        answer(filter, value);
    }
}

// `call` gives `if_clear` where no bit of `mask` is set in the argument, else `otherwise`.
static void by_bits(struct filter *filter, int call, int argument, unsigned mask, unsigned if_clear,
                    unsigned otherwise) {
    add(filter, BPF_JMP | BPF_JEQ | BPF_K, 0, 4, (unsigned)call);
    load(filter, low_half(argument));
    add(filter, BPF_JMP | BPF_JSET | BPF_K, 1, 0, mask);
    answer(filter, if_clear);
    answer(filter, otherwise);
}

// `call` gives `if_listed` where the argument's low half is one of the values, else `otherwise`.
static void by_value(struct filter *filter, int call, int argument, const unsigned *values,
                     unsigned char count, unsigned if_listed, unsigned otherwise) {
    add(filter, BPF_JMP | BPF_JEQ | BPF_K, 0, (unsigned char)(2 + 2 * count), (unsigned)call);
    load(filter, low_half(argument));
    for (unsigned char i = 0; i < count; i++) {
        add(filter, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, values[i]);
        answer(filter, if_listed);
    }
    answer(filter, otherwise);
}

static int install(struct filter *filter) {
    if (filter->length >= COUNT(filter->code)) return -E2BIG;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -errno;
    struct sock_fprog program = {filter->length, filter->code};
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0 ? -errno : 0;
}

// Those of a pass over files first: the filter is read from its start for each call.
static const int reading_calls[] = {
    SYS_read, SYS_close, SYS_fstat, SYS_newfstatat, SYS_write, SYS_getdents64, SYS_readlinkat,
#ifdef SYS_stat
    SYS_stat, SYS_lstat, SYS_readlink, SYS_access, SYS_poll, SYS_select, SYS_dup2, SYS_getdents,
    SYS_time,
#endif
    SYS_lseek, SYS_pread64, SYS_readv, SYS_preadv, SYS_writev, SYS_statx, SYS_statfs, SYS_fstatfs,
    SYS_mmap, SYS_munmap, SYS_mprotect, SYS_mremap, SYS_madvise, SYS_brk, SYS_futex, SYS_faccessat,
#ifdef SYS_faccessat2
    SYS_faccessat2,
#endif
    SYS_ppoll, SYS_pselect6, SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn,
    SYS_sigaltstack, SYS_restart_syscall, SYS_clock_gettime, SYS_clock_getres, SYS_clock_nanosleep,
    SYS_nanosleep, SYS_gettimeofday, SYS_getrusage, SYS_times, SYS_getpid, SYS_gettid, SYS_getppid,
    SYS_getuid, SYS_geteuid, SYS_getgid, SYS_getegid, SYS_getgroups, SYS_getpgid, SYS_getsid,
    SYS_getcwd, SYS_uname, SYS_sysinfo, SYS_getrandom, SYS_getcpu, SYS_sched_getaffinity,
    SYS_sched_getscheduler, SYS_sched_getparam, SYS_sched_getattr, SYS_getpriority, SYS_sched_yield,
    SYS_capget, SYS_getxattr, SYS_lgetxattr, SYS_fgetxattr, SYS_listxattr, SYS_llistxattr,
    SYS_flistxattr, SYS_fadvise64, SYS_dup, SYS_dup3, SYS_wait4, SYS_waitid, SYS_exit,
    SYS_exit_group,
};

int clinux_filter_reader(void) {
    struct filter filter;
    begin(&filter);
    const unsigned writing = O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND;
    by_bits(&filter, SYS_openat, 2, writing, ALLOW, REFUSE);
#ifdef SYS_open
    by_bits(&filter, SYS_open, 1, writing, ALLOW, REFUSE);
#endif
    each(&filter, reading_calls, COUNT(reading_calls), ALLOW);
    const unsigned controls[] = {F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD, F_DUPFD_CLOEXEC,
                                 F_OFD_GETLK};
    by_value(&filter, SYS_fcntl, 1, controls, COUNT(controls), ALLOW, REFUSE);
    // Settings of ethtool have the same number, and need a capability that is gone.
    const unsigned requests[] = {TCGETS, FIONREAD, SIOCETHTOOL, SIOCGHWTSTAMP};
    by_value(&filter, SYS_ioctl, 1, requests, COUNT(requests), ALLOW, REFUSE);
    // abort(3) signals its own thread; nobody else may be signalled.
    const unsigned ourselves[] = {(unsigned)getpid()};
    by_value(&filter, SYS_tgkill, 0, ourselves, 1, ALLOW, REFUSE);
#ifdef SYS_openat2
    const int unknown[] = {SYS_openat2};
    each(&filter, unknown, COUNT(unknown), UNKNOWN);
#endif
    answer(&filter, REFUSE);
    return install(&filter);
}

// Numbers of calls newer than the headers of the oldest system we build on; the same everywhere.
enum {
    NR_open_tree = 428, NR_move_mount = 429, NR_fsopen = 430, NR_fsconfig = 431, NR_fsmount = 432,
    NR_fspick = 433, NR_clone3 = 435, NR_pidfd_getfd = 438, NR_mount_setattr = 442,
    NR_quotactl_fd = 443, NR_open_tree_attr = 467, NR_io_uring_setup = 425, NR_io_uring_enter = 426,
    NR_io_uring_register = 427,
};

static const int refused_calls[] = {
    SYS_mount, SYS_umount2, SYS_pivot_root, SYS_chroot, NR_open_tree, NR_move_mount, NR_fsopen,
    NR_fsconfig, NR_fsmount, NR_fspick, NR_mount_setattr, NR_open_tree_attr, SYS_unshare, SYS_setns,
    SYS_init_module, SYS_finit_module, SYS_delete_module, SYS_kexec_load,
#ifdef SYS_kexec_file_load
    SYS_kexec_file_load,
#endif
    SYS_reboot, SYS_swapon, SYS_swapoff, SYS_acct, SYS_quotactl, NR_quotactl_fd, SYS_sethostname,
    SYS_setdomainname, SYS_settimeofday, SYS_clock_settime, SYS_clock_adjtime, SYS_adjtimex,
    SYS_syslog, SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev, NR_pidfd_getfd,
    SYS_perf_event_open, SYS_bpf, SYS_userfaultfd, SYS_fanotify_init, SYS_open_by_handle_at,
    SYS_keyctl, SYS_add_key, SYS_request_key, SYS_sched_setaffinity, SYS_mknodat,
#ifdef SYS_mknod
    SYS_mknod, SYS_iopl, SYS_ioperm,
#endif
};

int clinux_filter_program(void) {
    struct filter filter;
    begin(&filter);
    each(&filter, refused_calls, COUNT(refused_calls), REFUSE);
    // Programs fall back to what came before these.
    const int unknown[] = {NR_clone3, NR_io_uring_setup, NR_io_uring_enter, NR_io_uring_register};
    each(&filter, unknown, COUNT(unknown), UNKNOWN);
    const unsigned namespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
                                CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
    by_bits(&filter, SYS_clone, 0, namespaces, ALLOW, REFUSE);
    // A key that root can read and a network would be a way in as root: ssh root@localhost.
    const unsigned families[] = {AF_UNIX, AF_NETLINK};
    by_value(&filter, SYS_socket, 0, families, COUNT(families), ALLOW, REFUSE);
    const unsigned terminal[] = {TIOCSTI, TIOCLINUX};
    by_value(&filter, SYS_ioctl, 1, terminal, COUNT(terminal), REFUSE, ALLOW);
    answer(&filter, ALLOW);
    return install(&filter);
}
