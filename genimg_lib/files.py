"""Where files lie, and how they are written: whole or not at all."""

import contextlib
import hashlib
import json
import os
from pathlib import Path

from genimg_lib.errors import DataError

_PACKAGE = Path(__file__).resolve().parent


def checkout():
    """The checkout that the library lies in, or None where it was installed as a package."""
    root = _PACKAGE.parent
    return root if (root / "notebooks").is_dir() and (root / "pyproject.toml").is_file() else None


def shipped():
    """The folder `data/` that ships with the course: in a checkout, or inside the package."""
    beside = _PACKAGE.parent / "data"
    return beside if (beside / "registry.json").is_file() else _PACKAGE / "course_data"


def out_folder():
    """Where runs write: GENIMG_OUT, else `out/` in the checkout, else `genimg-out/` at home."""
    if given := os.environ.get("GENIMG_OUT"):
        return Path(given).expanduser().resolve()
    return checkout() / "out" if checkout() else Path.home() / "genimg-out"


def digest(content):
    """The SHA-256 of bytes, in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def file_digest(path):
    """The SHA-256 of a file, in hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_atomically(path, content):
    """Write bytes to path so that a reader, or a crash, never sees half of them.

    Raises OSError that names the path and how much was to be written; what was there before stays.
    """
    path = Path(path)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(beside, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
        if isinstance(error, OSError):
            what = f"{error.strerror} ({_size(content)} were to be written)"
            raise type(error)(error.errno, what, str(path)) from None
        raise


def _size(content):
    return (
        f"{len(content) / 2**20:.2f} MiB"
        if len(content) > 2**17
        else f"{len(content) / 2**10:.1f} KiB"
    )


def check_writable(folder):
    """Check that files can be made in a folder, or in one that is to be made.

    Raises ValueError that names the place where that ends.
    """
    there = Path(folder).expanduser().absolute()
    while not _exists(there):
        if there.parent == there:
            raise ValueError(f"there is no {there} to write to")
        there = there.parent
    if not there.is_dir():
        raise ValueError(f"{there} is a file; nothing can be written below it")
    if not os.access(there, os.W_OK):
        raise ValueError(f"{there} cannot be written: no permission")


def check_free(path, overwrite):
    """Raise ValueError where a file is that must not be written over."""
    if path.exists() and not overwrite:
        raise ValueError(f"{path} is there already; another name, or --overwrite")


def _exists(path):
    try:
        return path.exists()
    except OSError:  # below a folder that may not be entered
        return False


def write_json(path, value):
    """Write a value as JSON, indented, atomically."""
    write_atomically(path, (json.dumps(value, indent=2) + "\n").encode())


def read_json(path):
    """The value that a JSON file holds. Raises DataError, naming it, where it holds none."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is cut short or damaged ({error}); it was not used") from None
