"""Functions of singular values through the eigenvalues of the smaller Gram matrix, where that is accurate.

V is (d, T) and n = min(d, T). V'V (or VV') costs one product, its eigenvalues a fraction of an SVD, but they are known
to eps s_1^2 only, so a singular value s to eps s_1^2 / (2 s). Whether that does depends on what is asked:

soft threshold t
    X = V h(V'V) with h(x) = max(1 - t / sqrt(x), 0). Let the computed eigenpairs be those of V'V + E, where
    ||E||_F <= c eps ||V'V||_F, and x, y be eigenvalues of V'V and of V'V + E. Between their eigenvectors the entry of
    X - X_computed is sqrt(x) (h(x) - h(y)) / (x - y) times that of E, and this factor is at most 1/t (both above t^2:
    t / (s_y (s_x + s_y)); one above: (s - t) / (s^2 - r^2) with r <= t < s, at most 1/s). So

        ||X - X_computed||_F <= ||E||_F / t <= c eps ||V'V||_F / t.

    `soft_threshold` uses it for t >= 1e-3 ||V'V||_F^(1/2) >= 1e-3 s_1, where it is below 1e3 c eps ||V'V||_F^(1/2):
    2e-13 c, and c is about 1. Smaller thresholds, which keep almost everything, take the SVD.
s_1 and sums of squares
    To relative precision c eps: eigenvalues are what is asked for.
sum of all singular values
    Not from Gram matrices: the zeros of a matrix of low rank would count as sqrt(eps) s_1 each. See `nuclear_norm`.

References
----------
Bhatia (1997), Matrix Analysis, chapters V and X (divided differences of functions of matrices). Golub & Van Loan
(2013), section 8.6.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import eigh_tridiagonal, lapack

from mtlinear._precision import in_precision, precision_of, total
from mtlinear._typing import Array

#: Smallest threshold, relative to s_1, that is applied through a Gram matrix; that of float32 data is float64, so there
#: 1e-7 leaves an error of 2e-9 c, below the rounding of the result.
SMALLEST_SHARE = {np.dtype(np.float64): 1e-3, np.dtype(np.float32): 1e-7}
#: Sums of squares in this range can be squared and summed once more without overflow, or loss of what counts.
_SAFE = (1e-140, 1e140)
#: Order from which a tridiagonal matrix of our own, of which few eigenvectors are taken, beats LAPACK's dsyevd.
_PARTIAL_FROM = 48
#: Share of eigenvectors up to which inverse iteration beats divide and conquer: even at 0.10 (n = 64), 0.15 (n = 1000).
_FEW = 0.1
#: Smaller side from which `nuclear_norm` tries a sketch, the share of it that is sketched, and the bound on the
#: relative error, sqrt(n) ||rest||_F / ||A||_F, up to which it is taken in float64 (the error is a tenth of the bound).
_SKETCH_FROM, _SKETCHED, _SKETCH_ERROR = 100, 0.125, 5e-14


def soft_threshold(V: Array, threshold: float) -> Array:
    """Singular values reduced by the threshold, those below it dropped: the prox of the trace norm."""
    kept = threshold_pairs(V, threshold)
    return threshold_by_svd(V, threshold) if kept is None else threshold_by_pairs(V, threshold, *kept)


def threshold_by_pairs(V: Array, threshold: float, s: Array, W: Array) -> Array:
    """The same from (at least) the singular values above the threshold and their vectors on the smaller side."""
    kept = s > threshold
    return multiply(V, W[:, kept], 1.0 - threshold / s[kept])


def threshold_by_svd(V: Array, threshold: float) -> Array:
    """The same by LAPACK's SVD, accurate for every threshold."""
    U, s, Wt = np.linalg.svd(V, full_matrices=False)
    kept = s > threshold
    return (U[:, kept] * (s[kept] - float(threshold))) @ Wt[kept]


def threshold_pairs(V: Array, threshold: float, least: float = 1.0) -> tuple[Array, Array] | None:
    """Singular values above ``least * threshold`` and their singular vectors on the smaller side.

    None if the Gram matrix is not accurate enough for this threshold.
    """
    n = min(V.shape)
    if n == 0:
        return np.zeros(0), np.zeros((0, 0))
    gram, exponent = _gram(V)
    norm = float(np.linalg.norm(gram))  # s_1^2 <= norm
    with np.errstate(over="ignore", under="ignore"):
        scaled = float(np.ldexp(threshold, -exponent))
    square = scaled * scaled
    if square * least**2 >= norm:
        return np.zeros(0), np.zeros((n, 0))
    if square < SMALLEST_SHARE[precision_of(V)] ** 2 * norm:
        return None
    values, vectors = eigen_above(gram, square * least**2)
    return np.ldexp(np.sqrt(values), exponent), vectors


def singular_pairs(V: Array) -> tuple[Array, Array]:
    """All singular values, descending, to absolute precision eps s_1^2 / s, and the vectors on the smaller side."""
    if min(V.shape) == 0:
        return np.zeros(0), np.zeros((0, 0))
    gram, exponent = _gram(V)
    values, vectors = eigen_above(gram, -np.inf)
    return np.ldexp(np.sqrt(np.maximum(values, 0.0)), exponent), vectors


def singular_values_to_square(V: Array) -> Array:
    """All singular values, descending, whose squares and sums of squares are accurate relative to s_1^2."""
    gram, exponent = _gram(V)
    return np.ldexp(np.sqrt(np.maximum(np.linalg.eigvalsh(gram)[::-1], 0.0)), exponent)


