"""How much one machine serves: requests a second and their slowest hundredth, with the generator on the same machine.

    python benchmarks/service_load.py [--url http://127.0.0.1:8080] [--seconds 5] [--connections 8] [--workers 1]

Starts a service of its own unless --url names one. Writes benchmarks/results/service.json.
"""

import argparse
import asyncio
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

RESULTS = Path(__file__).parent / "results" / "service.json"
ADDRESSES = {"typed": "estimate"}
"""Kind of request -> its address where that has another name. typed: titles that no other request has."""
TITLES = ("Data Scientist", "Data Engineer", "Machine Learning Engineer", "Data Analyst", "Research Scientist")
ASKED = {
    "estimate": [
        {"title": title, "experience": level, "location": country}
        for title in TITLES
        for level in ("EN", "MI", "SE")
        for country in ("US", "GB", "DE", "CA")
    ],
    "typed": [
        {"title": f"{title} for team {number}", "experience": "SE", "location": "US"}
        for number in range(2_000)
        for title in TITLES
    ],
    "explain": [{"title": title, "experience": "SE", "location": "US"} for title in TITLES],
}


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--url")
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--workers", type=int, default=1)
    given = parser.parse_args()
    if given.url:
        measured = measure(given.url, given.seconds, given.connections)
    else:
        with Service(given.workers) as service:
            measured = {
                "start_seconds": service.start_seconds,
                **measure(service.url, given.seconds, given.connections, service.process.pid),
                "memory_mib": [round(kib / 1024) for kib in memory(service.process.pid)],
            }
    beside = {"processors": os.cpu_count(), "load_before": round(os.getloadavg()[0], 1), "workers": given.workers}
    RESULTS.write_text(json.dumps({**beside, **measured}, indent=1) + "\n", encoding="utf-8")
    print(RESULTS.read_text(encoding="utf-8"))


class Service:
    """A service of its own on a free port while the block lasts. log: where its standard error goes."""

    def __init__(self, workers: int = 1, *, log: int | IO[bytes] = subprocess.DEVNULL, **settings: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._command = [
            sys.executable,
            "-m",
            "mlpaygrade",
            "serve",
            "--port",
            str(self.port),
            "--workers",
            str(workers),
        ]
        self._log, self._settings = log, settings

    def __enter__(self) -> "Service":
        began = time.perf_counter()
        self.process = subprocess.Popen(self._command, stderr=self._log, env={**os.environ, **self._settings})
        wait(self.url)
        self.start_seconds = round(time.perf_counter() - began, 2)
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait()


def wait(url: str) -> None:
    """Return once the service is ready."""
    while True:
        try:
            urllib.request.urlopen(f"{url}/health/ready", timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return


def measure(url: str, seconds: float, connections: int, process: int | None = None) -> dict[str, Any]:
    """Requests a second, how long they took, and what processor time each cost the service, for each kind."""
    found = {}
    for kind in ASKED:
        asyncio.run(load(url, kind, 0.5, connections))
        before = processor_seconds(process)
        found[kind] = asyncio.run(load(url, kind, seconds, connections))
        spent = processor_seconds(process) - before
        if spent:
            each = spent / found[kind]["requests"]
            found[kind] |= {"processor_ms_each": round(1000 * each, 3), "per_core_and_second": round(1 / each)}
    return found


def family(process: int) -> list[int]:
    """A process and its children; on Linux only."""
    children = Path(f"/proc/{process}/task/{process}/children")
    return [process, *(map(int, children.read_text().split()) if children.exists() else [])]


def processor_seconds(process: int | None) -> float:
    """Processor time of a service so far; 0 where it is not known."""
    if process is None or not Path("/proc/self/stat").exists():
        return 0.0
    stats = [Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split() for one in family(process)]
    return sum(int(fields[11]) + int(fields[12]) for fields in stats) / os.sysconf("SC_CLK_TCK")


def memory(process: int) -> list[int]:
    """Largest resident memory of a service's processes, KiB."""
    texts = [Path(f"/proc/{one}/status").read_text() for one in family(process)]
    return [int(text.partition("VmHWM:")[2].split()[0]) for text in texts]


async def load(url: str, kind: str, seconds: float, connections: int) -> dict[str, Any]:
    """Ask as fast as the service answers, over so many connections."""
    parts = urlsplit(url)
    until = time.perf_counter() + seconds
    workers = [ask(str(parts.hostname), int(parts.port or 80), kind, until, n) for n in range(connections)]
    taken = sorted(ms for found in await asyncio.gather(*workers) for ms in found)
    at = {f"p{p}_ms": round(taken[min(len(taken) - 1, len(taken) * p // 100)], 1) for p in (50, 99)}
    return {
        "requests": len(taken),
        "requests_per_second": round(len(taken) / seconds),
        "connections": connections,
        **at,
    }


async def ask(host: str, port: int, kind: str, until: float, first: int) -> list[float]:
    """Milliseconds of each request of one connection."""
    reader, writer = await asyncio.open_connection(host, port)
    taken = []
    bodies = [json.dumps(job).encode() for job in ASKED[kind]]
    number = first * 997
    while (began := time.perf_counter()) < until:
        body = bodies[number % len(bodies)]
        number += 1
        head = f"POST /v1/{ADDRESSES.get(kind, kind)} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        reply = await reader.readuntil(b"\r\n\r\n")
        assert reply.startswith(b"HTTP/1.1 200"), reply
        length = int(reply.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        await reader.readexactly(length)
        taken.append(1000 * (time.perf_counter() - began))
    writer.close()
    return taken


if __name__ == "__main__":
    main()
