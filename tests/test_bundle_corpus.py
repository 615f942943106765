"""500 damaged and forged bundles, made from the shipped one: each is refused in words, or answers exactly as the original."""

import copy
import hashlib
import json
import os
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mlpaygrade import Predictor
from mlpaygrade.errors import BundleError
from mlpaygrade.forecast.bundle import FORMAT, MANIFEST, MOST_PART, MOST_TOTAL, bundled_path, seal

JOBS = (
    {"title": "Data Scientist", "experience": "SE", "location": "US"},
    {"title": "ML Engineer", "experience": "EN", "location": "DE", "remote": 100},
)
VALUES = ("NaN", "Infinity", "-Infinity", "1e999", "9e99", "-9e99", '"x"', "null", "[]", "{}", "[[[[0]]]]", '"\\u0000"')
"""What a forger writes in a number's or a text's place."""


class Folder:
    """A copy of the shipped bundle; `forge` writes parts and a manifest that is right about them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        shutil.copytree(bundled_path(), path)
        self.whole = {file.name: file.read_bytes() for file in path.iterdir()}
        self.manifest = json.loads(self.whole[MANIFEST])

    def file(self, part: str) -> Path:
        return self.path / str(self.manifest["files"][part]["path"])

    def content(self, part: str) -> bytes:
        return self.whole[self.file(part).name]

    def restore(self) -> None:
        for file in self.path.iterdir():
            if file.is_symlink() or not file.is_file() or file.name not in self.whole:
                file.rmdir() if file.is_dir() and not file.is_symlink() else file.unlink()
        for name, content in self.whole.items():
            if not (self.path / name).exists() or (self.path / name).read_bytes() != content:
                (self.path / name).write_bytes(content)

    def sealed(self, manifest: dict[str, Any]) -> None:
        manifest["sha256"] = seal(manifest.get("format", FORMAT), manifest["provenance"], manifest["files"])
        (self.path / MANIFEST).write_text(json.dumps(manifest))

    def forge(self, part: str, content: bytes) -> None:
        manifest = copy.deepcopy(self.manifest)
        digest = hashlib.sha256(content).hexdigest()
        stem, suffix = part.rsplit(".", 1)
        path = f"{stem}-{digest[:12]}.{suffix}"
        manifest["files"][part] = {"path": path, "sha256": digest, "bytes": len(content)}
        (self.path / path).write_bytes(content)
        self.sealed(manifest)


def answers(path: Path) -> list[dict[str, Any]]:
    predictor = Predictor.load(path)
    return [predictor.answer(predictor.read_job(**job)).to_json() for job in JOBS]


@pytest.fixture(scope="module")
def original() -> list[dict[str, Any]]:
    return answers(bundled_path())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    return Folder(tmp_path_factory.mktemp("corpus") / "bundle")


Damage = Callable[[Folder], None]


def judge(folder: Folder, damages: Iterator[Damage], original: list[dict[str, Any]], *, least_refused: float) -> int:
    """Every damage leads to a refusal in words or to the original's answers; returns how many there were."""
    count = refused = 0
    for damage in damages:
        damage(folder)
        try:
            assert answers(folder.path) == original, f"damage {count} changes the answers"
        except BundleError as error:
            refused += 1
            text = str(error)
            assert str(folder.path.parent) not in text
            assert "nan" not in text.lower().split()
            assert text.rstrip().endswith(".")
        folder.restore()
        count += 1
    assert refused >= least_refused * count
    return count


def spoilt(rng: random.Random, content: bytes) -> bytes:
    """Bytes after an accident: a flipped bit, a cut, a hole, a repeat, other bytes."""
    at = rng.randrange(len(content))
    return rng.choice(
        (
            lambda: content[:at] + bytes([content[at] ^ (1 << rng.randrange(8))]) + content[at + 1 :],
            lambda: content[:at],
            lambda: content[:at] + b"\0" * len(content[at : at + 64]) + content[at + 64 :],
            lambda: content + content[at:] + b"}",
            lambda: content[:at] + rng.randbytes(16) + content[at + 16 :],
        )
    )()


def test_accidents_in_any_part(folder: Folder, original: list[dict[str, Any]]) -> None:
    def damages() -> Iterator[Damage]:
        names = sorted(folder.manifest["files"])
        for seed in range(120):
            rng = random.Random(seed)
            part = names[seed % len(names)]
            damaged = spoilt(rng, folder.content(part))
            if damaged != folder.content(part):
                yield lambda to, part=part, damaged=damaged: to.file(part).write_bytes(damaged) and None

    assert judge(folder, damages(), original, least_refused=1.0) >= 115


