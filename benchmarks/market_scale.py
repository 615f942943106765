"""How long the report takes and how much memory it needs: the public file, and a million synthetic rows.

Enters: $MLPAYGRADE_DATA (optional), how many synthetic rows. Leaves: benchmarks/results/market_scale.json.
Run: python benchmarks/market_scale.py [--rows 1000000]
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from mlpaygrade.testing.synthetic import SyntheticMarket

RESULT = Path(__file__).parent / "results" / "market_scale.json"
ROWS_PER_POSTING = 1.906


def measure(data: Path, *, rows: int, folder: Path) -> dict[str, Any]:
    """Run the command once in a process of its own."""
    report = folder / "report.html"
    started, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "mlpaygrade", "market", "--data", str(data), "--output", str(report)]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    seconds, after = time.monotonic() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "rows": rows,
        "seconds": round(seconds, 1),
        "processor_seconds": round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 1),
        "load_average": round(os.getloadavg()[0], 1),
        "peak_gib": round(after.ru_maxrss / 2**20, 2),
        "report_mb": round(report.stat().st_size / 1e6, 2),
    }


def row_count(path: Path) -> int:
    """Lines of a file less its header."""
    with path.open(encoding="utf-8") as lines:
        return sum(1 for _ in lines) - 1


def main() -> None:
    """Measure and write the result; the small file first, as the peak is that of all runs so far."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rows", type=int, default=1_000_000)
    wanted = options.parse_args().rows
    result: dict[str, Any] = {"what": "wall time and peak memory of `mlpaygrade market`, start-up included"}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if public := os.environ.get("MLPAYGRADE_DATA"):
            rows = row_count(Path(public))
            result["public file"] = measure(Path(public), rows=rows, folder=folder)
        market = SyntheticMarket(seed=1, n_postings=round(wanted / ROWS_PER_POSTING))
        path = market.write(folder / "synthetic.csv")
        result["synthetic"] = measure(path, rows=row_count(path), folder=folder)
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
