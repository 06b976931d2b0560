/// What makes a process unable to write: mounts, capabilities, system call filters.
/// Every function returns >= 0 on success and -errno on failure.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/// unshare(2) into a mount and a PID namespace of our own; the next child is process 1 of the latter.
/// Mounts made outside still appear here (so that automounts work), ours never outside.
int clinux_enter_namespaces(void);

/// unshare(2) into a mount namespace of our own, on top of the former.
int clinux_enter_mount_namespace(void);

/// Binds a file or directory onto itself, so that it is a mount with flags of its own.
int clinux_bind_onto_itself(const char *path);

/// mount_setattr(2) (Linux 5.12) on `/` and all below: read-only, no devices, no set-uid.
int clinux_mounts_read_only(void);

/// The same for one mount by a remount, for older kernels; keeps the flags it has.
int clinux_remount_read_only(const char *path, int noexec, int noatime, int nodiratime,
                             int relatime);

/// Lets devices work again on one mount, after the two above.
int clinux_allow_devices(const char *path);

/// A private tmpfs of 16 MB over `path`.
int clinux_mount_tmpfs(const char *path);

/// Takes the user and group of `uid` and `gid` without further groups; keeps the capabilities of
/// the mask `keep` and no other, in the bounding set too; ambient ones pass to programs.
int clinux_limit_privileges(uid_t uid, gid_t gid, uint64_t keep, int ambient);

/// The masks of the two capabilities that reading needs.
uint64_t clinux_cap_dac_read_search(void);
uint64_t clinux_cap_sys_ptrace(void);

/// Sets no_new_privs and a filter that lets only reading calls through; what is not listed fails
/// with EPERM. Writing is possible to descriptors that are open already.
int clinux_filter_reader(void);

/// Sets no_new_privs and a filter for the programs a check starts: they may do what an ordinary
/// user's program does, but no mounts, modules, namespaces, tracing, network or devices' state.
int clinux_filter_program(void);

/// Ends this process when its parent does (PR_SET_PDEATHSIG). A change of privileges undoes it.
int clinux_die_with_parent(void);

/// No core file and no core handler for this process and its children.
int clinux_no_core(void);
