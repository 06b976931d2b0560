#include "clinux_sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

// Glibc before 2.36 lacks the call and the kernel's header may be older still.
#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif

// As in <linux/mount.h>, which cannot stand beside <sys/mount.h> on glibc 2.36.
enum { READ_ONLY = 0x1, NO_SETUID = 0x2, NO_DEVICES = 0x4 };

struct mount_attributes {
    uint64_t set;
    uint64_t clear;
    uint64_t propagation;
    uint64_t user_namespace;
};

static int result(long value) { return value < 0 ? -errno : (int)value; }

static int set_mount(const char *path, unsigned flags, uint64_t set, uint64_t clear) {
    struct mount_attributes attributes = {.set = set, .clear = clear};
    return result(syscall(SYS_mount_setattr, -1, path, flags, &attributes, sizeof attributes));
}

int clinux_enter_namespaces(void) {
    if (unshare(CLONE_NEWNS | CLONE_NEWPID) != 0) return -errno;
    return result(mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL));
}

int clinux_enter_mount_namespace(void) { return result(unshare(CLONE_NEWNS)); }

int clinux_bind_onto_itself(const char *path) {
    return result(mount(path, path, NULL, MS_BIND, NULL));
}

int clinux_mounts_read_only(void) {
    return set_mount("/", AT_RECURSIVE, READ_ONLY | NO_DEVICES | NO_SETUID, 0);
}

int clinux_remount_read_only(const char *path, int noexec, int noatime, int nodiratime,
                             int relatime) {
    unsigned long flags = MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NODEV | MS_NOSUID;
    if (noexec) flags |= MS_NOEXEC;
    if (noatime) flags |= MS_NOATIME;
    if (nodiratime) flags |= MS_NODIRATIME;
    if (relatime) flags |= MS_RELATIME;
    return result(mount(NULL, path, NULL, flags, NULL));
}

int clinux_allow_devices(const char *path) {
    int answer = set_mount(path, 0, 0, NO_DEVICES);
    if (answer != -ENOSYS) return answer;
    return result(mount(NULL, path, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID, NULL));
}

int clinux_mount_tmpfs(const char *path) {
    return result(mount("tmpfs", path, "tmpfs", MS_NOSUID | MS_NODEV, "size=16m,mode=1777"));
}

uint64_t clinux_cap_dac_read_search(void) { return 1ull << CAP_DAC_READ_SEARCH; }
uint64_t clinux_cap_sys_ptrace(void) { return 1ull << CAP_SYS_PTRACE; }

int clinux_limit_privileges(uid_t uid, gid_t gid, uint64_t keep, int ambient) {
    for (int capability = 0; capability < 64; capability++) {
        if (keep >> capability & 1) continue;
        // EINVAL: the kernel has no capability of this number.
        if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0 && errno != EINVAL) return -errno;
    }
    if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0) return -errno;
    if (setgroups(0, NULL) != 0) return -errno;
    if (setresgid(gid, gid, gid) != 0) return -errno;
    if (setresuid(uid, uid, uid) != 0) return -errno;
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2] = {{0}};
    for (int half = 0; half < 2; half++) {
        uint32_t mask = (uint32_t)(keep >> (32 * half));
        data[half].effective = data[half].permitted = mask;
        data[half].inheritable = ambient ? mask : 0;
    }
    if (syscall(SYS_capset, &header, data) != 0) return -errno;
    for (int capability = 0; ambient && capability < 64; capability++) {
        if (!(keep >> capability & 1)) continue;
        if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) != 0) return -errno;
    }
    return 0;
}

int clinux_die_with_parent(void) { return result(prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0)); }

int clinux_no_core(void) {
    // 1, not 0: only this value keeps a core handler of /proc/sys/kernel/core_pattern from running.
    struct rlimit limit = {1, 1};
    if (setrlimit(RLIMIT_CORE, &limit) == 0) return 0;
    if (errno != EPERM) return -errno;
    // sudo lowers the hard limit to 0, which only CAP_SYS_RESOURCE may raise again: a container's
    // root may lack it. A process that cannot be dumped runs no handler either.
    limit.rlim_cur = limit.rlim_max = 0;
    if (setrlimit(RLIMIT_CORE, &limit) != 0) return -errno;
    return result(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0));
}
