"""Gram matrices of a few features at a time, each entry computed once."""

from __future__ import annotations

import numpy as np

from mtlinear._typing import Array, Indices
from mtlinear.designs import Design

#: More numbers than this are not kept.
_LIMIT = 50_000_000


class GramBlocks:
    """Grows with the features that were asked for: a working set that comes back, or grows, costs its new rows only."""

    def __init__(self, design: Design):
        self._design = design
        self._n_matrices = len(design.gram(np.zeros(0, dtype=np.intp))[0])
        self._forget()

    def _forget(self) -> None:
        self._features = np.zeros(0, dtype=np.intp)
        self._position = np.full(self._design.n_features, -1)
        self._matrices = np.zeros((self._n_matrices, 0, 0), self._design.weights.dtype)

    def of(self, features: Indices) -> Array:
        """The matrices of `Design.gram` of these features, (1 or n_tasks, k, k)."""
        if self._n_matrices * (len(self._features) + len(features)) ** 2 > _LIMIT:
            self._forget()
        new = features[self._position[features] < 0]
        if len(new):
            self._add(new)
        at = self._position[features]
        return self._matrices[:, at[:, None], at[None, :]]

    def _add(self, new: Indices) -> None:
        old = len(self._features)
        self._features = np.concatenate([self._features, new])
        self._position[new] = np.arange(old, len(self._features))
        size = len(self._features)
        if size > self._matrices.shape[1]:  # doubled, so that growing row by row copies little
            larger = np.zeros((self._n_matrices, 2 * size, 2 * size), self._matrices.dtype)
            larger[:, :old, :old] = self._matrices[:, :old, :old]
            self._matrices = larger
        block = self._design.cross_gram(new, self._features)
        self._matrices[:, old:size, :size] = block
        self._matrices[:, :size, old:size] = np.swapaxes(block, 1, 2)
