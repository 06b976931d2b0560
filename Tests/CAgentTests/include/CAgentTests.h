/// What the tests of the agent need below Swift: attempts to escape, and death at a chosen call.
#pragma once

#include <sys/types.h>

/// Tries to change something, as named; gives 0 where that worked, else the error number.
/// -1 stands for a name that is not known.
int escape_attempt(const char *name, const char *argument);

/// The name of an error number, `EPERM`, or its decimal digits.
const char *error_name(int code);

/// Runs a program and all it forks, and kills them all with SIGKILL when they enter their n-th call
/// that writes (0: never). Gives the number of such calls that were entered, or -errno.
int run_and_kill_at(long call, char *const argv[]);

/// Writes a text to a descriptor of another process, a socket too (pidfd_getfd(2)). Gives 0 or errno.
int write_into(pid_t pid, int descriptor, const char *text);
