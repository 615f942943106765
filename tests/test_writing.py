"""Files that a command writes: whole or not at all, through links, nothing left behind."""

import errno
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from mlpaygrade.dataset import writing
from mlpaygrade.dataset.writing import write_file, writing_bytes
from mlpaygrade.errors import ResourceError


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_text_and_bytes_are_written_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_file(path, "é\r\n")
    assert path.read_bytes() == "é\r\n".encode()
    path.chmod(0o600)
    write_file(path, b"\x00")
    assert path.read_bytes() == b"\x00"
    assert path.stat().st_mode & 0o777 == 0o600
    assert names(tmp_path) == ["a.txt"]


def test_a_failure_keeps_the_old_file_and_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_file(path, "old")

    def fail() -> None:
        with writing_bytes(path) as file:
            file.write(b"new")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert path.read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def test_a_link_is_written_through(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a.txt").write_text("old")
    (tmp_path / "link.txt").symlink_to(tmp_path / "real" / "a.txt")
    (tmp_path / "dangling.txt").symlink_to(tmp_path / "real" / "b.txt")
    for name in ("link.txt", "dangling.txt"):
        write_file(tmp_path / name, "new")
        assert (tmp_path / name).is_symlink()
    assert [(tmp_path / "real" / name).read_text() for name in ("a.txt", "b.txt")] == ["new", "new"]
    assert names(tmp_path / "real") == ["a.txt", "b.txt"]


def test_what_is_no_regular_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, why in ((tmp_path, "folder"), (tmp_path / "pipe", "regular"), (Path("/dev/null"), "regular")):
        with pytest.raises(ResourceError, match=why):
            write_file(path, "x")
    with pytest.raises(ResourceError, match=r"does not exist\. Create it"):
        write_file(tmp_path / "none" / "a.txt", "x")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(ResourceError):
        write_file(tmp_path / "loop" / "a.txt", "x")


@pytest.mark.parametrize(
    ("code", "remedy"), [(errno.ENOSPC, "Free space"), (errno.EROFS, "can be written"), (errno.EIO, "another")]
)
def test_what_the_disk_refuses_is_said_with_a_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, remedy: str
) -> None:
    def refuse(handle: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(writing.os, "fsync", refuse)
    with pytest.raises(ResourceError, match=remedy):
        write_file(tmp_path / "a.txt", "x")
    assert names(tmp_path) == []


def test_two_writers_never_share_a_temporary_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    contents = [str(n) * 200_000 for n in range(4)]

    def write(content: str) -> None:
        for _ in range(10):
            write_file(path, content)
            assert path.read_text() in contents

    threads = [threading.Thread(target=write, args=(content,)) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_text() in contents
    assert names(tmp_path) == ["a.txt"]


def test_what_a_killed_process_left_goes_with_the_next_write(tmp_path: Path) -> None:
    program = (
        "import os, pathlib, sys\nfrom mlpaygrade.dataset.writing import writing_bytes\n"
        "with writing_bytes(pathlib.Path(sys.argv[1])) as file:\n    os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path / "a.txt")], check=False)
    assert len(names(tmp_path)) == 1
    (tmp_path / ".b.txt.1.part").write_text("another's")
    write_file(tmp_path / "a.txt", "x")
    assert names(tmp_path) == [".b.txt.1.part", "a.txt"]


def test_sigterm_ends_the_process_and_leaves_nothing(tmp_path: Path) -> None:
    program = (
        "import pathlib, sys\nfrom mlpaygrade.dataset.writing import writing_bytes\n"
        "with writing_bytes(pathlib.Path(sys.argv[1])) as file:\n"
        "    file.write(b'x')\n    print('open', flush=True)\n    sys.stdin.read()\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "a.txt")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert child.stdout is not None
    assert child.stdout.readline() == b"open\n"
    assert len(names(tmp_path)) == 1
    child.terminate()
    child.communicate()
    assert child.returncode == -signal.SIGTERM
    assert names(tmp_path) == []


def test_sigterm_while_an_object_is_deleted_ends_the_process_too() -> None:
    program = (
        "import os, signal, click\nfrom mlpaygrade.cli import run_app\n"
        "class Deleted:\n    def __del__(self):\n        os.kill(os.getpid(), signal.SIGTERM)\n"
        "@click.command\ndef command():\n"
        "    Deleted()\n    print('deleted', flush=True)\n    while True:\n        signal.pause()\n"
        "run_app(command)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (143, "deleted\n")
    assert "Traceback" not in done.stderr
