"""Row 4: what a host in flight costs the controller in memory, and that none is called unreachable for our haste."""

import table
from fleets import write_fleet, yaml
from lab import Lab

# Names for each machine: 1,000 hosts, then 5,000.
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
    # One address of each machine first: the agent and the file are to be there.
    rig.run("apply", "--yes", "--limit", "*_0", *on_lab, fleet=fleet)
    narrow = rig.run("check", "--forks", few, *on_lab, fleet=fleet)
    # A host that is called unreachable ends this with another exit code, and so the benchmark.
    wide = rig.run("check", "--forks", count, *on_lab, fleet=fleet)
    each = (wide.resident_bytes - narrow.resident_bytes) / (count - few)
    rig.notes.append(
        f"Row 4: {count} hosts ({machines} machines under {names} names each), all at once beside {few} at once; "
        "the difference of the two peaks, by the hosts more. All of them were reached."
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
    """The lab's hosts, each under several names."""
    hosts = {
        f"{name}_{number}": {"ansible_host": address} for name, address in lab.addresses() for number in range(names)
    }
    variables = {"ansible_user": "root", "ansible_ssh_private_key_file": str(lab.key)}
    return yaml({"all": {"hosts": hosts, "vars": variables}})
