"""How a comparison is run."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """Parameters of a comparison.

    Attributes
    ----------
    seed : int
        Seed of everything random; results depend on nothing else (not on n_jobs).
    folds : int
        Outer folds; with train_size the number of random splits.
    inner_folds : int
        Folds within the training rows that choose a candidate.
    candidates : int
        Candidates (penalty and alpha) per model, the same number for every model.
    train_size : int or float or None
        Training rows per split, as a number or as a fraction of all rows. None: K-fold cross-validation.
    n_jobs : int
        Processes; -1 means one per core.
    tol : float
        Duality gap of every fit, relative to the objective at A = 0.
    """

    seed: int = 0
    folds: int = 5
    inner_folds: int = 3
    candidates: int = 12
    train_size: int | float | None = None
    n_jobs: int = -1
    tol: float = 1e-6
