"""Row 4: memory of the controller for each host at once; fails if a host is reported as unreachable."""

import table
from fleets import write_fleet, yaml
from lab import Lab

# The number of names for each machine: gives 1,000 hosts, then 5,000.
aliases = [4, 20]


def run(rig):
    machines = rig.sized(250, 25)
    with Lab(machines, "--light", name="benchlight") as lab:
        fleet = write_fleet(
            rig.folder("memory"),
            [{"file": "/etc/bench-memory", "content": "1\n", "mode": "0644"}],
            known_hosts=lab.known_hosts,
        )
        return [measure(rig, lab, fleet, machines, names) for names in aliases]


def measure(rig, lab, fleet, machines, names):
    count = machines * names
    few = max(10, count // 40)
    inventory = rig.work / f"memory-{names}.yaml"
    inventory.write_text(aliased(lab, names))
    on_lab = ("-i", inventory)
    # First one name of each machine, so that the agent and the file are on all of them.
    rig.run("apply", "--yes", "--limit", "*_0", *on_lab, fleet=fleet)
    narrow = rig.run("check", "--forks", few, *on_lab, fleet=fleet)
    # If a host is reported as unreachable, the exit code is not 0 and the row fails.
    wide = rig.run("check", "--forks", count, *on_lab, fleet=fleet)
    each = (wide.resident_bytes - narrow.resident_bytes) / (count - few)
    rig.notes.append(
        f"Row 4: {count} hosts ({machines} machines under {names} names each), all at once, compared with {few} at once: "
        "the difference of the two peaks, divided by the number of additional hosts. All hosts were reached."
    )
    return table.Row(
        f"4. controller memory per host in flight, {count} at once",
        f"{table.size(each)} ({table.size(wide.resident_bytes)} in all)",
        f"{few} at once: {table.size(narrow.resident_bytes)}",
        "–",
        "≤ 100 KB",
        each <= 100 << 10,
    )


def aliased(lab, names):
    """An inventory of the lab's hosts, each with several names."""
    hosts = {
        f"{name}_{number}": {"ansible_host": address} for name, address in lab.addresses() for number in range(names)
    }
    variables = {"ansible_user": "root", "ansible_ssh_private_key_file": str(lab.key)}
    return yaml({"all": {"hosts": hosts, "vars": variables}})
