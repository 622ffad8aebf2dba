"""Names for the arrays that are passed around."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Real numbers.
Array = NDArray[np.floating[Any]]
#: Positions.
Indices = NDArray[np.intp]
#: Task or class labels: numbers or strings.
Labels = NDArray[Any]
