"""``mtlinear compare``: does multi-task learning help on some data, and which structure?

data (a table, what a task is) -> splits -> fits along paths, certified -> nested cross-validation -> results ->
console, report. Needs the extra ``cli``: pip install "mtlinear[cli]".
"""

from mtlinear.compare._command import compare_command
from mtlinear.compare._config import set_from_config
from mtlinear.compare._errors import UsageError
from mtlinear.compare._files import read_table
from mtlinear.compare._models import DEFAULT_STRUCTURES, STRUCTURES, make_models
from mtlinear.compare._results import Comparison, summarise
from mtlinear.compare._run import run_all
from mtlinear.compare._settings import Settings
from mtlinear.compare._splits import make_splits
from mtlinear.compare._tables import from_table, load_digits_data, load_school_data

__all__ = [
    "DEFAULT_STRUCTURES",
    "STRUCTURES",
    "Comparison",
    "Settings",
    "UsageError",
    "compare_command",
    "from_table",
    "load_digits_data",
    "load_school_data",
    "make_models",
    "make_splits",
    "read_table",
    "run_all",
    "set_from_config",
    "summarise",
]
