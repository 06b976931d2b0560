/// Locks on files that belong to the open file, not to the process (fcntl(2), F_OFD_*).
/// Results: >= 0 on success, -errno on failure.
#pragma once

/// Takes the exclusive lock on the whole file; -EAGAIN where another holds it. Never waits.
int clinux_lock(int fd);

/// 1 where somebody holds a lock on the file, 0 where nobody does. Takes nothing.
int clinux_is_locked(int fd);
