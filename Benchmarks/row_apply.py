"""Row 6: an apply of many packages and kernel parameters, changed together and one by one."""

import hashlib
import subprocess

import measure
import table
from fleets import write_fleet
from lab import Lab
from row_agent import Host

folder = "/srv/bench-packages"


def run(rig):
    count = rig.sized(200, 20)
    with Lab(2, "--with-python", name="benchagent") as lab:
        names = [name for name, _ in lab.addresses()]
        hosts = [Host(lab, number) for number in range(2)]
        archive = build_packages(rig, count)
        for host in hosts:
            offer(host, archive)
        values = parameters(hosts[0], count)
        resources = [{"sysctl": key, "value": value} for key, value in values.items()]
        resources += [{"package": f"bench-{number:03}"} for number in range(count)]
        together, apart = (
            apply(rig, lab, host, resources if host == names[0] else chained(resources), 2 * count) for host in names
        )
    rig.notes.append(
        f"Row 6: one apply of {count} packages of a local repository and {count} kernel parameters, on a lab host with "
        "systemd each: once so that they can be changed together, once with each requiring the one before, so that "
        "every parameter needs a rewrite of its file and every package needs a run of apt-get."
    )
    ratio = together.seconds / apart.seconds
    return [
        table.Row(
            f"6. apply of {count} packages and {count} sysctls",
            table.seconds(together.seconds),
            f"the same one by one: {table.seconds(apart.seconds)}",
            f"{ratio:.2f} ×",
            "≤ 0.25 ×",
            ratio <= 0.25,
        )
    ]


def apply(rig, lab, host, resources, changes):
    fleet = write_fleet(rig.folder(f"apply-{host}"), resources, known_hosts=lab.known_hosts)
    cost = rig.run("apply", "--yes", "--limit", host, "-i", lab.inventory, fleet=fleet)
    if f" {changes} changes." not in cost.output:
        raise measure.BenchmarkFailed(f"not {changes} changes on {host}:\n{cost.output[-2000:]}")
    rig.run("check", "--limit", host, "-i", lab.inventory, fleet=fleet)
    return cost


def chained(resources):
    """The same resources, each requiring the one before it."""
    return [
        {**resource, "id": f"step_{number}", **({"requires": [f"step_{number - 1}"]} if number else {})}
        for number, resource in enumerate(resources)
    ]


def parameters(host, count):
    """Network parameters, which a container has for itself, with their current values: only the file changes."""
    values = {}
    for line in host.lines("/sbin/sysctl -a -r '^net[.]ipv[46][.](conf|neigh)[.]' 2>/dev/null"):
        key, _, value = line.partition(" = ")
        writable = f"test -w /proc/sys/{key.replace('.', '/')}"
        if value.strip().lstrip("-").isdigit() and key.rsplit(".", 1)[-1] not in once:
            values[key] = (value.strip(), writable)
    chosen = {}
    script = "; ".join(f"{test} && echo {key}" for key, (_, test) in values.items())
    for key in host.lines(script + "; true"):
        if len(chosen) < count:
            chosen[key] = values[key][0]
    if len(chosen) < count:
        raise measure.BenchmarkFailed(f"the lab host has only {len(chosen)} writable network parameters")
    return chosen


# Parameters whose write has an effect by itself, or that show another parameter in another unit.
once = {"stable_secret", "base_reachable_time", "retrans_time", "mc_forwarding", "unres_qlen"}


def build_packages(rig, count):
    """Makes a flat repository of empty packages; returns an archive of it."""
    root = rig.folder("packages")
    index = []
    for number in range(count):
        name = f"bench-{number:03}"
        control = (
            f"Package: {name}\nVersion: 1.0\nArchitecture: all\nMaintainer: Bench <bench@localhost>\n"
            "Description: nothing, to be installed\n"
        )
        tree = root / "tree" / name / "DEBIAN"
        tree.mkdir(parents=True)
        (tree / "control").write_text(control)
        file = root / f"{name}.deb"
        subprocess.run(
            ["dpkg-deb", "--root-owner-group", "-Znone", "--build", tree.parent, file],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        content = file.read_bytes()
        index.append(
            f"{control}Filename: ./{file.name}\nSize: {len(content)}\nSHA256: {hashlib.sha256(content).hexdigest()}\n"
        )
    (root / "Packages").write_text("\n".join(index))
    archive = rig.work / "packages.tar"
    subprocess.run(["tar", "-C", root, "--exclude", "./tree", "-cf", archive, "."], check=True)
    return archive


def offer(host, archive):
    """Makes the repository an apt source of the host."""
    host.put(archive, "/root/packages.tar")
    host.execute(
        f"mkdir -p {folder} && tar -xf /root/packages.tar -C {folder} && "
        f"echo 'deb [trusted=yes] file:{folder} ./' >/etc/apt/sources.list.d/bench.list && apt-get -q update"
    )