def test_accidents_in_the_manifest(folder: Folder, original: list[dict[str, Any]]) -> None:
    def damages() -> Iterator[Damage]:
        for seed in range(100):
            damaged = spoilt(random.Random(seed), folder.whole[MANIFEST])
            yield lambda to, damaged=damaged: (to.path / MANIFEST).write_bytes(damaged) and None

    assert judge(folder, damages(), original, least_refused=0.9) == 100


def manifests(folder: Folder) -> Iterator[dict[str, Any]]:
    """Manifests with a right seal and a wrong content."""

    def changed(*keys: str, to: Any) -> dict[str, Any]:
        manifest = copy.deepcopy(folder.manifest)
        inner: dict[str, Any] = manifest
        for key in keys[:-1]:
            inner = inner[key]
        inner[keys[-1]] = to
        return manifest

    part = "encoder.json"
    for path in (
        "../x-0123456789ab.json",
        "/etc/passwd",
        "",
        ".",
        "..",
        MANIFEST,
        "a/b.json",
        "C:\\x.json",
        "x" * 300,
        "\0",
    ):
        yield changed("files", part, "path", to=path)
    for size in (-1, 0, 1, MOST_PART + 1, MOST_TOTAL + 1, 10**30, 1.5, None, "5"):
        yield changed("files", part, "bytes", to=size)
    for digest in ("", "0" * 64, "A" * 64, "x", None, 5):
        yield changed("files", part, "sha256", to=digest)
    for name in folder.manifest["files"]:
        manifest = copy.deepcopy(folder.manifest)
        del manifest["files"][name]
        if name in ("encoder.json", "network.onnx", "calibration.json", "evidence.json", "evaluation.json"):
            yield manifest
        yield changed("files", name, to=None)
        yield changed("files", name, "path", to=folder.manifest["files"]["network.onnx"]["path"] + "x")
    for version in (0, 1, 2, FORMAT + 1, 99, "3", None, 3.5, [], True):
        yield changed("format", to=version)
    for key in ("version", "data_sha256", "synthetic", "rows", "postings", "trained_through", "seed", "newest_day"):
        for value in (None, "x\n", -(10**12), 9e99, [], "2024-02-31"):
            if not (key in ("newest_day", "version") and value in (None, "2024-02-31", "x\n")) and (key, value) != (
                "seed",
                -(10**12),
            ):
                yield changed("provenance", key, to=value)
    for key in ("files", "provenance"):
        for value in (None, [], {}, "x"):
            yield changed(key, to=value)
    yield changed("remark", to="more")


def test_forged_manifests(folder: Folder, original: list[dict[str, Any]]) -> None:
    damages = (lambda to, manifest=manifest: to.sealed(manifest) for manifest in manifests(folder))
    assert judge(folder, damages, original, least_refused=1.0) >= 90


def leaves(document: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value in a document."""
    inner = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    for key, value in inner:
        yield (*path, key)
        yield from leaves(value, (*path, key))


def with_value(document: Any, path: tuple[Any, ...], text: str | None) -> bytes:
    """The document as JSON with the text in a value's place; without the value where there is no text."""
    changed = copy.deepcopy(document)
    inner = changed
    for key in path[:-1]:
        inner = inner[key]
    if text is None:
        del inner[path[-1]]
    else:
        inner[path[-1]] = "@here@"
    return json.dumps(changed).replace('"@here@"', str(text)).encode()


def test_forged_documents(folder: Folder, original: list[dict[str, Any]]) -> None:
    """Values of other kinds, missing values and numbers that are none, under a right hash."""

    def damages() -> Iterator[Damage]:
        names = [name for name in sorted(folder.manifest["files"]) if name.endswith(".json") and name != "market.json"]
        for seed in range(120):
            rng = random.Random(seed)
            part = names[seed % len(names)]
            document = json.loads(folder.content(part))
            every = list(leaves(document))
            top = [path for path in every if len(path) == 1]
            path = rng.choice(every if seed % 3 else top)
            text = rng.choice((*VALUES, None)) if seed % 3 == 0 and part != "evaluation.json" else rng.choice(VALUES)
            content = with_value(document, path, text)
            yield lambda to, part=part, content=content: to.forge(part, content)

    assert judge(folder, damages(), original, least_refused=0.6) == 120


FORGED: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "titles out of order": ("encoder.json", lambda d: d["titles"].reverse()),
    "a title twice": ("encoder.json", lambda d: d["titles"].insert(0, d["titles"][0])),
    "many more titles than the network knows": (
        "encoder.json",
        lambda d: d.update(titles=sorted([*d["titles"], *(f"A{k}" for k in range(50_000))])),
    ),
    "years the wrong way round": ("encoder.json", lambda d: d.update(oldest_year=d["newest_year"] + 1)),
    "newest year 9e99": ("encoder.json", lambda d: d.update(newest_year=9e99)),
    "a widening too many": ("calibration.json", lambda d: d["widening"].append(d["widening"][0])),
    "a widening too short": ("calibration.json", lambda d: d["widening"][0].pop()),
    "a group too few": ("calibration.json", lambda d: d["group_widening"]["experience"].pop()),
    "another dimension": ("calibration.json", lambda d: d["group_widening"].update(age=[])),
    "a widening that makes every range endless": ("calibration.json", lambda d: d["widening"][0].__setitem__(0, 800)),
    "a limit below zero": ("abstention.json", lambda d: d.update(limit=-1)),
    "quartiles out of order": (
        "evidence.json",
        lambda d: next(cell for cell in d["same job"].values() if len(cell) > 2).__setitem__(2, 9e8),
    ),
    "half a posting": ("evidence.json", lambda d: next(iter(d["same job"].values())).__setitem__(0, 0.5)),
    "latest year 9e99": ("evidence.json", lambda d: next(iter(d["same job"].values())).__setitem__(1, 9e99)),
    "a cell without enough fields": ("evidence.json", lambda d: d["same job"].update(x=[1, 2020])),
    "a level that is empty": ("evidence.json", lambda d: d["same job"].clear()),
    "a level that is missing": ("evidence.json", lambda d: d.pop("same job")),
    "weights below zero": ("background.json", lambda d: d["weights"].__setitem__(0, -1)),
    "a job short of a field": ("background.json", lambda d: d["jobs"].pop("work_year")),
    "columns of different length": ("background.json", lambda d: d["jobs"]["work_year"].pop()),
    "a country that is none": ("background.json", lambda d: d["jobs"]["company_location"].__setitem__(0, "QQ")),
    "a level that is no code": ("background.json", lambda d: d["jobs"]["experience_level"].__setitem__(0, "XX")),
    "coverage above one": ("evaluation.json", lambda d: d["rows"].update(coverage_90=1.7)),
    "coverage of a group above one": ("evaluation.json", lambda d: d["groups"]["all"].update(coverage_90=1.7)),
}


