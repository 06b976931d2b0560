"""The table that a run prints."""

import os
import platform
import re
import subprocess
from dataclasses import dataclass


@dataclass
class Row:
    """One measured number with its baseline and its goal."""

    what: str
    ours: str
    baseline: str
    ratio: str
    goal: str
    met: bool


def seconds(value):
    return f"{value * 1000:.1f} ms" if value < 0.1 else f"{value:.3g} s"


def size(count):
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("KB", 1e3)):
        if count >= scale:
            return f"{count / scale:.3g} {unit}"
    return f"{count:.0f} B"


def markdown(rows, notes, facts):
    lines = ["| what | muster | baseline | ratio | goal | met |", "|---|---|---|---|---|---|"]
    lines += [
        f"| {row.what} | {row.ours} | {row.baseline} | {row.ratio} | {row.goal} | {'yes' if row.met else '**no**'} |"
        for row in rows
    ]
    lines.append("")
    lines += [f"- {note}" for note in notes]
    lines += ["", "Rig: " + "; ".join(facts) + "."]
    return "\n".join(lines) + "\n"


def rig():
    """Describes the machine."""
    memory = re.search(r"MemTotal:\s+(\d+)", _read("/proc/meminfo"))
    name = re.search(r"model name\s*: (.*)", _read("/proc/cpuinfo"))
    system = re.search(r'PRETTY_NAME="(.*)"', _read("/etc/os-release"))
    return [
        f"{name.group(1).strip() if name else platform.machine()}, {len(os.sched_getaffinity(0))} CPUs",
        f"{int(memory.group(1)) / 2**20:.0f} GB of memory" if memory else "",
        f"Linux {platform.release()}",
        system.group(1) if system else "",
        "load before: %.1f" % os.getloadavg()[0],
    ]


def version(arguments, pattern=r"\d[\w.]*"):
    """The version that a program prints."""
    done = subprocess.run(arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True)
    found = re.search(pattern, done.stdout)
    return found.group(0) if found else "?"


def _read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()
