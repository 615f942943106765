"""Builds the documentation site from docs/ and the docstrings: `python scripts/site.py`. Fails where a link leads nowhere.

The pages are laid out in .site/ (docs/ as it stands, the README as the first page, a list of the decisions, and a reference made
from the code), then Zensical builds site/. Neither folder is kept in the repository.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import griffe

ROOT = Path(__file__).resolve().parent.parent
PAGES = ROOT / ".site"
REPOSITORY = "https://github.com/mlpaygrade/mlpaygrade/blob/main/"
PUBLIC = (
    ("mlpaygrade.forecast.predictor", "Predictor"),
    ("mlpaygrade.forecast.client", "RemotePredictor"),
    ("mlpaygrade.forecast.answer", "Answer"),
    ("mlpaygrade.forecast.answer", "Answers"),
    ("mlpaygrade.forecast.jobs", "ReadJob"),
    ("mlpaygrade.job.fields", "Job"),
    ("mlpaygrade.explain.explanation", "explain"),
    ("mlpaygrade.explain.explanation", "Explanation"),
    ("mlpaygrade.explain.scenarios", "scenarios"),
    ("mlpaygrade.explain.scenarios", "compare"),
    ("mlpaygrade.forecast.score", "score_file"),
    ("mlpaygrade.errors", "MLPayGradeError"),
    ("mlpaygrade.errors", "InputError"),
    ("mlpaygrade.errors", "DataError"),
    ("mlpaygrade.errors", "BundleError"),
)
"""What others build on: module, name."""
LINK = re.compile(r"(\]\()(?!https?:|#|mailto:)([^)#\s]+)(#[^)]*)?(\))")


def lay_out() -> list[str]:
    """Write every page; links that lead nowhere."""
    shutil.rmtree(PAGES, ignore_errors=True)
    shutil.copytree(ROOT / "docs", PAGES)
    decisions = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    listed = [f"- [{path.read_text(encoding='utf-8').splitlines()[0].lstrip('# ')}]({path.name})" for path in decisions]
    (PAGES / "decisions" / "index.md").write_text("\n".join(["# Decisions", "", *listed, ""]), encoding="utf-8")
    (PAGES / "reference.md").write_text(reference(), encoding="utf-8")
    first = (ROOT / "README.md").read_text(encoding="utf-8")
    (PAGES / "index.md").write_text(LINK.sub(lambda link: _moved(link, ROOT, ROOT / "docs"), first), encoding="utf-8")
    lost = []
    for page in sorted(PAGES.rglob("*.md")):
        text = page.read_text(encoding="utf-8")
        here = ROOT / "docs" / page.relative_to(PAGES).parent
        text = LINK.sub(lambda link, here=here: _moved(link, here, here), text)  # type: ignore[misc]
        page.write_text(text, encoding="utf-8")
        lost += [
            f"{page.relative_to(PAGES)}: {link[2]}"
            for link in LINK.finditer(text)
            if not (page.parent / link[2]).exists()
        ]
    return lost


def _moved(link: re.Match[str], source: Path, page: Path) -> str:
    """A link from a file of the repository, as it must stand in the site: files outside docs/ are in the repository alone."""
    target = (source / link[2]).resolve()
    if target.is_relative_to(ROOT / "docs"):
        if target.is_dir() and (PAGES / target.relative_to(ROOT / "docs") / "index.md").exists():
            target /= "index.md"
        walked = target.relative_to(page, walk_up=True) if sys.version_info >= (3, 12) else _relative(target, page)
        return f"{link[1]}{walked.as_posix()}{link[3] or ''}{link[4]}"
    if target.exists():
        return f"{link[1]}{REPOSITORY}{target.relative_to(ROOT).as_posix()}{link[4]}"
    return link[0]


def _relative(target: Path, page: Path) -> Path:
    import os

    return Path(os.path.relpath(target, page))


def reference() -> str:
    """The public names with signatures and docstrings, from the source; nothing is imported."""
    package = griffe.load("mlpaygrade", search_paths=[ROOT / "src"], submodules=True)
    parts = ["# Reference", "", "Made from the code. What is not listed here may change without notice.", ""]
    for module, name in PUBLIC:
        found = package[f"{module.removeprefix('mlpaygrade.')}.{name}"]
        parts += [f"## {name}", "", f"`from {module} import {name}`", "", *_described(found)]
        for member in found.members.values() if found.is_class else ():
            if not member.is_alias and member.is_function and not member.name.startswith("_"):
                parts += [f"### {name}.{member.name}", "", *_described(member)]
    return "\n".join(parts)


def _described(found: griffe.Object | griffe.Alias) -> list[str]:
    signature = []
    if isinstance(found, griffe.Function):
        given = [str(_parameter(one)) for one in found.parameters if one.name not in ("self", "cls")]
        signature = ["```python", f"{found.name}({', '.join(given)}) -> {found.returns}", "```", ""]
    text = found.docstring.value if found.docstring else ""
    return [*signature, text, ""]


def _parameter(one: griffe.Parameter) -> str:
    star = {griffe.ParameterKind.var_positional: "*", griffe.ParameterKind.var_keyword: "**"}.get(one.kind, "")
    default = f" = {one.default}" if one.default is not None and not star else ""
    return f"{star}{one.name}: {one.annotation}{default}"


def main() -> int:
    """Lay out and build."""
    if lost := lay_out():
        print("\n".join(["These links lead nowhere:", *lost]), file=sys.stderr)
        return 1
    return subprocess.call([str(Path(sys.executable).parent / "zensical"), "build", "--strict", "--clean"], cwd=ROOT)


if __name__ == "__main__":
    sys.exit(main())
