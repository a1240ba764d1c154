"""The doctor: what it finds, and what it says to do."""

from types import SimpleNamespace

import psutil
import pytest

from genimg_lib.cli import main
from genimg_lib.course import doctor
from genimg_lib.data import fetch


@pytest.fixture
def healthy(monkeypatch):
    """A machine with memory to spare, in no profile."""
    monkeypatch.delenv("GENIMG_PROFILE", raising=False)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=64 * 2**30))


def test_the_doctor_finds_this_machine_ready(healthy, capsys):
    assert main(["doctor"]) == 0
    said = capsys.readouterr().out
    assert "PROBLEM" not in said
    assert "All is ready" in said
    for subject in (
        "python",
        "packages",
        "device",
        "profile",
        "memory",
        "output",
        "data",
        "weights",
    ):
        assert subject in said


def test_the_doctor_sees_too_little_memory_for_the_profile(healthy, monkeypatch, capsys):
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=3 * 2**30))
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert main(["doctor"]) == 1
    said = capsys.readouterr().out
    assert "PROBLEM  memory     3.0 GiB are free; profile cpu wants 4" in said
    assert "1 problem to solve" in said
    monkeypatch.setenv("GENIMG_PROFILE", "quick")
    assert main(["doctor"]) == 0


def test_the_doctor_judges_memory_by_the_profile_that_a_gpu_brings(healthy, monkeypatch):
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=5 * 2**30))
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    ((state, _, finding),) = doctor._memory()
    assert state == "problem"
    assert "profile gpu" in finding


def test_the_doctor_sees_a_folder_that_cannot_be_written(healthy, monkeypatch, tmp_path, capsys):
    (tmp_path / "file").touch()
    monkeypatch.setenv("GENIMG_OUT", str(tmp_path / "file" / "out"))
    assert main(["doctor"]) == 1
    assert "PROBLEM  output" in (said := capsys.readouterr().out)
    assert "GENIMG_OUT" in said


def test_the_doctor_sees_an_unknown_profile_and_counts_problems(
    healthy, monkeypatch, tmp_path, capsys
):
    monkeypatch.setenv("GENIMG_PROFILE", "fast")
    (tmp_path / "file").touch()
    monkeypatch.setenv("GENIMG_OUT", str(tmp_path / "file"))
    assert main(["doctor"]) == 1
    said = capsys.readouterr().out
    assert "'fast'; known: quick, cpu, gpu" in said
    assert "2 problems to solve" in said


def test_the_doctor_sees_missing_packages_weights_and_an_old_python(healthy, monkeypatch, tmp_path):
    monkeypatch.setattr(
        doctor.importlib.metadata,
        "requires",
        lambda _: ["torch>=2", "no_such_package>=1", "other; extra == 'test'"],
    )
    monkeypatch.setattr(doctor.sys, "version_info", (3, 10))
    (tmp_path / "registry.json").write_text("{}")
    for room in ("data.fetch", "weights"):
        monkeypatch.setattr(f"genimg_lib.{room}.shipped", lambda: tmp_path)
    problems = {
        subject: finding for state, subject, finding in doctor.examine() if state == "problem"
    }
    assert problems.keys() == {"python", "packages", "weights"}
    assert "missing: no_such_package;" in problems["packages"]


def test_the_doctor_sees_files_that_are_damaged(healthy, monkeypatch, tmp_path, capsys):
    folder = tmp_path / "data" / fetch.registry()["mnist"]["folder"]
    folder.mkdir(parents=True)
    for name in fetch.registry()["mnist"]["files"]:
        (folder / name).touch()
    monkeypatch.setenv("GENIMG_DATA", str(tmp_path / "data"))
    assert main(["doctor"]) == 1
    assert "is cut short or damaged; remove it" in capsys.readouterr().out


def test_the_doctor_sees_a_folder_of_data_that_is_none(healthy, monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("GENIMG_DATA", str(tmp_path / "nothing"))
    assert main(["doctor"]) == 1
    assert "GENIMG_DATA names no folder" in capsys.readouterr().out


def test_the_doctor_sees_what_a_launcher_left(healthy, monkeypatch):
    monkeypatch.delenv("RANK", raising=False)
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert ("problem", "launcher") in [found[:2] for found in doctor._environment()]


def test_the_doctor_sees_a_small_shared_memory(healthy, monkeypatch):
    small = SimpleNamespace(total=64 * 2**20, used=0, free=60 * 2**20)
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: small)
    assert any("/dev/shm has 60 MiB free" in finding for *_, finding in doctor._environment())


def test_the_doctor_sees_another_pythons_kernel(healthy, monkeypatch, tmp_path):
    kernel = tmp_path / "kernels" / "python3" / "kernel.json"
    kernel.parent.mkdir(parents=True)
    kernel.write_text('{"argv": ["/nowhere/python"], "display_name": "x", "language": "python"}')
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    ((state, subject, finding),) = doctor._kernel()
    assert (state, subject) == ("note", "kernel") and "/nowhere/python" in finding
