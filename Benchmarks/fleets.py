"""Makes fleet directories for the benchmarks. The same arguments give the same bytes."""

import json
from pathlib import Path


def write_fleet(folder, resources, *, role="measured", templates=None, known_hosts=None, hosts=None, site=None):
    """Writes a fleet with one role; its inventory is `hosts`, or is given later with `-i`."""
    folder = Path(folder)
    files = {
        f"Roles/{role}/role.yaml": yaml({"description": "What is measured.", "resources": resources}),
        "Inventory/site.yaml": yaml(site or [{"hosts": "all", "roles": [role]}]),
        "Inventory/settings.yaml": yaml(
            {"ssh": {"config": "none", **({"known_hosts": str(known_hosts)} if known_hosts else {})}}
        ),
    }
    if hosts:
        files["Inventory/hosts.yaml"] = yaml(hosts)
    for name, text in (templates or {}).items():
        files[f"Roles/{role}/templates/{name}"] = text
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


def yaml(value):
    """Returns JSON, which is also YAML; nobody has to read it."""
    return json.dumps(value, indent=1) + "\n"


def text_of(number, lines=40):
    """The content of a configuration file, by default about 1.5 kB."""
    return "".join(f"setting_{number:03}_{line:02} = value {number * line}\n" for line in range(lines))


def plain_files(count, folder="/etc/bench"):
    """Files with content, mode and owner, which every tool can manage."""
    return [{"directory": folder, "mode": "0755"}] + [
        {
            "file": f"{folder}/{number:03}.conf",
            "content": text_of(number),
            "mode": "0644",
            "owner": "root",
            "owner_group": "root",
        }
        for number in range(count)
    ]


def mixed_resources():
    """Fifty resources of kinds that a host without systemd supports."""
    packages = ["coreutils", "openssh-server", "sudo", "iproute2", "procps"]
    sysctls = {
        "net.ipv4.conf.all.rp_filter": 1,
        "net.ipv4.conf.all.accept_redirects": 0,
        "net.ipv4.conf.default.accept_source_route": 0,
        "net.ipv4.tcp_fin_timeout": 30,
        "net.ipv4.tcp_keepalive_time": 600,
        "net.ipv4.ip_local_port_range": "20000 60999",
    }
    resources = [{"directory": f"/etc/bench/part{number}", "mode": "0755"} for number in range(4)]
    resources.insert(0, {"directory": "/etc/bench", "mode": "0755"})
    resources += [{"group": name} for name in ("feed", "risk")]
    resources += [
        {"user": name, "primary_group": name, "shell": "/bin/sh", "create_home": False} for name in ("feed", "risk")
    ]
    resources += [
        {
            "file": f"/etc/bench/part{number % 4}/{number:03}.conf",
            **({"template": "host.conf.j2"} if number % 2 else {"content": text_of(number)}),
            "mode": "0644",
            "owner": "root",
            "owner_group": "feed",
        }
        for number in range(19)
    ]
    resources += [
        {"symlink": f"/etc/bench/current{number}", "target": f"part{number}/{number:03}.conf"} for number in range(4)
    ]
    resources += [
        {
            "line": f"limit {number}",
            "path": "/etc/bench/limits",
            "text": f"limit{number} = {number}",
            "match": f"^limit{number} =",
            "create": True,
        }
        for number in range(5)
    ]
    resources += [{"sysctl": key, "value": value} for key, value in sysctls.items()]
    resources += [{"package": name} for name in packages]
    resources.append(
        {
            "authorized_key": "operator@desk",
            "owner": "root",
            "key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIN1Oe6I1nl4UrhX8pDzqZrSDVpzlBKpL1kzl6Tt5BQhm operator@desk",
        }
    )
    resources.append(
        {
            "command": "make the marker",
            "check": ["/usr/bin/test", "-e", "/etc/bench/marker"],
            "run": ["/usr/bin/touch", "/etc/bench/marker"],
        }
    )
    assert len(resources) == 50, len(resources)
    return resources


host_template = """\
# {{ inventory_hostname }}
{% for number in range(20) %}
line {{ number }} of {{ inventory_hostname }}
{% endfor %}
"""
