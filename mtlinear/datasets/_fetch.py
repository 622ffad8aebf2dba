"""Data sets of the multi-task literature, in scikit-learn's fetch style."""

from __future__ import annotations

import io
import os
from typing import Any

import numpy as np
from scipy.io import loadmat
from sklearn.utils import Bunch

from mtlinear._typing import Array, Indices
from mtlinear.datasets._files import Source

_SCHOOL = Source(
    "School",
    "school.mat",
    "https://raw.githubusercontent.com/jiayuzhou/MALSAR/master/data/school.mat",
    "57fb3238fdd03a9aa17276e2ce18d9bbb5d128c3261e794fe6233b58b6909068",
)
_LANDMINE = Source(
    "Landmine",
    "landmine.mat",
    "https://raw.githubusercontent.com/keerthi166/peer-amtl/master/peer-amtl/data/landmine.mat",
)
_PARKINSONS = Source(
    "Parkinsons",
    "parkinsons_updrs.data",
    "https://archive.ics.uci.edu/static/public/189/parkinsons+telemonitoring.zip",
)

_SCHOOL_FEATURES = [
    *(f"year_{k}" for k in (1, 2, 3)),
    "free_meals_percent",
    "vr_band_1_percent",
    *(f"gender_{k}" for k in (1, 2)),
    *(f"vr_band_{k}" for k in (1, 2, 3)),
    *(f"ethnic_group_{k}" for k in range(1, 12)),
    *(f"school_gender_{k}" for k in (1, 2, 3)),
    *(f"denomination_{k}" for k in (1, 2, 3)),
    "constant",
]

_PERSON, _SCORES = "subject#", ["motor_UPDRS", "total_UPDRS"]
_PARKINSONS_FEATURES = [
    *("age", "sex", "test_time"),
    *("Jitter(%)", "Jitter(Abs)", "Jitter:RAP", "Jitter:PPQ5", "Jitter:DDP"),
    *("Shimmer", "Shimmer(dB)", "Shimmer:APQ3", "Shimmer:APQ5", "Shimmer:APQ11", "Shimmer:DDA"),
    *("NHR", "HNR", "RPDE", "DFA", "PPE"),
]

_SCHOOL_DESCR = """\
School: examination scores of 15,362 students in 139 secondary schools of the Inner London Education Authority,
1985-87; each school is a task, and the target is the score (1 to 70).

28 features: year of the examination (3 indicators), percentage of students with free school meals, percentage of
students in verbal-reasoning band 1, gender (2), verbal-reasoning band of the student (3), ethnic group (11), gender of
the school (3), denomination of the school (3), and a constant. The file carries no names; these follow the order in
which the literature lists the features, and the values agree with it (groups of indicators add up, school features are
the same for all students of a school).

Nuttall, Goldstein, Prosser & Rasbash (1989), Differential school effectiveness, Int. J. Educ. Res. 13. Used for
multi-task learning by Bakker & Heskes (2003), Evgeniou et al. (2005) and Argyriou et al. (2007). File: school.mat of
MALSAR (Zhou, Chen & Ye).
"""

_LANDMINE_DESCR = """\
Landmine: is there a mine? 29 fields (tasks) seen by radar, in two kinds of terrain (as the literature has it, the first
15 densely covered with plants, the others bare); each row is an image patch with 9 features: moments, correlation, an
energy ratio and a spatial variance. Labels 1 (mine) and 0, of which most are 0: measure the area under the ROC curve.

Xue, Liao, Carin & Krishnapuram (2007), JMLR 8. File: landmine.mat of keerthi166/peer-amtl.
"""

_PARKINSONS_DESCR = """\
Parkinsons telemonitoring: 5,875 voice recordings of 42 people with early Parkinson's disease; each person is a task,
and the targets are two clinical scores, motor UPDRS and total UPDRS (interpolated between visits). 19 features: age,
sex (both the same in all rows of a task), days since the recruitment (test_time), and 16 measures of the voice.

Tsanas, Little, McSharry & Ramig (2010), IEEE Trans. Biomed. Eng. 57. UCI Machine Learning Repository, data set 189.
"""


