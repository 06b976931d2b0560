"""Row 5: the agent alone, on a lab host with systemd."""

import gzip
import json
import subprocess

import measure
import table
from fleets import plain_files, write_fleet
from lab import Lab, repository

# A container has its own network parameters, so forty of these are easily found.
sysctls = [
    f"net.ipv4.conf.{interface}.{key}"
    for interface in ("all", "default", "lo", "eth0")
    for key in (
        "accept_redirects",
        "accept_source_route",
        "arp_announce",
        "arp_filter",
        "arp_ignore",
        "forwarding",
        "log_martians",
        "rp_filter",
        "secure_redirects",
        "send_redirects",
    )
]


def run(rig):
    rounds = rig.sized(15, 3)
    size = rig.agent.stat().st_size
    packed = len(gzip.compress(rig.agent.read_bytes(), 6))
    with Lab(1, "--with-python", name="benchagent") as lab:
        host = Host(lab)
        units = host.lines("systemctl list-units --plain --no-legend --state=active --type=service,timer,socket")
        units = [line.split()[0] for line in units][:20]
        packages = host.lines("dpkg-query --show --showformat '${Package}\\n'")[:20]
        values = dict(line.split(" = ", 1) for line in host.lines("/sbin/sysctl " + " ".join(sysctls)))
        if len(units) < 20 or len(packages) < 20 or len(values) < 40:
            raise measure.BenchmarkFailed(f"the lab host has {len(units)} units, {len(values)} sysctls")
        resources = plain_files(119)
        resources += [{"sysctl": key, "value": value} for key, value in values.items()]
        resources += [{"package": name} for name in packages]
        resources += [{"service": name, "state": "started"} for name in units]
        assert len(resources) == 200
        fleet = write_fleet(rig.folder("agent"), resources, known_hosts=lab.known_hosts)
        rig.run("apply", "--yes", "-i", lab.inventory, fleet=fleet)
        rig.run("compile", "-i", lab.inventory, "-o", rig.folder("agent-plans"), fleet=fleet)
        plan = next((rig.work / "agent-plans").iterdir())
        host.put(rig.agent, "/root/muster-agent")
        host.put(plan, "/root/plan.json")
        host.put(repository / "Benchmarks" / "agent_probe.py", "/root/agent_probe.py")
        probe = ["python3", "/root/agent_probe.py", "/root/muster-agent", "/root/plan.json", str(rounds), *units]
        found = json.loads(host.execute(*probe))
    if found["outcomes"] != {"as_declared": 200}:
        raise measure.BenchmarkFailed(f"the check should find no difference: {found['outcomes']}")
    if found["processes"] < 3:
        raise measure.BenchmarkFailed(f"of the agent's three processes {found['processes']} were seen")
    first, check, show = (measure.median(found[key]) for key in ("first_frame", "check", "show"))
    rig.notes.append(
        "Row 5: 119 files and their directory, 40 sysctls, 20 packages, 20 units; medians of "
        f"{rounds} rounds on a lab host with systemd; memory is that of its {found['processes']} processes "
        "together, with what they share counted once; "
        f"CPU time as the agent reports it {found['end']['cpu_microseconds'] / 1000:.0f} ms, and the largest "
        f"of the processes alone {table.size(found['end']['resident_bytes'])} resident."
    )
    besides = check - show
    mib = 1 << 20

    def row(what, value, goal, met, baseline="–", ratio="–"):
        return table.Row(f"5. agent: {what}", value, baseline, ratio, goal, met)

    return [
        row("size, stripped", table.size(size), "≤ 12 MB", size <= 12 * mib),
        row("size on the wire (gzip)", table.size(packed), "≤ 5 MB", packed <= 5 * mib),
        row("start to first frame", table.seconds(first), "≤ 5 ms", first <= 0.005),
        row(
            "check of 200 resources",
            table.seconds(check),
            "≤ 100 ms besides",
            besides <= 0.1,
            f"one `systemctl show` of the 20 units: {table.seconds(show)}",
            f"{table.seconds(besides)} besides",
        ),
        row("resident", table.size(found["resident"]), "≤ 16 MB", found["resident"] <= 16 * mib),
    ]


class Host:
    """One host of a lab, over OpenSSH."""

    def __init__(self, lab, number=0):
        self.ssh = ["ssh", "-F", str(lab.ssh_config), lab.addresses()[number][0]]

    def execute(self, *words, stdin=None):
        done = subprocess.run(
            [*self.ssh, "--", *words], stdin=stdin or subprocess.DEVNULL, capture_output=True, text=True
        )
        if done.returncode != 0:
            raise measure.BenchmarkFailed(f"{' '.join(words)} on the lab host: {done.stderr[-2000:]}")
        return done.stdout

    def lines(self, command):
        return self.execute(command).splitlines()

    def put(self, path, target):
        with open(path, "rb") as file:
            self.execute(f"cat >{target} && chmod 755 {target}", stdin=file)
