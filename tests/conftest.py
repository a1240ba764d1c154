"""What all tests share: folders of their own for output and downloads, and the real data where it is."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("genimg", max_examples=25, deadline=None, derandomize=True)
settings.load_profile("genimg")


@pytest.fixture(scope="session")
def real_data():
    """The folder with the real MNIST and Fashion-MNIST, named by GENIMG_DATA for the test that asks; skips where there is none."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    given = os.environ.get("GENIMG_DATA") or (str(beside) if beside.is_dir() else None)
    if given is None:
        pytest.skip("real MNIST and Fashion-MNIST are not here: set GENIMG_DATA")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENIMG_DATA", given)
        yield Path(given)


@pytest.fixture(autouse=True)
def own_folders(request, monkeypatch, tmp_path):
    """No test writes into the reader's folders or sees their data, unless it asks for `real_data`."""
    monkeypatch.setenv("GENIMG_OUT", str(tmp_path / "out"))
    monkeypatch.setenv("GENIMG_CACHE", str(tmp_path / "cache"))
    if "real_data" not in request.fixturenames:
        monkeypatch.delenv("GENIMG_DATA", raising=False)
