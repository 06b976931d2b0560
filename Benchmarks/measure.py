"""Running a program and saying what it cost."""

import os
import statistics
import subprocess
import tempfile
import time
from dataclasses import dataclass


class BenchmarkFailed(Exception):
    """A program did not do what it was to be measured at."""


@dataclass
class Cost:
    """What one run of a program took: itself and every process it waited for."""

    seconds: float
    cpu_seconds: float
    # The largest resident set of any one of its processes.
    resident_bytes: int
    output: str


def run(arguments, *, expect=(0,), stdin=None, **options):
    """Runs a program to its end; what it printed to both streams is in the cost."""
    with tempfile.TemporaryFile("w+", errors="replace") as output:
        began = time.monotonic()
        process = subprocess.Popen(
            arguments, stdin=stdin or subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, **options
        )
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            process.wait()
            raise
        seconds = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read()
    if process.returncode not in expect:
        tail = "\n".join(text.splitlines()[-20:])
        raise BenchmarkFailed(f"{' '.join(map(str, arguments))}\nended with {process.returncode}:\n{tail}")
    return Cost(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, text)


def median(values):
    return statistics.median(values)


def side_by_side(rounds, *programs):
    """Runs the programs in turn, as many rounds; the costs of each.

    In turn, so that whatever else the machine does meanwhile falls on all of them.
    """
    costs = [[] for _ in programs]
    for _ in range(rounds):
        for gathered, program in zip(costs, programs):
            gathered.append(program())
    return costs


def middle(costs):
    """The cost of the median duration."""
    return sorted(costs, key=lambda cost: cost.seconds)[len(costs) // 2]