def fetch_school(
    data_home: str | os.PathLike[str] | None = None,
    *,
    download_if_missing: bool = True,
    return_X_y: bool = False,
    as_frame: bool = False,
) -> Any:
    """Load the School data (139 schools as tasks), downloading the file once.

    Parameters
    ----------
    data_home : path, default None
        Folder that has, or gets, ``school.mat``; see `get_data_home`.
    download_if_missing : bool, default True
        False: raise an error instead of downloading.
    return_X_y : bool, default False
        True: return ``(data, target, tasks)`` only.
    as_frame : bool, default False
        True: data as a DataFrame, target and tasks as Series (needs pandas), and in the Bunch all together as frame.

    Returns
    -------
    Bunch
        data : ndarray of shape (15362, 28), float64, the rows of all schools one school after the other;
        target : ndarray of shape (15362,); tasks : ndarray of int of shape (15362,), schools numbered from 1;
        feature_names : list of 28 str; DESCR : str.

    Raises
    ------
    OSError
        If the file is missing and cannot be downloaded, or is not the expected one (checksum).

    References
    ----------
    Nuttall et al. (1989); Argyriou, Evgeniou & Pontil (2007), NIPS 19.

    Examples
    --------
    >>> from mtlinear.datasets import fetch_school
    >>> school = fetch_school()                      # doctest: +SKIP
    >>> school.data.shape, len(set(school.tasks))    # doctest: +SKIP
    ((15362, 28), 139)
    """
    data, target, tasks = _SCHOOL.load(data_home, download_if_missing, _cells)
    return _bunch(data, {"score": target}, ("school", tasks), _SCHOOL_FEATURES, _SCHOOL_DESCR, return_X_y, as_frame)


def fetch_landmine(
    data_home: str | os.PathLike[str] | None = None,
    *,
    download_if_missing: bool = True,
    return_X_y: bool = False,
    as_frame: bool = False,
) -> Any:
    """Load the Landmine data (29 fields as tasks, labels 0 and 1), downloading the file once.

    Parameters
    ----------
    data_home : path, default None
        Folder that has, or gets, ``landmine.mat``; see `get_data_home`.
    download_if_missing, return_X_y, as_frame : bool
        As in `fetch_school`.

    Returns
    -------
    Bunch
        data : ndarray (n_rows, 9), float64; target : ndarray of int (n_rows,), 0 or 1; tasks : ndarray of int
        (n_rows,), fields numbered from 1; feature_names, DESCR.

    Raises
    ------
    OSError
        If the file is missing and cannot be downloaded, or has not 29 tasks with 9 features and labels 0 and 1. (No
        checksum of the file is known.)

    References
    ----------
    Xue, Liao, Carin & Krishnapuram (2007), JMLR 8, 35-63.

    Examples
    --------
    >>> from mtlinear.datasets import fetch_landmine
    >>> X, y, tasks = fetch_landmine(return_X_y=True)    # doctest: +SKIP
    """
    data, target, tasks = _LANDMINE.load(data_home, download_if_missing, _landmine)
    names = [f"feature_{k}" for k in range(1, 10)]
    return _bunch(data, {"mine": target.astype(int)}, ("field", tasks), names, _LANDMINE_DESCR, return_X_y, as_frame)


def fetch_parkinsons(
    data_home: str | os.PathLike[str] | None = None,
    *,
    target: str = "motor_UPDRS",
    download_if_missing: bool = True,
    return_X_y: bool = False,
    as_frame: bool = False,
) -> Any:
    """Load the Parkinsons telemonitoring data (42 people as tasks), downloading the file once.

    Parameters
    ----------
    data_home : path, default None
        Folder that has, or gets, ``parkinsons_updrs.data``; see `get_data_home`.
    target : {"motor_UPDRS", "total_UPDRS", "both"}, default "motor_UPDRS"
        The score to predict. "both" makes a target with two columns.
    download_if_missing, return_X_y, as_frame : bool
        As in `fetch_school`.

    Returns
    -------
    Bunch
        data : ndarray (5875, 19), float64: age, sex, test_time and 16 measures of the voice; target : ndarray (5875,),
        or (5875, 2); tasks : ndarray of int (5875,), the number of the person; feature_names, DESCR.

    Raises
    ------
    OSError
        If the file is missing and cannot be downloaded, or has not the expected columns, 5875 rows and 42
        people. (No checksum of the file is known.)

    References
    ----------
    Tsanas, Little, McSharry & Ramig (2010), IEEE Trans. Biomed. Eng. 57, 884-893.

    Examples
    --------
    >>> from mtlinear.datasets import fetch_parkinsons
    >>> people = fetch_parkinsons()            # doctest: +SKIP
    >>> people.data.shape                      # doctest: +SKIP
    (5875, 19)
    """
    if target not in (*_SCORES, "both"):
        raise ValueError(f'target must be "motor_UPDRS", "total_UPDRS" or "both", got {target!r}.')
    column = _PARKINSONS.load(data_home, download_if_missing, _parkinsons)
    wanted = _SCORES if target == "both" else [target]
    return _bunch(
        np.column_stack([column[name] for name in _PARKINSONS_FEATURES]),
        {name: column[name] for name in wanted},
        (_PERSON, column[_PERSON].astype(int)),
        _PARKINSONS_FEATURES,
        _PARKINSONS_DESCR,
        return_X_y,
        as_frame,
    )


