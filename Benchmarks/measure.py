"""Runs programs and measures their time and memory."""

import os
import statistics
import subprocess
import tempfile
import time
from dataclasses import dataclass


class BenchmarkFailed(Exception):
    """A program did not do what was to be measured."""


@dataclass
class Cost:
    """Time and memory of one run of a program and of all processes it waited for."""

    seconds: float
    cpu_seconds: float
    # The peak resident memory of the largest of these processes.
    resident_bytes: int
    output: str


def run(arguments, *, expect=(0,), stdin=None, **options):
    """Runs a program to its end; the result contains its output from both streams."""
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
    """Runs the programs in turn for several rounds; returns the costs of each program.

    They alternate so that other load on the machine affects all of them.
    """
    costs = [[] for _ in programs]
    for _ in range(rounds):
        for gathered, program in zip(costs, programs):
            gathered.append(program())
    return costs


def middle(costs):
    """The run with the median duration."""
    return sorted(costs, key=lambda cost: cost.seconds)[len(costs) // 2]
