"""The kernel between rows that belong to tasks, for the Gaussian processes of scikit-learn."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.gaussian_process.kernels import RBF, Hyperparameter, Kernel

from mtlinear._tasks import encode, read_labels, split_task_column
from mtlinear._typing import Array, Indices, Labels
from mtlinear.kernels._couplings import Coupling, Regularizer
from mtlinear.kernels._transformer import known_tasks, read_coupling


class MultiTaskGPKernel(Kernel):
    """The kernel ``K((x, s), (z, t)) = C[s, t] k(x, z)`` for GaussianProcessRegressor and GaussianProcessClassifier.

    The functions of the tasks are Gaussian processes with covariance k, correlated as C says. The hyperparameters of
    the base kernel are fitted by maximum likelihood as ever, and with them the strengths of the coupling: how alike the
    tasks are is learned. It can be added to and multiplied with other kernels, such as a WhiteKernel for the noise.

    Parameters
    ----------
    tasks : array-like
        All task labels: numbers, as the arrays of Gaussian processes hold.
    coupling : Coupling, default None
        An object of `mtlinear.kernels`, which gives C. None is ``MeanCoupling()``.
    base_kernel : Kernel of scikit-learn, default None
        The kernel k on the features. None is ``RBF()``.
    task_feature : int, default -1
        Position of the column of X that holds the task label of each row.
    coupling_bounds : pair of float > 0 or "fixed", default (1e-5, 1e5)
        Bounds of the strengths of the coupling. "fixed": they stay as they are.

    References
    ----------
    Bonilla, Chai & Williams (2007), NIPS 20. Evgeniou, Micchelli & Pontil (2005), JMLR 6, 615-637.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.gaussian_process.kernels import DotProduct
    >>> from mtlinear.kernels import MeanCoupling, MultiTaskGPKernel
    >>> kernel = MultiTaskGPKernel([0, 1], MeanCoupling(1.0, 0.5), DotProduct(sigma_0=0.0, sigma_0_bounds="fixed"))
    >>> kernel(np.array([[1.0, 0], [3.0, 1]]))
    array([[ 1.5,  1.5],
           [ 1.5, 13.5]])
    """

    def __init__(
        self,
        tasks: ArrayLike,
        coupling: Coupling | None = None,
        base_kernel: Kernel | None = None,
        task_feature: int = -1,
        coupling_bounds: Any = (1e-5, 1e5),
    ):
        self.tasks = tasks
        self.coupling = coupling
        self.base_kernel = base_kernel
        self.task_feature = task_feature
        self.coupling_bounds = coupling_bounds

    @property
    def _coupling(self) -> Coupling:
        if self.coupling is None:  # made once, so that theta can be set in it
            self.coupling = read_coupling(None)
        return read_coupling(self.coupling)

    @property
    def _base(self) -> Kernel:
        if self.base_kernel is None:
            self.base_kernel = RBF()
        return self.base_kernel

    @property
    def _free(self) -> tuple[str, ...]:
        """The strengths of the coupling that are hyperparameters: not those that are fixed, or zero."""
        if isinstance(self.coupling_bounds, str):
            if self.coupling_bounds != "fixed":
                raise ValueError(f"coupling_bounds must be two numbers or 'fixed', got {self.coupling_bounds!r}.")
            return ()
        return tuple(name for name in self._coupling.strengths if getattr(self._coupling, name) > 0)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Parameters by name, those of base kernel and coupling as ``base_kernel__...`` and ``coupling__...``.

        Parameters
        ----------
        deep : bool, default True

        Returns
        -------
        dict
        """
        own = {name: getattr(self, name) for name in _NAMES}
        if deep:
            for name, part in (("base_kernel", self._base), ("coupling", self._coupling)):
                own |= {f"{name}__{key}": value for key, value in part.get_params().items()}
                own[name] = part
        return own

    @property
    def hyperparameters(self) -> list[Hyperparameter]:
        """Those of the base kernel, then the strengths of the coupling."""
        base = [
            Hyperparameter(f"base_kernel__{h.name}", h.value_type, h.bounds, h.n_elements)
            for h in self._base.hyperparameters
        ]
        return base + [Hyperparameter(f"coupling__{name}", "numeric", self.coupling_bounds) for name in self._free]

    @property
    def theta(self) -> Array:
        """Logarithms of the hyperparameters."""
        strengths = [float(getattr(self._coupling, name)) for name in self._free]
        return np.append(self._base.theta, np.log(strengths))

    @theta.setter
    def theta(self, theta: Array) -> None:
        n_base = self._base.n_dims
        self._base.theta = theta[:n_base]
        values = np.exp(theta[n_base:]).tolist()
        self._coupling.set_params(**dict(zip(self._free, values, strict=True)))

    @property
    def bounds(self) -> Array:
        """Bounds of theta."""
        if not self._free:
            return self._base.bounds
        own = np.tile(np.log(np.asarray(self.coupling_bounds, dtype=float)), (len(self._free), 1))
        return own if self._base.n_dims == 0 else np.vstack([self._base.bounds, own])

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and repr(self) == repr(other)

    def __call__(self, X: Any, Y: Any = None, eval_gradient: bool = False) -> Any:
        """Kernel between rows, and its gradient by theta.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features + 1)
        Y : array-like of shape (n_other_rows, n_features + 1), default None
            None is X.
        eval_gradient : bool, default False
            Only for Y = None.

        Returns
        -------
        ndarray of shape (n_rows, n_other_rows), and if wanted one of shape (n_rows, n_rows, n_hyperparameters)
        """
        tasks = known_tasks(self.tasks)
        C = self._coupling.matrix(tasks)
        features, s = self._read(X, tasks)
        if Y is not None:
            if eval_gradient:
                raise ValueError("Gradient can only be evaluated when Y is None.")
            others, t = self._read(Y, tasks)
            return C[np.ix_(s, t)] * self._base(features, others)
        own = C[np.ix_(s, s)]
        if not eval_gradient:
            return own * self._base(features)
        K, gradient = self._base(features, eval_gradient=True)
        gradient = own[:, :, None] * gradient
        if self._free:
            assert isinstance(self._coupling, Regularizer)
            free = [self._coupling.strengths.index(name) for name in self._free]
            by_strength = self._coupling.derivatives(tasks)[:, :, free]
            gradient = np.concatenate([gradient, K[:, :, None] * by_strength[np.ix_(s, s)]], axis=2)
        return own * K, gradient

    def diag(self, X: Any) -> Array:
        """Diagonal of the kernel.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features + 1)

        Returns
        -------
        ndarray of shape (n_rows,)
        """
        tasks = known_tasks(self.tasks)
        features, s = self._read(X, tasks)
        return np.diag(self._coupling.matrix(tasks))[s] * self._base.diag(features)

    def is_stationary(self) -> bool:
        """It is not: tasks are not points of a line."""
        return False

    def __repr__(self) -> str:
        return f"MultiTaskGPKernel({self._coupling!r}, {self._base!r})"

    def _read(self, X: Any, tasks: Labels) -> tuple[Array, Indices]:
        features, column, _ = split_task_column(np.atleast_2d(X), self.task_feature, None)
        labels = read_labels("the task column of X", column, len(features))
        codes = encode(labels, tasks)
        if np.any(codes < 0):
            raise ValueError(f"task(s) {np.unique(labels[codes < 0])[:10].tolist()} of X are not among tasks.")
        return features, codes


_NAMES = ("tasks", "coupling", "base_kernel", "task_feature", "coupling_bounds")
