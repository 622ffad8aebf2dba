"""Pictures of fitted models: displays in the manner of scikit-learn, drawn with matplotlib.

A display holds plain data as attributes; ``plot(ax=None)`` draws them and returns the display, with ``ax_`` and
``figure_``. The class methods ``from_...`` compute the data and draw them at once, as those of scikit-learn do; a
``plot`` after that draws once more. Colours are told apart by colour-blind readers, zero is white, and names that have
no room on an axis are left out evenly. Needs matplotlib (the extra ``cli``), which is imported when something is drawn.
"""

from mtlinear.plotting._convergence import ConvergenceDisplay
from mtlinear.plotting._matrix import ParameterMatrixDisplay
from mtlinear.plotting._path import PathDisplay
from mtlinear.plotting._similarity import TaskSimilarityDisplay
from mtlinear.plotting._spectrum import SpectrumDisplay
from mtlinear.plotting._structures import StructureComparisonDisplay
from mtlinear.plotting._transfer import TransferDisplay

__all__ = [
    "ConvergenceDisplay",
    "ParameterMatrixDisplay",
    "PathDisplay",
    "SpectrumDisplay",
    "StructureComparisonDisplay",
    "TaskSimilarityDisplay",
    "TransferDisplay",
]
