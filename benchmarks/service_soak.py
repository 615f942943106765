"""An hour of a service at a fixed rate: errors, slowest hundredth, and whether memory stays flat.

    python benchmarks/service_soak.py [--minutes 60] [--rate 250] [--workers 1]

Most requests are estimates; one in fifty is an explanation, one in fifty breaks a rule, and half of the titles are typed as no
other one was. Writes benchmarks/results/service_soak.json after each minute.
"""

import argparse
import asyncio
import json
import os
import random
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from service_load import ASKED, Service, family

RESULTS = Path(__file__).parent / "results" / "service_soak.json"
SAMPLE_SECONDS = 10
WARM_UP_MINUTES = 10
CONNECTIONS = 16


@dataclass
class Seen:
    """What one soak saw. late: seconds from when a request was due to when it was answered."""

    requests: int = 0
    errors: list[str] = field(default_factory=list)
    late: list[float] = field(default_factory=list)
    memory_mib: list[float] = field(default_factory=list)
    load: list[float] = field(default_factory=list)


def main() -> None:
    """Soak and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--rate", type=float, default=250.0)
    parser.add_argument("--workers", type=int, default=1)
    given = parser.parse_args()
    with Service(given.workers) as service:
        asyncio.run(soak(service, given))
    print(RESULTS.read_text(encoding="utf-8"))


async def soak(service: Service, given: argparse.Namespace) -> None:
    """Ask at the rate until the time is over."""
    seen = Seen()
    start = time.monotonic()
    until = start + 60 * given.minutes
    askers = [
        asyncio.create_task(ask(service.port, n, CONNECTIONS / given.rate, until, seen)) for n in range(CONNECTIONS)
    ]
    written = 0
    while time.monotonic() < until:
        await asyncio.sleep(SAMPLE_SECONDS)
        seen.memory_mib.append(round(sum(map(resident, family(service.process.pid))) / 1024, 1))
        seen.load.append(os.getloadavg()[0])
        if (minute := int((time.monotonic() - start) / 60)) > written:
            written = minute
            report(seen, time.monotonic() - start, given)
    await asyncio.gather(*askers)
    report(seen, time.monotonic() - start, given)


def resident(process: int) -> int:
    """Resident memory of a process now, KiB."""
    return int(Path(f"/proc/{process}/status").read_text().partition("VmRSS:")[2].split()[0])


async def ask(port: int, number: int, gap: float, until: float, seen: Seen) -> None:
    """One connection: a request each `gap` seconds, whether or not the last was late."""
    chance = random.Random(number)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    due = time.monotonic() + gap * chance.random()
    while due < until:
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        kind, body, expected = request(chance)
        head = f"POST /v1/{kind} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        reply = await reader.readuntil(b"\r\n\r\n")
        length = int(reply.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        text = await reader.readexactly(length)
        status = int(reply[9:12])
        seen.requests += 1
        seen.late.append(time.monotonic() - due)
        if status != expected:
            seen.errors.append(f"{status} instead of {expected}: {text[:200]!r}")
        due += gap
    writer.close()


def request(chance: random.Random) -> tuple[str, bytes, int]:
    """Endpoint, body, and the status that it must be answered with."""
    job = dict(chance.choice(ASKED["estimate"]))
    drawn = chance.random()
    if drawn < 0.02:
        return "explain", json.dumps(job).encode(), 200
    if drawn < 0.04:
        return "estimate", json.dumps({**job, "remote": "now and then"}).encode(), 422
    if drawn < 0.52:
        job["title"] = f"{job['title']} {chance.choice(('for', 'in', '-'))} {chance.randbytes(4).hex()}"
    return "estimate", json.dumps({**job, "offer_usd": chance.randrange(50_000, 400_000)}).encode(), 200


def report(seen: Seen, seconds: float, given: argparse.Namespace) -> None:
    """Write what was seen so far."""
    late = sorted(seen.late)
    warm = seen.memory_mib[int(60 * min(WARM_UP_MINUTES, given.minutes / 4) / SAMPLE_SECONDS) :] or seen.memory_mib
    found: dict[str, Any] = {
        "commit": subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
        ).stdout.strip(),
        "processors": os.cpu_count(),
        "load_mean": round(sum(seen.load) / max(1, len(seen.load)), 1),
        "load_most": round(max(seen.load, default=0.0), 1),
        "rate": given.rate,
        "workers": given.workers,
        "minutes": round(seconds / 60, 1),
        "requests": seen.requests,
        "requests_per_second": round(seen.requests / seconds),
        "errors": len(seen.errors),
        "first_errors": seen.errors[:5],
        **{f"p{p}_ms": round(1000 * late[min(len(late) - 1, len(late) * p // 100)], 1) for p in (50, 99)},
        "memory_mib_after_warm_up": warm[0],
        "memory_mib_most": max(warm),
        "memory_mib_last": warm[-1],
        "memory_growth": round(max(warm) / warm[0] - 1, 4),
        "memory_mib": seen.memory_mib[::6],
    }
    RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
