"""`genimg notebooks FOLDER`: lays the notebooks out where there is no checkout."""

from pathlib import Path

from genimg_lib import files
from genimg_lib.course import chapters


def lay_out(folder):
    """Copy notebooks, their exercises and their covers into a folder; returns the paths written.

    folder: a new one, or one that an earlier call laid out: files that are the same stay.
    Raises FileExistsError, before anything is written, where a file of other content is in the
    way; so nobody's answers are overwritten.
    """
    folder = Path(folder).expanduser()
    wanted = contents()
    there = [path for path in wanted if (folder / path).exists()]
    other = [path for path in there if (folder / path).read_bytes() != wanted[path].read_bytes()]
    if other:
        raise FileExistsError(
            f"{folder / other[0]} is there already, with other content"
            + (f", and {len(other) - 1} more like it" if len(other) > 1 else "")
            + "; nothing was written. Name another folder, or move yours aside"
        )
    if folder.exists() and not folder.is_dir():
        raise FileExistsError(f"{folder} is a file; name a folder")
    written = []
    for path, source in wanted.items():
        target = folder / path
        if path not in there:
            files.write_atomically(target, source.read_bytes())
            written.append(target)
    return written


def contents():
    """{path in the folder: the file that it is a copy of}."""
    notebooks = chapters.notebooks_folder()
    found = {}
    for name in chapters.standing():
        for ending in (".ipynb", ".py"):
            found[Path("notebooks") / f"{name}{ending}"] = notebooks / f"{name}{ending}"
    for path in sorted((notebooks / "exercises").glob("*.ipynb")):
        found[Path("notebooks") / "exercises" / path.name] = path
    for path in sorted((files.shipped() / "pictures").glob("*.*")):
        found[Path("data") / "pictures" / path.name] = path
    return found
