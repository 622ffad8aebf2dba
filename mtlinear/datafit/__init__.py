"""The smooth half of the objective, F(A) = min_b sum weights loss(y, X A + b), from the rows or from their moments."""

from mtlinear.datafit._base import DataFit, Oracle, Reading
from mtlinear.datafit._gram import GramFit
from mtlinear.datafit._oracles import gram_times
from mtlinear.datafit._quadratic_model import LinearisedReading, QuadraticModel
from mtlinear.datafit._resolvent import Coupled, Inverse, Resolvent
from mtlinear.datafit._rows import RowsFit
from mtlinear.datafit._rows_reading import RowsReading, balance
from mtlinear.datafit._unpenalised import pseudo_inverse

__all__ = [
    "Coupled",
    "DataFit",
    "GramFit",
    "Inverse",
    "LinearisedReading",
    "Oracle",
    "QuadraticModel",
    "Reading",
    "Resolvent",
    "RowsFit",
    "RowsReading",
    "balance",
    "gram_times",
    "pseudo_inverse",
]
