"""The catalogue is complete: a class that it does not list would not be tested."""

from __future__ import annotations

import importlib
import inspect
import pkgutil

import catalogue
import problems
import pytest

import mtlinear
from mtlinear.designs import Design
from mtlinear.losses import Loss
from mtlinear.penalties import Penalty
from mtlinear.solvers import Solver

LISTED = {
    Penalty: {cls for penalty in catalogue.PENALTIES for cls in type(penalty).__mro__},  # of test classes too
    Loss: {type(loss) for loss in catalogue.LOSSES},
    Design: set(problems.DESIGN_CLASSES),
    Solver: {type(solver) for solver in catalogue.SOLVERS},
}


def _import_everything() -> None:
    """Subclasses are known only once their module is imported; what needs an optional package is left out."""
    for module in pkgutil.walk_packages(mtlinear.__path__, "mtlinear."):
        if module.name.rsplit(".", 1)[-1] == "__main__":
            continue
        try:
            importlib.import_module(module.name)
        except ImportError as error:
            if (error.name or "").startswith("mtlinear"):
                raise


def concrete_subclasses(base: type) -> set[type]:
    """All public, concrete classes of the package below a base class."""
    found = set()
    for child in base.__subclasses__():
        found |= concrete_subclasses(child)
        ours = child.__module__.startswith("mtlinear")
        if ours and not inspect.isabstract(child) and not child.__name__.startswith("_"):
            found.add(child)
    return found


@pytest.mark.parametrize("base", LISTED, ids=lambda base: base.__name__)
def test_nothing_is_missing(base):
    _import_everything()
    missing = concrete_subclasses(base) - LISTED[base]
    assert not missing, f"add to tests/catalogue.py: {sorted(cls.__name__ for cls in missing)}"


def test_the_test_sees_a_class_that_is_missing():
    class Forgotten(catalogue.Ridge):
        pass

    Forgotten.__module__ = "mtlinear.penalties._forgotten"
    try:
        assert Forgotten in concrete_subclasses(Penalty) - LISTED[Penalty]
    finally:
        Forgotten.__module__ = __name__


@pytest.mark.parametrize("cls", problems.DESIGN_CLASSES, ids=lambda cls: cls.__name__)
def test_every_design_class_is_made_by_a_recipe(cls):
    rng = catalogue.np.random.default_rng(0)
    assert any(isinstance(make(6, 2, 2, rng), cls) for make in problems.DESIGNS.values())


def test_sampled_strengths_are_of_all_kinds():
    assert {p.q for p in catalogue.NORMS if isinstance(p, catalogue.L1Lq)} >= {1, 2, float("inf")}
    clustered = [p for p in catalogue.PENALTIES if isinstance(p, catalogue.Clustered)]
    assert {p.mean_ratio for p in clustered} == {0.0, 0.3, None}
    assert {p.n_clusters for p in clustered} == {1, 2, catalogue.N_TASKS}
