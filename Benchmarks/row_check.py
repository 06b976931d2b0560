"""Row 1: a check of many hosts, compared with only logging in to them."""

import measure
import table
from fleets import host_template, mixed_resources, write_fleet
from lab import Lab

# The number of connections at once, the same for muster and for the baseline.
width = 64


def run(rig):
    count = rig.sized(250, 25)
    rounds = rig.sized(7, 3)
    with Lab(count, "--light", name="benchlight") as lab:
        fleet = write_fleet(
            rig.folder("check"),
            mixed_resources(),
            templates={"host.conf.j2": host_template},
            known_hosts=lab.known_hosts,
        )
        on_lab = ("-i", lab.inventory, "--forks", width)
        rig.run("apply", "--yes", *on_lab, fleet=fleet)
        addresses = "".join(f"{address}\n" for _, address in lab.addresses())
        (rig.work / "addresses").write_text(addresses)
        loop = [rig.bare_loop(), str(width), "root", str(lab.key), "true"]

        def bare():
            with open(rig.work / "addresses", encoding="ascii") as hosts:
                return measure.run(loop, stdin=hosts)

        def check():
            return rig.run("check", *on_lab, fleet=fleet)

        bare()
        logins, checks = measure.side_by_side(rounds, bare, check)
    login, checked = measure.middle(logins), measure.middle(checks)
    ratio = measure.median([b.seconds / a.seconds for a, b in zip(logins, checks)])
    rig.notes.append(
        f"Row 1: {count} light hosts (an sshd each, no systemd: so no service or unit among the 50), {width} at once, "
        f"medians of {rounds} rounds; the loop's own CPU time {table.seconds(login.cpu_seconds)}, "
        f"muster's {table.seconds(checked.cpu_seconds)}; hosts and controller share the machine."
    )
    return [
        table.Row(
            f"1. no-op check of 50 resources on {count} hosts",
            f"{table.seconds(checked.seconds)} ({count / checked.seconds:.0f} hosts/s)",
            f"bare libssh2 loop running `true`: {table.seconds(login.seconds)} ({count / login.seconds:.0f} hosts/s)",
            f"{ratio:.2f} ×",
            "≤ 1.4 ×",
            ratio <= 1.4,
        )
    ]
