"""Row 2: a check of ten files, compared with other tools."""

import json
import os

import measure
import table
from fleets import plain_files, write_fleet, yaml
from lab import Lab

width = 50


def run(rig):
    count = rig.sized(50, 5)
    with Lab(count, "--light", "--with-python", name="benchpython") as lab:
        files = plain_files(10)
        fleet = write_fleet(rig.folder("compared"), files, known_hosts=lab.known_hosts)
        on_lab = ("-i", lab.inventory, "--forks", width)
        rig.run("apply", "--yes", *on_lab, fleet=fleet)

        def muster():
            return rig.run("check", *on_lab, fleet=fleet)

        ansible, mitogen = write_ansible(rig, lab, files)
        pyinfra = write_pyinfra(rig, lab, files)
        muster()
        checks = [muster() for _ in range(3)]
        pyinfra()
        checks_beside, pyinfras = measure.side_by_side(rig.sized(3, 1), muster, pyinfra)
        checks += checks_beside
        mitogens = [mitogen() for _ in range(rig.sized(2, 1))]
        checks += [muster() for _ in range(3)]
        ansibles = [ansible()]
        checks += [muster() for _ in range(3)]
    ours = measure.middle(checks)
    rig.facts += versions(rig)
    rig.notes.append(
        f"Row 2: no-op check of 10 files on {count} light hosts with Python, {width} at once; Ansible `--check` with "
        "pipelining, ControlPersist and no fact gathering, 10 `copy` tasks, once; mitogen's linear strategy, the better "
        f"of two; pyinfra `--dry`, median of {len(pyinfras)}; muster, median of {len(checks)}."
    )

    def row(name, cost, goal):
        ratio = cost.seconds / ours.seconds
        return table.Row(
            f"2. no-op check of 10 files on {count} hosts",
            f"{table.seconds(ours.seconds)}, {table.seconds(ours.cpu_seconds)} of CPU",
            f"{name}: {table.seconds(cost.seconds)}, {table.seconds(cost.cpu_seconds)} of CPU",
            f"{ratio:.0f} × as fast" if ratio >= 10 else f"{ratio:.1f} × as fast",
            f"≥ {goal} ×",
            ratio >= goal,
        )

    return [
        row("Ansible", ansibles[0], 100),
        row("Ansible with mitogen", min(mitogens, key=lambda cost: cost.seconds), 30),
        row("pyinfra", measure.middle(pyinfras), 7),
    ]


def write_ansible(rig, lab, files):
    """Programs that run the playbook, without and with mitogen."""
    folder = rig.folder("ansible")
    tasks = [task(file) for file in files]
    play = [{"hosts": "all", "gather_facts": False, "tasks": tasks}]
    (folder / "play.yaml").write_text(yaml(play))
    # An empty configuration file, to use no settings of the user; Ansible does not accept /dev/null.
    (folder / "ansible.cfg").write_text("[defaults]\n")
    environment = {
        "PATH": f"{rig.venv}/bin:{os.environ['PATH']}",
        "HOME": str(folder),
        "LC_ALL": "C.UTF-8",
        "ANSIBLE_CONFIG": str(folder / "ansible.cfg"),
        "ANSIBLE_FORKS": str(width),
        "ANSIBLE_PIPELINING": "True",
        "ANSIBLE_HOST_KEY_CHECKING": "True",
        "ANSIBLE_PYTHON_INTERPRETER": "/usr/bin/python3",
        "ANSIBLE_SSH_ARGS": f"-F {lab.ssh_config} -o ControlMaster=auto -o ControlPersist=60s",
        "ANSIBLE_STDOUT_CALLBACK": "default",
    }
    plugins = f"{rig.venv}/lib/python3.11/site-packages/ansible_mitogen/plugins/strategy"
    command = [f"{rig.venv}/bin/ansible-playbook", "-i", lab.inventory, "--check", folder / "play.yaml"]

    def program(**more):
        def play():
            cost = measure.run(command, cwd=folder, env={**environment, **more})
            require_no_change(cost.output, len(tasks))
            return cost

        return play

    return program(), program(ANSIBLE_STRATEGY_PLUGINS=plugins, ANSIBLE_STRATEGY="mitogen_linear")


def task(file):
    if "directory" in file:
        return {"ansible.builtin.file": {"path": file["directory"], "state": "directory", "mode": file["mode"]}}
    return {
        "ansible.builtin.copy": {
            "dest": file["file"],
            "content": file["content"],
            "mode": file["mode"],
            "owner": file["owner"],
            "group": file["owner_group"],
        }
    }


def require_no_change(output, tasks):
    recap = [line for line in output.splitlines() if "unreachable=" in line]
    if not recap or any(f"ok={tasks} " not in line or "changed=0 " not in line for line in recap):
        raise measure.BenchmarkFailed("Ansible's run was not a no-op:\n" + output[-3000:])


def write_pyinfra(rig, lab, files):
    """A program that runs the same files as a pyinfra deploy."""
    folder = rig.folder("pyinfra")
    data = {"ssh_user": "root", "ssh_key": str(lab.key), "ssh_known_hosts_file": str(lab.known_hosts)}
    hosts = [address for _, address in lab.addresses()]
    (folder / "inventory.py").write_text(f"lab = ({hosts!r}, {data!r})\n")
    lines = ["from io import StringIO", "from pyinfra.operations import files", ""]
    for file in files:
        if "directory" in file:
            lines.append(f"files.directory(path={file['directory']!r}, mode={file['mode'][1:]!r})")
        else:
            lines.append(
                f"files.put(src=StringIO({file['content']!r}), dest={file['file']!r}, mode={file['mode'][1:]!r}, "
                f"user={file['owner']!r}, group={file['owner_group']!r})"
            )
    (folder / "deploy.py").write_text("\n".join(lines) + "\n")
    command = [f"{rig.venv}/bin/pyinfra", "--dry", "--yes", "--parallel", str(width), "inventory.py", "deploy.py"]
    environment = {"PATH": f"{rig.venv}/bin:{os.environ['PATH']}", "HOME": str(folder), "LC_ALL": "C.UTF-8"}

    def program():
        return measure.run(command, cwd=folder, env=environment)

    return program


def versions(rig):
    listed = measure.run([f"{rig.venv}/bin/python", "-m", "pip", "list", "--format", "json"]).output
    found = {entry["name"]: entry["version"] for entry in json.loads(listed[listed.index("[") : listed.rindex("]") + 1])}
    return [f"{name} {found[name]}" for name in ("ansible-core", "mitogen", "pyinfra", "paramiko") if name in found]