def _cells(content: bytes) -> tuple[Array, Array, Indices]:
    """Rows, targets and numbers (from 1) of the tasks from the cell arrays X and Y of a MATLAB file."""
    try:
        file = loadmat(io.BytesIO(content))
        if not file["X"].dtype == file["Y"].dtype == object:
            raise ValueError("they are no cell arrays")
        blocks = [np.asarray(block, dtype=np.float64) for block in file["X"].ravel()]
        targets = [np.asarray(block, dtype=np.float64).ravel() for block in file["Y"].ravel()]
        data, target = np.vstack(blocks), np.concatenate(targets)
    except Exception as error:  # loadmat has no error of its own: a file that is cut off raises whatever it runs into
        raise ValueError(f"it is no MATLAB file with cell arrays X and Y ({error!r})") from error
    sizes = [len(block) for block in blocks]
    if sizes != [len(block) for block in targets]:
        raise ValueError("its cell arrays X and Y have different numbers of rows")
    return data, target, np.repeat(np.arange(1, len(blocks) + 1), sizes)


def _landmine(content: bytes) -> tuple[Array, Array, Indices]:
    data, target, tasks = _cells(content)
    n_tasks = len(np.unique(tasks))
    if (n_tasks, data.shape[1]) != (29, 9):
        raise ValueError(f"it has {n_tasks} tasks with {data.shape[1]} features, not 29 with 9")
    others = np.setdiff1d(target, [0.0, 1.0])
    if len(others):
        raise ValueError(f"its labels must be 0 and 1, but {others[0]:g} is among them")
    if not np.all(np.isfinite(data)):
        raise ValueError("it has features that are not finite")
    return data, target, tasks


def _parkinsons(content: bytes) -> dict[str, Array]:
    """The columns of the table, by name."""
    header, *lines = content.decode("utf-8").splitlines() or [""]
    names = [name.strip() for name in header.split(",")]
    expected = [_PERSON, *_SCORES, *_PARKINSONS_FEATURES]
    missing = [name for name in expected if name not in names]
    if missing or len(names) != len(expected):
        raise ValueError(f"its header must have the columns {', '.join(expected)}, but is {header[:100]!r}")
    rows = [line.split(",") for line in lines if line.strip()]
    uneven = [k for k, row in enumerate(rows, start=1) if len(row) != len(names)]
    if uneven:
        raise ValueError(f"row {uneven[0]} has not {len(names)} numbers; the file may be cut off")
    table = np.array([[float(value) for value in row] for row in rows]).reshape(-1, len(names))
    if not np.all(np.isfinite(table)):
        raise ValueError("it has numbers that are not finite")
    columns = dict(zip(names, table.T, strict=True))
    people = np.unique(columns[_PERSON])
    if np.any(people != people.astype(int)):
        raise ValueError(f"its column {_PERSON} must hold whole numbers")
    n_people = len(people)
    if (len(table), n_people) != (5875, 42):
        raise ValueError(f"it has {len(table)} rows of {n_people} people, not 5875 of 42; the file may be cut off")
    return columns


def _bunch(
    data: Array,
    targets: dict[str, Array],
    tasks: tuple[str, Indices],
    names: list[str],
    description: str,
    return_X_y: bool,
    as_frame: bool,
) -> Any:
    """What a fetch function returns, as scikit-learn's do."""
    X: Any = data
    y: Any = np.column_stack(list(targets.values())) if len(targets) > 1 else next(iter(targets.values()))
    labels: Any = tasks[1]
    frame = None
    if as_frame:
        try:
            import pandas as pd
        except ImportError:
            raise ImportError('as_frame=True needs pandas: pip install "mtlinear[cli]"') from None
        X = pd.DataFrame(data, columns=names)
        labels = pd.Series(labels, name=tasks[0])
        y = pd.DataFrame(targets) if len(targets) > 1 else pd.Series(y, name=next(iter(targets)))
        frame = pd.concat([X, labels, y], axis=1)
    if return_X_y:
        return X, y, labels
    return Bunch(
        data=X, target=y, tasks=labels, frame=frame, feature_names=list(names), target_names=list(targets),
        DESCR=description,
    )  # fmt: skip
