"""10,000 hostile requests to a running service: no reply of status 5xx, no traceback in its log, nobody left waiting.

    python benchmarks/service_hostile.py [--requests 10000] [--workers 1]

Raw bytes over sockets, so that what no client library sends is sent as well: broken chunking, lies about lengths, half
requests that stop, floods of headers, deep JSON. Before and after, and between, honest requests must be answered. Schemathesis
then asks through the whole schema. Writes benchmarks/results/service_hostile.json.
"""

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import urllib.request
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from service_load import Service

ROOT = Path(__file__).resolve().parent.parent
RESULTS = Path(__file__).parent / "results" / "service_hostile.json"
PATIENCE = 60.0
"""Seconds without a reply or an end of the connection that count as a hang; the service gives a slow sender RECEIVE."""
RECEIVE = "2"
TOGETHER = 16
SCHEMA_EXAMPLES = 150

PATHS = (
    "/v1/estimate",
    "/v1/explain",
    "/v1/scenarios",
    "/v1/compare",
    "/v1/read",
    "/v1/batch",
    "/v1/titles",
    "/v1/model",
)
MORE_PATHS = (
    "/invocations",
    "/v2/models/mlpaygrade/infer",
    "/metrics",
    "/openapi.json",
    "/",
    "/%ff",
    "/v1/../../etc/passwd",
)
METHODS = (*["POST"] * 30, "GET", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "TRACE", "BREW", "")
TYPES = (
    *["application/json"] * 8,
    "text/csv",
    "application/x-ndjson",
    "application/vnd.apache.parquet",
    "a/b;c",
    "",
    "\xff",
)
JOB = {"title": "Data Scientist", "experience": "SE", "location": "US"}
VALUES = (
    None, True, -1, 0, 10**400, 1e308, "", " ", "\x00", "\u202e", "é" * 300, "=1+1", "'; DROP TABLE jobs; --", "NaN", "9" * 4_000,
    [], {}, [[]], {"a": {"b": 1}}, "US", "Data Scientist", "senior", 2024, "🙂", "Senior" * 40, "\ud7ff", ["x"] * 500,
)  # fmt: skip
NAMES = (
    "title", "experience", "location", "residence", "remote", "size", "employment", "year", "offer_usd", "currency", "period",
    "place", "exact", "codes", "allow", "max_changes", "limit", "first", "second", "inputs", "dataframe_split", "q", "__proto__",
)  # fmt: skip


def body(chance: random.Random) -> bytes:
    """Something that is meant to be JSON, or a file, or is neither."""
    named = {chance.choice(NAMES): chance.choice(VALUES) for _ in range(chance.randrange(8))}
    made: tuple[Callable[[], bytes], ...] = (
        *[lambda: json.dumps({**JOB, **named}).encode()] * 4,
        lambda: json.dumps({"first": named, "second": JOB}).encode(),
        lambda: json.dumps(named).encode("utf-16"),
        lambda: json.dumps(named, ensure_ascii=False).encode("utf-8", "surrogatepass")[: chance.randrange(300)],
        lambda: chance.randbytes(chance.randrange(2_000)),
        lambda: b"[" * chance.randrange(1, 100_000),
        lambda: b'{"title":' * chance.randrange(1, 5_000),
        lambda: b'{"offer_usd": NaN, "year": 1e999999, "remote": -Infinity}',
        lambda: b'{"offer_usd": ' + b"9" * chance.randrange(1, 50_000) + b"}",
        lambda: b'{"title": "\xed\xa0\x80\xff"}',
        lambda: b"\xef\xbb\xbf" + json.dumps(JOB).encode(),
        lambda: b'{"title":"a","title":"b","title":"c"}',
        lambda: b"x" * 300_000,
        lambda: b"job_title,experience_level\n" + b'"' * chance.randrange(3_000),
        lambda: b"PAR1" + chance.randbytes(400) + b"PAR1",
        lambda: json.dumps({"dataframe_records": [named] * 3}).encode(),
        lambda: json.dumps(
            {"inputs": [{"name": "job_title", "shape": [-1, 10**18], "datatype": "", "data": [1]}]}
        ).encode(),
    )
    return chance.choice(made)()


def whole(chance: random.Random) -> list[bytes]:
    """A request that is sent to its end."""
    content = body(chance)
    path = chance.choice(PATHS * 2 + MORE_PATHS)
    if chance.random() < 0.3:
        path += "?" + "&".join(
            f"{chance.choice(NAMES)}=%{chance.randrange(256):02x}{chance.randrange(99)}" for _ in range(5)
        )
    head = [f"{chance.choice(METHODS)} {path} HTTP/1.1", "Host: x", f"Content-Type: {chance.choice(TYPES)}"]
    if chance.random() < 0.1:
        head += [f"X-{n}: {'y' * chance.randrange(60)}" for n in range(chance.randrange(2_000))]
    if chance.random() < 0.1:
        head += [f"Authorization: Bearer {'z' * chance.randrange(9_000)}", 'If-None-Match: "*", W/"', "X-API-Key: \xe9"]
    return [*_framed(chance, head, content), b""]


