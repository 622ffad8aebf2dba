"""Loaders: where files are looked for, checksums, downloads, the form of the data; School where it is at hand."""

from __future__ import annotations

import io
import os
import urllib.error
import zipfile
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from mtlinear.datasets import _files, fetch_landmine, fetch_parkinsons, fetch_school, get_data_home
from mtlinear.datasets._files import Source


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


def test_download_is_complete_or_absent(tmp_path, monkeypatch):
    monkeypatch.setattr(_files.urllib.request, "urlopen", lambda *a, **k: io.BytesIO(b"good"))
    monkeypatch.setattr(_files.Source, "_verify", lambda *a: None)
    Source("School", "school.mat", "url")._download(tmp_path / "new" / "school.mat")
    assert (tmp_path / "new" / "school.mat").read_bytes() == b"good"

    def broken(*args):
        raise OSError("disk full")

    monkeypatch.setattr(_files.os, "replace", broken)
    with pytest.raises(OSError, match="disk full"):
        Source("School", "school.mat", "url")._download(tmp_path / "other" / "school.mat")
    assert list((tmp_path / "other").iterdir()) == []


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
    np.testing.assert_array_equal(school.data.to_numpy(), X)
    np.testing.assert_array_equal(school.frame["score"], y)


def test_a_file_in_place_of_its_folder(tmp_path):
    (tmp_path / "school.mat").write_bytes(b"")
    with pytest.raises(NotADirectoryError, match="data_home must be the folder that holds the file"):
        fetch_school(tmp_path / "school.mat")


# Landmine -----------------------------------------------------------------------------------------------------------


def write_landmine(path, rng, n_tasks=29, n_features=9, labels=(0, 1)):
    """A small file of the same form; returns rows and labels of every task."""
    X = [rng.standard_normal((4 + t % 3, n_features)) for t in range(n_tasks)]
    Y = [rng.choice(labels, (len(block), 1)).astype(np.uint8) for block in X]
    cells = np.empty((2, n_tasks), dtype=object)
    cells[0], cells[1] = X, Y
    savemat(path, {"X": cells[0], "Y": cells[1]})
    return X, Y


def test_landmine(tmp_path, rng):
    X, Y = write_landmine(tmp_path / "landmine.mat", rng)
    data = fetch_landmine(tmp_path)
    np.testing.assert_array_equal(data.data, np.vstack(X))
    np.testing.assert_array_equal(data.target, np.concatenate(Y).ravel())
    np.testing.assert_array_equal(np.bincount(data.tasks)[1:], [len(block) for block in X])
    assert data.target.dtype.kind == "i"
    assert len(data.feature_names) == 9
    assert data.DESCR.startswith("Landmine")
    X, y, tasks = fetch_landmine(tmp_path, return_X_y=True, as_frame=True)
    assert X.shape == (len(y), 9)
    assert (y.name, tasks.name) == ("mine", "field")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"n_tasks": 28}, "it has 28 tasks, 9 features and targets from 0 to 1, not 29 tasks"),
        ({"n_features": 8}, "8 features"),
        ({"labels": (-1, 1)}, "targets from -1 to 1|targets from 1 to 255"),
    ],
)
def test_another_landmine_file(wrong, message, tmp_path, rng):
    write_landmine(tmp_path / "landmine.mat", rng, **wrong)
    with pytest.raises(OSError, match=message):
        fetch_landmine(tmp_path)


@pytest.mark.parametrize("content", [b"", b"no MATLAB", None])
def test_broken_matlab_file(content, tmp_path):
    path = tmp_path / "landmine.mat"
    if content is None:
        savemat(path, {"A": np.eye(2)})
    else:
        path.write_bytes(content)
    with pytest.raises(OSError, match=r"no MATLAB file with cell arrays X and Y.*Delete it\. Download https://"):
        fetch_landmine(tmp_path)


# Parkinsons ---------------------------------------------------------------------------------------------------------

HEADER = "subject#,age,sex,test_time,motor_UPDRS,total_UPDRS,Jitter(%),PPE"
TABLE = (
    f"{HEADER}\n1,72,0,5.6,28.1,34.3,0.006,0.16\n1,72,0,12.7,28.4,34.9,0.003,0.10\n2,58,1,1.5,20.5,26.9,0.004,0.21\n"
)


def test_parkinsons(tmp_path):
    (tmp_path / "parkinsons_updrs.data").write_text(TABLE)
    people = fetch_parkinsons(tmp_path)
    assert people.feature_names == ["age", "sex", "test_time", "Jitter(%)", "PPE"]
    np.testing.assert_array_equal(people.data[1], [72, 0, 12.7, 0.003, 0.10])
    np.testing.assert_array_equal(people.target, [28.1, 28.4, 20.5])
    np.testing.assert_array_equal(people.tasks, [1, 1, 2])
    np.testing.assert_array_equal(fetch_parkinsons(tmp_path, target="total_UPDRS").target, [34.3, 34.9, 26.9])
    both = fetch_parkinsons(tmp_path, target="both", as_frame=True)
    assert list(both.target) == both.target_names == ["motor_UPDRS", "total_UPDRS"]
    assert list(both.frame) == [*people.feature_names, "subject#", "motor_UPDRS", "total_UPDRS"]


def test_parkinsons_target_must_be_one_of_the_scores(tmp_path):
    with pytest.raises(ValueError, match='target must be "motor_UPDRS", "total_UPDRS" or "both", got \'UPDRS\''):
        fetch_parkinsons(tmp_path, target="UPDRS")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no table of numbers"),
        (TABLE[:-12], "no table of numbers with a header"),
        (TABLE.replace("72", "old"), "could not convert string to float: 'old'"),
        (TABLE.replace("motor_", ""), "its header has no column motor_UPDRS"),
    ],
)
def test_broken_table(text, message, tmp_path):
    (tmp_path / "parkinsons_updrs.data").write_text(text)
    with pytest.raises(OSError, match=message):
        fetch_parkinsons(tmp_path)


def zipped(**members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, text in members.items():
            archive.writestr(name.replace("__", "/").replace("_data", ".data"), text)
    return file.getvalue()


def test_parkinsons_is_taken_out_of_its_archive(tmp_path, monkeypatch):
    archive = zipped(readme="hello", folder__parkinsons_updrs_data=TABLE)
    monkeypatch.setattr(_files.urllib.request, "urlopen", lambda *a, **k: io.BytesIO(archive))
    assert len(fetch_parkinsons(tmp_path).data) == 3
    assert [path.name for path in tmp_path.iterdir()] == ["parkinsons_updrs.data"]


@pytest.mark.parametrize("content", [zipped(readme="hello"), b"<html>404</html>"], ids=["other archive", "no archive"])
def test_another_archive(content, tmp_path, monkeypatch):
    monkeypatch.setattr(_files.urllib.request, "urlopen", lambda *a, **k: io.BytesIO(content))
    with pytest.raises(OSError, match=r"is not a zip archive that holds parkinsons_updrs\.data\. Download https"):
        fetch_parkinsons(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_missing_files_say_what_to_take_from_where(tmp_path):
    with pytest.raises(OSError, match=r"telemonitoring\.zip, take parkinsons_updrs\.data out of it and place it there"):
        fetch_parkinsons(tmp_path, download_if_missing=False)
    with pytest.raises(OSError, match=r"peer-amtl/data/landmine\.mat and place it there as 'landmine.mat'"):
        fetch_landmine(tmp_path, download_if_missing=False)