@pytest.mark.parametrize("what", FORGED)
def test_a_document_that_breaks_its_own_rules_is_refused(what: str, folder: Folder) -> None:
    part, change = FORGED[what]
    document = json.loads(folder.content(part))
    change(document)
    folder.forge(part, json.dumps(document).encode())
    try:
        with pytest.raises(BundleError, match=rf"{part.split('.')[0]}|network"):
            answers(folder.path)
    finally:
        folder.restore()


def test_files_that_are_no_files_are_refused(folder: Folder, original: list[dict[str, Any]], tmp_path: Path) -> None:
    """Links (even to the very bytes), pipes, devices, folders: none is opened, none hangs."""
    outside = tmp_path / "outside"

    def link(to: Folder, name: str) -> None:
        outside.write_bytes(to.whole[name])
        (to.path / name).unlink()
        (to.path / name).symlink_to(outside)

    def other(to: Folder, name: str, make: Callable[[Path], None]) -> None:
        (to.path / name).unlink()
        make(to.path / name)

    def damages() -> Iterator[Damage]:
        for name in folder.whole:
            yield lambda to, name=name: link(to, name)
            yield lambda to, name=name: other(to, name, os.mkfifo)
            yield lambda to, name=name: other(to, name, lambda path: path.symlink_to("/dev/zero"))
            yield lambda to, name=name: other(to, name, lambda path: path.mkdir())
            yield lambda to, name=name: other(to, name, lambda path: None)

    assert judge(folder, damages(), original, least_refused=1.0) >= 45


