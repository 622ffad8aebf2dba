r"""Decompositions of the literature: A is a sum of two parts of different structure, with named parts.

When is such a sum really a sum? The first part has the weight a on a norm with the dual norm D_1, the second b on one
with D_2, so the dual ball of the sum is ``{D_1(G) <= a}`` cut with ``{D_2(G) <= b}``. Let ``low`` and ``high`` be the
best constants in ``low D_2 <= D_1 <= high D_2``. Then

- if ``a <= low b``, D_1(G) <= a implies D_2(G) <= a / low <= b: the second ball cuts nothing off, the norm of the sum
  is that of the first part alone, and an optimal split has no second part;
- if ``a >= high b``, the same with the parts exchanged;
- in between each ball has points outside the other one, and the norm is below both.

What `low` and `high` are is proved in each class. The default weights are the geometric middle, ``a / b =
sqrt(low high)``, as for the dirty model.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar, Self

import numpy as np

from mtlinear._validation import check_real
from mtlinear._warnings import warn
from mtlinear.penalties._base import Norm, Penalty, check_alpha
from mtlinear.penalties._columns import ColumnSparse
from mtlinear.penalties._infimal import SumOfParts
from mtlinear.penalties._rows import L1, L1Lq
from mtlinear.penalties._spectral import TraceNorm


class _TwoParts(SumOfParts):
    """alpha times two norms, the second of which has a share of alpha that is a parameter."""

    #: Name of the parameter, names of the parts, and what the model is without its second and without its first part.
    _share_name: ClassVar[str]
    _names: ClassVar[tuple[str, str]]
    _degenerates: ClassVar[tuple[str, str]]

    alpha: float

    @abstractmethod
    def _mixing(self, n_tasks: int, n_features: int) -> tuple[float, float]:
        """(low, high) of the module's docstring: the ratios of the weights between which both parts are used."""

    @abstractmethod
    def _norms(self, first: float, second: float) -> tuple[Norm, Norm]:
        """The norms with these strengths."""

    def check(self, n_features: int, n_tasks: int) -> None:
        check_alpha(self.alpha)
        name, share = self._share_name, getattr(self, self._share_name)
        if share is None:
            return
        check_real(name, share, above=0.0, below=1.0)
        low, high = self._mixing(n_tasks, n_features)
        ratio = (1.0 - share) / share
        if low < ratio < high or n_tasks == 1:
            return
        becomes = self._degenerates[0 if ratio <= low else 1]
        warn(
            f"{name}={share:g} makes {type(self).__name__} {becomes}: with {n_features} features and {n_tasks} tasks "
            f"both parts are used only for {1.0 / (1.0 + high):.3g} < {name} < {1.0 / (1.0 + low):.3g}."
        )

    def parts(self, n_tasks: int, n_features: int | None = None) -> tuple[tuple[str, Penalty], ...]:
        share = getattr(self, self._share_name)
        if share is None:
            low, high = self._mixing(n_tasks, n_tasks if n_features is None else n_features)
            share = 1.0 / (1.0 + np.sqrt(low * high))
        first, second = self._norms(float(self.alpha * (1.0 - share)), float(self.alpha * share))
        return (self._names[0], first), (self._names[1], second)

    def scaled(self, factor: float) -> Self:
        return type(self)(self.alpha * factor, getattr(self, self._share_name))


class Robust(_TwoParts):
    r"""Robust multi-task learning: tasks in a common subspace, and outlier tasks; A = L + S.

        Omega(A) = alpha * min_{A = L + S} (1 - column_ratio) ||L||_* + column_ratio sum_t ||S[:, t]||_2

    The columns of S that are not zero name the outliers: `ParameterMatrix.outlier_tasks`.

    Dual norms: the largest singular value, and the largest column norm. ``max_t ||G[:, t]|| <= sigma_1(G) <= sqrt(T)
    max_t ||G[:, t]||``: the first since G[:, t] = G e_t, with equality for one column that is not zero; the second
    since sigma_1^2 <= ||G||_F^2 = sum_t ||G[:, t]||^2, with equality where all columns are the same. So with
    r = (1 - column_ratio) / column_ratio both parts are used for 1 < r < sqrt(T).

    Parameters
    ----------
    alpha : float > 0, default 1.0
    column_ratio : float in (0, 1) or None, default None
        Share of the outliers' part. r <= 1 is the trace norm (S = 0); r >= sqrt(T) is `ColumnSparse` (L = 0); a warning
        says which. None takes the geometric middle, r = T^(1/4).

    References
    ----------
    Chen, Zhou & Ye (2011), KDD: rho_1 = alpha (1 - column_ratio), rho_2 = alpha column_ratio.

    Examples
    --------
    >>> Robust(alpha=1.0).parts(n_tasks=16)
    (('L', TraceNorm(alpha=0.6666666666666667)), ('S', ColumnSparse(alpha=0.3333333333333333)))
    """

    _share_name = "column_ratio"
    _names = ("L", "S")
    _degenerates = ("the trace norm (S = 0)", "a sum of column norms (L = 0)")

    def __init__(self, alpha: float = 1.0, column_ratio: float | None = None):
        self.alpha = alpha
        self.column_ratio = column_ratio

    def _mixing(self, n_tasks: int, n_features: int) -> tuple[float, float]:
        return 1.0, float(np.sqrt(n_tasks))

    def _norms(self, first: float, second: float) -> tuple[Norm, Norm]:
        return TraceNorm(first), ColumnSparse(second)


