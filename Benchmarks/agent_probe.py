"""Measures the agent alone, on a lab host, by talking to it over pipes. Prints JSON.

agent_probe.py AGENT PLAN ROUNDS UNIT…

PLAN is a file with the plan's canonical bytes. UNITs are for `systemctl show`, the baseline.
"""

import hashlib
import json
import os
import struct
import subprocess
import sys
import time

preamble = b"\0MUSTER-AGENT\0\n"


class Agent:
    """An agent process that this process talks to."""

    def __init__(self, program):
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            [program, "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )
        self.buffer = b""
        self.resident = self.processes = 0

    def receive(self):
        """Returns the next message."""
        while True:
            start = self.buffer.find(preamble)
            if start >= 0:
                self.buffer = self.buffer[start + len(preamble) :]
            if len(self.buffer) >= 5:
                kind, size = struct.unpack(">cI", self.buffer[:5])
                if len(self.buffer) >= 5 + size and kind == b"J":
                    message = json.loads(self.buffer[5 : 5 + size])
                    self.buffer = self.buffer[5 + size :]
                    return message
            more = os.read(self.process.stdout.fileno(), 1 << 16)
            if not more:
                raise SystemExit(f"the agent ended: {self.process.wait()}; {self.buffer[-400:]!r}")
            self.buffer += more

    def send(self, message):
        payload = json.dumps(message, sort_keys=True, separators=(",", ":")).encode()
        self._write(b"J" + struct.pack(">I", len(payload)) + payload)

    def send_blob(self, content):
        digest = hashlib.sha256(content).digest()
        piece = 256 * 1024
        for offset in range(0, len(content), piece):
            payload = digest + struct.pack(">QQ", offset, len(content)) + content[offset : offset + piece]
            self._write(b"B" + struct.pack(">I", len(payload)) + payload)
        return digest.hex()

    def _write(self, data):
        while data:
            data = data[os.write(self.process.stdin.fileno(), data) :]

    def note_resident(self):
        """Notes what the agent's processes have in memory together: pages that they share count once."""
        waiting, total, processes = [self.process.pid], 0, 0
        while waiting:
            pid = waiting.pop()
            try:
                with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as children:
                    waiting += map(int, children.read().split())
                # Only processes of the agent itself, not programs that it starts.
                if os.path.basename(os.readlink(f"/proc/{pid}/exe")) != os.path.basename(sys.argv[1]):
                    continue
                with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as rollup:
                    sizes = dict(line.split(":", 1) for line in rollup if line.endswith("kB\n"))
            except OSError:
                continue
            total += int(sizes["Pss"].split()[0]) * 1024
            processes += 1
        self.resident = max(self.resident, total)
        self.processes = max(self.processes, processes)

    def end(self):
        self.send({"type": "end"})
        self.process.stdin.close()
        if self.process.wait(10) != 0:
            raise SystemExit("the agent exited with an error")


def first_frame(program):
    agent = Agent(program)
    agent.receive()
    took = time.monotonic() - agent.began
    agent.end()
    return took


def request(plan):
    return {
        "type": "run",
        "request": {
            "mode": "check",
            "plan": plan,
            "run": "00000000",
            "serial": 0,
            "expires_after_seconds": 600,
            "deadline_seconds": 120,
            "wants_content": False,
            "max_disruption": "none",
            "requested_by": "bench",
        },
    }


def check(program, plan):
    agent = Agent(program)
    agent.receive()
    began = time.monotonic()
    agent.send(request(agent.send_blob(plan)))
    outcomes = {}
    slowest = []
    while True:
        message = agent.receive()
        if message["type"] == "resource":
            report = message["report"]
            outcomes[report["outcome"]] = outcomes.get(report["outcome"], 0) + 1
            slowest.append((report.get("microseconds", 0), report["address"]))
        elif message["type"] == "run_ended":
            took = time.monotonic() - began
            agent.end()
            slowest.sort(reverse=True)
            return took, outcomes, message["end"], slowest[:5]
        elif message["type"] == "fault":
            raise SystemExit(f"the agent refused: {message['fault']}")


def resident(program, plan):
    """What the processes of a check have in memory together at most, and how many processes that are."""
    agent = Agent(program)
    agent.receive()
    agent.send(request(agent.send_blob(plan)))
    while agent.receive()["type"] != "run_ended":
        agent.note_resident()
    agent.end()
    return agent.resident, agent.processes


def show(units):
    began = time.monotonic()
    subprocess.run(["systemctl", "show", "--no-pager", *units], stdout=subprocess.DEVNULL, check=True)
    return time.monotonic() - began


def main():
    program, plan_path, rounds, *units = sys.argv[1:]
    with open(plan_path, "rb") as file:
        plan = file.read()
    result = {"first_frame": [], "check": [], "show": []}
    for _ in range(int(rounds)):
        result["first_frame"].append(first_frame(program))
        took, outcomes, end, slowest = check(program, plan)
        result["check"].append(took)
        result["show"].append(show(units))
        result.update(outcomes=outcomes, end=end, slowest=slowest)
    # Apart from the timed rounds, because reading smaps takes longer than the check.
    seen = [resident(program, plan) for _ in range(5)]
    result["resident"], result["processes"] = max(seen)
    print(json.dumps(result))


main()
