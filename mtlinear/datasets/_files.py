"""Files of data sets: where they are looked for, and how they get there."""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
import urllib.error
import urllib.request
import zipfile
from dataclasses import dataclass
from pathlib import Path

_TIMEOUT_SECONDS = 60


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

    def find(self, data_home: str | os.PathLike[str] | None, download_if_missing: bool) -> Path:
        """The file, checked; downloaded if it is missing and that is wanted."""
        path = get_data_home(data_home) / self.name
        if not path.exists():
            if not download_if_missing:
                raise OSError(f"the {self.title} data are not at {path}. {self.where_from(path)}")
            self._download(path)
        self._verify(path, path.read_bytes())
        return path

    def where_from(self, path: Path) -> str:
        """What to do by hand."""
        inside = f", take {self.name} out of it" if self.url.endswith(".zip") else ""
        return (
            f"Download {self.url}{inside} and place it there as {path.name!r}, or name its folder (data_home, "
            "--data-home)."
        )

    def refuse(self, path: Path, reason: str) -> OSError:
        """The error for a file that is not what it should be."""
        return OSError(f"{path} is not the expected file: {reason}. Delete it. {self.where_from(path)}")

    def _verify(self, path: Path, content: bytes) -> None:
        found = hashlib.sha256(content).hexdigest()
        if self.sha256 and found != self.sha256:
            raise self.refuse(path, f"its sha256 is {found}, not {self.sha256}")

    def _download(self, path: Path) -> None:
        """Fetch the file: checked, and complete or not there at all."""
        try:
            with urllib.request.urlopen(self.url, timeout=_TIMEOUT_SECONDS) as response:
                content = response.read()
        except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
            reason = getattr(error, "reason", error)
            raise OSError(
                f"{path} does not exist and could not be downloaded ({reason}). {self.where_from(path)}"
            ) from error
        if self.url.endswith(".zip"):
            content = self._unzipped(path, content)
        self._verify(path, content)
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
            os.replace(temporary, path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise

    def _unzipped(self, path: Path, content: bytes) -> bytes:
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                members = [name for name in archive.namelist() if Path(name).name == self.name]
                return archive.read(members[0])
        except (zipfile.BadZipFile, IndexError) as error:
            raise OSError(f"{self.url} is not a zip archive that holds {self.name}. {self.where_from(path)}") from error
