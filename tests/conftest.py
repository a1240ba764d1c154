"""What all tests share: folders for output and downloads, and the real data if any."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

from genimg_lib import files, results, weights
from genimg_lib.course import chapters

settings.register_profile("genimg", max_examples=25, deadline=None, derandomize=True)
settings.load_profile("genimg")


@pytest.fixture(scope="session")
def real_data_folder():
    """The folder with the real MNIST and Fashion-MNIST, or None."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    given = os.environ.get("GENIMG_DATA") or (str(beside) if beside.is_dir() else None)
    return given and Path(given)


@pytest.fixture(scope="session")
def real_data(real_data_folder):
    """The folder with the real MNIST and Fashion-MNIST; skips where there is none.

    Named by GENIMG_DATA for the test that asks.
    """
    if real_data_folder is None:
        pytest.skip("real MNIST and Fashion-MNIST are not here: set GENIMG_DATA")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENIMG_DATA", str(real_data_folder))
        yield real_data_folder


@pytest.fixture(autouse=True)
def own_folders(request, monkeypatch, tmp_path):
    """No test writes into the reader's folders or sees their data, unless it asks.

    By `real_data`.
    """
    monkeypatch.setenv("GENIMG_OUT", str(tmp_path / "out"))
    monkeypatch.setenv("GENIMG_CACHE", str(tmp_path / "cache"))
    if "real_data" not in request.fixturenames:
        monkeypatch.delenv("GENIMG_DATA", raising=False)


@pytest.fixture
def notebooks(tmp_path, monkeypatch):
    """A folder for notebooks, empty, in place of the course's."""
    folder = tmp_path / "checkout" / "notebooks"
    folder.mkdir(parents=True)
    monkeypatch.setattr(chapters, "notebooks_folder", lambda: folder)
    return folder


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """A folder for what ships, with a result of one notebook, in place of the course's."""
    folder = tmp_path / "shipped"
    monkeypatch.setattr(files, "shipped", lambda: folder)
    for room in (results, weights):
        monkeypatch.setattr(room, "shipped", lambda: folder)
    result = {
        "notebook": "31_vae",
        "profile": "cpu",
        "seed": 0,
        "device": "cpu, 2 threads",
        "metrics": {"fd_real": 12.3456, "images": 64},
        "notebook_seconds": 61,
        "notebook_memory_mib": 1234,
        "peak_memory_mib": 1000,
    }
    files.write_json(folder / "results" / "31_vae.cpu.json", result)
    return folder
