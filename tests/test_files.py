"""Files are written whole or not at all, and by one function alone."""

import ast
import errno
import os
from pathlib import Path

import pytest

import genimg_lib
from genimg_lib import files

PACKAGE = Path(genimg_lib.__file__).parent
# what goes when the work is done: in folders of their own, and a training's lock
PASSING = {
    "course/grading.py",
    "course/grading_child.py",
    "course/versions.py",
    "training/saving.py",
}


class FullAt:
    """Stands for `open`: the disk is full at a write, by its number, half of it done."""

    def __init__(self, number):
        self.number, self.written = number, []

    def __call__(self, path, mode):
        self.file = open(path, mode)  # noqa: SIM115
        return self

    def write(self, content):
        self.written.append(self.file.name)
        if len(self.written) == self.number + 1:
            self.file.write(content[: len(content) // 2])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.file.write(content)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()

    def flush(self):
        self.file.flush()

    def fileno(self):
        return self.file.fileno()


def fails(*_):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("where", ["open", "write", "fsync", "replace"])
def test_a_disk_that_is_full_leaves_the_old_file_and_says_what_was_wanted(
    tmp_path, monkeypatch, where
):
    path = tmp_path / "results" / "a.json"
    files.write_atomically(path, b"old")
    if where == "open":
        monkeypatch.setattr(files, "open", fails, raising=False)
    elif where != "write":
        monkeypatch.setattr(files.os, where, fails)
    for content, size in ((bytes(3 * 2**20), "3.00 MiB"), (bytes(1_536), "1.5 KiB")):
        if where == "write":
            monkeypatch.setattr(files, "open", FullAt(0), raising=False)
        with pytest.raises(OSError, match=rf"No space .*{size} were to be written.*a\.json'"):
            files.write_atomically(path, content)
    assert path.read_bytes() == b"old"
    assert [p.name for p in path.parent.iterdir()] == ["a.json"]


def test_a_reader_never_sees_half_a_file(tmp_path, monkeypatch):
    path, seen, replace = tmp_path / "a.json", [], os.replace
    files.write_atomically(path, b"old")
    monkeypatch.setattr(
        files.os, "replace", lambda *paths: (seen.append(path.read_bytes()), replace(*paths))
    )
    files.write_atomically(path, b"new and longer")
    assert seen == [b"old"]
    assert path.read_bytes() == b"new and longer"


def writers(source):
    """The lines of a program that write a file by themselves."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        words = [a.value for a in node.args if isinstance(a, ast.Constant)]
        opens = name == "open" and any(w in words for w in ("w", "wb", "a", "x", "wt"))
        copies = name in ("copyfile", "copy", "copy2", "copytree") and _of(node) == "shutil"
        dumps = name in ("write", "save_file", "savez") and _of(node) in (
            "jupytext",
            "nbformat",
            "np",
        )
        if opens or copies or dumps or name in ("write_text", "write_bytes", "savetxt"):
            yield node.lineno


def _of(call):
    return getattr(getattr(call.func, "value", None), "id", "")


def test_the_search_for_writers_finds_them():
    for line in (
        "path.write_text('a')",
        "path.write_bytes(b'a')",
        "open(path, 'w')",
        "shutil.copyfile(a, b)",
        "nbformat.write(notebook, path)",
    ):
        assert list(writers(line)) == [1]
    assert not list(writers("buffer.write(content)\nnet.copy()\nopen(path, 'rb')"))


def test_all_that_stays_is_written_by_one_function():
    found = {
        str(path.relative_to(PACKAGE)): lines
        for path in PACKAGE.rglob("*.py")
        if (lines := list(writers(path.read_text(encoding="utf-8"))))
    }
    assert found.pop("files.py")
    assert set(found) == PASSING
