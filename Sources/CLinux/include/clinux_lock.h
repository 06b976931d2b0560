/// File locks that belong to the open file description, not to the process (fcntl(2), F_OFD_*).
/// Results: >= 0 on success, -errno on failure.
#pragma once

/// Takes an exclusive lock on the whole file; -EAGAIN if another process holds one. Never waits.
int clinux_lock(int fd);

/// 1 if another process holds a lock on the file, else 0. Takes no lock.
int clinux_is_locked(int fd);
