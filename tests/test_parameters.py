"""The views of the parameter matrix."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

from mtlinear import ParameterMatrix

B = np.array([[1.0, 1.0, 1.0, 1.0], [0.0, 0.0, 0.0, 0.0], [2.0, -2.0, 2.0, -2.0]])
S = np.array([[0.0, 0.0, 0.0, 0.0], [0.0, 5.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]])
MATRIX = ParameterMatrix({"B": B, "S": S}, ["dose", "age", "mass"], ["a", "b", "c", "d"])


def test_values_are_the_sum_of_the_parts_and_cannot_be_written():
    np.testing.assert_array_equal(MATRIX.values, B + S)
    assert (MATRIX.n_features, MATRIX.n_tasks) == (3, 4)
    for array in (MATRIX.values, *MATRIX.parts.values()):
        with pytest.raises(ValueError, match="read-only"):
            array[0, 0] = 1.0


def test_row_norms():
    np.testing.assert_allclose(MATRIX.row_norms(), np.sqrt([4, 25, 16]))
    np.testing.assert_allclose(MATRIX.row_norms(np.inf), [1, 5, 2])
    np.testing.assert_allclose(MATRIX.row_norms(1, "B"), [4, 0, 8])
    np.testing.assert_allclose(MATRIX.row_norms(3), np.array([4, 125, 32]) ** (1 / 3))


def test_column_norms():
    np.testing.assert_allclose(MATRIX.column_norms(), np.sqrt([5, 30, 5, 5]))
    np.testing.assert_allclose(MATRIX.column_norms(np.inf, "S"), [0, 5, 0, 0])


def test_outlier_tasks_are_the_columns_in_use_of_a_part():
    assert MATRIX.outlier_tasks() == MATRIX.outlier_tasks("S") == ["b"]
    assert MATRIX.outlier_tasks("B") == ["a", "b", "c", "d"]
    assert ParameterMatrix({"L": B, "S": np.zeros_like(B)}).outlier_tasks() == []
    with pytest.raises(ValueError, match="part must be one of"):
        MATRIX.outlier_tasks("Q")
    with pytest.raises(ValueError, match="two parts"):
        ParameterMatrix({"A": B}).outlier_tasks()


def test_support_and_selected_features_per_part():
    assert MATRIX.support("S").sum() == 1
    assert MATRIX.support().sum() == 9
    assert MATRIX.selected_features() == ["dose", "age", "mass"]
    assert MATRIX.selected_features("B") == ["dose", "mass"]
    assert MATRIX.selected_features("S") == ["age"]


def test_rank_and_singular_values():
    assert MATRIX.rank(part="B") == 2
    assert MATRIX.rank() == 3
    assert ParameterMatrix({"A": np.zeros((3, 2))}).rank() == 0
    np.testing.assert_allclose(MATRIX.singular_values("B"), [4, 2, 0], atol=1e-12)


def test_mean_and_deviations():
    np.testing.assert_allclose(MATRIX.mean, [1, 1.25, 0])
    np.testing.assert_allclose(MATRIX.mean[:, None] + MATRIX.deviations, MATRIX.values)
    np.testing.assert_allclose(MATRIX.deviations.mean(axis=1), 0, atol=1e-15)


def test_similarity_is_the_correlation_of_the_columns():
    similarity = MATRIX.task_similarity()
    np.testing.assert_allclose(similarity, np.corrcoef(MATRIX.values.T), atol=1e-12)
    constant = ParameterMatrix({"A": [[1.0, 2.0], [1.0, 3.0]]}).task_similarity()
    assert np.isnan(constant[0]).all()
    assert constant[1, 1] == pytest.approx(1.0)


def test_clusters_by_columns_and_by_embedding():
    assert MATRIX.task_clusters(3).tolist() == [0, 1, 0, 2]
    assert MATRIX.task_clusters(1).tolist() == [0, 0, 0, 0]
    embedding = np.array([[0.0], [1.0], [1.0], [0.0]])
    clustered = ParameterMatrix({"A": B}, clusters=(2, embedding))
    assert clustered.task_clusters().tolist() == [0, 1, 1, 0]
    assert clustered.task_clusters(2).tolist() == [0, 1, 1, 0]
    assert ParameterMatrix({"A": np.ones((2, 4))}).task_clusters(2).tolist() == [0, 0, 0, 0]


def test_to_frame_has_the_names():
    frame = MATRIX.to_frame("S")
    assert frame.loc["age", "b"] == 5.0
    assert frame.index.name == "feature"
    frame.loc["age", "b"] = 0.0
    assert MATRIX.parts["S"][1, 1] == 5.0


def test_repr_says_parts_and_rank():
    assert repr(MATRIX) == "ParameterMatrix(3 features x 4 tasks = B + S, rank 3)"
    assert repr(ParameterMatrix({"A": B})) == "ParameterMatrix(3 features x 4 tasks, rank 2)"


@pytest.mark.parametrize("copied", [lambda A: pickle.loads(pickle.dumps(A)), copy.deepcopy], ids=["pickle", "deepcopy"])
def test_arrays_stay_read_only_in_copies(copied):
    again = copied(ParameterMatrix({"B": [[1.0, 2.0]], "S": [[0.0, 1.0]]}))
    np.testing.assert_array_equal(again.values, [[1.0, 3.0]])
    for array in (again.values, *again.parts.values()):
        with pytest.raises(ValueError, match="read-only"):
            array[0, 0] = 5.0


def test_parameter_matrix_keeps_float32(rng):
    U = rng.standard_normal((30, 1)) @ rng.standard_normal((1, 4))
    single = ParameterMatrix({"A": U.astype(np.float32)})
    assert single.values.dtype == single.mean.dtype == single.row_norms().dtype == np.float32
    assert single.rank() == ParameterMatrix({"A": U}).rank() == 1
    assert ParameterMatrix({"A": [[1, 2]]}).values.dtype == np.float64
