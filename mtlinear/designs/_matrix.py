"""Dense or sparse rows: the only place in the package that asks which."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import LinearOperator, eigsh

from mtlinear._precision import in_precision
from mtlinear._products import large_times
from mtlinear._typing import Array, Indices

#: A feature matrix: ndarray or SciPy sparse array.
Matrix = Any

#: Up to this size the largest eigenvalue is taken from a dense factorization, exactly; past it by Lanczos.
_DENSE_EIGENVALUES = 100
#: Deviations from a mean below this fraction of the mean are rounding: the error of a sum of millions of numbers.
_ROUNDING = 1e-13
#: In float32 means are accumulated in float64 (`adjoint_product`); what is left is the rounding of the result.
_ROUNDED_MEAN = 2.0**-22
#: Standard deviations between a mean and zero that make centring on the fly inaccurate; rows that are looked at first.
_FAR, _SAMPLE = 10.0, 32
#: Numbers that are converted to float64 at a time.
_BLOCK, _LEAST_ROWS = 2**18, 64


def as_rows(X: Matrix) -> Matrix:
    """X with fast access to rows: an ndarray as it is, a sparse matrix as a CSR array."""
    return sp.csr_array(X) if sp.issparse(X) else X


def in_double(*values: Any) -> list[Any]:
    """Arrays as float64; None stays."""
    return [None if value is None else value.astype(np.float64) for value in values]


def take_columns(X: Matrix, features: Indices) -> Matrix:
    """``X[:, features]``, in the memory order of X: indexing would turn rows into columns."""
    if sp.issparse(X) or not X.flags.c_contiguous:
        return X[:, features]
    return np.take(X, features, axis=1)


def is_sparse(X: Matrix) -> bool:
    """Whether X is a SciPy sparse matrix or array."""
    return bool(sp.issparse(X))


def to_dense(X: Matrix) -> Array:
    """X as an ndarray."""
    return X.toarray() if sp.issparse(X) else X


def product(X: Matrix, A: Array) -> Array:
    """``X @ A``; with a float32 X and a float64 A it is computed in float64, without a float64 copy of X."""
    if not _is_mixed(X, A):
        return X @ A if sp.issparse(X) else large_times(X, A)
    scores = np.empty((X.shape[0], *A.shape[1:]))
    for rows in _row_blocks(X):
        scores[rows] = X[rows].astype(np.float64) @ A
    return scores


def adjoint_product(X: Matrix, D: Array) -> Array:
    """``X' D``, in any memory order; with a float32 X and a float64 D in float64, without a float64 copy of X."""
    if not _is_mixed(X, D):
        return X.T @ D if sp.issparse(X) else large_times(X.T, D, by_columns=True)
    G = np.zeros((X.shape[1], *D.shape[1:]))
    for rows in _row_blocks(X):
        G += X[rows].astype(np.float64).T @ D[rows]
    return G


def _is_mixed(X: Matrix, other: Array) -> bool:
    """A float32 X that meets float64: NumPy and SciPy would make a copy of it."""
    return bool(X.dtype == np.float32 and other.dtype == np.float64)


