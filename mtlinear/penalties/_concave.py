"""Concave functions of the size of a row: what reweighted penalties minimise, one convex stage after the other."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from sklearn.base import BaseEstimator

from mtlinear._typing import Array
from mtlinear._validation import check_real


class Concave(BaseEstimator, ABC):
    """An increasing concave h on [0, inf). Since ``h(s) <= h(r) + h'(r) (s - r)``, the weights h'(r) make a convex
    penalty that lies above the concave one and touches it at r."""

    @abstractmethod
    def check(self) -> None:
        """Raise an error that names the parameter unless it makes sense."""

    @abstractmethod
    def value(self, sizes: Array) -> Array:
        """h, entry by entry."""

    @abstractmethod
    def slope(self, sizes: Array) -> Array:
        """h', entry by entry: positive and finite."""


class Root(Concave):
    """``h(s) = sqrt(s + epsilon)``.

    On the L1 norms of rows it is the multi-level lasso, on single entries the reweighted lasso of mutar.

    Parameters
    ----------
    epsilon : float > 0, default 1e-3
        Keeps the slope at 0 finite, so that a feature can come back.

    References
    ----------
    Lozano & Swirszcz (2012), ICML, "Multi-level lasso for sparse multi-task regression".

    Examples
    --------
    >>> import numpy as np
    >>> Root(epsilon=1.0).value(np.array([0.0, 3.0]))
    array([1., 2.])
    """

    def __init__(self, epsilon: float = 1e-3):
        self.epsilon = epsilon

    def check(self) -> None:
        check_real("epsilon", self.epsilon, above=0.0)

    def value(self, sizes: Array) -> Array:
        return np.asarray(np.sqrt(sizes + float(self.epsilon)))

    def slope(self, sizes: Array) -> Array:
        return 0.5 / self.value(sizes)


class Logarithm(Concave):
    """``h(s) = log(1 + s / epsilon)``: weights ``1 / (s + epsilon)``, those of the adaptive lasso.

    Parameters
    ----------
    epsilon : float > 0, default 0.1

    References
    ----------
    Zou (2006), JASA 101 (two stages). Candes, Wakin & Boyd (2008), J. Fourier Anal. Appl. 14 (any number).

    Examples
    --------
    >>> import numpy as np
    >>> Logarithm(epsilon=0.5).slope(np.array([0.0, 1.5]))
    array([2. , 0.5])
    """

    def __init__(self, epsilon: float = 0.1):
        self.epsilon = epsilon

    def check(self) -> None:
        check_real("epsilon", self.epsilon, above=0.0)

    def value(self, sizes: Array) -> Array:
        return np.asarray(np.log1p(sizes / float(self.epsilon)))

    def slope(self, sizes: Array) -> Array:
        return 1.0 / (sizes + float(self.epsilon))


class Capped(Concave):
    """``h(s) = min(s, theta) + rest * s``: large rows are (nearly) not penalised, small ones as before.

    Parameters
    ----------
    theta : float > 0, default 1.0
        From which size on.
    rest : float > 0, default 1e-3
        The slope that is left there. MSMTFL has none; then a stage would leave rows unpenalised, without a certificate.

    References
    ----------
    Gong, Ye & Zhang (2012), NIPS 25; (2013) JMLR 14, "Multi-stage multi-task feature learning".

    Examples
    --------
    >>> import numpy as np
    >>> Capped(theta=1.0, rest=0.1).value(np.array([0.5, 3.0]))
    array([0.55, 1.3 ])
    """

    def __init__(self, theta: float = 1.0, rest: float = 1e-3):
        self.theta = theta
        self.rest = rest

    def check(self) -> None:
        check_real("theta", self.theta, above=0.0)
        check_real("rest", self.rest, above=0.0)

    def value(self, sizes: Array) -> Array:
        return np.asarray(np.minimum(sizes, float(self.theta)) + float(self.rest) * sizes)

    def slope(self, sizes: Array) -> Array:
        return np.asarray((sizes < self.theta).astype(sizes.dtype) + float(self.rest))
