"""partial_fit turns down what does not fit, and changes nothing then."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import DataConversionWarning
from streamtools import SOLVING, assert_same_model

from mtlinear import BlockSparseRegressor, ClusteredRegressor

#: The reweighted one needs the rows at every stage.


# Errors -------------------------------------------------------------------------------------------------------------

RNG = np.random.default_rng(12)
X_, Y_ = RNG.standard_normal((20, 3)), RNG.standard_normal((20, 2))
FRAME = pd.DataFrame(X_, columns=["u", "v", "w"])
SITES = np.array(["p", "q"])[np.arange(20) % 2]
#: what -> (first chunk, keywords, second chunk, keywords, error, message)
BAD = {
    "features": ((X_, Y_), {}, (X_[:, :2], Y_), {}, ValueError, "X has 2 features, but"),
    "names": ((FRAME, Y_), {}, (FRAME[["v", "u", "w"]], Y_), {}, ValueError, "feature names should match"),
    "columns": ((X_, Y_), {}, (X_, Y_[:, :1]), {}, ValueError, r"y is 2-D with 1 column\(s\), but was 2-D with 2"),
    "dimensions": ((X_, Y_[:, :1]), {}, (X_, Y_[:, 0]), {}, ValueError, "y is 1-D, but was 2-D with 1"),
    "names of y": (
        (X_, pd.DataFrame(Y_, columns=["a", "b"])),
        {},
        (X_, pd.DataFrame(Y_, columns=["b", "a"])),
        {},
        ValueError,
        r"y has the columns \['b', 'a'\], but had \['a', 'b'\]",
    ),
    "tasks come": ((X_, Y_[:, 0]), {}, (X_, Y_[:, 0]), {"tasks": SITES}, ValueError, "before had none, this one has"),
    "tasks go": ((X_, Y_[:, 0]), {"tasks": SITES}, (X_, Y_[:, 0]), {}, ValueError, "before had tasks=, this one has n"),
    "kind of tasks": (
        (X_, Y_[:, 0]),
        {"tasks": SITES},
        (X_, Y_[:, 0]),
        {"tasks": np.arange(20) % 2},
        TypeError,
        "task labels are numbers",
    ),
    "NaN in X": ((X_, Y_), {}, (np.full((1, 3), np.nan), Y_[:1]), {}, ValueError, "X contains NaN"),
    "NaN in y": ((X_, Y_[:, 0]), {}, (X_[:1], [np.nan]), {}, ValueError, "y contains NaN"),
    "lengths": ((X_, Y_), {}, (X_[:3], Y_[:2]), {}, ValueError, "inconsistent numbers of samples"),
    "no rows": ((X_, Y_), {}, (X_[:0], Y_[:0]), {}, ValueError, "minimum of 1 is required"),
    "no y": ((X_, Y_), {}, (X_, None), {}, ValueError, "requires y"),
    "weights": ((X_, Y_), {}, (X_, Y_, [1.0]), {}, ValueError, "sample_weight"),
    "solve": ((X_, Y_), {}, (X_, Y_), {"solve": "no"}, TypeError, "solve must be True or False"),
}


def state(model):
    return {name: id(value) for name, value in vars(model).items()}


@pytest.mark.parametrize("what", BAD)
@pytest.mark.parametrize("solve", [True, False])
def test_a_bad_chunk_changes_nothing(what, solve):
    first, keywords, second, others, error, message = BAD[what]
    model = BlockSparseRegressor(0.1, **SOLVING).partial_fit(*first, **keywords)
    before, coef = state(model), model.coef_.copy()
    with pytest.raises(error, match=message):
        model.partial_fit(*second, **{"solve": solve} | others)
    assert state(model) == before
    assert_array_equal(model.coef_, coef)
    repeated = (np.concatenate([v, v]) if not hasattr(v, "iloc") else pd.concat([v, v]) for v in first)
    model.partial_fit(*first, **keywords)
    twice = {name: np.tile(value, 2) for name, value in keywords.items()}
    assert_same_model(model, clone(model).fit(*repeated, **twice))


def test_a_solve_that_fails_does_not_keep_its_chunk():
    model = ClusteredRegressor(3, 0.1, **SOLVING)
    labels = np.array([0, 1, 2])[np.arange(20) % 3]
    early = labels < 2
    with pytest.raises(ValueError, match="n_clusters"):  # two tasks so far
        model.partial_fit(X_[early], Y_[early, 0], tasks=labels[early])
    assert model._chunks is None
    model.partial_fit(X_[early], Y_[early, 0], tasks=labels[early], solve=False)
    model.partial_fit(X_[~early], Y_[~early, 0], tasks=labels[~early])
    assert_same_model(model, clone(model).fit(X_, Y_[:, 0], tasks=labels))


def test_task_feature_must_stay():
    table = FRAME.assign(site=SITES)
    model = BlockSparseRegressor(0.1, task_feature="site").partial_fit(table, Y_[:, 0])
    with pytest.raises(ValueError, match="task_feature is -1, but was 'site'"):
        model.set_params(task_feature=-1).partial_fit(table, Y_[:, 0])
    with pytest.raises(ValueError, match="task_feature is None, but was 'site'"):
        model.set_params(task_feature=None).partial_fit(FRAME, Y_[:, 0], tasks=SITES)
    model.set_params(task_feature="site").partial_fit(table, Y_[:, 0])


def test_task_weights_that_do_not_fit_any_more():
    model = BlockSparseRegressor(0.1, task_weight=[1.0, 2.0]).partial_fit(X_, Y_[:, 0], tasks=SITES)
    before = state(model)
    with pytest.raises(ValueError, match="task_weight must be None, a mapping from task to weight, or 3 numbers"):
        model.partial_fit(X_[:1], Y_[:1, 0], tasks=["r"])
    with pytest.raises(ValueError, match=r"task_weight has no entry for task\(s\) \['r'\]"):
        clone(model).set_params(task_weight={"p": 1, "q": 2}).partial_fit(X_[:1], Y_[:1, 0], tasks=["r"])
    assert state(model) == before


def test_a_task_column_that_is_none_is_noticed_when_it_is_first_used():
    """The first chunk may have one task only, or a task for each row; the rows of the first solve should not."""
    table = np.column_stack([X_, np.arange(20) % 5])
    model = BlockSparseRegressor(0.1, task_feature=-1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for rows in (slice(0, 1), slice(1, 5), slice(5, 20)):
            model.partial_fit(table[rows], Y_[rows, 0], solve=rows.stop == 20)
    lost = clone(model).set_params(task_feature=0)
    lost.partial_fit(table[:10], Y_[:10, 0], solve=False)
    with pytest.raises(ValueError, match=r"20 different label.s. for 20 rows.*look like measurements"):
        lost.partial_fit(table[10:], Y_[10:, 0])
    with pytest.warns(UserWarning, match=r"1 different label\(s\) for 4 rows"):
        clone(model).partial_fit(table[::5], Y_[::5, 0])


def test_a_column_vector_beside_tasks_warns():
    with pytest.warns(DataConversionWarning):
        BlockSparseRegressor(0.1).partial_fit(X_, Y_[:, :1], tasks=SITES)
