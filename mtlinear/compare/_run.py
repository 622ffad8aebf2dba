"""All models on all outer folds, in parallel; the results do not depend on the number of processes."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from joblib import Parallel, delayed, parallel_config
from threadpoolctl import threadpool_limits

from mtlinear.compare._crossvalidation import FoldResult, evaluate
from mtlinear.compare._data import TaskData
from mtlinear.compare._models import Model
from mtlinear.compare._settings import Settings
from mtlinear.compare._splits import Split


@dataclass
class Run:
    """What has been computed.

    Attributes
    ----------
    results : list of FoldResult
        In the order in which they finished.
    interrupted : bool
        Ctrl-C came before the end.
    """

    results: list[FoldResult] = field(default_factory=list)
    interrupted: bool = False


def run_all(
    data: TaskData,
    models: Sequence[Model],
    splits: Sequence[Split],
    settings: Settings,
    on_result: Callable[[FoldResult], None],
) -> Run:
    """Evaluate every model on every split, one model after the other; Ctrl-C stops and keeps what has finished."""
    run = Run()
    jobs = [(model, fold) for model in models for fold in range(len(splits))]
    parent = os.getpid()
    with parallel_config(backend="loky", inner_max_num_threads=1):
        results = Parallel(n_jobs=settings.n_jobs, return_as="generator_unordered", batch_size=1)(
            delayed(alone)(parent, evaluate, data, model, splits[fold], fold, settings) for model, fold in jobs
        )
        try:
            for result in results:
                run.results.append(result)
                on_result(result)
        except KeyboardInterrupt:
            run.interrupted = True
            results.close()  # ends the workers
    return run


def alone(parent: int, function: Callable[..., Any], *arguments: Any) -> Any:
    """Call with one BLAS thread: the workers fill the cores, and sums are rounded the same for every n_jobs."""
    if os.getpid() != parent:
        # Ctrl-C reaches all processes of the terminal; the parent decides.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    with threadpool_limits(limits=1):
        return function(*arguments)
