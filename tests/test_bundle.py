"""The bundle: atomic, checked, and refused when it is not what training wrote."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from mlpaygrade.app import serving
from mlpaygrade.cli import app as cli
from mlpaygrade.cli.options import load_predictor
from mlpaygrade.errors import BundleError, InputError
from mlpaygrade.forecast import bundle as bundles
from mlpaygrade.forecast.bundle import MANIFEST, bundled_path, load_bundle, sign_bundle, write_bundle
from mlpaygrade.forecast.predictor import Predictor
from mlpaygrade.service.guard import read_settings
from mlpaygrade.service.model_slot import ModelSlot


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


def test_a_part_that_becomes_a_link_after_it_was_looked_at_is_not_followed(
    copy: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    part = copy / load_bundle(copy).manifest.files["encoder.json"].path
    part.rename(elsewhere := tmp_path_factory.mktemp("elsewhere") / "encoder.json")
    part.symlink_to(elsewhere)
    monkeypatch.setattr(Path, "is_symlink", lambda self: False)
    with pytest.raises(BundleError, match="cannot be read"):
        load_bundle(copy)


WRITER = """
import sys
from pathlib import Path
from mlpaygrade.forecast.bundle import load_bundle, write_bundle
shipped = load_bundle()
mark = b" " * int(sys.argv[2])
parts = {name: content + mark if name.endswith(".json") else content for name, content in shipped.parts.items()}
for _ in range(8):
    written = write_bundle(Path(sys.argv[1]), parts, provenance=dict(shipped.provenance) | {"seed": len(mark)})
    assert written.parts == parts, "another writer's parts"
"""


def test_two_writers_at_once_leave_one_whole_bundle_and_readers_see_no_mixture(copy: Path) -> None:
    shipped = load_bundle()
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(copy), str(mark)], stderr=subprocess.PIPE)
        for mark in (1, 2)
    ]
    reading = True
    while reading:
        reading = any(writer.poll() is None for writer in writers)
        bundle = load_bundle(copy)
        marks = {len(bundle.part(name)) - len(shipped.part(name)) for name in shipped.parts if name.endswith(".json")}
        assert marks in ({0}, {bundle.provenance["seed"]})
    assert [writer.communicate()[1].decode() for writer in writers] == ["", ""]
    listed = {part.path for part in load_bundle(copy).manifest.files.values()}
    assert {file.name for file in copy.iterdir()} == {MANIFEST, *listed}


def test_a_bundle_that_was_replaced_meanwhile_is_not_written_over(copy: Path) -> None:
    old = load_bundle(copy)
    new = write_bundle(copy, old.parts, provenance={**old.provenance, "seed": 77}, instead_of=old.manifest.sha256)
    with pytest.raises(BundleError, match="replaced meanwhile"):
        write_bundle(copy, old.parts, provenance=old.provenance, instead_of=old.manifest.sha256)
    assert load_bundle(copy).manifest == new.manifest


def test_a_signed_bundle_opens_for_its_key_alone_until_it_is_written_anew(copy: Path, keys: dict[str, Path]) -> None:
    with pytest.raises(BundleError, match=r"must be signed for .*; it has no signature"):
        Predictor.load(copy, public_key=keys["ours.pub"])
    sign_bundle(copy, keys["ours.pem"])
    assert Predictor.load(copy, public_key=keys["ours.pub"]).bundle.manifest.signature
    with pytest.raises(BundleError, match="of another key"):
        load_bundle(copy, public_key=keys["theirs.pub"])
    signed, document = load_bundle(copy), json.loads((copy / MANIFEST).read_text())
    for forged in ("", "AAAA", "no base64", document["signature"][:-4] + "AAA="):
        (copy / MANIFEST).write_text(json.dumps(document | {"signature": forged}))
        with pytest.raises(BundleError, match="its signature"):
            load_bundle(copy, public_key=keys["ours.pub"])
    write_bundle(copy, signed.parts, provenance=signed.provenance, sign_with=keys["theirs.pem"])
    assert load_bundle(copy, public_key=keys["theirs.pub"]).manifest.sha256 == signed.manifest.sha256
    write_bundle(copy, signed.parts, provenance={**signed.provenance, "seed": 77})
    replaced = json.loads((copy / MANIFEST).read_text())
    (copy / MANIFEST).write_text(json.dumps(replaced | {"signature": document["signature"]}))
    with pytest.raises(BundleError, match="another bundle"):
        load_bundle(copy, public_key=keys["ours.pub"])


def test_every_door_asks_for_the_signature_that_the_surroundings_ask_for(
    copy: Path, keys: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLPAYGRADE_PUBLIC_KEY", str(keys["ours.pub"]))
    monkeypatch.setenv("MLPAYGRADE_BUNDLE", str(copy))
    settings = read_settings()
    doors = {
        "command": lambda: load_predictor(copy),
        "service": lambda: ModelSlot(settings.bundle_path, public_key=settings.public_key),
        "app": serving.predictor.__wrapped__,
    }
    for door in doors.values():
        with pytest.raises(BundleError, match="has no signature"):
            door()
    commands = CliRunner()
    refused = [["bundle", "verify", str(copy)], ["mcp", "--bundle", str(copy), "--public-key", str(keys["theirs.pub"])]]
    for words in refused:
        with pytest.raises(BundleError):
            commands.invoke(cli, words, catch_exceptions=False)
    assert commands.invoke(cli, ["bundle", "sign", str(copy), "--key", str(keys["ours.pem"])]).exit_code == 0
    assert "Whole, and signed" in commands.invoke(cli, ["bundle", "verify", str(copy)]).stdout
    for door in doors.values():
        door()


@pytest.mark.parametrize("key", ["ours.pub", "theirs.pem", "missing"])
def test_a_wrong_key_file_is_said_with_how_to_make_one(copy: Path, keys: dict[str, Path], key: str) -> None:
    path = keys.get(key, copy / "missing.pem")
    with pytest.raises(InputError, match="key"):
        sign_bundle(copy, path) if key != "theirs.pem" else load_bundle(copy, public_key=path)


def test_the_shipped_bundle_passes_what_a_strangers_is_held_to() -> None:
    assert load_bundle(bundled_path()).manifest == load_bundle().manifest
