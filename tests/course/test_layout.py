"""`genimg notebooks`: everything is laid out, nothing is overwritten."""

import pytest

from genimg_lib.cli import main
from genimg_lib.course import layout


@pytest.fixture
def course(notebooks, shipped):
    """A course of one chapter, with exercises and a cover."""
    (notebooks / "exercises").mkdir()
    for path in ("11_one.py", "11_one.ipynb", "exercises/11_one.ipynb"):
        (notebooks / path).write_text(f"the course's {path}")
    (shipped / "pictures").mkdir()
    (shipped / "pictures" / "11_one.webp").write_bytes(b"cover")


def everything(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_notebooks_exercises_and_covers_are_laid_out(course, tmp_path, capsys):
    assert main(["notebooks", str(tmp_path / "mine")]) == 0
    assert "4 files" in capsys.readouterr().out
    assert everything(tmp_path / "mine") == {
        "notebooks/11_one.py": b"the course's 11_one.py",
        "notebooks/11_one.ipynb": b"the course's 11_one.ipynb",
        "notebooks/exercises/11_one.ipynb": b"the course's exercises/11_one.ipynb",
        "data/pictures/11_one.webp": b"cover",
    }


def test_a_second_time_only_what_is_missing_is_written(course, tmp_path):
    layout.lay_out(tmp_path / "mine")
    gone = tmp_path / "mine" / "notebooks" / "11_one.py"
    gone.unlink()
    assert layout.lay_out(tmp_path / "mine") == [gone]


def test_somebodys_answers_are_never_overwritten(course, tmp_path, capsys):
    layout.lay_out(tmp_path / "mine")
    answers = tmp_path / "mine" / "notebooks" / "exercises" / "11_one.ipynb"
    answers.write_text("my answers")
    (tmp_path / "mine" / "notebooks" / "11_one.py").unlink()
    before = everything(tmp_path / "mine")
    assert main(["notebooks", str(tmp_path / "mine")]) == 1
    assert str(answers) in capsys.readouterr().err
    assert everything(tmp_path / "mine") == before


def test_a_file_in_the_place_of_the_folder_is_named(course, tmp_path):
    (tmp_path / "mine").write_text("a file")
    with pytest.raises(FileExistsError, match="name a folder"):
        layout.lay_out(tmp_path / "mine")
