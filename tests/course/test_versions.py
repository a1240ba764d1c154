"""The tests with other versions: which are installed, and what is run."""

import subprocess
from importlib import metadata

import pytest

from genimg_lib import cli
from genimg_lib.course import chapters, versions

TORCH = f"torch=={metadata.version('torch').split('+')[0]}"


def test_the_lowest_versions_are_those_of_pyproject_and_torch_stays():
    root = chapters.checkout()
    lowest = versions.pins(root, "lowest")
    assert lowest[0] == TORCH and versions.pins(root, "newest") == [TORCH]
    names = [line.split("==")[0] for line in lowest]
    assert len(set(names)) == len(names) > 20
    written = (root / "pyproject.toml").read_text(encoding="utf-8")
    assert all(f'"{line.replace("==", ">=")}"' in written for line in lowest[1:])


@pytest.mark.parametrize("given", [["oldest"], []])
def test_other_choices_are_refused_with_those_that_there_are(given, capsys):
    assert cli.main(["test", "--versions", *given]) == 1
    assert "known: lowest, newest" in capsys.readouterr().err


@pytest.mark.parametrize("which", versions.WHICH)
@pytest.mark.parametrize("given", [(), ("tests/data", "-x")])
def test_they_are_installed_in_a_folder_of_their_own_and_the_tests_run(monkeypatch, which, given):
    calls, places = [], []

    def run(call, **_):
        calls.append([str(word) for word in call])
        return subprocess.CompletedProcess(call, 5 if "pytest" in calls[-1] else 0)

    monkeypatch.setattr(versions.subprocess, "run", run)
    monkeypatch.setattr(versions.venv, "create", lambda place, with_pip: places.append(place))
    assert cli.main(["test", "--versions", which, *given]) == 5
    install, _, tests = calls
    assert ("--upgrade" in install) == (which == "newest")
    assert all(call[0].startswith(str(places[0])) for call in calls)
    assert not places[0].parent.exists()
    assert tests[-2:] == list(given or versions.FAST)


def test_what_cannot_be_installed_ends_with_the_status_of_pip(monkeypatch):
    monkeypatch.setattr(versions.venv, "create", lambda *_, **__: None)
    monkeypatch.setattr(
        versions.subprocess, "run", lambda call, **_: subprocess.CompletedProcess(call, 7)
    )
    assert versions.test("lowest") == 7
