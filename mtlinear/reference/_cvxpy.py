"""cvxpy, imported when it is needed, and how programs are run."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Mapping
from typing import Any

#: Settings of the default solver. With these it usually ends within 1e-9 of the optimum, relative.
CLARABEL_OPTIONS: Mapping[str, object] = {
    "tol_gap_abs": 1e-12,
    "tol_gap_rel": 1e-12,
    "tol_feas": 1e-12,
    "max_iter": 500,
}

#: For programs on which it fails with those.
_ATTAINABLE: Mapping[str, object] = {"tol_gap_abs": 1e-9, "tol_gap_rel": 1e-9, "tol_feas": 1e-9}


def run(program: Any, solver: str, options: Mapping[str, object]) -> float:
    """Solve, and return the objective; an answer that misses the very tight tolerances is one, its status says so."""
    if solver == "CLARABEL":
        options = {**CLARABEL_OPTIONS, **options}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Solution may be inaccurate")
        warnings.filterwarnings("ignore", message="pnorm with p=.* is being approximated")
        # cvxpy's own NumPy code divides by zero at the kinks of norms.
        warnings.filterwarnings("ignore", category=RuntimeWarning)
        try:
            program.solve(solver=solver, **options)
        except cvxpy().error.SolverError:
            if solver != "CLARABEL":
                raise
            # It gives up where it cannot reach such tolerances, rather than return what it has.
            program.solve(solver=solver, **{**options, **_ATTAINABLE})
        if program.status not in ("optimal", "optimal_inaccurate"):
            raise RuntimeError(f"cvxpy's {solver} could not solve the reference problem: {program.status}.")
        return float(program.objective.value)


def cvxpy() -> Any:
    """The cvxpy module, imported on first use: it is big and not needed for anything else."""
    try:
        return importlib.import_module("cvxpy")
    except ImportError as error:
        message = 'mtlinear.reference needs cvxpy, an optional dependency: pip install "mtlinear[reference]".'
        raise ImportError(message) from error
