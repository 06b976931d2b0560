"""Labs for the benchmarks, started and removed with Scripts/lab."""

import os
import re
import subprocess
from pathlib import Path

repository = Path(__file__).resolve().parent.parent


class Lab:
    """A lab that is up during a `with` block."""

    def __init__(self, count, *options, name="bench"):
        self.count = count
        self.options = options
        self.name = name
        root = os.environ.get("MUSTER_LAB_DIR", str(repository / ".cache" / "lab"))
        self.folder = Path(root) / "run" / name

    def __enter__(self):
        self._script("up", str(self.count), *self.options)
        return self

    def __exit__(self, *_):
        self._script("down")

    def _script(self, *arguments):
        subprocess.run([repository / "Scripts" / "lab", *arguments, "--name", self.name], check=True)

    @property
    def inventory(self):
        return self.folder / "inventory.yaml"

    @property
    def key(self):
        return self.folder / "key"

    @property
    def known_hosts(self):
        return self.folder / "known_hosts"

    @property
    def ssh_config(self):
        return self.folder / "ssh_config"

    def addresses(self):
        """Name and address of each host, in order."""
        return re.findall(r"^Host (\S+)\n    HostName (\S+)$", self.ssh_config.read_text(), re.MULTILINE)
