"""Row 3: compiling a large fleet."""

import json

import measure
import table
from fleets import text_of, yaml


def run(rig):
    counts = rig.sized((1_000, 10_000), (100, 1_000))
    rounds = rig.sized(3, 1)
    costs = []
    for count in counts:
        fleet = write(rig.folder(f"compile-{count}"), count)
        plans = rig.folder(f"plans-{count}")
        taken = [rig.run("compile", "-o", plans, fleet=fleet) for _ in range(rounds)]
        check_plans(plans, count)
        costs.append(measure.middle(taken))
    small, large = costs
    growth = (large.seconds / small.seconds) / (counts[1] / counts[0])
    rig.notes.append(
        f"Row 3: 60 resources each, 12 of them with content that differs from host to host; plans written to disk; "
        f"CPU time {table.seconds(large.cpu_seconds)}. Linear is 1.0 × as long per host."
    )
    return [
        table.Row(
            f"3. compile {counts[1]:,} hosts × 60 resources",
            table.seconds(large.seconds),
            f"{counts[0]:,} hosts: {table.seconds(small.seconds)}",
            f"{growth:.2f} × per host",
            "≤ 8 s, linear",
            large.seconds <= 8 and growth <= 1.2,
        ),
        table.Row(
            "3. its peak memory",
            table.size(large.resident_bytes),
            f"{counts[0]:,} hosts: {table.size(small.resident_bytes)}",
            f"{large.resident_bytes / small.resident_bytes:.1f} ×",
            "≤ 650 MB",
            large.resident_bytes <= 650e6,
        ),
    ]


def check_plans(folder, count):
    """Checks that the expected plans were written."""
    plans = list(folder.iterdir())
    if len(plans) != count:
        raise measure.BenchmarkFailed(f"{len(plans)} plans of {count} were written")
    resources = json.loads(plans[0].read_text())["resources"]
    if len(resources) != 60:
        raise measure.BenchmarkFailed(f"a plan has {len(resources)} resources, not 60")


def write(folder, count):
    """Writes a realistic fleet: sites and racks, defaults, group and host variables, three roles."""
    write_inventory(folder, count)
    roles = {"baseline": baseline(), "low_latency": low_latency(), "feed": feed()}
    for name, (role, templates) in roles.items():
        put(folder / "Roles" / name / "role.yaml", yaml(role))
        for template, text in templates.items():
            put(folder / "Roles" / name / "templates" / template, text)
    put(folder / "Inventory" / "site.yaml", yaml([{"hosts": "all", "roles": list(roles)}]))
    return folder


def put(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def write_inventory(folder, count):
    groups = {}
    for number in range(count):
        site, rack = f"site{number % 8}", f"rack{number // 40}"
        name = f"md{number:05}"
        group = groups.setdefault(site, {"children": {}})["children"].setdefault(f"{site}_{rack}", {"hosts": {}})
        group["hosts"][name] = {
            "ansible_host": f"10.{number // 65536}.{number // 256 % 256}.{number % 256}",
            "feed_channel": number % 32,
            "feed_interface": f"ens{number % 4}f0",
        }
    put(folder / "Inventory" / "hosts.yaml", yaml({"all": {"children": groups}}))
    for number in range(8):
        put(
            folder / "Inventory" / "group_vars" / f"site{number}.yaml",
            yaml({"site_name": f"site{number}", "name_servers": [f"10.9.{number}.1", f"10.9.{number}.2"]}),
        )
    put(
        folder / "Inventory" / "group_vars" / "all.yaml",
        yaml({"owner_mail": "operations@example.net", "low_latency": {"swappiness": 1}}),
    )


def baseline():
    """24 resources: mostly the same on all hosts, some different for each site."""
    resources = [
        {"file": f"/etc/baseline/{number:02}.conf", "content": text_of(number), "mode": "0644"} for number in range(10)
    ]
    resources += [
        {"file": f"/etc/baseline/site{number}.conf", "template": "site.conf.j2", "mode": "0644"} for number in range(4)
    ]
    resources += [{"package": name} for name in ("chrony", "tmux", "ethtool", "lldpd", "numactl")]
    resources += [{"service": name, "state": "started", "enabled": True} for name in ("chrony", "lldpd", "ssh")]
    resources += [{"directory": "/etc/baseline", "mode": "0755"}, {"group": "trading"}]
    role = {
        "description": "What every host has.",
        "parameters": {
            "site_name": {"type": "string", "from": "site_name", "description": "The site."},
            "name_servers": {"type": "list", "from": "name_servers", "description": "Its name servers."},
        },
        "resources": resources,
    }
    return role, {"site.conf.j2": "site = {{ site_name }}\n{% for s in name_servers %}\nserver {{ s }}\n{% endfor %}\n"}


def low_latency():
    """20 resources: kernel parameters and module options."""
    role = {
        "description": "Kernel settings of a host that trades.",
        "parameters": {
            "swappiness": {"type": "integer", "default": 10, "description": "How eagerly it swaps."},
            "busy_poll": {"type": "integer", "default": 50, "description": "Microseconds."},
        },
        "resources": [
            {"sysctl": "vm.swappiness", "value": "{{ swappiness }}"},
            {"sysctl": "net.core.busy_poll", "value": "{{ busy_poll }}"},
        ]
        + [{"sysctl": f"net.core.bench_{number}", "value": str(number * 1024)} for number in range(14)]
        + [
            {"file": f"/etc/modprobe.d/bench{number}.conf", "content": text_of(number, 5), "mode": "0644"}
            for number in range(4)
        ],
    }
    return role, {}


def feed():
    """16 resources that differ from host to host, 12 of them with content for each host."""
    resources = [
        {"file": f"/etc/feed/channel{number:02}.conf", "template": "channel.conf.j2", "mode": "0640"}
        for number in range(12)
    ]
    resources += [
        {"directory": "/etc/feed", "mode": "0755"},
        {"user": "feed", "system": True, "shell": "/usr/sbin/nologin"},
        {"symlink": "/etc/feed/current", "target": "channel00.conf"},
        {"service": "feed-handler", "state": "started", "enabled": True, "when": "channel < 100"},
    ]
    for resource in resources[:12]:
        resource["notify"] = "restart_feed"
    role = {
        "description": "The feed handler.",
        "parameters": {
            "channel": {"type": "integer", "from": "feed_channel", "description": "The channel."},
            "interface": {"type": "string", "from": "feed_interface", "description": "Where it comes in."},
        },
        "resources": resources,
        "handlers": [{"id": "restart_feed", "service": "feed-handler", "action": "restart"}],
    }
    template = """\
# {{ inventory_hostname }}
interface = {{ interface }}
{% for line in range(12) %}
channel {{ line }} = 239.1.{{ channel }}.{{ line }}:{{ 20000 + line }}{% if line == 0 %} primary{% endif %}

{% endfor %}
"""
    return role, {"channel.conf.j2": template}
