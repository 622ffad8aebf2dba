"""Correlated features, ten of which matter to all tasks."""
# ruff: noqa: RUF012 (lists as class attributes are benchopt's interface)

import numpy as np
from benchopt import BaseDataset
from scipy.signal import lfilter


class Dataset(BaseDataset):
    """Rows are autoregressions with coefficient 0.5 (as in benchmarks/problems.py); noise of variance 1."""

    name = "simulated"
    requirements = ["numpy", "scipy"]
    #: Rows, features, tasks.
    parameters = {
        "size": [
            (200, 1000, 5),
            (300, 5000, 10),
            (300, 5000, 50),
            (1000, 10000, 20),
            (5000, 500, 100),
            (1000, 100000, 10),
        ]
    }
    test_parameters = {"size": [(40, 60, 3)]}

    def get_data(self):
        n, d, n_tasks = self.size
        rng = np.random.default_rng(self.get_seed(use_repetition=False))
        rest = np.sqrt(0.75)
        Z = rng.standard_normal((n, d))
        Z[:, 0] /= rest
        X = np.asfortranarray(lfilter([rest], [1.0, -0.5], Z, axis=1))
        A = np.zeros((d, n_tasks))
        relevant = rng.choice(d, min(10, d), replace=False)
        A[relevant] = rng.standard_normal((len(relevant), n_tasks))
        noise = rng.standard_normal((n, n_tasks))
        return {"X": X, "Y": np.asfortranarray(X @ A + noise)}