class RobustFeatures(_TwoParts):
    r"""Robust multi-task feature learning (rMTFL): few features, the same for all tasks but outliers; A = P + Q.

        Omega(A) = alpha * min_{A = P + Q} (1 - column_ratio) sum_j ||P[j, :]||_2 + column_ratio sum_t ||Q[:, t]||_2

    The columns of Q that are not zero name the outliers: `ParameterMatrix.outlier_tasks`.

    Dual norms: the largest row norm, and the largest column norm. ``max_t ||G[:, t]|| / sqrt(d) <= max_j ||G[j, :]|| <=
    sqrt(T) max_t ||G[:, t]||``: a row has T entries, each at most the norm of its column, with equality if only one row
    is not zero and its entries are equal; and the same for a column. So with r = (1 - column_ratio) / column_ratio
    both parts are used for 1/sqrt(d) < r < sqrt(T).

    Parameters
    ----------
    alpha : float > 0, default 1.0
    column_ratio : float in (0, 1) or None, default None
        Share of the outliers' part. r <= 1/sqrt(d) is block sparsity (Q = 0); r >= sqrt(T) is `ColumnSparse` (P = 0); a
        warning says which. None takes the geometric middle, r = (T/d)^(1/4).

    References
    ----------
    Gong, Ye & Zhang (2012), KDD: lambda_1 = alpha (1 - column_ratio), lambda_2 = alpha column_ratio.

    Examples
    --------
    >>> RobustFeatures(alpha=3.0).parts(n_tasks=1, n_features=16)
    (('P', L1Lq()), ('Q', ColumnSparse(alpha=2.0)))
    """

    _share_name = "column_ratio"
    _names = ("P", "Q")
    _degenerates = ("pure block sparsity (Q = 0)", "a sum of column norms (P = 0)")

    def __init__(self, alpha: float = 1.0, column_ratio: float | None = None):
        self.alpha = alpha
        self.column_ratio = column_ratio

    def _mixing(self, n_tasks: int, n_features: int) -> tuple[float, float]:
        return 1.0 / float(np.sqrt(n_features)), float(np.sqrt(n_tasks))

    def _norms(self, first: float, second: float) -> tuple[Norm, Norm]:
        return L1Lq(first), ColumnSparse(second)


class SparseLowRank(_TwoParts):
    r"""A common subspace, and single parameters that leave it; A = L + S.

        Omega(A) = alpha * min_{A = L + S} (1 - l1_ratio) ||L||_* + l1_ratio sum_jt |S[j, t]|

    Dual norms: the largest singular value, and the largest entry. ``max |G[j, t]| <= sigma_1(G) <= sqrt(d T) max |G[j,
    t]|``: an entry is e_j'G e_t, with equality if there is only one; and sigma_1 <= ||G||_F, with equality where all
    entries are the same. So with r = (1 - l1_ratio) / l1_ratio both parts are used for 1 < r < sqrt(d T).

    Parameters
    ----------
    alpha : float > 0, default 1.0
    l1_ratio : float in (0, 1) or None, default None
        Share of the sparse part. r <= 1 is the trace norm (S = 0); r >= sqrt(d T) is the lasso (L = 0); a warning says
        which. None takes the geometric middle, r = (d T)^(1/4): for square A that is the sqrt(d) of robust PCA.

    References
    ----------
    Chen, Liu & Ye (2010), KDD; (2012), ACM TKDD 5 (there with a bound on ||L||_* in place of its penalty). Candes et
    al. (2011), J. ACM 58 (the ratio).

    Examples
    --------
    >>> SparseLowRank(alpha=3.0).parts(n_tasks=4, n_features=4)
    (('L', TraceNorm(alpha=2.0)), ('S', L1()))
    """

    _share_name = "l1_ratio"
    _names = ("L", "S")
    _degenerates = ("the trace norm (S = 0)", "the lasso (L = 0)")

    def __init__(self, alpha: float = 1.0, l1_ratio: float | None = None):
        self.alpha = alpha
        self.l1_ratio = l1_ratio

    def _mixing(self, n_tasks: int, n_features: int) -> tuple[float, float]:
        return 1.0, float(np.sqrt(n_tasks * n_features))

    def _norms(self, first: float, second: float) -> tuple[Norm, Norm]:
        return TraceNorm(first), L1(second)