def _framed(chance: random.Random, head: list[str], content: bytes) -> list[bytes]:
    """The request with its length said truly, falsely, twice, or in chunks that are whole or broken."""
    drawn = chance.random()
    if drawn < 0.7:
        lengths = [f"Content-Length: {len(content)}"]
    elif drawn < 0.8:
        lengths = [
            f"Content-Length: {chance.choice(('-1', '0', '1e3', '99999999999999999999', 'x', str(len(content) + 9)))}"
        ]
    elif drawn < 0.85:
        lengths = [f"Content-Length: {len(content)}", "Transfer-Encoding: chunked"]
    else:
        lengths = ["Transfer-Encoding: chunked"]
        size = chance.choice((f"{len(content):x}", "ffffffffffffffff", "-5", "g", f"{len(content) // 2:x}", ""))
        content = f"{size}\r\n".encode() + content + chance.choice((b"\r\n0\r\n\r\n", b"\n0\n\n", b""))
    return ["\r\n".join([*head, *lengths, "", ""]).encode("latin-1", "replace"), content]


def halting(chance: random.Random) -> list[bytes]:
    """A request that never ends: its sender waits for the service to give up."""
    start = b"POST /v1/estimate HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n"
    return [start, json.dumps(JOB).encode()[: chance.randrange(40)]]


async def send(port: int, parts: list[bytes], seen: Counter[str]) -> None:
    """Send, half close where the request is whole, and read what comes back."""
    try:
        async with asyncio.timeout(PATIENCE):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                for part in parts:
                    writer.write(part)
                    await writer.drain()
                if parts[-1] == b"":
                    writer.write_eof()
                reply = await reader.read(12)
                seen[reply[9:12].decode("latin-1") if reply.startswith(b"HTTP/") else "closed"] += 1
            finally:
                writer.close()
    except TimeoutError:
        seen["hang"] += 1
    except OSError:
        seen["closed"] += 1


def honest(url: str) -> bool:
    """Whether an honest request is answered."""
    asked = urllib.request.Request(f"{url}/v1/estimate", json.dumps(JOB).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(asked, timeout=PATIENCE) as reply:
        return bool(json.load(reply)["estimate_usd"])


async def attack(service: Service, count: int, seen: Counter[str]) -> int:
    """All requests, `TOGETHER` at once; how many honest ones between them were answered."""
    chance = random.Random(16)
    answered = 0
    for start in range(0, count, 500):
        requests = [
            halting(chance) if chance.random() < 0.004 else whole(chance) for _ in range(min(500, count - start))
        ]
        gate = asyncio.Semaphore(TOGETHER)

        async def one(parts: list[bytes], gate: asyncio.Semaphore = gate) -> None:
            async with gate:
                await send(service.port, parts, seen)

        await asyncio.gather(*map(one, requests))
        answered += await asyncio.to_thread(honest, service.url)
    return answered


def by_schema() -> dict[str, int]:
    """Schemathesis through the whole schema, in this process: operations and those whose replies break it."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "0", "tests/test_service_schema.py"],
        cwd=ROOT, env={**os.environ, "SCHEMATHESIS_EXAMPLES": str(SCHEMA_EXAMPLES)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return {
        "examples_of_each_operation": SCHEMA_EXAMPLES,
        "failed": done.stdout.count("FAILED "),
        "exit": done.returncode,
    }


def main() -> None:
    """Attack and write; fails where anything broke."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--workers", type=int, default=1)
    given = parser.parse_args()
    seen: Counter[str] = Counter()
    with tempfile.TemporaryFile() as log:
        with Service(given.workers, log=log, MLPAYGRADE_RECEIVE_SECONDS=RECEIVE) as service:
            answered = asyncio.run(attack(service, given.requests, seen))
        log.seek(0)
        text = log.read().decode("utf-8", "replace")
    found = {
        "requests": given.requests,
        "replies": dict(sorted(seen.items())),
        "status_5xx": sum(number for status, number in seen.items() if status.startswith("5")),
        "hangs": seen["hang"],
        "tracebacks": text.count("Traceback (most recent call last)"),
        "unforeseen_errors": text.count(" failed: "),
        "honest_requests_between": len(range(0, given.requests, 500)),
        "honest_requests_answered": answered,
        "schema": by_schema(),
    }
    RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(RESULTS.read_text(encoding="utf-8"))
    broken = [line for line in text.splitlines() if "Traceback" in line or " failed: " in line][:5]
    if broken or found["status_5xx"] or found["hangs"]:
        raise SystemExit("\n".join(["Something broke.", *broken]))


if __name__ == "__main__":
    main()
