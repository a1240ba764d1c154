"""The command line and what stands behind it: the doctor, the runner, new notebooks, tables; and what importing costs."""

import json
import runpy
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import jupytext
import nbformat
import psutil
import pytest
import torch
from PIL import Image

from genimg_lib import course, data, doctor, runner, scaffold, tables, training
from genimg_lib.cli import main

ROOMS = "checkpoints, data, divergences, metrics, plots, training, vae, widgets"
RUNS = '# %%\nfrom genimg_lib.training import start\n\nrun = start("{name}", steps=(1, 2, 3))\nrun.report(steps=run.steps)\n'


@pytest.fixture
def notebooks(tmp_path, monkeypatch):
    """A folder for notebooks, empty, in place of the course's."""
    folder = tmp_path / "checkout" / "notebooks"
    folder.mkdir(parents=True)
    monkeypatch.setattr(course, "notebooks_folder", lambda: folder)
    return folder


def python(code, *options):
    """What a fresh Python prints, away from the checkout."""
    return subprocess.run([sys.executable, *options, "-c", code], capture_output=True, text=True, check=True, cwd="/").stdout


# ---------------------------------------------------------------------------------------------- what importing costs


def test_help_answers_at_once(tmp_path):
    fastest = 9.0
    for _ in range(3):
        began = time.perf_counter()
        done = subprocess.run([sys.executable, "-m", "genimg_lib", "--help"], capture_output=True, text=True, cwd=tmp_path)
        fastest = min(fastest, time.perf_counter() - began)
        assert done.returncode == 0
        assert all(command in done.stdout for command in ("run", "doctor", "data", "new", "tables"))
    assert fastest < 1


def test_help_and_the_bare_library_import_nothing_that_is_slow():
    code = "import sys, genimg_lib.cli; a = genimg_lib.cli._parser().format_help(); print(*{'torch', 'numpy', 'matplotlib', 'IPython'} & set(sys.modules))"
    assert python(code).strip() == ""


def test_all_rooms_cost_little_beside_torch():
    code = f"import time, torch; began = time.perf_counter(); from genimg_lib import {ROOMS}; print(time.perf_counter() - began)"
    fastest = 9.0
    for _ in range(5):
        fastest = min(fastest, float(python(code)))
        if fastest < 0.3:
            break
    assert fastest < 0.3


def test_rooms_import_drawing_and_widgets_only_where_they_are_used():
    loaded = python(
        f"import sys; from genimg_lib import {ROOMS}; print(*{{'matplotlib', 'ipywidgets', 'accelerate', 'IPython', 'tqdm'}} & set(sys.modules))"
    )
    assert loaded.split() in ([], ["tqdm"])  # torch imports tqdm where it finds it


# ---------------------------------------------------------------------------------------------- calls


def test_a_call_without_a_command_shows_the_help(capsys):
    assert main([]) == 2
    assert "COMMAND" in capsys.readouterr().out


@pytest.mark.parametrize("call", [["nonsense"], ["new"], ["run", "--fast"], ["data", "fetch"]])
def test_a_call_that_cannot_be_understood_ends_with_2(call, capsys):
    with pytest.raises(SystemExit) as end:
        main(call)
    assert end.value.code == 2
    assert "usage: genimg" in capsys.readouterr().err


# ---------------------------------------------------------------------------------------------- doctor


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
    for subject in ("python", "packages", "device", "profile", "memory", "output", "data", "weights"):
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