def _row_blocks(X: Matrix) -> Iterator[slice]:
    n, d = X.shape
    size = max(_BLOCK // max(d, 1), _LEAST_ROWS)
    return (slice(start, start + size) for start in range(0, n, size))


def is_nearly_centered(X: Matrix, mean: Array) -> bool:
    """Whether every feature's mean is at most a few standard deviations from zero: then it may as well be subtracted
    from the products, which costs two digits at most and saves a copy of X."""
    if sp.issparse(X) or X.dtype != np.float64:
        return False
    sample = X[:: max(len(X) // _SAMPLE, 1)]
    # As mean square minus squared mean, which needs no arrays of the size of the sample, and digits nobody asks for.
    with np.errstate(over="ignore", invalid="ignore"):
        variance = np.einsum("ij,ij->j", sample, sample) / len(sample) - sample.mean(axis=0) ** 2
    doubtful = np.flatnonzero((np.abs(mean) > 0.5 * _FAR * np.sqrt(np.maximum(variance, 0.0))) | ~np.isfinite(variance))
    if len(doubtful) == 0:
        return True
    columns = X[:, doubtful]
    largest = np.abs(columns).max(axis=0)
    unit = np.where(largest > 0, largest, 1.0)
    return bool(np.all(np.abs(mean[doubtful]) / unit <= _FAR * (columns / unit).std(axis=0)))


def subtract_mean(X: Matrix, mean: Array) -> tuple[Matrix, Array]:
    """X - mean, with exact zeros where only rounding is left, and what was subtracted (n_features,).

    A feature that is constant within a task would otherwise become noise of size 1e-16, and whatever leaves a direction
    of A unpenalised would fit that noise with parameters of size 1e15. A sparse X loses only the means that are many
    standard deviations from zero: these columns have hardly a zero to lose, and subtracting from their products would
    leave nothing but rounding.
    """
    if sp.issparse(X):
        return _subtract_far_means(X, mean)
    difference = X - mean
    for rows in _row_blocks(X):
        without_rounding(difference[rows], mean)
    return difference, mean


def _subtract_far_means(X: Matrix, mean: Array) -> tuple[Matrix, Array]:
    n, d = X.shape
    # A column that is zero in one row of fifty is at most seven standard deviations from zero.
    full = np.flatnonzero((np.bincount(X.indices, minlength=d) >= 0.98 * n) & (mean != 0))
    taken = np.zeros_like(mean)
    if len(full) == 0:
        return X, taken
    columns = X[:, full].toarray()
    deviations = without_rounding(columns - mean[full], mean[full])
    is_far = np.abs(mean[full]) > _FAR * np.sqrt(np.mean(deviations.astype(np.float64) ** 2, axis=0))
    far = full[is_far]
    if len(far) == 0:
        return X, taken
    taken[far] = mean[far]
    others = np.ones(d, X.dtype)
    others[far] = 0.0
    place = (np.tile(np.arange(n), len(far)), np.repeat(far, n))
    centered = sp.csr_array(X.multiply(others)) + sp.csr_array((deviations[:, is_far].T.ravel(), place), shape=X.shape)
    centered.eliminate_zeros()
    return centered, taken


def without_rounding(difference: Array, mean: Array) -> Array:
    """A difference from a mean, zero where it is but the rounding of that mean; changes its argument."""
    limit = _ROUNDED_MEAN if difference.dtype == np.float32 else _ROUNDING
    difference[np.abs(difference) <= limit * np.abs(mean)] = 0.0
    return difference


def weighted_gram(X: Matrix, weights: Array, center: Array | None) -> Array:
    """``(X - 1 c')' diag(weights) (X - 1 c')`` as an ndarray; weights may have any sign, c is a vector or None."""
    least, most = (weights.min(), weights.max()) if len(weights) else (0.0, 0.0)
    if least >= 0 and not sp.issparse(X) and not _is_mixed(X, weights):
        if least == most:
            gram = X.T @ X
            gram *= most
        else:
            R = X * np.sqrt(weights)[:, None]
            gram = R.T @ R
    else:
        gram = _weighted_product(X, X, weights)
    if center is None:
        return gram
    first = adjoint_product(X, weights)
    cross = np.outer(first - 0.5 * weights.sum() * center, center)
    centered = gram - cross - cross.T
    # A feature that is constant leaves rounding only: an exact zero says so to whoever inverts this matrix.
    limit = in_precision(_ROUNDING, gram.dtype)
    constant = np.abs(np.diagonal(centered)) <= limit * np.abs(np.diagonal(gram))
    centered[constant, :] = 0.0
    centered[:, constant] = 0.0
    return centered


def weighted_cross(X: Matrix, weights: Array, center: Array | None, rows: Indices, columns: Indices) -> Array:
    """The block (rows, columns) of `weighted_gram`; weights >= 0."""
    if np.array_equal(rows, columns):  # half the work
        return weighted_gram(take_columns(X, rows), weights, None if center is None else center[rows])
    left, right = take_columns(X, rows), take_columns(X, columns)
    cross = _weighted_product(left, right, weights)
    if center is None:
        return cross
    first = adjoint_product(left, weights) - weights.sum() * center[rows]
    return cross - np.outer(first, center[columns]) - np.outer(center[rows], adjoint_product(right, weights))


def _weighted_product(left: Matrix, right: Matrix, weights: Array) -> Array:
    """``left' diag(weights) right``; with float64 weights on float32 matrices in float64, in blocks."""
    if _is_mixed(left, weights):
        total = np.zeros((left.shape[1], right.shape[1]))
        for rows in _row_blocks(right):
            total += _weighted_product(left[rows].astype(np.float64), right[rows].astype(np.float64), weights[rows])
        return total
    if sp.issparse(left):
        return (left.T @ sp.csr_array(right.multiply(weights[:, None]))).toarray()
    return (left * weights[:, None]).T @ right


def largest_eigenvalue(X: Matrix, weights: Array, center: Array | None) -> float:
    """Upper bound of the largest eigenvalue of `weighted_gram`, exact up to rounding for small matrices.

    Lanczos approaches the eigenvalue from below; one percent is added so that 1/bound stays a safe step.
    """
    n, d = X.shape
    if min(n, d) == 0:
        return 0.0
    if d <= _DENSE_EIGENVALUES:
        return max(float(np.linalg.eigvalsh(weighted_gram(X, weights, center))[-1]), 0.0)
    if n <= _DENSE_EIGENVALUES and not sp.issparse(X):
        R = (X - (0.0 if center is None else center)) * np.sqrt(weights)[:, None]
        return max(float(np.linalg.eigvalsh(R @ R.T)[-1]), 0.0)
    c = np.zeros(d, weights.dtype) if center is None else center

    def gram_times(v: Array) -> Array:
        u = weights * (X @ v - c @ v)
        return X.T @ u - u.sum() * c

    return _lanczos(gram_times, d, weights.dtype)


def symmetric_norm(gram: Array) -> float:
    """Upper bound of the largest eigenvalue of a positive semidefinite matrix, as `largest_eigenvalue`."""
    d = len(gram)
    if d <= _DENSE_EIGENVALUES:
        return max(float(np.linalg.eigvalsh(gram)[-1]), 0.0) if d else 0.0
    return _lanczos(lambda v: gram @ v, d, gram.dtype)


def _lanczos(gram_times: Callable[[Array], Array], d: int, dtype: np.dtype) -> float:
    start = np.random.default_rng(0).standard_normal(d).astype(dtype, copy=False)
    if not np.any(gram_times(start)):  # zero, for which Lanczos has no answer
        return 0.0
    operator = LinearOperator((d, d), matvec=gram_times, dtype=dtype)
    value = eigsh(operator, k=1, tol=1e-3, v0=start, return_eigenvectors=False)[0]
    return 1.01 * float(value)
