"""Serving under strace: no look-up, no connection to another host, no file under HOME. `make torture` runs it too."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
JOB = ("--title", "Data Scientist", "--experience", "SE", "--location", "US")


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


PORTS = {"serve": free_port(), "app": free_port()}
COMMAND = ("-c", "from mlpaygrade.cli import main; main()")
ENTRIES = {
    "predict": (*COMMAND, "predict", *JOB),
    "explain": (*COMMAND, "explain", *JOB),
    "score": (*COMMAND, "score", "jobs.csv", "--output", "scored.csv"),
    "serve": (*COMMAND, "serve", "--port", str(PORTS["serve"])),
    "app": (
        *("-m", "streamlit", "run", str(ROOT / "src/mlpaygrade/app/main.py")),
        *("--server.headless=true", f"--server.port={PORTS['app']}"),
    ),
}  # fmt: skip
ASKED = {
    "serve": f"http://127.0.0.1:{PORTS['serve']}/v1/estimate?title=Data%20Scientist&experience=SE&location=US",
    "app": f"http://127.0.0.1:{PORTS['app']}/_stcore/health",
}
ADDRESS = re.compile(r'sin6?_port=htons\((\d+)\), (?:.*?)(?:inet_addr\(|inet_pton\(AF_INET6, )"([^"]+)"')


def leaks(entry: str, place: Path) -> list[str]:
    """What an entry to serving looked up, connected to or left under HOME."""
    home, trace = place / "home", place / "trace"
    home.mkdir()
    (place / "jobs.csv").write_text("job_title,experience_level,company_location\nData Engineer,SE,US\n")
    environment = {**os.environ, "HOME": str(home), "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    environment = {name: value for name, value in environment.items() if not name.startswith(("XDG_", "MLPAYGRADE_"))}
    shutil.copytree(ROOT / ".streamlit", place / ".streamlit")
    calls = "trace=connect,sendto,sendmsg,sendmmsg,openat,mkdir,mkdirat"
    command = [
        "strace",
        "-f",
        "--seccomp-bpf",
        "-qq",
        "-s",
        "200",
        "-e",
        calls,
        "-o",
        str(trace),
        sys.executable,
        *ENTRIES[entry],
    ]
    with (place / "said").open("w") as said:
        process = subprocess.Popen(
            command, cwd=place, env=environment, stdout=said, stderr=said, start_new_session=True
        )
    try:
        if entry in ASKED:
            _ask(ASKED[entry], process)
            os.killpg(process.pid, signal.SIGTERM)  # strace itself blocks it and ends with what it traces
        process.wait()
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return list(_leaks(trace.read_text(errors="replace"), home))


def _ask(address: str, process: "subprocess.Popen[bytes]") -> None:
    """Ask until there is an answer."""
    while process.poll() is None:
        with suppress(OSError), urllib.request.urlopen(address, timeout=60) as reply:
            assert reply.status == 200
            return
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=0.2)
    raise AssertionError("it ended before it answered")


def _leaks(trace: str, home: Path) -> Iterator[str]:
    for line in trace.splitlines():
        address = ADDRESS.search(line)
        if address and (address[1] == "53" or not address[2].startswith(("127.", "::1", "::ffff:127."))):
            yield line[:300]
        if "/etc/resolv.conf" in line or ("nscd" in line and "connect(" in line):
            yield line[:300]
        if str(home) in line and ("O_CREAT" in line or "mkdir" in line) and " = -1 " not in line:
            yield line[:300]
    if left := sorted(str(path.relative_to(home)) for path in home.rglob("*")):
        yield f"left under HOME: {left}"


def test_what_would_leave_is_seen() -> None:
    lines = (
        '1 connect(3, {sa_family=AF_INET, sin_port=htons(53), sin_addr=inet_addr("127.0.0.53")}, 16) = 0',
        '1 connect(3, {sa_family=AF_INET, sin_port=htons(443), sin_addr=inet_addr("93.184.215.14")}, 16) = -1 EINPROGRESS',
        '1 connect(3, {sa_family=AF_INET6, sin6_port=htons(443), inet_pton(AF_INET6, "2606::1", &sin6_addr)}, 28) = 0',
        '1 openat(AT_FDCWD, "/etc/resolv.conf", O_RDONLY|O_CLOEXEC) = 3',
        '1 openat(AT_FDCWD, "/nowhere/home/.device", O_WRONLY|O_CREAT, 0666) = 3',
    )  # fmt: skip
    assert list(_leaks("\n".join(lines), Path("/nowhere/home"))) == list(lines)
    fine = '1 connect(3, {sa_family=AF_INET, sin_port=htons(8080), sin_addr=inet_addr("127.0.0.1")}, 16) = 0'
    assert list(_leaks(fine, Path("/nowhere/home"))) == []


def traceable() -> bool:
    """Whether strace is here and may trace."""
    return (
        bool(shutil.which("strace"))
        and not subprocess.run(["strace", "-qq", "true"], capture_output=True, check=False).returncode
    )


@pytest.mark.skipif(
    not traceable(), reason="strace is missing or may not trace here; on Debian: apt-get install strace"
)
@pytest.mark.parametrize("entry", ENTRIES)
def test_serving_asks_no_host_and_leaves_no_file(entry: str, tmp_path: Path) -> None:
    assert leaks(entry, tmp_path) == []
