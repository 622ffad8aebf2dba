"""School: where the file is looked for, the checksum, the download; and the data, where they are at hand."""

from __future__ import annotations

import io
import os
import urllib.error
from pathlib import Path

import numpy as np
import pytest

from mtlinear import datasets
from mtlinear.datasets import fetch_school, get_data_home


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

    monkeypatch.setattr(datasets.urllib.request, "urlopen", offline)
    with pytest.raises(OSError, match=r"could not be downloaded \(no route\)\. Download https://.* place it there"):
        fetch_school(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_wrong_checksum_of_a_download_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.urllib.request, "urlopen", lambda *a, **k: io.BytesIO(b"<html>404</html>"))
    with pytest.raises(OSError, match="is not the expected file: its sha256 is"):
        fetch_school(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_wrong_checksum_of_a_file(tmp_path):
    (tmp_path / "school.mat").write_bytes(b"something else")
    with pytest.raises(OSError, match="is not the expected file"):
        fetch_school(tmp_path)


def test_download_is_complete_or_absent(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.urllib.request, "urlopen", lambda *a, **k: io.BytesIO(b"good"))
    monkeypatch.setattr(datasets, "_verify", lambda *a: None)
    datasets._download("url", tmp_path / "new" / "school.mat", "")
    assert (tmp_path / "new" / "school.mat").read_bytes() == b"good"

    def broken(*args):
        raise OSError("disk full")

    monkeypatch.setattr(datasets.os, "replace", broken)
    with pytest.raises(OSError, match="disk full"):
        datasets._download("url", tmp_path / "other" / "school.mat", "")
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
