"""Files of data sets: where they are looked for, and how they get there."""

from __future__ import annotations

import hashlib
import http.client
import io
import os
import tempfile
import urllib.request
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

_TIMEOUT_SECONDS = 60

Content = TypeVar("Content")


def get_data_home(data_home: str | os.PathLike[str] | None = None) -> Path:
    """The folder that holds downloaded data sets.

    Parameters
    ----------
    data_home : path, default None
        None: the environment variable ``MTLINEAR_DATA``, or ``~/mtlinear_data`` if it is not set.

    Raises
    ------
    NotADirectoryError
        If it is a file.
    """
    folder = Path(data_home or os.environ.get("MTLINEAR_DATA") or "~/mtlinear_data").expanduser()
    if folder.is_file():
        raise NotADirectoryError(f"data_home must be the folder that holds the file, not the file itself: {folder}.")
    return folder


@dataclass(frozen=True)
class Source:
    """A file, and where it comes from.

    Attributes
    ----------
    title : str
        What messages call the data.
    name : str
        Of the file in the data home; inside of a zip archive its base name.
    url : str
        Of the file, or of a zip archive that holds it.
    sha256 : str
        Checksum of the file, or empty if none is known.
    """

    title: str
    name: str
    url: str
    sha256: str = ""

    def load(
        self, data_home: str | os.PathLike[str] | None, download_if_missing: bool, read: Callable[[bytes], Content]
    ) -> Content:
        """What is in the file, downloaded if it is missing and that is wanted.

        ``read`` makes it of the bytes; a ValueError says what is wrong with them. What is downloaded is kept only if it
        is right, and complete or not there at all.
        """
        path = get_data_home(data_home) / self.name
        if path.exists():
            content = path.read_bytes()
            return self._checked(content, read, f"{path} is not the expected file", f"Delete it. {self._by_hand(path)}")
        if not download_if_missing:
            raise OSError(f"the {self.title} data are not at {path}. {self._by_hand(path)}")
        content = self._download(path)
        found = self._checked(content, read, f"what {self.url} sends is not the expected file", self._by_hand(path))
        _store(path, content)
        return found

    def _by_hand(self, path: Path) -> str:
        inside = f", take {self.name} out of it" if self.url.endswith(".zip") else ""
        return (
            f"Download {self.url}{inside} and place it there as {path.name!r}, or name its folder (data_home, "
            "--data-home)."
        )

    def _checked(self, content: bytes, read: Callable[[bytes], Content], what: str, advice: str) -> Content:
        sha256 = hashlib.sha256(content).hexdigest()
        if self.sha256 and sha256 != self.sha256:
            raise OSError(f"{what}: its sha256 is {sha256}, not {self.sha256}. {advice}")
        try:
            return read(content)
        except ValueError as error:
            raise OSError(f"{what}: {error}. {advice}") from error

    def _download(self, path: Path) -> bytes:
        try:
            with urllib.request.urlopen(self.url, timeout=_TIMEOUT_SECONDS) as response:
                content: bytes = response.read()
        except (OSError, http.client.HTTPException) as error:  # a connection that breaks off is an HTTPException
            reason = getattr(error, "reason", error)
            raise OSError(
                f"{path} does not exist and could not be downloaded ({reason}). {self._by_hand(path)}"
            ) from error
        return self._unzipped(path, content) if self.url.endswith(".zip") else content

    def _unzipped(self, path: Path, content: bytes) -> bytes:
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                members = [name for name in archive.namelist() if Path(name).name == self.name]
                return archive.read(members[0])
        except (zipfile.BadZipFile, zlib.error, EOFError, IndexError) as error:
            raise OSError(
                f"what {self.url} sends is not a zip archive that holds {self.name}. {self._by_hand(path)}"
            ) from error


def _store(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
