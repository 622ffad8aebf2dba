"""Reweighting: concave penalties on the rows of A, as a sequence of certified convex fits."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import ClassVar

import numpy as np

from mtlinear import penalties
from mtlinear._precision import total
from mtlinear._typing import Array
from mtlinear._validation import ObjectOf, WholeNumber
from mtlinear._warnings import warnings_begin_with
from mtlinear.estimators._any import _AnyPenalty
from mtlinear.estimators._base_classifier import CLASSIFIER_ALPHA, MultiTaskClassifierBase
from mtlinear.estimators._base_regressor import MultiTaskRegressorBase
from mtlinear.estimators._constraints import COMMON, LOSS, Constraints
from mtlinear.estimators._documentation import documented
from mtlinear.penalties import L1, Concave, Logarithm, RowSeparable, Weighted
from mtlinear.problem import Problem
from mtlinear.solvers import choose_solver


@dataclass(eq=False, repr=False)
class _Reweighted(_AnyPenalty):
    """Large rows of A are penalised less: concave penalties by certified convex stages.

    Minimises, from a convex fit on, the NON-convex

        (data fit as in `MultiTask%(kind)s`)  +  alpha * sum_j h(f(A[j, :]))  +  l2_alpha/2 ||A||_F^2

    where the penalty is ``alpha * sum_j f(A[j, :])`` and h is concave: features in use are penalised less, so that
    they shrink less than under the convex penalty. Every stage replaces h by its tangent at the last A, which gives the
    convex penalty with a weight per feature (`mtlinear.penalties.Weighted`). That lies above h and touches it there, so
    the objective falls from stage to stage; where it ends depends on the start. **Only the convex stages are
    certified**: ``dual_gap_`` and ``objective_`` are those of the last one. The first has all weights 1.

    Parameters
    ----------
    penalty : RowSeparable, default None
        A sum over the rows of A: `L1`, `L1Lq`, `SparseGroup`, `TreeGuided`, `GraphFused`. None is
        ``%(default_penalty)s``.
    concave : Concave, default None
        h: `mtlinear.penalties.Logarithm` (the default; with two stages the adaptive lasso), `Root` (on ``L1`` rows the
        multi-level lasso), or `Capped` (on ``L1`` rows multi-stage multi-task feature learning).
    n_stages : int >= 1, default 10
        Convex fits at most; they end when the objective falls by no more than tol allows.
    by_entry : bool, default False
        A weight for every entry of A instead of every row; for ``L1`` only.

    Attributes
    ----------
    weights_ : ndarray (n_features,) or (n_features, n_tasks)
        Of the last stage.
    objective_path_ : ndarray
        The non-convex objective after every stage.

    References
    ----------
    Zou (2006), JASA 101 (adaptive lasso). Candes, Wakin & Boyd (2008), J. Fourier Anal. Appl. 14. Lozano & Swirszcz
    (2012), ICML (multi-level lasso). Gong, Ye & Zhang (2013), JMLR 14 (multi-stage multi-task feature learning).
    """

    _parameter_constraints: ClassVar[Constraints] = (
        COMMON
        | LOSS
        | {
            "penalty": [ObjectOf(RowSeparable, "a sum over the rows of A, like L1Lq(alpha=0.1)"), None],
            "concave": [ObjectOf(Concave, "an object like Root(), Logarithm() or Capped()"), None],
            "n_stages": [WholeNumber(at_least=1)],
            "by_entry": ["boolean"],
        }
    )

    _: KW_ONLY
    concave: Concave | None = None
    n_stages: int = 10
    by_entry: bool = False

    def _solve_from(self, problem: Problem, start: list[Array] | None) -> None:
        """One convex fit after the other, each from the last: what it minimises lies above the concave objective."""
        concave = Logarithm() if self.concave is None else self.concave
        concave.check()
        base = problem.penalty
        if self.by_entry and not isinstance(base, L1):
            raise ValueError(f"by_entry=True needs L1 as the penalty, whose entries are apart; got {base!r}.")
        assert isinstance(base, RowSeparable)
        alpha = float(getattr(base, "alpha", 1.0))
        shape = (problem.n_features, problem.n_tasks) if self.by_entry else (problem.n_features,)
        weights: Array = np.ones(shape)
        dual = None
        objectives: list[float] = []
        for k in range(self.n_stages):
            stage = problem.with_penalty(Weighted(base, weights))
            with warnings_begin_with(f"Stage {k + 1} of at most {self.n_stages}: "):
                solution = choose_solver(stage, self.solver).solve(
                    stage,
                    start,
                    dual=dual,
                    tol=self.tol,
                    max_iter=self.max_iter,
                    verbose=self.verbose,
                    callback=self.callback,
                    keep_interrupted=True,
                )
            start, dual = list(solution.parts), solution.certificate.dual
            sizes = np.abs(solution.A) if self.by_entry else base.row_value(solution.A) / alpha
            convex = solution.certificate.objective - stage.penalty_value(solution.parts)
            objectives.append(convex + alpha * total(concave.value(sizes)))
            self._publish(stage, solution)
            self.weights_, self.objective_path_ = weights, np.array(objectives)
            settled = len(objectives) > 1 and objectives[-2] - objectives[-1] <= self.tol * problem.null_objective
            if settled or solution.interrupted:
                break
            weights = concave.slope(sizes.astype(np.float64))


@documented
class ReweightedRegressor(_Reweighted, MultiTaskRegressorBase):
    """Squared loss.

    Examples
    --------
    >>> import numpy as np
    >>> from mtlinear import ReweightedRegressor
    >>> X = np.random.default_rng(0).standard_normal((50, 4))
    >>> Y = X[:, [0]] @ [[1.0, -2.0, 3.0]]
    >>> model = ReweightedRegressor().fit(X, Y)
    >>> bool(np.all(np.diff(model.objective_path_) <= 0)), model.coef_[:, 0].round(1)
    (True, array([ 1., -2.,  3.]))
    """

    _default_penalty = penalties.L1Lq(alpha=0.1)


@documented
class ReweightedClassifier(_Reweighted, MultiTaskClassifierBase):
    """Logistic loss.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from mtlinear import ReweightedClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> ReweightedClassifier().fit(X, y).score(X, y) > 0.8
    True
    """

    _default_penalty = penalties.L1Lq(alpha=CLASSIFIER_ALPHA)
