/// Calls that make a process unable to write: mounts, capabilities, system call filters.
/// Every function returns >= 0 on success and -errno on failure.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/// unshare(2) into a new mount and a new PID namespace; the next child is process 1 of the latter.
/// Mounts made outside still appear inside (so that automounts work), but not the other way round.
int clinux_enter_namespaces(void);

/// unshare(2) into one more mount namespace, inside the one above.
int clinux_enter_mount_namespace(void);

/// Binds a file or directory onto itself: it becomes a mount that can have its own flags.
int clinux_bind_onto_itself(const char *path);

/// mount_setattr(2) (Linux 5.12) on `/` and all below: read-only, no devices, no set-uid.
int clinux_mounts_read_only(void);

/// The same for one mount, by remounting it, for older kernels; keeps the flags given.
int clinux_remount_read_only(const char *path, int noexec, int noatime, int nodiratime,
                             int relatime);

/// Allows device files again on one mount, after the two calls above.
int clinux_allow_devices(const char *path);

/// A private tmpfs of 16 MB over `path`.
int clinux_mount_tmpfs(const char *path);

/// Becomes user `uid` and group `gid` with no other groups. Keeps only the capabilities of the mask
/// `keep`, in the bounding set too; if `ambient` is 1, programs that it starts have them too.
int clinux_limit_privileges(uid_t uid, gid_t gid, uint64_t keep, int ambient);

/// The masks of the two capabilities that reading needs.
uint64_t clinux_cap_dac_read_search(void);
uint64_t clinux_cap_sys_ptrace(void);

/// Sets no_new_privs and a filter that allows only calls that read; every other call fails with
/// EPERM. Descriptors that are open already can still be written to.
int clinux_filter_reader(void);

/// Sets no_new_privs and a filter for the programs that a check starts: they may call what an
/// ordinary program calls, but not mount, load modules, enter namespaces, trace, use networks or
/// set devices.
int clinux_filter_program(void);

/// Kills this process when its parent ends (PR_SET_PDEATHSIG). A change of credentials clears this.
int clinux_die_with_parent(void);

/// Turns off core dumps for this process and its children: no file, and no handler.
int clinux_no_core(void);
