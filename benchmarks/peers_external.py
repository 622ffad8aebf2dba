"""MALSAR in Octave and RMTL in R, each in its own program that reports the time of the fit alone.

MALSAR minimises ``1/2 SSE + rho Omega`` (its dirty model SSE; its logistic loss is a mean per task), RMTL
``sum_t 1/(2 n_t) SSE_t + alpha Omega``, so that of both only problems with our weights can be compared. The environment
variable MALSAR_PATH names the folder of MALSAR; RMTL is taken from R's library. Start-up and reading are not counted.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from peer import NO_MODEL, Answer, Peer, row_norm
from problems import Data
from scipy.io import loadmat, savemat

from mtlinear.losses import Logistic, Squared
from mtlinear.penalties import L1, Clustered, Dirty, MeanRegularized, TraceNorm

_OCTAVE = """
addpath(genpath('{malsar}')); load('in.mat');
opts.init = 2; opts.tFlag = 1; opts.tol = tol; opts.maxIter = 1000000;
parts = {{}};
tic; {call}; seconds = toc;
if isempty(parts), parts = {{W}}; end
save('-v6', 'out.mat', 'parts', 'seconds');
"""

_R = """
suppressMessages(library(RMTL))
read <- function(name, n) readBin(name, "double", n)
sizes <- read("sizes", {n_tasks})
X <- list(); Y <- list(); x <- file("X", "rb"); y <- file("y", "rb")
for (t in seq_along(sizes)) {{
  X[[t]] <- matrix(readBin(x, "double", sizes[t] * {d}), sizes[t], {d})
  Y[[t]] <- matrix(readBin(y, "double", sizes[t]), sizes[t], 1)
}}
close(x); close(y)
G <- diag({n_tasks}) - 1 / {n_tasks}
start <- proc.time()[["elapsed"]]
model <- MTL(X, Y, type = "{type}", Regularization = "{regularization}", Lam1 = {lam1!r}, Lam2 = {lam2!r},
             opts = list(init = 0, tol = {tol!r}, maxIter = 1000000), G = G, k = {k})
