"""Measures Muster. Called by Scripts/bench, which installs and builds everything first."""

import argparse
import importlib
import shutil
import sys
import tempfile
import traceback
from pathlib import Path

import table
from lab import repository
from measure import BenchmarkFailed
from rig import Rig

# The keys are the numbers for --rows.
rows = {1: "row_check", 2: "row_compared", 3: "row_compile", 4: "row_memory", 5: "row_agent", 6: "row_apply"}


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binaries", type=Path, required=True)
    parser.add_argument("--venv", type=Path)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--rows", default=",".join(map(str, rows)))
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--keep", action="store_true")
    return parser.parse_args()


def main():
    options = arguments()
    work = Path(tempfile.mkdtemp(prefix="muster-bench-"))
    rig = Rig(
        muster=options.binaries / "muster",
        agent=options.binaries / "muster-agent",
        work=work,
        quick=options.quick,
        venv=options.venv,
        facts=table.rig(),
    )
    rig.facts += [
        table.version([rig.muster, "--version"], "muster.*"),
        table.version(["ssh", "-V"], "OpenSSH_[^ ,]*"),
        "libssh2 " + table.version(["dpkg-query", "--show", "--showformat", "${Version}", "libssh2-1"]),
    ]
    found, failed = [], False
    try:
        for number in sorted(int(text) for text in options.rows.split(",")):
            try:
                found += importlib.import_module(rows[number]).run(rig)
            except (BenchmarkFailed, OSError, ValueError):
                failed = True
                traceback.print_exc()
                print(f"bench: error: row {number} could not be measured; see above", file=sys.stderr)
    finally:
        if options.keep:
            print(f"bench: files are kept in {work}", file=sys.stderr)
        else:
            shutil.rmtree(work, ignore_errors=True)
    text = table.markdown(found, rig.notes, rig.facts)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(text)
    print(text, end="")
    print(f"bench: the table is in {options.output.relative_to(repository)}", file=sys.stderr)
    return 1 if failed or not all(row.met for row in found) else 0


sys.exit(main())
