"""What every row needs: the programs, folders, and the sizes to measure."""

import os
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import measure
from lab import repository


@dataclass
class Rig:
    """One call of Scripts/bench."""

    muster: Path
    agent: Path
    # Scratch space, removed at the end.
    work: Path
    quick: bool
    venv: Path
    facts: list = field(default_factory=list)
    notes: list = field(default_factory=list)

    def sized(self, full, quick):
        """The size for a full run, or for --quick."""
        return quick if self.quick else full

    def folder(self, name):
        """A new empty folder with that name."""
        path = self.work / name
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(parents=True)
        return path

    def run(self, *arguments, fleet, expect=(0,), **options):
        """Runs muster on a fleet, with its own environment."""
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.work), "NO_COLOR": "1"}
        return measure.run(
            [self.muster, *map(str, arguments)], expect=expect, cwd=fleet, env=environment, **options
        )

    def bare_loop(self):
        """Compiles the plain libssh2 loop and returns its path."""
        program = self.work / "bare_loop"
        if not program.exists():
            source = repository / "Benchmarks" / "bare-loop" / "bare_loop.c"
            subprocess.run(
                ["cc", "-O2", "-Wall", "-Wextra", "-Werror", "-o", program, source, "-lssh2"], check=True
            )
        return program
