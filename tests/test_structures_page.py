"""docs/structures.md and the pages of single structures leave no structure out; tests/test_docs.py runs them."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import mtlinear
from mtlinear import kernels, losses, penalties
from mtlinear.penalties import Concave, Penalty

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGE = (DOCS / "structures.md").read_text(encoding="utf-8")
PICTURES = DOCS / "pictures"
TABLE = [line for line in PAGE.split("## ")[0].splitlines() if line.startswith("| [")]
#: The page of every structure.
PAGES = {path.name: path.read_text(encoding="utf-8") for path in (DOCS / "structures").glob("*.md")}

#: What is no structure of its own: bases.
ABSTRACT = {"Norm", "Penalty", "Quadratic", "RowSeparable", "Concave"}


def test_every_penalty_is_there():
    names = {
        name
        for name in penalties.__all__
        if inspect.isclass(kind := getattr(penalties, name)) and issubclass(kind, (Penalty, Concave))
    }
    assert not {name for name in names - ABSTRACT if f"`{name}`" not in PAGE}
    assert not {name for name in names - ABSTRACT if not any(f"`{name}" in page for page in PAGES.values())}


def test_every_estimator_is_there_and_exists():
    regressors = {name for name in mtlinear.__all__ if name.endswith("Regressor")}
    named = set(re.findall(r"`(\w+Regressor)`", "\n".join(TABLE)))
    assert named == regressors - {"MultiTaskRegressor"}
    for name in named:
        assert hasattr(mtlinear, name.replace("Regressor", "Classifier"))
        assert any(f"`{name}`" in page for page in PAGES.values())


def test_every_loss_and_coupling_is_there():
    pages = (DOCS / "losses.md").read_text(encoding="utf-8") + (DOCS / "kernels.md").read_text(encoding="utf-8")
    for name in (*losses.__all__, *kernels.__all__):
        assert name in {"Loss", "Coupling"} or re.search(rf"`{name}\b", pages), name


def test_every_row_has_a_page_and_every_page_a_row():
    linked = {link for line in TABLE for link in re.findall(r"\]\(structures/(\w+\.md)\)", line)}
    assert linked == set(PAGES)
    listed = re.findall(r"^structures/(\w+)$", PAGE, flags=re.MULTILINE)  # the menu
    assert sorted(f"{name}.md" for name in listed) == sorted(PAGES)


def test_every_page_says_the_same_things():
    for name, page in PAGES.items():
        for said in ("**Belief.**", "**Wins**", "**Loses**", "**Here.**", "**Source.**", "Ω(A)", "```python"):
            assert said in page, (name, said)
        assert re.search(r"\*\*(Dual norm|Conjugate|Prox and)", page), name
        assert "**Prox" in page, name


def test_every_page_has_its_picture():
    shown = [re.findall(r"\]\(\.\./pictures/(\w+\.png)\)", page) for page in PAGES.values()]
    assert all(len(pictures) == 1 for pictures in shown)
    shown = {pictures[0] for pictures in shown}
    assert len(shown) == len(PAGES)
    assert all((PICTURES / name).stat().st_size < 10_000 for name in shown)


def test_every_picture_is_shown():
    pages = [ROOT / "README.md", *DOCS.rglob("*.md"), *(ROOT / "benchmarks").glob("*.md")]
    shown = {name for page in pages for name in re.findall(r"pictures/(\w+\.png)", page.read_text(encoding="utf-8"))}
    assert {path.name for path in PICTURES.glob("*.png")} <= shown