def networks(content: bytes) -> Iterator[bytes]:
    """Networks that reach outside themselves, answer with what is no pay, or are none."""
    onnx = pytest.importorskip("onnx")
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper

    def model() -> Any:
        return onnx.load_from_string(content)

    for k in (0, 3):
        outside = model()
        tensor = outside.graph.initializer[k]
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value="weights.bin")
        yield outside.SerializeToString()
        only_named = model()
        only_named.graph.initializer[k].external_data.add(key="location", value="../weights.bin")
        yield only_named.SerializeToString()
    hidden = model()
    tensor = numpy_helper.from_array(np.zeros(3, np.float32), "hidden")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="weights.bin")
    hidden.graph.node.append(helper.make_node("Constant", [], ["hidden"], value=tensor))
    yield hidden.SerializeToString()
    loop = model()
    body = helper.make_graph([], "body", [], [])
    loop.graph.node.append(helper.make_node("If", [loop.graph.input[0].name], [], then_branch=body, else_branch=body))
    yield loop.SerializeToString()
    functions = model()
    functions.functions.append(helper.make_function("x", "f", [], [], [], [helper.make_opsetid("", 15)]))
    yield functions.SerializeToString()
    sparse = model()
    sparse.graph.sparse_initializer.add()
    yield sparse.SerializeToString()
    yield content + model().SerializeToString()  # two graphs, which a reader of the format would join
    floats = [k for k, one in enumerate(model().graph.initializer) if one.data_type == TensorProto.FLOAT]
    for value in (np.nan, np.inf, -np.inf):
        for k in floats[:: max(1, len(floats) // 4)]:
            wild = model()
            array = np.full_like(numpy_helper.to_array(wild.graph.initializer[k]), value)
            wild.graph.initializer[k].CopyFrom(numpy_helper.from_array(array, wild.graph.initializer[k].name))
            yield wild.SerializeToString()
    for name in ("log_quantiles", "log_members"):
        renamed = model()
        renamed.graph.output[[one.name for one in renamed.graph.output].index(name)].name = "other"
        yield renamed.SerializeToString()
    for number in (7, 99):
        unknown = model()
        unknown.graph.node[number].op_type = "Unknown"
        yield unknown.SerializeToString()
        foreign = model()
        foreign.graph.node[number].domain = "com.example"
        yield foreign.SerializeToString()
    empty = model()
    del empty.graph.node[:]
    yield empty.SerializeToString()
    yield from (b"", b"ORTM" * 8, b"\0\0\0\0ORTM" + content, b"\xff" * 4096, content[: len(content) // 2], b"{}")


def test_a_part_beside_the_folder_is_refused_even_with_the_right_bytes(folder: Folder) -> None:
    manifest = copy.deepcopy(folder.manifest)
    entry = manifest["files"]["encoder.json"]
    (folder.path.parent / entry["path"]).write_bytes(folder.content("encoder.json"))
    entry["path"] = f"../{entry['path']}"
    folder.sealed(manifest)
    with pytest.raises(BundleError, match="manifest"):
        Predictor.load(folder.path)
    folder.restore()


def test_a_tensor_beside_the_working_folder_is_not_read(
    folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    onnx = pytest.importorskip("onnx")
    model = onnx.load_from_string(folder.content("network.onnx"))
    tensor = next(one for one in model.graph.initializer if len(one.raw_data) > 1_000)
    (tmp_path / "weights.bin").write_bytes(tensor.raw_data)
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="weights.bin")
    monkeypatch.chdir(tmp_path)
    folder.forge("network.onnx", model.SerializeToString())
    with pytest.raises(BundleError, match="a tensor in another file"):
        Predictor.load(folder.path)
    folder.restore()


def test_forged_networks(folder: Folder, capfd: pytest.CaptureFixture[str], original: list[dict[str, Any]]) -> None:
    """A tensor from a file is refused before ONNX Runtime could look for it, and nothing is printed."""
    damages = (
        lambda to, network=network: to.forge("network.onnx", network)
        for network in networks(folder.content("network.onnx"))
    )
    assert judge(folder, damages, original, least_refused=0.9) >= 30
    assert capfd.readouterr() == ("", "")


def test_an_earlier_format_is_refused_with_what_to_do(folder: Folder) -> None:
    folder.sealed({**copy.deepcopy(folder.manifest), "format": FORMAT - 1})
    with pytest.raises(BundleError, match=r"of an earlier release; this one reads \d+\. Train it again, or reinstall"):
        Predictor.load(folder.path)
    folder.sealed({**copy.deepcopy(folder.manifest), "format": FORMAT + 1})
    with pytest.raises(BundleError, match=r"of a later release; .* Install the newest release"):
        Predictor.load(folder.path)
    folder.restore()


def test_an_open_bundle_outlives_its_folder(tmp_path: Path, original: list[dict[str, Any]]) -> None:
    """Serving holds one bundle whole: removing or replacing the folder changes nothing until it is loaded again."""
    copied = Folder(tmp_path / "bundle")
    predictor = Predictor.load(copied.path)
    shutil.rmtree(copied.path)
    assert [predictor.answer(predictor.read_job(**job)).to_json() for job in JOBS] == original
    bundle = predictor.bundle
    assert all(bundle.json(name) for name in bundle.parts if name.endswith(".json"))
    assert (bundle.background, bundle.evaluation, bundle.evidence) is not None


def test_a_bundle_replaced_while_it_is_read_is_read_again(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlpaygrade.forecast import bundle as bundles

    real, replaced = bundles.read_part, []

    def meanwhile(path: Path, name: str, part: Any) -> bytes:
        if name == "evidence.json" and not replaced:
            replaced.append(folder.file(name).unlink())
            evidence = folder.content(name).rstrip() + b"  \n"
            folder.forge(name, evidence)
        return real(path, name, part)

    monkeypatch.setattr(bundles, "read_part", meanwhile)
    assert bundles.load_bundle(folder.path).part("evidence.json").endswith(b"  \n")
    folder.restore()
