"""The notebook runs from top to bottom, and is kept without its outputs."""

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from mlpaygrade.testing.synthetic import SyntheticMarket

NOTEBOOK = Path(__file__).resolve().parent.parent / "notebooks" / "market.ipynb"


@pytest.fixture(scope="module")
def notebook() -> nbformat.NotebookNode:
    return nbformat.read(NOTEBOOK, as_version=4)


def test_the_notebook_is_kept_without_outputs(notebook: nbformat.NotebookNode) -> None:
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None


# The kernel's own sockets and event loop warn when they are torn down; that is no word about this project.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning", "ignore::RuntimeWarning")
def test_the_notebook_tells_every_section(
    notebook: nbformat.NotebookNode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = SyntheticMarket(seed=5, n_postings=1_500).write(tmp_path / "synthetic.csv")
    monkeypatch.setenv("MLPAYGRADE_DATA", str(data))
    monkeypatch.setenv("PYTHONPATH", str(NOTEBOOK.parent.parent / "src"))
    monkeypatch.delenv("MLPAYGRADE_CALENDAR", raising=False)
    done = NotebookClient(
        notebook.copy(), timeout=300, kernel_name="python3", resources={"metadata": {"path": tmp_path}}
    )
    found = done.execute()
    outputs = [output for cell in found.cells if cell.cell_type == "code" for output in cell.outputs]
    words = "\n".join(output.get("text", "") + output.get("data", {}).get("text/markdown", "") for output in outputs)
    assert "SYNTHETIC data." in words
    assert len(re.findall(r"^### ", words, flags=re.M)) == 12
    assert sum("image/svg+xml" in output.get("data", {}) for output in outputs) >= 15
    assert not [output for output in outputs if output.output_type == "error" or output.get("name") == "stderr"]
