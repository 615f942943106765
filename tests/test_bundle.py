"""The bundle: atomic, checked, and refused when it is not what training wrote."""

import json
from pathlib import Path

import pytest

from mlpaygrade.errors import BundleError
from mlpaygrade.forecast import bundle as bundles
from mlpaygrade.forecast.bundle import bundled_path, load_bundle, write_bundle
from mlpaygrade.forecast.bundle_files import MANIFEST


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for file in bundled_path().iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    return tmp_path


def test_the_packaged_bundle_loads_and_says_where_it_comes_from() -> None:
    bundle = load_bundle()
    assert not bundle.provenance["synthetic"]
    assert len(bundle.provenance["data_sha256"]) == 64
    assert bundle.evaluation["protocol"]


@pytest.mark.parametrize("how", ["truncated", "altered", "deleted"])
def test_every_damaged_part_is_refused(copy: Path, how: str) -> None:
    files = json.loads((copy / MANIFEST).read_text())["files"]
    for name, entry in files.items():
        part = copy / entry["path"]
        whole = part.read_bytes()
        if how == "truncated":
            part.write_bytes(whole[: len(whole) // 2])
        elif how == "altered":
            part.write_bytes(whole[:-2] + bytes([whole[-2] ^ 1]) + whole[-1:])
        else:
            part.unlink()
        with pytest.raises(BundleError, match=name.split(".")[0]):
            load_bundle(copy)
        part.write_bytes(whole)
    load_bundle(copy)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 1}', '{"format": 99, "files": {}, "provenance": {}}'])
def test_a_damaged_manifest_is_refused(copy: Path, text: str) -> None:
    (copy / MANIFEST).write_text(text)
    with pytest.raises(BundleError):
        load_bundle(copy)


def test_a_missing_bundle_names_its_folder(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="There is no bundle in"):
        load_bundle(tmp_path)


def test_a_write_killed_at_any_file_leaves_the_old_bundle_usable(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = (copy / MANIFEST).read_bytes()
    parts = dict(load_bundle().parts)
    parts["evidence.json"] += b" "
    real = bundles.write_file
    for survive in range(len(parts) + 1):
        written = iter(range(100))

        def killed(path: Path, content: bytes, *, limit: int = survive, count=written) -> None:
            if next(count) == limit:
                raise KeyboardInterrupt
            real(path, content)

        monkeypatch.setattr(bundles, "write_file", killed)
        with pytest.raises(KeyboardInterrupt):
            write_bundle(copy, parts, provenance=load_bundle().provenance)
        assert (copy / MANIFEST).read_bytes() == old
        load_bundle(copy)
    monkeypatch.setattr(bundles, "write_file", real)
    write_bundle(copy, parts, provenance=load_bundle().provenance)
    assert {file.name for file in copy.iterdir()} == {
        MANIFEST,
        *(part.path for part in load_bundle(copy).manifest.files.values()),
    }
