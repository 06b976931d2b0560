"""Runs ansible-inventory and `ansible --list-hosts` many times in one process.

Standard input: a JSON list of {"program": "ansible-inventory" | "ansible", "arguments": [...],
"directory": "..."}. Standard output: a JSON list with {"status", "output", "errors"} for each.
Ansible and its plugins are loaded once and forked for every call: starting it takes a second.
"""

import json
import os
import sys
import tempfile
import warnings

os.environ.update(
    ANSIBLE_CONFIG=tempfile.gettempdir() + "/muster-no-ansible.cfg",
    ANSIBLE_HOME=tempfile.gettempdir() + "/muster-ansible-home",
    ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED="1",
    ANSIBLE_HOST_PATTERN_MISMATCH="error",
    ANSIBLE_NOCOLOR="1",
    ANSIBLE_DEPRECATION_WARNINGS="0",
    ANSIBLE_LOCALHOST_WARNING="0",
    LC_ALL="C.UTF-8",
)

from ansible.cli.adhoc import AdHocCLI  # noqa: E402
from ansible.cli.inventory import InventoryCLI  # noqa: E402
from ansible.plugins import loader  # noqa: E402

# Every call sets the loader up again, which is only worth a warning.
warnings.simplefilter("ignore")
loader.init_plugin_loader()
for name in ("host_list", "script", "auto", "yaml", "ini", "toml"):
    loader.inventory_loader.get(name)
loader.vars_loader.get("host_group_vars")
loader.cache_loader.get("memory")

PROGRAMS = {"ansible-inventory": InventoryCLI, "ansible": AdHocCLI}


def run(call):
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        pid = os.fork()
        if pid == 0:
            status = 250
            try:
                os.chdir(call["directory"])
                os.dup2(output.fileno(), 1)
                os.dup2(errors.fileno(), 2)
                PROGRAMS[call["program"]].cli_executor([call["program"]] + call["arguments"])
                status = 0
            except SystemExit as end:
                status = end.code if isinstance(end.code, int) else 1
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(status)
        _, status = os.waitpid(pid, 0)
        output.seek(0)
        errors.seek(0)
        return {
            "status": os.waitstatus_to_exitcode(status),
            "output": output.read().decode(),
            "errors": errors.read().decode(),
        }


calls = json.load(sys.stdin)
answers = [run(call) for call in calls]
json.dump(answers, sys.stdout)
