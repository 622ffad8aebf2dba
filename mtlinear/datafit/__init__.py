"""The smooth half of the objective, F(A) = min_b sum weights loss(y, X A + b), from the rows or from their moments."""

from mtlinear.datafit._base import DataFit, Oracle, Reading
from mtlinear.datafit._gram import GramFit
from mtlinear.datafit._rows import RowsFit, RowsReading, balance

__all__ = ["DataFit", "GramFit", "Oracle", "Reading", "RowsFit", "RowsReading", "balance"]
