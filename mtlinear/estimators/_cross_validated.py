"""Estimators that choose alpha, and other parameters of the penalty, by cross-validation along paths."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
from joblib import effective_n_jobs
from numpy.typing import ArrayLike
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import check_scoring
from sklearn.utils.parallel import Parallel, delayed

from mtlinear._typing import Array, Indices
from mtlinear._warnings import warn
from mtlinear.datafit import DataFit, RowsFit
from mtlinear.estimators._any import MultiTaskClassifier, MultiTaskRegressor
from mtlinear.estimators._base import MultiTaskLinearModel
from mtlinear.estimators._base_classifier import MultiTaskClassifierBase
from mtlinear.estimators._base_regressor import MultiTaskRegressorBase
from mtlinear.estimators._candidates import read_candidates, with_values
from mtlinear.estimators._constraints import CROSS_VALIDATED, Constraints
from mtlinear.estimators._cv_results import choose, results_table
from mtlinear.estimators._documentation import documented
from mtlinear.estimators._folds import FoldResult, Table, run_fold
from mtlinear.estimators._splits import check_split, make_splits
from mtlinear.losses import Loss
from mtlinear.metrics._rows import task_column
from mtlinear.path import at_strength, read_alphas
from mtlinear.penalties import Penalty
from mtlinear.problem import Problem
from mtlinear.solvers import Solver, choose_solver


class _CrossValidated(MultiTaskLinearModel):
    """Any penalty, its strength chosen by cross-validation along a warm-started path.

    %(objective)s

        Omega = penalty

    Parameters
    ----------
    penalty : Penalty, default None
        Its alpha is what is chosen (for an InfimalConvolution a factor on all of it); its other parameters hold unless
        param_grid says otherwise. None is ``L1Lq()``.
    loss : Loss, default None
        %(losses)s
    alphas : int or array-like of float > 0, default 100
        How many, or which. A number gives each candidate its own log-spaced grid from alpha_max, the smallest alpha
        with A = 0, down to ``eps * alpha_max``; for quadratic penalties see `mtlinear.path.alpha_max`.
    eps : float in (0, 1], default 1e-3
        Smallest alpha over the largest, for a number of alphas.
    param_grid : dict or list of dicts, default None
        More to choose: lists of values by name of a parameter of the penalty (``{"q": [2, np.inf]}``), ``"l2_alpha"``,
        or ``"penalty"`` for whole penalty objects. For an InfimalConvolution ``"penalty_0__alpha"`` and the like: since
        alphas multiply all of it, these are the proportions of its parts.
    scoring : str, callable or None, default None
        A scorer of scikit-learn or of `mtlinear.metrics`; larger is better. It gets the model that fit would make of
        the training rows; tasks are handed to it where it takes them, and any scorer works with ``tasks=``; sample
        weights are not. None: minus the mean squared error or log loss of the held-out rows, weighted as in the
        objective; it takes NaN in y.
    cv : int, splitter or iterable, default None
        None: 5 folds. A number: `TaskKFold` where rows belong to tasks, StratifiedKFold for a 1-D y of classes, else
        KFold. A `TaskKFold` without tasks of its own gets those of fit. An iterable gives pairs (train, test) of row
        numbers or boolean masks. The mean over folds counts each the same.
    one_standard_error : bool, default False
        Take, of the best candidate, the largest alpha whose mean score is within one standard error of the best.
    n_jobs : int, default None
        Processes of joblib, over candidates and folds; None is 1.
    verbose : int >= 0, default 0
        1 prints a line to stderr for every path that is done; 2 also, to stdout, one at every look at the duality gap
        in the last fit, on all rows.

    Attributes
    ----------
    alpha_ : float
        The chosen one.
    penalty_ : Penalty
        The chosen penalty, with its alpha.
    l2_alpha_ : float
    alphas_ : ndarray of shape (n_alphas,), or (n_candidates, n_alphas) with param_grid
        From the largest.
    score_path_ : ndarray of shape (n_alphas, n_folds), or (n_candidates, n_alphas, n_folds) with param_grid
        Scores of the held-out rows.
    dual_gap_path_ : ndarray of the same shape
        Duality gap of every fit on a fold, as a fraction of its objective at A = 0.
    cv_results_ : dict
        The same in the keys of GridSearchCV.
    best_params_, best_score_, best_index_
        As in GridSearchCV.
    n_splits_ : int
    """

    __metadata_request__fit: ClassVar[dict[str, bool]] = {"tasks": True, "groups": True}

    _parameter_constraints: ClassVar[Constraints] = CROSS_VALIDATED
    _single: ClassVar[type[MultiTaskRegressor] | type[MultiTaskClassifier]]
    warm_start = False
    callback = None

    def __init__(
        self,
        penalty: Penalty | None = None,
        *,
        loss: Loss | None = None,
        alphas: int | ArrayLike = 100,
        eps: float = 1e-3,
        param_grid: Mapping[str, Sequence[Any]] | Sequence[Mapping[str, Sequence[Any]]] | None = None,
        scoring: Any = None,
        cv: Any = None,
        one_standard_error: bool = False,
        l2_alpha: float = 0.0,
        fit_intercept: bool = True,
        task_feature: str | int | None = None,
        task_weight: Any = None,
        unseen_tasks: str = "error",
        solver: Solver | None = None,
        tol: float = 1e-6,
        max_iter: int = 10_000,
        n_jobs: int | None = None,
        verbose: int = 0,
    ):
        self.penalty = penalty
        self.loss = loss
        self.alphas = alphas
        self.eps = eps
        self.param_grid = param_grid
        self.scoring = scoring
        self.cv = cv
        self.one_standard_error = one_standard_error
        self.l2_alpha = l2_alpha
        self.fit_intercept = fit_intercept
        self.task_feature = task_feature
        self.task_weight = task_weight
        self.unseen_tasks = unseen_tasks
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter
        self.n_jobs = n_jobs
        self.verbose = verbose

    def set_params(self, **params: Any) -> Self:
        """Set parameters; ``penalty__q`` and the like also where penalty is None, on the default penalty.

        Parameters
        ----------
        **params
            Values by name, as in scikit-learn.
        """
        if self.penalty is None and "penalty" not in params and any(name.startswith("penalty__") for name in params):
            self.penalty = clone(self._single._default_penalty)
        return super().set_params(**params)

    def _make_penalty(self) -> Penalty:
        return self._model()._make_penalty()

    def _make_loss(self) -> Loss:
        return self._default_loss if self.loss is None else self.loss

    def _model(self) -> MultiTaskRegressor | MultiTaskClassifier:
        """The model without cross-validation that has the same parameters."""
        own = self.get_params(deep=False)
        shared = {name: own[name] for name in self._single().get_params(deep=False) if name in own}
        return clone(self._single(**shared))

    def fit(
        self,
        X: Any,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        tasks: ArrayLike | None = None,
        groups: ArrayLike | None = None,
    ) -> Self:
        """Choose the parameters on folds, and fit with them on all rows.

        Parameters
        ----------
        X, y, sample_weight, tasks
            As in the ``fit`` of the model without CV.
        groups : array-like of shape (n_rows,), default None
            For splitters that keep groups together.

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            Naming the argument, if the data or a parameter is not usable, or a fold lacks a task or a class (before
            anything is fitted). The model is then what it was before.
        KeyboardInterrupt
            On Ctrl-C, at any time. The model is then what it was before.

        Warns
        -----
        ConvergenceWarning
            Once, with the count, if fits on folds did not reach ``tol`` within ``max_iter``; and if the last did not.
        UserWarning
            If groups are given to folds that do not use them, or some scores are not finite.
        """
        with self._all_or_nothing():
            self._check_parameters()
            model = self._model()
            problem = model._read_problem(X, y, sample_weight, tasks)
            self._take_over(model)
            scorer = self._scorer(model)
            candidates = read_candidates(self.param_grid, problem.penalty)
            problems = [with_values(problem, candidate) for candidate in candidates]
            grids = [read_alphas(each, self.alphas, self.eps) for each in problems]
            table = Table.of(X, y, sample_weight, tasks)
            splits = self._splits(model, problem.data, table, groups)
            results = self._run(model, table, candidates, problems, grids, splits, scorer)
            chosen = self._publish_results(candidates, np.array(grids), results)
            best = problems[chosen[0]]
            self._refit(best.with_penalty(at_strength(best.penalty, grids[chosen[0]][chosen[1]]), check=False))
        return self

    def _take_over(self, model: MultiTaskLinearModel) -> None:
        """What the data alone say (tasks_, classes_, names, how y was read), and nothing of an earlier fit."""
        for name in [name for name in vars(self) if name.endswith("_") and not name.startswith("_")]:
            delattr(self, name)
        parameters = model.get_params(deep=False)
        self.__dict__.update({name: value for name, value in vars(model).items() if name not in parameters})

    def _scorer(self, model: MultiTaskLinearModel) -> Callable[..., float] | None:
        if self.scoring is None:
            return None
        if isinstance(self.scoring, (list, tuple, set, dict)):
            raise ValueError(
                f"scoring must be one scorer, since one alpha is chosen, got {self.scoring!r}. For several, use "
                "GridSearchCV over penalty__alpha."
            )
        return check_scoring(model, scoring=self.scoring)

    def _splits(
        self, model: MultiTaskLinearModel, data: DataFit, table: Table, groups: ArrayLike | None
    ) -> list[tuple[Indices, Indices]]:
        """(train, test) rows of every fold."""
        assert isinstance(data, RowsFit)
        labels = table.tasks if self.task_feature is None else task_column(table.X, self.task_feature)
        splits = make_splits(self.cv, table, labels, groups, classifier=self._single is MultiTaskClassifier)
        if self.one_standard_error and len(splits) < 2:
            raise ValueError("one_standard_error=True needs at least two folds, but cv gave one.")
        for k, (train, test) in enumerate(splits):
            check_split(model, data, table, train, test, k)
        return splits

    def _run(
        self,
        model: MultiTaskLinearModel,
        table: Table,
        candidates: Sequence[Mapping[str, Any]],
        problems: Sequence[Problem],
        grids: Sequence[Array],
        splits: Sequence[tuple[Indices, Indices]],
        scorer: Callable[..., float] | None,
    ) -> list[list[FoldResult]]:
        """The results of every candidate on every fold: paths on one fold are one job, so that they share its moments.

        If there are more processes than folds, the candidates of a fold are divided among several jobs.
        """
        data = problems[0].data
        assert isinstance(data, RowsFit)
        data.prepare_folds()
        n_shares = min(len(problems), -(-effective_n_jobs(self.n_jobs) // len(splits)))
        shares = np.array_split(np.arange(len(problems)), n_shares)
        jobs = [(k, share) for k in range(len(splits)) for share in shares]
        work = (
            delayed(run_fold)(model, [problems[c] for c in share], table, *splits[k], [grids[c] for c in share], scorer)
            for k, share in jobs
        )
        results: list[list[FoldResult]] = [[] for _ in problems]
        for (k, share), found in zip(jobs, Parallel(n_jobs=self.n_jobs, return_as="generator")(work), strict=True):
            for c, result in zip(share, found, strict=True):
                results[c].append(result)
                if self.verbose:
                    print(
                        f"fold {k + 1}/{len(splits)}, {dict(candidates[c]) or type(problems[c].penalty).__name__}: "
                        f"{len(grids[c])} alphas in {result.fit_seconds.sum():.2g} s, "
                        f"best score {np.max(result.score):.4g}",
                        file=sys.stderr,
                    )
        return results

    def _publish_results(
        self, candidates: Sequence[Mapping[str, Any]], grids: Array, results: Sequence[Sequence[FoldResult]]
    ) -> tuple[int, int]:
        def stack(name: str) -> Array:
            """(n_candidates, n_alphas, n_folds)."""
            return np.array([np.transpose([getattr(fold, name) for fold in folds]) for folds in results])

        score, gap, failed = stack("score"), stack("gap"), np.logical_not(stack("converged"))
        if failed.any():
            warn(
                f"{failed.sum()} of {failed.size} fits on folds did not reach tol={self.tol:g}; the largest gap was "
                f"{gap.max():.3g} of the objective at A = 0 (dual_gap_path_). Raise max_iter or tol, scale the "
                "features, or, where a free mean of the tasks separates the classes, set mean_alpha, mean_ratio or "
                "l2_alpha.",
                ConvergenceWarning,
            )
        self.cv_results_ = results_table(candidates, grids, score, stack("fit_seconds"), stack("score_seconds"))
        only = slice(None) if self.param_grid is not None else 0
        self.alphas_, self.score_path_, self.dual_gap_path_ = grids[only], score[only], gap[only]
        if self._single is MultiTaskRegressor:
            self.mse_path_ = stack("error")[only]
        chosen = choose(score, self.one_standard_error)
        self.n_splits_ = score.shape[2]
        self.best_index_ = chosen[0] * grids.shape[1] + chosen[1]
        self.best_score_ = float(self.cv_results_["mean_test_score"][self.best_index_])
        self.best_params_ = self.cv_results_["params"][self.best_index_]
        self.alpha_ = float(grids[chosen])
        return chosen

    def _refit(self, problem: Problem) -> None:
        solver = choose_solver(problem, self.solver)
        self.penalty_ = problem.penalty
        self.l2_alpha_ = problem.l2_alpha
        self._publish(
            problem, solver.solve(problem, tol=self.tol, max_iter=self.max_iter, verbose=max(self.verbose - 1, 0))
        )


@documented
class MultiTaskRegressorCV(_CrossValidated, MultiTaskRegressorBase):
    """Squared loss.

    Costs little more than a path on each fold: the solution at one alpha starts the next, the penalties share what the
    data say, and where Gram matrices are smaller than X those of a training fold are those of all rows minus those of
    the held-out ones.

    Attributes
    ----------
    mse_path_ : ndarray of shape (n_alphas, n_folds), or (n_candidates, n_alphas, n_folds) with param_grid
        Mean squared error of the held-out rows (with another loss, its mean), weighted as in the objective.

    Examples
    --------
    >>> import numpy as np
    >>> from mtlinear import MultiTaskRegressorCV
    >>> from mtlinear.penalties import Dirty
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((60, 8))
    >>> Y = X[:, [0]] @ [[2.0, 2.0, 2.0]] + X[:, [1]] @ [[3.0, 0.0, 0.0]] + 0.1 * rng.standard_normal((60, 3))
    >>> model = MultiTaskRegressorCV(Dirty(), alphas=20, param_grid={"l1_ratio": [0.3, 0.4]}).fit(X, Y)
    >>> model.mse_path_.shape
    (2, 20, 5)
    >>> model.score(X, Y) > 0.99
    True
    """

    _single = MultiTaskRegressor


@documented
class MultiTaskClassifierCV(_CrossValidated, MultiTaskClassifierBase):
    """Logistic loss.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from mtlinear import MultiTaskClassifierCV
    >>> from mtlinear.penalties import TraceNorm
    >>> X, y = load_iris(return_X_y=True)
    >>> model = MultiTaskClassifierCV(TraceNorm(), alphas=10, scoring="accuracy", tol=1e-4).fit(X, y)
    >>> model.cv_results_["mean_test_score"].shape, model.best_score_ > 0.9
    ((10,), True)
    """

    _single = MultiTaskClassifier