writeBin(proc.time()[["elapsed"]] - start, "seconds")
writeBin(as.vector(model$W), "W")
"""


def _cmtl_strengths(penalty: Clustered) -> tuple[float, float]:
    """(rho1, rho2) of ``rho1 eta (1 + eta) tr(A (eta I + M)^-1 A')``, eta = rho2/rho1, for m = 1.

    With theta = (1 + M (1 - b)/b) / alpha, ours is ``alpha/2 eta tr(A (eta I + M)^-1 A')`` with eta = b / (1 - b).
    """
    b = penalty.between_ratio
    rho = 0.5 * penalty.alpha * (1.0 - b)
    return rho, rho * b / (1.0 - b)


def _is_cmtl(penalty: object) -> bool:
    return isinstance(penalty, Clustered) and penalty.mean_ratio is None and penalty.between_ratio < 1.0


def _run(command: list[str], folder: str) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr.strip()[-300:] or f"{command[0]} ended with {done.returncode}")


class MALSAR(Peer):
    """The MATLAB package, in Octave: accelerated gradient that stops by the relative change of the objective."""

    name = "MALSAR"
    warms_up = False

    def missing(self) -> str | None:
        if shutil.which("octave") is None:
            return "Octave not found"
        if not Path(os.environ.get("MALSAR_PATH", "/nowhere")).is_dir():
            return "MALSAR_PATH does not name the folder of MALSAR"
        return None

    def refuses(self, data: Data) -> str | None:
        logistic = isinstance(data.arrays.loss, Logistic)
        if logistic and not data.fit_intercept:
            return "always has intercepts for logistic loss"
        if logistic and len({len(y) for _, y in data.arrays.tasks}) > 1:
            return "weighs tasks equally for logistic loss"
        return None if self._call(data) else NO_MODEL

    @staticmethod
    def _call(data: Data) -> str | None:
        """The Octave statement; a and b are the strengths."""
        penalty = data.penalty
        if isinstance(data.arrays.loss, Logistic):
            names = {"L1": "Lasso", "TraceNorm": "Trace"}
            name = "L21" if row_norm(penalty) == 2 else names.get(type(penalty).__name__)
            return name and f"[W, c] = Logistic_{name}(X, Y, a, opts)"
        if row_norm(penalty) == np.inf:  # its dirty model when nothing is private
            return "[W, f, P, Q] = Least_Dirty(X, Y, 2 * a, 1e6 * a, opts); parts = {P + Q}"
        if isinstance(penalty, Dirty) and penalty.q == np.inf:
            return "[W, f, P, Q] = Least_Dirty(X, Y, 2 * a, 2 * b, opts); parts = {P, Q}"
        if isinstance(penalty, MeanRegularized) and penalty.mean_alpha == 0:
            return "W = Least_SRMTL(X, Y, eye(numel(X)) - 1 / numel(X), a, 0, opts)"
        if _is_cmtl(penalty):
            return f"W = Least_CMTL(X, Y, a, b, {penalty.n_clusters}, opts)"
        names = {L1: "Lasso", TraceNorm: "Trace"}
        name = "L21" if row_norm(penalty) == 2 else names.get(type(penalty))
        return name and f"W = Least_{name}(X, Y, a, opts)"

    @staticmethod
    def _strengths(data: Data) -> tuple[float, float]:
        penalty = data.penalty
        m = 1.0 if isinstance(data.arrays.loss, Logistic) else data.arrays.mean_rows
        if isinstance(penalty, Dirty):
            block, sparse = (part for _, part in penalty.parts(data.arrays.n_tasks))
            return m * block.alpha, m * sparse.alpha
        if isinstance(penalty, MeanRegularized):
            return 0.5 * m * penalty.alpha, 0.0
        if _is_cmtl(penalty):
            rho1, rho2 = _cmtl_strengths(penalty)
            return m * rho1, m * rho2
        return m * penalty.alpha, 0.0

    def prepare(self, data: Data) -> dict[str, Any]:
        X, Y = (np.empty(data.arrays.n_tasks, dtype=object) for _ in range(2))
        # It has no intercepts for squared loss; without their means, rows need none.
        centre = data.fit_intercept and isinstance(data.arrays.loss, Squared)
        for t, (rows, target) in enumerate(data.arrays.tasks):
            X[t] = rows - rows.mean(axis=0) if centre else rows
            Y[t] = (target - target.mean() if centre else target)[:, None]
        return {"X": X, "Y": Y}

    def solve(self, data: Data, prepared: dict[str, Any], tol: float) -> Answer:
        a, b = self._strengths(data)
        with tempfile.TemporaryDirectory() as folder:
            savemat(f"{folder}/in.mat", {**prepared, "a": a, "b": b, "tol": tol})
            script = _OCTAVE.format(malsar=os.environ["MALSAR_PATH"], call=self._call(data))
            Path(folder, "run.m").write_text(script)
            _run(["octave", "--no-gui", "--quiet", "run.m"], folder)
            out = loadmat(f"{folder}/out.mat")
        return Answer(tuple(np.asarray(part, float) for part in out["parts"].ravel()), float(out["seconds"].item()))


class RMTL(Peer):
    """The R package: accelerated gradient that stops by the absolute change of the objective."""

    name = "RMTL"
    warms_up = False

    def missing(self) -> str | None:
        if shutil.which("Rscript") is None:
            return "R not found"
        found = subprocess.run(["Rscript", "-e", "library(RMTL)"], capture_output=True, check=False)
        return "the R package RMTL is not installed" if found.returncode else None

    def refuses(self, data: Data) -> str | None:
        if not data.fit_intercept:
            return "always has intercepts"
        if len({len(y) for _, y in data.arrays.tasks}) > 1:
            return "weighs tasks equally"
        return None if self._regularization(data) else NO_MODEL

    @staticmethod
    def _regularization(data: Data) -> tuple[str, float, float] | None:
        """(name, Lam1, Lam2)."""
        penalty = data.penalty
        if row_norm(penalty) == 2:
            return "L21", penalty.alpha, 0.0
        if isinstance(penalty, L1):
            return "Lasso", penalty.alpha, 0.0
        if isinstance(penalty, TraceNorm):
            return "Trace", penalty.alpha, 0.0
        if isinstance(penalty, MeanRegularized) and penalty.mean_alpha == 0:
            return "Graph", 0.5 * penalty.alpha, 0.0
        return ("CMTL", *_cmtl_strengths(penalty)) if _is_cmtl(penalty) else None

    def solve(self, data: Data, prepared: Any, tol: float) -> Answer:
        regularization, lam1, lam2 = self._regularization(data)
        d, n_tasks = data.arrays.X.shape[1], data.arrays.n_tasks
        script = _R.format(
            n_tasks=n_tasks,
            d=d,
            type="Regression" if isinstance(data.arrays.loss, Squared) else "Classification",
            regularization=regularization,
            lam1=float(lam1),
            lam2=float(lam2),
            tol=tol,
            k=getattr(data.penalty, "n_clusters", 2),
        )
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "run.R").write_text(script)
            (folder / "sizes").write_bytes(np.array([len(y) for _, y in data.arrays.tasks], float).tobytes())
            (folder / "X").write_bytes(b"".join(X.tobytes(order="F") for X, _ in data.arrays.tasks))
            (folder / "y").write_bytes(b"".join(y.tobytes() for _, y in data.arrays.tasks))
            _run(["Rscript", "run.R"], name)
            W = np.fromfile(folder / "W").reshape(d, n_tasks, order="F")
            return Answer((W,), float(np.fromfile(folder / "seconds")[0]))
