"""Data sets for examples and benchmarks that scikit-learn does not have."""

from __future__ import annotations

import hashlib
import os
import tempfile
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
from scipy.io import loadmat
from sklearn.utils import Bunch

_SCHOOL_URL = "https://raw.githubusercontent.com/jiayuzhou/MALSAR/master/data/school.mat"
_SCHOOL_SHA256 = "57fb3238fdd03a9aa17276e2ce18d9bbb5d128c3261e794fe6233b58b6909068"
_TIMEOUT_SECONDS = 60

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


def get_data_home(data_home: str | os.PathLike[str] | None = None) -> Path:
    """The folder that holds downloaded data sets.

    Parameters
    ----------
    data_home : path, default None
        None: the environment variable ``MTLINEAR_DATA``, or ``~/mtlinear_data`` if it is not set.
    """
    return Path(data_home or os.environ.get("MTLINEAR_DATA") or "~/mtlinear_data").expanduser()


def fetch_school(
    data_home: str | os.PathLike[str] | None = None, *, download_if_missing: bool = True, return_X_y: bool = False
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
    path = get_data_home(data_home) / "school.mat"
    if not path.exists():
        if not download_if_missing:
            raise OSError(f"the School data are not at {path}. {_where_from(path)}")
        _download(_SCHOOL_URL, path, _SCHOOL_SHA256)
    _verify(path, path.read_bytes(), _SCHOOL_SHA256)
    cells = loadmat(path)
    blocks = [block.astype(np.float64) for block in cells["X"].ravel()]
    data = np.vstack(blocks)
    target = np.concatenate([block.ravel().astype(np.float64) for block in cells["Y"].ravel()])
    tasks = np.repeat(np.arange(1, len(blocks) + 1), [len(block) for block in blocks])
    if return_X_y:
        return data, target, tasks
    return Bunch(data=data, target=target, tasks=tasks, feature_names=list(_SCHOOL_FEATURES), DESCR=_SCHOOL_DESCR)


def _where_from(path: Path) -> str:
    return f"Download {_SCHOOL_URL} and place it there as {path.name!r}, or name its folder (data_home, --data-home)."


def _verify(path: Path, content: bytes, sha256: str) -> None:
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise OSError(
            f"{path} is not the expected file: its sha256 is {found}, not {sha256}. Delete it. {_where_from(path)}"
        )


def _download(url: str, path: Path, sha256: str) -> None:
    """Fetch url to path: checked, and complete or not there at all."""
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT_SECONDS) as response:
            content = response.read()
    except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
        reason = getattr(error, "reason", error)
        raise OSError(f"{path} does not exist and could not be downloaded ({reason}). {_where_from(path)}") from error
    _verify(path, content, sha256)
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
