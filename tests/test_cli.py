"""The command line: what importing costs, calls, data sets, measurements."""

import os
import runpy
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from PIL import Image

from genimg_lib import cli, data, gan
from genimg_lib.cli import main
from genimg_lib.data import sources

ROOT = Path(__file__).resolve().parents[1]
ROOMS = "data, divergences, metrics, plots, results, training, vae, widgets"


def python(code, *options):
    """What a fresh Python prints, away from the checkout."""
    command = [sys.executable, *options, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd="/").stdout


def test_help_answers_at_once(tmp_path):
    fastest = 9.0
    for _ in range(3):
        began = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "genimg_lib", "--help"],
            capture_output=True,
            text=True,
            cwd=tmp_path,
        )
        fastest = min(fastest, time.perf_counter() - began)
        assert done.returncode == 0
        assert all(command in done.stdout for command in ("run", "doctor", "data", "new", "tables"))
    assert fastest < 1


def test_help_and_the_bare_library_import_nothing_that_is_slow():
    code = (
        "import sys, genimg_lib.cli; a = genimg_lib.cli._parser().format_help(); print(*{'torch',"
        " 'numpy', 'matplotlib', 'IPython'} & set(sys.modules))"
    )
    assert python(code).strip() == ""


@pytest.mark.parametrize(
    ("command", "program"),
    [("lab", "jupyterlab"), ("test", "pytest"), ("book", str(ROOT / "book" / "build.py"))],
)
def test_what_another_program_understands_is_passed_on_as_it_is(monkeypatch, command, program):
    calls = []

    def run(call, **_):
        calls.append(call)
        return subprocess.CompletedProcess(call, 3)

    monkeypatch.setattr(cli.subprocess, "run", run)
    words = ["-x", "--only", "11", "31", "-k", "a b", "--help"]
    assert main([command, *words]) == 3
    (call,) = calls
    assert program in call and call[-len(words) :] == words


def test_all_rooms_cost_little_beside_torch(monkeypatch, tmp_path):
    monkeypatch.setenv("PYTHONPYCACHEPREFIX", str(tmp_path))  # compiled once, as for everybody
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    code = (
        f"import time, torch; began = time.perf_counter(); from genimg_lib import {ROOMS};"
        " print(time.perf_counter() - began)"
    )
    fastest = 9.0
    for _ in range(5):
        fastest = min(fastest, float(python(code)))
        if fastest < 0.3:
            break
    assert fastest < 0.3


def test_rooms_import_drawing_and_widgets_only_where_they_are_used():
    loaded = python(
        f"import sys; from genimg_lib import {ROOMS}; print(*{{'matplotlib', 'ipywidgets',"
        " 'accelerate', 'IPython', 'tqdm'} & set(sys.modules))"
    )
    assert loaded.split() in ([], ["tqdm"])  # torch imports tqdm where it finds it


def test_a_call_without_a_command_shows_the_help(capsys):
    assert main([]) == 2
    assert "COMMAND" in capsys.readouterr().out


@pytest.mark.parametrize("call", [["nonsense"], ["new"], ["run", "--fast"], ["data", "fetch"]])
def test_a_call_that_cannot_be_understood_ends_with_2(call, capsys):
    with pytest.raises(SystemExit) as end:
        main(call)
    assert end.value.code == 2
    assert "usage: genimg" in capsys.readouterr().err


def test_data_list_names_every_set_and_where_it_is(capsys):
    for call in (["data", "list"], ["data"]):
        assert main(call) == 0
        said = capsys.readouterr().out
        for name in sources.names():
            assert f"\n{name} " in "\n" + said
        assert "to be fetched" in said
        assert "licence" in said


@pytest.mark.parametrize("action", ["fetch", "show"])
def test_an_unknown_data_set_is_refused_with_the_known_ones(action, capsys):
    assert main(["data", action, "imagenet"]) == 1
    captured = capsys.readouterr()
    assert (
        "genimg: " in captured.err
        and "'imagenet'; known: " in captured.err
        and "fashion_mnist" in captured.err
    )
    assert "Traceback" not in captured.err + captured.out


def test_what_needs_no_download_says_so(capsys):
    assert main(["data", "fetch", "portraits"]) == 0
    assert "no download" in capsys.readouterr().out


def test_data_show_describes_a_set_and_draws_it(tmp_path, capsys):
    assert main(["data", "show", "portraits"]) == 0
    said = capsys.readouterr().out
    assert "hat: none, beanie, cap, sun hat" in said
    assert Image.open(tmp_path / "out" / "data" / "portraits.png").width == 1200
    folder = tmp_path / "mine" / "cats"
    folder.mkdir(parents=True)
    Image.new("RGB", (20, 20), "red").save(folder / "1.png")
    assert main(["data", "show", f"folder:{tmp_path / 'mine'}"]) == 0
    said = capsys.readouterr().out
    assert "classes: cats" in said
    assert Path(said.split("pictures: ")[1].strip()).parent == tmp_path / "out" / "data"


