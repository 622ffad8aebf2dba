"""Loaders: where files are looked for, checksums, downloads, the form of the data; School where it is at hand."""

from __future__ import annotations

import http.client
import io
import os
import urllib.error
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from scipy.io import savemat

from mtlinear.datasets import _files, fetch_landmine, fetch_parkinsons, fetch_school, get_data_home


def school_home():
    places = [os.environ.get("MTLINEAR_DATA"), Path(__file__).parents[2] / "shared" / "data"]
    for place in places:
        if place and (Path(place) / "school.mat").exists():
            return place
    pytest.skip("school.mat is neither in MTLINEAR_DATA nor in ../shared/data")


def test_data_home(monkeypatch, tmp_path):
    monkeypatch.delenv("MTLINEAR_DATA", raising=False)
    assert get_data_home() == Path("~/mtlinear_data").expanduser()
    monkeypatch.setenv("MTLINEAR_DATA", str(tmp_path))
    assert get_data_home() == tmp_path
    assert get_data_home("elsewhere") == Path("elsewhere")


def test_missing_file_says_where_to_put_it(tmp_path):
    with pytest.raises(OSError, match=r"not at .*school\.mat\. Download https://"):
        fetch_school(tmp_path, download_if_missing=False)


def test_no_network(tmp_path, monkeypatch):
    def offline(*args, **kwargs):
        raise urllib.error.URLError("no route")

    monkeypatch.setattr(_files.urllib.request, "urlopen", offline)
    with pytest.raises(OSError, match=r"could not be downloaded \(no route\)\. Download https://.* place it there"):
        fetch_school(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_wrong_checksum_of_a_download_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(_files.urllib.request, "urlopen", lambda *a, **k: io.BytesIO(b"<html>404</html>"))
    with pytest.raises(OSError, match="is not the expected file: its sha256 is"):
        fetch_school(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_wrong_checksum_of_a_file(tmp_path):
    (tmp_path / "school.mat").write_bytes(b"something else")
    with pytest.raises(OSError, match="is not the expected file"):
        fetch_school(tmp_path)


def test_school():
    school = fetch_school(school_home())
    assert school.data.shape == (15362, 28)
    assert len(school.feature_names) == 28
    assert set(school.tasks) == set(range(1, 140))
    assert school.data.dtype == school.target.dtype == np.float64
    # The names that are inferred: groups of indicators add up, school features are constant within a school.
    names = np.array(school.feature_names)
    for group in ("year", "gender", "ethnic_group", "school_gender", "denomination"):
        members = [k for k, name in enumerate(names) if name.rsplit("_", 1)[0] == group]
        assert np.all(school.data[:, members].sum(axis=1) == 1)
    assert np.all(school.data[:, -1] == 1)
    X, y, tasks = fetch_school(school_home(), return_X_y=True)
    assert len(X) == len(y) == len(tasks)
    school = fetch_school(school_home(), as_frame=True)
    assert list(school.frame) == [*school.feature_names, "school", "score"]
    assert_array_equal(school.data.to_numpy(), X)
    assert_array_equal(school.frame["score"], y)


# Landmine and Parkinsons: small files of the same form ----------------------------------------------------------------

HEADER = (
    "subject#,age,sex,test_time,motor_UPDRS,total_UPDRS,Jitter(%),Jitter(Abs),Jitter:RAP,Jitter:PPQ5,Jitter:DDP,Shimmer,"
    "Shimmer(dB),Shimmer:APQ3,Shimmer:APQ5,Shimmer:APQ11,Shimmer:DDA,NHR,HNR,RPDE,DFA,PPE"
)


def landmine(n_tasks=29, n_features=9):
    """Cell arrays X and Y of the form of the file, and their rows stacked."""
    rng = np.random.default_rng(0)
    X, Y = np.empty((2, 1, n_tasks), dtype=object)
    for t in range(n_tasks):
        X[0, t] = rng.normal(size=(2 + t % 3, n_features))
        Y[0, t] = (np.arange(2 + t % 3) % 2).astype(float)[:, None]
    return X, Y


def mat(**arrays):
    file = io.BytesIO()
    savemat(file, arrays)
    return file.getvalue()


def landmine_file():
    X, Y = landmine()
    return mat(X=X, Y=Y)


def parkinsons_table():
    """5875 rows of 42 people; entry (i, k) is k + i / 10000 but for the person."""
    table = np.arange(22) + np.arange(5875)[:, None] / 10_000
    table[:, 0] = 1 + np.arange(5875) % 42
    return table


def parkinsons_file(table=None, header=HEADER):
    lines = [",".join(map(str, row)) for row in (parkinsons_table() if table is None else table).tolist()]
    return "\n".join([header, *lines, ""]).encode()


def zipped(content, name="parkinsons_updrs.data"):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("readme.names", "no data")
        archive.writestr(name, content)
    return file.getvalue()


def serve(monkeypatch, content):
    """urlopen hands out content; the list it returns has the addresses that were asked for."""
    asked = []

    def urlopen(url, timeout):
        asked.append(url)
        return io.BytesIO(content)

    monkeypatch.setattr(_files.urllib.request, "urlopen", urlopen)
    return asked


FETCH = {"landmine.mat": fetch_landmine, "parkinsons_updrs.data": fetch_parkinsons, "school.mat": fetch_school}
every_fetch = pytest.mark.parametrize(("name", "fetch"), FETCH.items(), ids=FETCH.keys())


def test_landmine(tmp_path):
    (tmp_path / "landmine.mat").write_bytes(landmine_file())
    found = fetch_landmine(tmp_path, download_if_missing=False)
    X, Y = landmine()
    assert_array_equal(found.data, np.vstack(X[0]))
    assert_array_equal(found.target, np.vstack(Y[0])[:, 0])
    assert_array_equal(np.bincount(found.tasks)[1:], [len(block) for block in X[0]])
    assert found.target.dtype.kind == found.tasks.dtype.kind == "i"
    assert len(found.feature_names) == 9
    assert "Xue" in found.DESCR
    for one, other in zip(
        fetch_landmine(tmp_path, return_X_y=True), (found.data, found.target, found.tasks), strict=True
    ):
        assert_array_equal(one, other)


@pytest.mark.parametrize("target", ["motor_UPDRS", "total_UPDRS", "both"])
def test_parkinsons(tmp_path, target):
    (tmp_path / "parkinsons_updrs.data").write_bytes(parkinsons_file())
    found = fetch_parkinsons(tmp_path, target=target)
    table = parkinsons_table()
    assert_array_equal(found.data, table[:, [1, 2, 3, *range(6, 22)]])
    assert_array_equal(found.target, table[:, {"motor_UPDRS": 4, "total_UPDRS": 5, "both": [4, 5]}[target]])
    assert_array_equal(found.tasks, table[:, 0])
    assert found.tasks.dtype.kind == "i"
    assert found.feature_names == [name for k, name in enumerate(HEADER.split(",")) if k not in (0, 4, 5)]
    framed = fetch_parkinsons(tmp_path, target=target, as_frame=True)
    assert list(framed.frame.columns) == [*found.feature_names, "subject#", *found.target_names]
    assert isinstance(framed.target, pd.DataFrame if target == "both" else pd.Series)
    assert_array_equal(framed.target, found.target)


def test_columns_of_parkinsons_are_found_by_name(tmp_path):
    order = np.random.default_rng(0).permutation(22)
    header = ", ".join(np.array(HEADER.split(","))[order])
    (tmp_path / "parkinsons_updrs.data").write_bytes(parkinsons_file(parkinsons_table()[:, order], header))
    found = fetch_parkinsons(tmp_path)
    assert_array_equal(found.data, parkinsons_table()[:, [1, 2, 3, *range(6, 22)]])


def test_frames(tmp_path):
    (tmp_path / "landmine.mat").write_bytes(landmine_file())
    arrays, frames = fetch_landmine(tmp_path), fetch_landmine(tmp_path, as_frame=True)
    assert arrays.frame is None
    assert isinstance(frames.data, pd.DataFrame)
    assert isinstance(frames.target, pd.Series)
    assert isinstance(frames.tasks, pd.Series)
    assert list(frames.data.columns) == frames.feature_names == arrays.feature_names
    assert list(frames.frame.columns) == [*frames.feature_names, frames.tasks.name, frames.target.name]
    for name in ("data", "target", "tasks"):
        assert_array_equal(frames[name], arrays[name])
    assert_array_equal(frames.frame[frames.target.name], arrays.target)
    X, y, tasks = fetch_landmine(tmp_path, as_frame=True, return_X_y=True)
    assert isinstance(X, pd.DataFrame)
    assert isinstance(y, pd.Series)
    assert isinstance(tasks, pd.Series)


def test_unknown_target():
    with pytest.raises(ValueError, match='target must be "motor_UPDRS", "total_UPDRS" or "both", got \'UPDRS\''):
        fetch_parkinsons(target="UPDRS")


# Files that are missing, wrong or cut off


@every_fetch
def test_a_missing_file_says_what_to_place_where(tmp_path, name, fetch):
    with pytest.raises(OSError, match=rf"not at .*{name}\. Download https://.*place it there as '{name}'"):
        fetch(tmp_path, download_if_missing=False)


@every_fetch
def test_data_home_is_a_folder(tmp_path, name, fetch):
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(OSError, match="data_home must be the folder"):
        fetch(tmp_path / name)


def without(cells, change):
    X, Y = landmine(**cells)
    change(X, Y)
    return mat(X=X, Y=Y)


WRONG_LANDMINE = {
    "nothing": (b"", "no MATLAB file"),
    "a page": (b"<html>404</html>" * 50, "no MATLAB file"),
    "no Y": (mat(X=landmine()[0]), "no MATLAB file.*'Y'"),
    "a matrix": (mat(X=np.ones((29, 9)), Y=np.ones((29, 1))), "no cell arrays"),
    "28 tasks": (without({"n_tasks": 28}, lambda X, Y: None), "28 tasks with 9 features, not 29 with 9"),
    "8 features": (without({"n_features": 8}, lambda X, Y: None), "29 tasks with 8 features, not 29 with 9"),
    "an empty task": (
        without({}, lambda X, Y: [c.__setitem__((0, 3), c[0, 3][:0]) for c in (X, Y)]),
        "28 tasks with 9 features",
    ),
    "labels -1": (without({}, lambda X, Y: Y[0, 0].__imul__(-1)), "labels must be 0 and 1, but -1 is"),
    "no label": (without({}, lambda X, Y: Y[0, 2].fill(np.nan)), "labels must be 0 and 1, but nan is"),
    "no feature": (without({}, lambda X, Y: X[0, 2].fill(np.nan)), "features that are not finite"),
    "fewer labels": (
        without({}, lambda X, Y: Y.__setitem__((0, 1), Y[0, 1][1:])),
        "different numbers of rows",
    ),
}


@pytest.mark.parametrize(("content", "reason"), WRONG_LANDMINE.values(), ids=WRONG_LANDMINE.keys())
def test_wrong_landmine_files(tmp_path, content, reason):
    (tmp_path / "landmine.mat").write_bytes(content)
    with pytest.raises(OSError, match=rf"landmine\.mat is not the expected file: .*{reason}.*Delete it\. Download"):
        fetch_landmine(tmp_path)


def test_landmine_files_that_are_cut_off_anywhere(tmp_path):
    content = landmine_file()
    for length in [*range(0, 300, 7), *range(300, len(content), 97), len(content) - 1]:
        (tmp_path / "landmine.mat").write_bytes(content[:length])
        with pytest.raises(OSError, match="is not the expected file"):
            fetch_landmine(tmp_path)


def changed(row, column, value):
    table = parkinsons_table()
    table[row, column] = value
    return parkinsons_file(table)


WRONG_PARKINSONS = {
    "nothing": (b"", "header must have the columns"),
    "not text": (bytes([255, 254, 0]) * 9, "utf-8"),
    "header only": (HEADER.encode(), "0 rows of 0 people, not 5875 of 42"),
    "no PPE": (parkinsons_file(header=HEADER.replace("PPE", "EPP")), "header must have the columns"),
    "a word": (parkinsons_file().replace(b"5.0,", b"five,", 1), "could not convert"),
    "nan": (changed(7, 9, np.nan), "not finite"),
    "half a person": (changed(7, 0, 1.5), "subject# must hold whole numbers"),
    "a new person": (changed(7, 0, 99), "5875 rows of 43 people"),
    "cut in a line": (parkinsons_file()[:-50], "row 5875 has not 22 numbers; the file may be cut off"),
    "cut after a line": (b"\n".join(parkinsons_file().split(b"\n")[:-3]), "5874 rows|5873 rows"),
}


@pytest.mark.parametrize(("content", "reason"), WRONG_PARKINSONS.values(), ids=WRONG_PARKINSONS.keys())
def test_wrong_parkinsons_files(tmp_path, content, reason):
    (tmp_path / "parkinsons_updrs.data").write_bytes(content)
    with pytest.raises(OSError, match=rf"updrs\.data is not the expected file: .*({reason}).*Delete it\. Download"):
        fetch_parkinsons(tmp_path)


# Downloads


def test_landmine_is_downloaded_once(tmp_path, monkeypatch):
    asked = serve(monkeypatch, landmine_file())
    for _ in range(2):
        assert fetch_landmine(tmp_path / "new").data.shape == np.vstack(landmine()[0][0]).shape
    assert asked == ["https://raw.githubusercontent.com/keerthi166/peer-amtl/master/peer-amtl/data/landmine.mat"]
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["landmine.mat"]


@pytest.mark.parametrize("name", ["parkinsons_updrs.data", "folder/parkinsons_updrs.data"])
def test_parkinsons_comes_in_an_archive(tmp_path, monkeypatch, name):
    asked = serve(monkeypatch, zipped(parkinsons_file(), name))
    for _ in range(2):
        assert fetch_parkinsons(tmp_path).data.shape == (5875, 19)
    assert asked == ["https://archive.ics.uci.edu/static/public/189/parkinsons+telemonitoring.zip"]
    assert (tmp_path / "parkinsons_updrs.data").read_bytes() == parkinsons_file()


ARCHIVE = zipped(parkinsons_file())
WRONG_DOWNLOADS = {
    "landmine: a page": (fetch_landmine, b"<html>please log in</html>", "not the expected file"),
    "landmine: cut off": (fetch_landmine, landmine_file()[:3000], "not the expected file"),
    "parkinsons: a page": (fetch_parkinsons, b"<html>", "not a zip archive that holds parkinsons_updrs.data"),
    "parkinsons: cut off": (fetch_parkinsons, ARCHIVE[:-200], "not a zip archive"),
    "parkinsons: damaged": (fetch_parkinsons, ARCHIVE[:400] + bytes(90) + ARCHIVE[490:], "not a zip archive"),
    "parkinsons: other file": (fetch_parkinsons, zipped(b"", "other.data"), "not a zip archive that holds"),
    "parkinsons: other table": (fetch_parkinsons, zipped(b"a,b\n1,2"), "not the expected file"),
}


@pytest.mark.parametrize(("fetch", "content", "words"), WRONG_DOWNLOADS.values(), ids=WRONG_DOWNLOADS.keys())
def test_a_wrong_download_leaves_nothing(tmp_path, monkeypatch, fetch, content, words):
    serve(monkeypatch, content)
    with pytest.raises(OSError, match=rf"what https://.* sends is {words}.*place it there as"):
        fetch(tmp_path)
    assert list(tmp_path.iterdir()) == []


BROKEN = {
    "no route": (urllib.error.URLError("no route"), r"\(no route\)"),
    "time": (TimeoutError("timed out"), r"\(timed out\)"),
    "reset": (ConnectionResetError("reset by peer"), r"\(reset by peer\)"),
    "broken off": (http.client.IncompleteRead(b"abc", 100), r"\(IncompleteRead"),
}


@every_fetch
@pytest.mark.parametrize("when", ["open", "read"])
@pytest.mark.parametrize(("error", "reason"), BROKEN.values(), ids=BROKEN.keys())
def test_a_connection_that_fails_leaves_nothing(tmp_path, monkeypatch, name, fetch, when, error, reason):
    class Response(io.BytesIO):
        def read(self, *args):
            raise error

    def urlopen(*args, **options):
        if when == "open":
            raise error
        return Response()

    monkeypatch.setattr(_files.urllib.request, "urlopen", urlopen)
    with pytest.raises(OSError, match=rf"{name} does not exist and could not be downloaded {reason}.*place it there"):
        fetch(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("function", ["fdopen", "replace"])
def test_an_interrupt_while_storing_leaves_nothing(tmp_path, monkeypatch, function):
    serve(monkeypatch, landmine_file())

    def interrupted(*args, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(_files.os, function, interrupted)
    with pytest.raises(KeyboardInterrupt):
        fetch_landmine(tmp_path)
    assert list(tmp_path.iterdir()) == []
