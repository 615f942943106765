"""200 swaps of the bundle under a service at work, 20 of them damaged: no failed request, and every figure is its own bundle's.

    python benchmarks/service_swaps.py [--swaps 200] [--damaged 20] [--connections 8]

Each good swap is a bundle whose 90 % range is wider by its own amount, so that figures tell which bundle they are of. A damaged
one has a manifest that is cut, forged, continued or empty. Writes benchmarks/results/service_swaps.json.
"""

import argparse
import asyncio
import json
import os
import shutil
import signal
import tempfile
import urllib.request
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from service_load import Service

from mlpaygrade.forecast.bundle import MANIFEST, bundled_path, load_bundle, write_bundle
from mlpaygrade.forecast.predictor import Predictor
from mlpaygrade.service.model_slot import tag_of

RESULTS = Path(__file__).parent / "results" / "service_swaps.json"
JOB = {"title": "Data Scientist", "experience": "SE", "location": "US"}
ANY = 2
"""Where the widening of single figures stands in a calibration."""
STEP = 0.0005
"""By so much log pay the ranges of one bundle are wider than those of the one before: some $80."""


@dataclass
class Seen:
    """What the askers saw. right: tag of a bundle -> its 90 % range, known before it lies in the folder."""

    right: dict[str, list[int]] = field(default_factory=dict)
    answered: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    over: bool = False


class Bundles:
    """The folder that a service watches, and what is put into it."""

    def __init__(self, folder: Path, seen: Seen) -> None:
        self.folder = folder / "bundle"
        self._seen = seen
        shutil.copytree(bundled_path(), self.folder)
        whole = load_bundle(self.folder)
        names = json.loads((self.folder / MANIFEST).read_text(encoding="utf-8"))["files"]
        self._parts = {name: whole.part(name) for name in names}
        self._provenance = dict(whole.provenance)
        self._note(self.folder)

    def good(self, number: int) -> str:
        """Put a bundle with figures of its own into the folder; they are noted first. Its tag."""
        calibration = json.loads(self._parts["calibration.json"])
        calibration["widening"][ANY] = [width + STEP * (1 + number) for width in calibration["widening"][ANY]]
        parts = {**self._parts, "calibration.json": calibration}
        with tempfile.TemporaryDirectory() as beside:
            write_bundle(Path(beside), parts, provenance=self._provenance)
            tag = self._note(Path(beside))
        write_bundle(self.folder, parts, provenance=self._provenance)
        return tag

    def damaged(self, number: int) -> None:
        """Replace the manifest by one that is spoilt."""
        spoilt: tuple[Callable[[bytes], bytes], ...] = (
            lambda text: text[: len(text) // 2],
            lambda text: text.replace(b'"bytes": ', b'"bytes": 1', 1),
            lambda text: text + b"}",
            lambda _: b"",
        )
        manifest = self.folder / MANIFEST
        whole = manifest.read_bytes()
        beside = self.folder / "spoilt"
        beside.write_bytes(spoilt[number % len(spoilt)](whole))
        beside.replace(manifest)
        self._whole = whole

    def mended(self) -> None:
        """The manifest as it was before it was spoilt."""
        beside = self.folder / "spoilt"
        beside.write_bytes(self._whole)
        beside.replace(self.folder / MANIFEST)

    def _note(self, folder: Path) -> str:
        predictor = Predictor.load(folder)
        tag = tag_of(predictor.bundle)
        document = predictor.answer(predictor.read_job(**JOB)).to_json()
        self._seen.right[tag] = document["intervals_usd"]["90"]
        return tag


async def ask(port: int, seen: Seen) -> None:
    """One connection that asks without a pause and holds every reply against its bundle."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    body = json.dumps(JOB).encode()
    head = f"POST /v1/estimate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    while not seen.over:
        writer.write(head.encode() + body)
        reply = await reader.readuntil(b"\r\n\r\n")
        text = await reader.readexactly(int(reply.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]))
        if not reply.startswith(b"HTTP/1.1 200"):
            seen.failed.append(text[:200].decode("utf-8", "replace"))
            continue
        document = json.loads(text)
        tag = document["bundle"]
        seen.answered[tag] += 1
        if document["intervals_usd"]["90"] != seen.right.get(tag) or f'etag: "{tag}"'.encode() not in reply.lower():
            seen.wrong.append(f"{tag}: {document['intervals_usd']}")
    writer.close()


async def swap(service: Service, bundles: Bundles, seen: Seen, given: argparse.Namespace) -> None:
    """All swaps, each waited for until it serves or is refused."""
    every = given.swaps // given.damaged
    for number in range(given.swaps):
        if number % every == every - 1:
            before = await asyncio.to_thread(refused, service.url)
            await asyncio.to_thread(bundles.damaged, number // every)
            service.process.send_signal(signal.SIGHUP)
            while await asyncio.to_thread(refused, service.url) == before:
                await asyncio.sleep(0.05)
            await asyncio.to_thread(bundles.mended)
        else:
            tag = await asyncio.to_thread(bundles.good, number)
            service.process.send_signal(signal.SIGHUP)
            while not seen.answered[tag]:
                await asyncio.sleep(0.02)
    seen.over = True


def refused(url: str) -> float:
    """How many bundles the service has refused."""
    with urllib.request.urlopen(f"{url}/metrics", timeout=60) as page:
        lines = page.read().decode().splitlines()
    return sum(float(line.split()[-1]) for line in lines if 'bundle_loads_total{outcome="refused"}' in line)


async def run(service: Service, bundles: Bundles, seen: Seen, given: argparse.Namespace) -> None:
    """Swap while the askers ask."""
    await asyncio.gather(
        swap(service, bundles, seen, given), *(ask(service.port, seen) for _ in range(given.connections))
    )


def main() -> None:
    """Swap and write; fails where a request failed or a figure was wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--swaps", type=int, default=200)
    parser.add_argument("--damaged", type=int, default=20)
    parser.add_argument("--connections", type=int, default=8)
    given = parser.parse_args()
    seen = Seen()
    with tempfile.TemporaryDirectory() as folder:
        bundles = Bundles(Path(folder), seen)
        with Service(MLPAYGRADE_BUNDLE=str(bundles.folder)) as service:
            asyncio.run(run(service, bundles, seen, given))
            times_refused = refused(service.url)
    found = {
        "swaps": given.swaps,
        "damaged": given.damaged,
        "refused": int(times_refused),
        "bundles_that_answered": len(seen.answered),
        "requests": seen.answered.total() + len(seen.failed),
        "failed": len(seen.failed),
        "wrong": len(seen.wrong),
        "connections": given.connections,
        "load_after": round(os.getloadavg()[0], 1),
    }
    RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(RESULTS.read_text(encoding="utf-8"))
    if seen.failed or seen.wrong:
        raise SystemExit(f"{seen.failed[:3]} {seen.wrong[:3]}")


if __name__ == "__main__":
    main()
