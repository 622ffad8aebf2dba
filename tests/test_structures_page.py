"""docs/structures.md: its examples run and print what it says, and it leaves no structure out."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import mtlinear
from mtlinear import kernels, losses, penalties
from mtlinear.penalties import Concave, Penalty

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "structures.md").read_text()
PICTURES = ROOT / "docs" / "pictures"
TABLE = [line for line in PAGE.split("## ")[0].splitlines() if line.startswith("| [")]

#: What is no structure of its own: bases, and models that fit any structure.
ABSTRACT = {"Norm", "Penalty", "Quadratic", "RowSeparable", "Concave"}


def test_examples_print_what_the_page_says(capsys):
    namespace: dict[str, object] = {}
    blocks = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    assert len(blocks) >= 20
    for block in blocks:
        exec(compile(block, "structures.md", "exec"), namespace)
    said = re.findall(r"^print\(.*\)  # (.*)$", "".join(blocks), flags=re.MULTILINE)
    assert capsys.readouterr().out.splitlines() == said


def test_every_penalty_is_there():
    names = {
        name
        for name in penalties.__all__
        if inspect.isclass(kind := getattr(penalties, name)) and issubclass(kind, (Penalty, Concave))
    }
    assert not {name for name in names - ABSTRACT if f"`{name}`" not in PAGE}


def test_every_estimator_is_there_and_exists():
    regressors = {name for name in mtlinear.__all__ if name.endswith("Regressor")}
    named = set(re.findall(r"`(\w+Regressor)`", "\n".join(TABLE)))
    assert named == regressors - {"MultiTaskRegressor"}
    for name in named:
        assert hasattr(mtlinear, name.replace("Regressor", "Classifier"))


def test_every_loss_and_coupling_is_there():
    for name in (*losses.__all__, *kernels.__all__):
        assert name in {"Loss", "Coupling"} or f"`{name}`" in PAGE, name


def test_every_row_has_a_section_and_every_section_a_row():
    linked = {link for line in TABLE for link in re.findall(r"\]\(#([^)]+)\)", line)}
    titles = re.findall(r"^## (.*)$", PAGE, flags=re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
    assert linked == anchors - {"every-structure-on-the-data-of-every-other"}


def test_every_picture_is_shown_and_small():
    shown = set(re.findall(r"\]\(pictures/(\w+\.png)\)", PAGE))
    assert shown == {path.name for path in PICTURES.glob("*.png")}
    assert all((PICTURES / name).stat().st_size < 10_000 for name in shown)
