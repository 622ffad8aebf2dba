"""From table columns to standardised numbers, fitted on training rows only: the same steps in every fold and in the
saved model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from mtlinear.compare._data import TaskData

if TYPE_CHECKING:
    import pandas as pd

_MISSING = "(missing)"


def make_preparation(data: TaskData, *, with_tasks: bool = False) -> ColumnTransformer:
    """Numbers: median for missing values, then mean 0 and variance 1. Categories: one indicator per level, likewise.

    Parameters
    ----------
    data : TaskData
    with_tasks : bool, default False
        Pass the task column on, as the last one.
    """
    numbers = make_pipeline(
        FunctionTransformer(as_numbers, feature_names_out="one-to-one"),
        # Without keep_empty_features a column that is empty in some training rows would vanish.
        SimpleImputer(strategy="median", keep_empty_features=True),
        StandardScaler(),
    )
    categories = make_pipeline(
        FunctionTransformer(as_texts, feature_names_out="one-to-one"),
        OneHotEncoder(handle_unknown="ignore", sparse_output=False, feature_name_combiner=name_level),
        StandardScaler(),
    )
    steps = []
    if data.numeric:
        steps.append(("numbers", numbers, data.numeric))
    if data.categorical:
        steps.append(("categories", categories, data.categorical))
    if with_tasks and data.task_column is not None:
        steps.append(("task", "passthrough", [data.task_column]))
    return ColumnTransformer(steps, verbose_feature_names_out=False)


def as_numbers(frame: pd.DataFrame) -> pd.DataFrame:
    """Numbers and truth values as floats, missing values as NaN."""
    return frame.astype(float)


def as_texts(frame: pd.DataFrame) -> pd.DataFrame:
    """Categories as text, missing values as a category of their own."""
    texts = frame.astype(object)
    return texts.where(texts.notna(), _MISSING).astype(str)


def name_level(column: str, level: object) -> str:
    """Name of the indicator of one level of a category."""
    return f"{column}={level}"
