/// What the tests of the agent need below Swift: attempts to escape, and death at a chosen call.
#pragma once

/// Tries to change something, as named; gives 0 where that worked, else the error number.
/// -1 stands for a name that is not known.
int escape_attempt(const char *name, const char *argument);

/// The name of an error number, `EPERM`, or its decimal digits.
const char *error_name(int code);

/// Runs a program and all it forks, and kills them all with SIGKILL when they enter their n-th call
/// that writes (0: never). Gives the number of such calls that were entered, or -errno.
int run_and_kill_at(long call, char *const argv[]);