def test_bench_lists_the_measurements_runs_one_and_refuses_unknown_ones(notebooks, capfd):
    folder = notebooks.parent / "benchmarks"
    folder.mkdir()
    (folder / "speed.py").write_text(
        '"""How fast it is.\n\nMore."""\nimport sys\n\nprint("called with",'
        " sys.argv[1:])\nsys.exit(3)\n"
    )
    assert main(["bench"]) == 0
    assert capfd.readouterr().out == "speed            How fast it is.\n"
    assert main(["bench", "speed", "--minutes", "2"]) == 3
    assert capfd.readouterr().out == "called with ['--minutes', '2']\n"
    assert main(["bench", "sped"]) == 1
    assert "unknown measurement 'sped'; known: speed" in capfd.readouterr().err


@pytest.mark.parametrize(
    "path",
    sorted((ROOT / "benchmarks").glob("*.py")),
    ids=lambda path: path.stem,
)
def test_every_measurement_says_what_it_is(path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [str(path), "--help"])
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(path), run_name="__main__")
    assert end.value.code == 0 and "usage" in capsys.readouterr().out


def test_the_textbooks_networks_when_tuned_are_about_as_large_as_ours():
    bench = runpy.run_path(str(ROOT / "benchmarks" / "gan.py"))
    ours = gan.Generator(28, 1, width=24), gan.Discriminator(28, 1, width=24)
    tuned = bench["textbook"](28, 1, width=32, latent=64)
    for net, other in zip(tuned, ours, strict=True):
        assert 0.6 < bench["weights"](net) / bench["weights"](other) < 1.6
    images = tuned[0](torch.zeros(3, 64))
    assert images.shape == (3, 1, 28, 28) and tuned[1](images).shape == (3,)


def test_the_measurement_of_gans_tells_copies_from_news():
    nearest = runpy.run_path(str(Path(__file__).resolve().parents[1] / "benchmarks" / "gan.py"))[
        "nearest"
    ]
    train = torch.randint(
        0, 256, (40, 1, 4, 4), generator=torch.Generator().manual_seed(0), dtype=torch.uint8
    )
    images = data.to_float(train)
    assert nearest(images[7:12], train) < 0.01
    # 16 pixels, each an eighth away
    assert nearest(images[:5] + 0.125, train) == pytest.approx(0.5, abs=1e-3)
    # the median of the five
    assert nearest(torch.cat([images[:3], images[:2] + 0.125]), train) < 0.01


# ------------------------------------------------------------------ consoles and roots


def test_a_console_that_cannot_show_a_name_does_not_fail_the_work(tmp_path):
    out = tmp_path / "\u732b.png"
    command = [sys.executable, "-m", "genimg_lib", "sample", "gan_portraits", "-n", "1", "-o", out]
    environment = os.environ | {"PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "0"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert out.is_file() and "\\u732b.png" in done.stdout


@pytest.mark.skipif(os.name == "nt", reason="pipes end otherwise on Windows")
def test_a_reader_of_the_output_may_leave_early():
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "genimg_lib", "data", "list"]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, cwd=ROOT)
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, b"")


def test_root_is_told_how_to_open_the_lab(monkeypatch, capsys):
    ended = type("Ended", (), {"returncode": 1})
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: ended)
    monkeypatch.setattr(os, "geteuid", lambda: 0, raising=False)
    assert main(["lab"]) == 1
    assert "make lab LAB=--allow-root" in capsys.readouterr().err
    assert main(["lab", "--allow-root"]) == 1
    assert "LAB=" not in capsys.readouterr().err


def test_make_passes_options_on_and_notices_a_clone_that_was_moved(tmp_path):
    (tmp_path / "Makefile").write_bytes((ROOT / "Makefile").read_bytes())
    for name in ("pyproject.toml", "constraints.txt"):
        (tmp_path / name).touch()
    (tmp_path / ".venv").mkdir()
    ready = tmp_path / ".venv" / "ready"

    def make(*arguments):
        command = ["make", "-C", tmp_path, *arguments]
        return subprocess.run(command, capture_output=True, text=True)

    ready.write_text(f"{tmp_path.resolve()}\n")
    assert "lab --allow-root" in make("-n", "lab", "LAB=--allow-root").stdout
    assert make("here").returncode == 0
    ready.write_text("/another/place\n")
    assert "this clone was moved: rm -rf .venv" in (moved := make("here")).stderr
    assert moved.returncode != 0