def test_the_doctor_sees_an_unknown_profile_and_counts_problems(healthy, monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("GENIMG_PROFILE", "fast")
    (tmp_path / "file").touch()
    monkeypatch.setenv("GENIMG_OUT", str(tmp_path / "file"))
    assert main(["doctor"]) == 1
    said = capsys.readouterr().out
    assert "'fast'; known: quick, cpu, gpu" in said
    assert "2 problems to solve" in said


def test_the_doctor_sees_missing_packages_weights_and_an_old_python(healthy, monkeypatch, tmp_path):
    monkeypatch.setattr(doctor.importlib.metadata, "requires", lambda _: ["torch>=2", "no_such_package>=1", "other; extra == 'test'"])
    monkeypatch.setattr(doctor.sys, "version_info", (3, 10))
    (tmp_path / "registry.json").write_text("{}")
    monkeypatch.setattr("genimg_lib.data.fetch.shipped", lambda: tmp_path)
    problems = {subject: finding for state, subject, finding in doctor.examine() if state == "problem"}
    assert problems.keys() == {"python", "packages", "weights"}
    assert "missing: no_such_package;" in problems["packages"]


# ---------------------------------------------------------------------------------------------- data


def test_data_list_names_every_set_and_where_it_is(capsys):
    for call in (["data", "list"], ["data"]):
        assert main(call) == 0
        said = capsys.readouterr().out
        for name in ("portraits", "photos", "folder:PATH", "mnist", "fashion_mnist"):
            assert f"\n{name} " in "\n" + said
        assert "to be fetched" in said
        assert "licence" in said


@pytest.mark.parametrize("action", ["fetch", "show"])
def test_an_unknown_data_set_is_refused_with_the_known_ones(action, capsys):
    assert main(["data", action, "imagenet"]) == 1
    captured = capsys.readouterr()
    assert "genimg: " in captured.err and "'imagenet'; known: " in captured.err and "fashion_mnist" in captured.err
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


# ---------------------------------------------------------------------------------------------- run and new


def test_a_new_notebook_is_a_pair_that_runs_as_it_is(notebooks, tmp_path, capsys):
    assert main(["new", "81_first_steps"]) == 0
    assert capsys.readouterr().out.split() == [str(notebooks / "81_first_steps.py"), str(notebooks / "81_first_steps.ipynb")]
    assert "# 81 First steps" in (notebooks / "81_first_steps.py").read_text()
    pair = [jupytext.read(notebooks / f"81_first_steps{end}").cells for end in (".py", ".ipynb")]
    assert [c.source for c in pair[0]] == [c.source for c in pair[1]]
    assert main(["run", "81", "--profile", "quick"]) == 0
    said = capsys.readouterr().out
    assert "81_first_steps" in said.splitlines()[-1]
    assert "pass  " in said.splitlines()[-1]
    assert "images 8" in said.splitlines()[-1]
    executed = nbformat.read(tmp_path / "out" / "executed" / "quick" / "81_first_steps.ipynb", as_version=4)
    code = [c for c in executed.cells if c.cell_type == "code"]
    assert [c.execution_count for c in code] == list(range(1, len(code) + 1)) != []
    assert not (notebooks / "81_first_steps.ipynb").read_text().count("image/png")


def test_a_notebook_of_the_map_gets_its_title(notebooks):
    scaffold.new("22_dcgan")
    assert "# 22 DCGAN" in (notebooks / "22_dcgan.py").read_text()


@pytest.mark.parametrize("name", ["5_x", "22-dcgan", "22_", "22_Dcgan", "dcgan", "../22_x", "22_x.py", "22_x\n", ""])
def test_names_that_are_no_notebooks_are_refused(name, notebooks, capsys):
    assert main(["new", name]) == 1
    assert "22_dcgan" in capsys.readouterr().err
    assert not list(notebooks.parent.rglob("*.py"))


@pytest.mark.parametrize("end", [".py", ".ipynb"])
def test_a_notebook_that_is_there_is_never_overwritten(end, notebooks, capsys):
    (notebooks / f"22_dcgan{end}").write_text("mine")
    assert main(["new", "22_dcgan"]) == 1
    assert "there already" in capsys.readouterr().err
    assert [p.read_text() for p in notebooks.iterdir()] == ["mine"]


def test_an_unknown_number_is_refused_with_the_known_ones(notebooks, capsys):
    for name in ("01_one", "22_two"):
        (notebooks / f"{name}.py").touch()
    assert main(["run", "1", "99"]) == 1
    assert "'99'; there are 01_one, 22_two" in capsys.readouterr().err


def test_notebooks_are_chosen_by_number_or_name_and_all_are_taken_where_none_is_named(notebooks):
    for name in ("22_two", "01_one", "01_other"):
        (notebooks / f"{name}.py").touch()
    assert course.choose([]) == ["01_one", "01_other", "22_two"]
    assert course.choose(["22", "1"]) == ["22_two", "01_one", "01_other"]
    assert course.choose(["01_other"]) == ["01_other"]


def test_the_map_is_in_step_with_itself():
    numbers = [c.name[:2] for c in course.CHAPTERS]
    assert numbers == sorted(set(numbers))
    for c in course.CHAPTERS:
        assert c.part in course.PARTS
        assert all(n in numbers and n < c.name[:2] for n in c.needs)


def test_an_unknown_profile_is_refused_before_anything_runs(notebooks, monkeypatch, capsys):
    (notebooks / "01_one.py").touch()
    monkeypatch.setattr(runner, "run", lambda *_: pytest.fail("it ran"))
    assert main(["run", "--profile", "fast"]) == 1
    assert "'fast'; known: quick, cpu, gpu" in capsys.readouterr().err
    monkeypatch.setenv("GENIMG_PROFILE", "faster")
    assert main(["run"]) == 1


def test_the_profile_of_a_run_is_the_one_asked_for_else_the_environments_else_quick(notebooks, monkeypatch):
    (notebooks / "01_one.py").touch()
    monkeypatch.delenv("GENIMG_PROFILE", raising=False)
    asked = []
    monkeypatch.setattr(runner, "run_all", lambda names, profile, store: asked.append((names, profile, store)))
    main(["run"])
    monkeypatch.setenv("GENIMG_PROFILE", "gpu")
    main(["run", "1", "--store"])
    main(["run", "--profile", "cpu"])
    assert asked == [(["01_one"], "quick", False), (["01_one"], "gpu", True), (["01_one"], "cpu", False)]


def test_one_notebook_that_fails_and_one_whose_kernel_dies_are_in_the_table_with_those_that_pass(notebooks, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(runner, "shipped", lambda: tmp_path / "shipped")
    (notebooks / "01_fails.py").write_text(RUNS.format(name="01_fails") + "\n# %%\n1 / 0\n\n# %%\nprint('after')\n")
    (notebooks / "02_dies.py").write_text("# %%\nimport os\n\nos._exit(1)\n")
    (notebooks / "03_passes.py").write_text(RUNS.format(name="03_passes"))
    monkeypatch.setenv("GENIMG_PROFILE", "cpu")  # the one asked for goes before it, in the kernels too
    stale = tmp_path / "out" / "02_dies" / "quick" / "results.json"
    stale.parent.mkdir(parents=True)
    stale.write_text('{"metrics": {"of_last_week": 1}}')
    assert main(["run", "--profile", "quick", "--store"]) == 1
    said = capsys.readouterr().out
    assert "of_last_week" not in said
    rows = {line.split()[0]: line.split() for line in reversed(said.splitlines()) if line[:3] in ("01_", "02_", "03_")}
    assert [rows[name][3] for name in ("01_fails", "02_dies", "03_passes")] == ["fail", "fail", "pass"]
    assert "01_fails failed: ZeroDivisionError: division by zero\n  at line 1 1 / 0\n" in said
    assert int(rows["03_passes"][2].replace(",", "")) > 100  # MiB, of a kernel that has imported torch
    assert [p.name for p in notebooks.glob("*.ipynb")] == ["03_passes.ipynb"]  # what failed is not kept as the course's
    stored = json.loads((tmp_path / "shipped" / "results" / "03_passes.quick.json").read_text())
    assert stored["metrics"] == {"steps": 1}
    assert stored["notebook_seconds"] >= 0 and stored["notebook_memory_mib"] > 100
    assert [p.name for p in (tmp_path / "shipped" / "results").iterdir()] == ["03_passes.quick.json"]
    failed = nbformat.read(tmp_path / "out" / "executed" / "quick" / "01_fails.ipynb", as_version=4)
    assert failed.cells[1].outputs[0].ename == "ZeroDivisionError"
    assert not failed.cells[2].outputs


# ---------------------------------------------------------------------------------------------- tables

PAGE = "# Course\n\n<!-- table: map -->\nold\n<!-- end -->\n\ntext\n\n<!-- table: figures --><!-- end -->\n\n<!-- table: evaluators -->\n<!-- end -->\nlast\n"


@pytest.fixture
def results(tmp_path, monkeypatch):
    """A folder of results, of one notebook."""
    (tmp_path / "shipped" / "results").mkdir(parents=True)
    result = {"notebook": "31_vae", "profile": "cpu", "seed": 0, "device": "cpu, 2 threads", "metrics": {"fd_real": 12.3456, "images": 64}}
    result |= {"notebook_seconds": 61, "notebook_memory_mib": 1234}
    (tmp_path / "shipped" / "results" / "31_vae.cpu.json").write_text(json.dumps(result))
    monkeypatch.setattr(tables, "shipped", lambda: tmp_path / "shipped")


def test_filling_tables_twice_changes_nothing_more_and_text_around_them_stays(notebooks, results):
    once = tables.fill(PAGE)
    assert tables.fill(once) == once
    for kept in ("# Course\n\n<!-- table: map -->", "<!-- end -->\n\ntext\n\n<!-- table: figures -->", "<!-- end -->\nlast\n"):
        assert kept in once
    assert "old" not in once


def test_tables_say_what_stands_and_what_was_measured(notebooks, results):
    (notebooks / "31_vae.py").touch()
    filled = tables.fill(PAGE)
    assert "| 31 | [The variational autoencoder](notebooks/31_vae.ipynb) | 11 | ✓ |" in filled
    assert "| 22 | DCGAN | 12, 21 | to come |" in filled
    assert "| 31_vae | cpu | fd real 12.35<br>images 64 | 61 s, 1,234 MiB | cpu, 2 threads, seed 0 |" in filled


def test_a_long_row_of_figures_ends_with_a_link_to_the_others(results, tmp_path):
    path = tmp_path / "shipped" / "results" / "31_vae.cpu.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"metrics": {f"m{k}": k for k in range(11)}}))
    assert "m6 6<br>m7 7<br>[and 3 more](data/results/31_vae.cpu.json) |" in tables.figures() and "m8" not in tables.figures()


def test_a_notebooks_expected_figures_are_its_stored_ones(results, capsys):
    tables.show_expected("31_vae")
    assert "| cpu | cpu, 2 threads | 61 s | 1,234 MiB | fd_real 12.35 |" in capsys.readouterr().out
    assert "no stored results" in tables.expected("25_style_based_gan")


def test_a_benchmarks_figures_are_stored_and_read_back(results, tmp_path):
    run = training.start("bench_a")
    run.report(fd=1.5, images=3)
    tables.store(run, "bench_a", "benchmarks/a.py", 2.5)
    assert tables.results("bench_a", run.profile) == {"fd": 1.5, "images": 3}
    stored = json.loads((tmp_path / "shipped" / "results" / f"bench_a.{run.profile}.json").read_text())
    assert stored["notebook"] == "benchmarks/a.py" and stored["notebook_seconds"] == 150 and stored["notebook_memory_mib"] > 0
    run.is_main = False
    tables.store(run, "bench_b", "benchmarks/b.py", 1)
    with pytest.raises(FileNotFoundError):
        tables.results("bench_b", run.profile)


def test_the_evaluators_table_comes_from_the_files_that_ship(notebooks):
    assert tables.evaluators().count("evaluator_portraits") == 1


def test_tables_are_written_only_where_that_changes_them(notebooks, results, capsys):
    readme = notebooks.parent / "README.md"
    readme.write_text(PAGE)
    assert main(["tables"]) == 0
    assert "made anew" in capsys.readouterr().out
    written = readme.stat().st_mtime_ns
    assert main(["tables"]) == 0
    assert "in step already" in capsys.readouterr().out
    assert readme.stat().st_mtime_ns == written
    assert readme.read_text() == tables.fill(PAGE)


def test_a_table_that_nobody_makes_is_named(notebooks, results, capsys):
    (notebooks.parent / "README.md").write_text("<!-- table: weather -->\n<!-- end -->\n")
    assert main(["tables"]) == 1
    assert "'weather'" in capsys.readouterr().err


# ---------------------------------------------------------------------------------------------- measurements


def test_bench_lists_the_measurements_runs_one_and_refuses_unknown_ones(notebooks, capfd):
    folder = notebooks.parent / "benchmarks"
    folder.mkdir()
    (folder / "speed.py").write_text('"""How fast it is.\n\nMore."""\nimport sys\n\nprint("called with", sys.argv[1:])\nsys.exit(3)\n')
    assert main(["bench"]) == 0
    assert capfd.readouterr().out == "speed            How fast it is.\n"
    assert main(["bench", "speed", "--minutes", "2"]) == 3
    assert capfd.readouterr().out == "called with ['--minutes', '2']\n"
    assert main(["bench", "sped"]) == 1
    assert "unknown measurement 'sped'; known: speed" in capfd.readouterr().err


@pytest.mark.parametrize("path", sorted((Path(__file__).resolve().parents[1] / "benchmarks").glob("*.py")), ids=lambda path: path.stem)
def test_every_measurement_says_what_it_is(path):
    done = subprocess.run([sys.executable, str(path), "--help"], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and "usage" in done.stdout, done.stderr


def test_the_measurement_of_gans_tells_copies_from_news():
    nearest = runpy.run_path(str(Path(__file__).resolve().parents[1] / "benchmarks" / "gan.py"))["nearest"]
    train = torch.randint(0, 256, (40, 1, 4, 4), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    images = data.to_float(train)
    assert nearest(images[7:12], train) < 0.01
    assert nearest(images[:5] + 0.125, train) == pytest.approx(0.5, abs=1e-3)  # 16 pixels, each an eighth away
    assert nearest(torch.cat([images[:3], images[:2] + 0.125]), train) < 0.01  # the median of the five
