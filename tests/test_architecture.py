"""The layout of the package: imports go one way, files and functions stay readable."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import mtlinear

PACKAGE = Path(mtlinear.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))

#: A module may import from lower levels and from its own package; modules of level 0 are blind to each other.
LEVEL = {
    "_validation": -1,
    "_typing": -1,
    "_precision": -1,
    "_products": -1,
    "_warnings": -1,
    "parameters": 0,
    "designs": 0,
    "losses": 0,
    "penalties": 0,
    "_tasks": 1,
    "kernels": 2,
    "datafit": 1,
    "problem": 2,
    "certificate": 3,
    "reference": 3,
    "solvers": 4,
    "path": 5,
    "estimators": 6,
    "model_selection": 3,
    "metrics": 2,
    "datasets": 1,
}
#: What is not listed (compare, plotting, cli, ...) stands above the estimators and is imported by none below.
TOP = 8

LONGEST_FILE = 400
LONGEST_FUNCTION = 60


def unit_of(path):
    """Top-level module or sub-package that a file belongs to."""
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def imported_units(path):
    """Top-level modules of mtlinear that a file imports, those for type checking and inside functions included."""
    units = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name} uses a relative import"
            names = (
                [f"{node.module}.{alias.name}" for alias in node.names] if node.module == "mtlinear" else [node.module]
            )
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        units |= {name.split(".")[1] for name in names if name.startswith("mtlinear.")}
    return units


def allowed(importer, imported):
    if importer == imported:
        return True
    first, second = LEVEL.get(importer, TOP), LEVEL.get(imported, TOP)
    return second < first or (first == second == TOP)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_one_way(path):
    importer = unit_of(path)
    if path == PACKAGE / "__init__.py":
        return  # the public face imports what it shows
    wrong = {imported for imported in imported_units(path) if not allowed(importer, imported)}
    assert not wrong, f"{importer} must not import {sorted(wrong)}"


def test_the_rule_can_be_broken():
    assert not allowed("penalties", "designs")
    assert not allowed("problem", "certificate")
    assert not allowed("solvers", "estimators")
    assert not allowed("estimators", "cli")
    assert allowed("solvers", "certificate")
    assert allowed("cli", "plotting")


def test_only_designs_ask_whether_a_matrix_is_sparse():
    """Input validation may turn a sparse matrix down or hand it on, but only the designs know how to use one."""
    wrong = [
        path.relative_to(PACKAGE).as_posix()
        for path in FILES
        if unit_of(path) != "designs" and "issparse(" in path.read_text(encoding="utf-8")
    ]
    assert not wrong


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_files_and_functions_are_short(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= LONGEST_FILE, "past this length, look for the missing idea"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            assert function_length(node) <= LONGEST_FUNCTION, f"{node.name} is too long"


def function_length(node):
    """Lines from the signature to the end, without the docstring."""
    length = node.end_lineno - node.lineno + 1
    first = node.body[0]
    is_docstring = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    return length - (first.end_lineno - first.lineno + 1 if is_docstring else 0)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_public_names_have_docstrings(path):
    """Modules, classes and functions; methods that override a documented one inherit its docstring."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), f"{path.name} has no docstring"
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), f"{node.name} has no docstring"