def largest_singular_value(V: Array) -> float:
    """The spectral norm, to relative precision eps."""
    n = min(V.shape)
    if n == 0:
        return 0.0
    gram, exponent = _gram(V)
    if n == 1:
        largest = float(gram[0, 0])
    else:
        values, *_, info = lapack.dsyevr(gram.T, compute_v=0, range="I", il=n, iu=n, overwrite_a=1)
        _check(info)
        largest = float(values[0])
    return float(np.ldexp(np.sqrt(max(largest, 0.0)), exponent))


def nuclear_norm(A: Array) -> float:
    """Sum of the singular values, to relative precision of about 1e-14.

    Parameters are of low rank. A random sketch of an eighth as many columns, Q = orth(A R), finds their range, and
    ``0 <= sum s(A) - sum s(Q'A) <= sqrt(n) ||A - QQ'A||_F`` proves that nothing was missed. That norm is mostly the
    rounding of its own computation, about 3 eps ||A||_F. Otherwise LAPACK's singular values.

    References
    ----------
    Halko, Martinsson & Tropp (2011), SIAM Review 53, 217-288.
    """
    n = min(A.shape)
    if n >= _SKETCH_FROM:
        sketch = np.random.default_rng(0).standard_normal((A.shape[1], int(_SKETCHED * n))).astype(precision_of(A))
        norm = float(np.linalg.norm(A))
        if _SAFE[0] < norm * norm < _SAFE[1]:  # else let LAPACK scale
            Q, _ = np.linalg.qr(A @ sketch)
            core = Q.T @ A
            rest = float(np.linalg.norm(A - Q @ core))
            if np.sqrt(n) * rest <= in_precision(_SKETCH_ERROR, A.dtype) * norm:
                A = core
    return total(np.linalg.svd(A, compute_uv=False))


def multiply(V: Array, W: Array, factors: Array) -> Array:
    """``V W diag(factors) W'``, or ``W diag(factors) W' V`` where V is wide; in the precision of V."""
    dtype = precision_of(V)
    (d, T), k = V.shape, len(factors)
    if k == 0:
        return np.zeros(V.shape, dtype)
    V, weighted, W = V.astype(dtype, copy=False), (W * factors).astype(dtype), W.astype(dtype, copy=False)
    long, n = max(d, T), min(d, T)
    if 2 * long * k < n * k + long * n:  # fewer operations by way of the thin matrix
        return (V @ weighted) @ W.T if d >= T else weighted @ (W.T @ V)
    return V @ (weighted @ W.T) if d >= T else (weighted @ W.T) @ V


def eigen_above(gram: Array, least: float) -> tuple[Array, Array]:
    """Eigenvalues > least, descending, and their eigenvectors; destroys the symmetric float64 matrix."""
    n = len(gram)
    if n < _PARTIAL_FROM or least == -np.inf:
        values, vectors, info = lapack.dsyevd(gram.T, overwrite_a=1)
    else:
        reflections, diagonal, off, scales, info = lapack.dsytrd(gram.T, lower=1, lwork=64 * n, overwrite_a=1)
        if count_above(diagonal, off, least) <= _FEW * n:
            values, vectors = eigh_tridiagonal(
                diagonal, off, select="v", select_range=(least, np.inf), lapack_driver="stebz", check_finite=False
            )
        else:
            values, vectors, info = lapack.dstevd(diagonal, off)
    _check(info)
    first = int(np.searchsorted(values, least, side="right"))
    values, vectors = values[first:][::-1], vectors[:, first:][:, ::-1]
    if n < _PARTIAL_FROM or least == -np.inf or len(values) == 0:
        return values, vectors
    vectors = np.asfortranarray(vectors)
    rotated = np.asfortranarray(vectors[1:])
    vectors[1:], _, info = lapack.dormqr(
        "L", "N", reflections[1:, :-1], scales, rotated, 64 * len(values), overwrite_c=1
    )
    _check(info)
    return values, vectors


def count_above(diagonal: Array, off: Array, least: float) -> int:
    """Number of eigenvalues of a symmetric tridiagonal matrix above a value: positive pivots (Sylvester's inertia)."""
    squares = [0.0, *(off * off).tolist()]
    smallest = 1e-300 + 1e-300 * max(squares)
    count, pivot = 0, 1.0
    for entry, square in zip(diagonal.tolist(), squares, strict=True):
        pivot = entry - least - square / pivot
        if abs(pivot) < smallest:
            pivot = -smallest
        count += pivot > 0.0
    return count


def _gram(V: Array) -> tuple[Array, int]:
    """``(2^-e V)'(2^-e V)`` on the smaller side, in float64, and the exponent e: 0 unless squares need help."""
    M = V.astype(np.float64, copy=False)
    with np.errstate(over="ignore", invalid="ignore"):
        gram = _product(M)
    size = float(np.trace(gram))
    if _SAFE[0] < size < _SAFE[1]:
        return gram, 0
    largest = float(np.max(np.abs(M), initial=0.0))
    if not np.isfinite(largest):
        raise np.linalg.LinAlgError("The matrix has entries that are not finite.")
    exponent = int(np.frexp(largest)[1])
    return _product(np.ldexp(M, -exponent)), exponent


def _product(M: Array) -> Array:
    return M.T @ M if M.shape[0] >= M.shape[1] else M @ M.T


def _check(info: int) -> None:
    if info != 0:
        raise np.linalg.LinAlgError("Eigenvalues did not converge.")
