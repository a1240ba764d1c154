"""New notebooks, the map, and the runner: what passes, what fails, what is kept."""

import json
import os

import jupytext
import nbformat
import pytest

from genimg_lib.cli import main
from genimg_lib.course import chapters, runner, scaffold

HEAD = """# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     notebook_metadata_filter: -jupytext.text_representation
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

"""
FUNCTION = """# %%
def f():
    return 1
"""
RUNS = """# %%
from genimg_lib.training import start

run = start("{name}", steps=(1, 2, 3))
run.report(steps=run.steps)
"""


def test_a_new_notebook_is_a_pair_that_runs_as_it_is(notebooks, tmp_path, capsys):
    assert main(["new", "81_first_steps"]) == 0
    assert capsys.readouterr().out.split() == [
        str(notebooks / "81_first_steps.py"),
        str(notebooks / "81_first_steps.ipynb"),
    ]
    assert "# 81 First steps" in (notebooks / "81_first_steps.py").read_text()
    pair = [jupytext.read(notebooks / f"81_first_steps{end}").cells for end in (".py", ".ipynb")]
    assert [c.source for c in pair[0]] == [c.source for c in pair[1]]
    assert main(["run", "81", "--profile", "quick"]) == 0
    said = capsys.readouterr().out
    assert "81_first_steps" in said.splitlines()[-1]
    assert "pass  " in said.splitlines()[-1]
    assert "images 8" in said.splitlines()[-1]
    executed = nbformat.read(
        tmp_path / "out" / "executed" / "quick" / "81_first_steps.ipynb", as_version=4
    )
    code = [c for c in executed.cells if c.cell_type == "code"]
    assert [c.execution_count for c in code] == list(range(1, len(code) + 1)) != []
    assert not (notebooks / "81_first_steps.ipynb").read_text().count("image/png")


def test_a_notebook_of_the_map_gets_its_title(notebooks):
    scaffold.new("22_dcgan")
    assert "# 22 DCGAN" in (notebooks / "22_dcgan.py").read_text()


@pytest.mark.parametrize(
    "name", ["5_x", "22-dcgan", "22_", "22_Dcgan", "dcgan", "../22_x", "22_x.py", "22_x\n", ""]
)
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
    assert "'99'; known: 01_one, 22_two" in capsys.readouterr().err


def test_notebooks_are_chosen_by_number_or_name_and_all_are_taken_where_none_is_named(notebooks):
    for name in ("22_two", "01_one", "01_other"):
        (notebooks / f"{name}.py").touch()
    assert chapters.choose([]) == ["01_one", "01_other", "22_two"]
    assert chapters.choose(["22", "1"]) == ["22_two", "01_one", "01_other"]
    assert chapters.choose(["01_other"]) == ["01_other"]


def test_the_map_is_in_step_with_itself():
    numbers = [c.name[:2] for c in chapters.CHAPTERS]
    assert numbers == sorted(set(numbers))
    for c in chapters.CHAPTERS:
        assert c.part in chapters.PARTS
        assert all(n in numbers and n < c.name[:2] for n in c.needs)


def test_an_unknown_profile_is_refused_before_anything_runs(notebooks, monkeypatch, capsys):
    (notebooks / "01_one.py").touch()
    monkeypatch.setattr(runner, "run", lambda *_: pytest.fail("it ran"))
    assert main(["run", "--profile", "fast"]) == 1
    assert "'fast'; known: quick, cpu, gpu" in capsys.readouterr().err
    monkeypatch.setenv("GENIMG_PROFILE", "faster")
    assert main(["run"]) == 1


def test_the_profile_of_a_run_is_the_one_asked_for_else_the_environments_else_quick(
    notebooks, monkeypatch
):
    (notebooks / "01_one.py").touch()
    monkeypatch.delenv("GENIMG_PROFILE", raising=False)
    asked = []
    monkeypatch.setattr(
        runner, "run_all", lambda names, profile, store: asked.append((names, profile, store))
    )
    main(["run"])
    monkeypatch.setenv("GENIMG_PROFILE", "gpu")
    main(["run", "1", "--store"])
    main(["run", "--profile", "cpu"])
    assert asked == [
        (["01_one"], "quick", False),
        (["01_one"], "gpu", True),
        (["01_one"], "cpu", False),
    ]


def test_one_notebook_that_fails_and_one_whose_kernel_dies_are_in_the_table_with_those_that_pass(
    notebooks, shipped, tmp_path, monkeypatch, capsys
):
    (notebooks / "01_fails.py").write_text(
        RUNS.format(name="01_fails") + "\n# %%\n1 / 0\n\n# %%\nprint('after')\n"
    )
    (notebooks / "02_dies.py").write_text("# %%\nimport os\n\nos._exit(1)\n")
    (notebooks / "03_passes.py").write_text(RUNS.format(name="03_passes"))
    # the one asked for goes before it, in the kernels too
    monkeypatch.setenv("GENIMG_PROFILE", "cpu")
    stale = tmp_path / "out" / "02_dies" / "quick" / "results.json"
    stale.parent.mkdir(parents=True)
    stale.write_text('{"metrics": {"of_last_week": 1}}')
    left = tmp_path / "out" / "03_passes" / "quick" / "checkpoints" / "train"
    left.mkdir(parents=True)  # what is stored does not go on from an interrupted run
    assert main(["run", "--profile", "quick", "--store"]) == 1
    said = capsys.readouterr().out
    assert "of_last_week" not in said
    assert left.parent.with_name("checkpoints.old").is_dir() and not left.exists()
    assert "checkpoints.old" in said
    rows = {
        line.split()[0]: line.split()
        for line in reversed(said.splitlines())
        if line[:3] in ("01_", "02_", "03_")
    }
    assert [rows[name][3] for name in ("01_fails", "02_dies", "03_passes")] == [
        "fail",
        "fail",
        "pass",
    ]
    assert "01_fails failed: ZeroDivisionError: division by zero\n  at line 1 1 / 0\n" in said
    # MiB, of a kernel that has imported torch
    assert int(rows["03_passes"][2].replace(",", "")) > 100
    # what failed is not kept as the course's
    assert [p.name for p in notebooks.glob("*.ipynb")] == ["03_passes.ipynb"]
    stored = json.loads((shipped / "results" / "03_passes.quick.json").read_text())
    assert stored["metrics"] == {"steps": 1}
    assert stored["notebook_seconds"] >= 0 and stored["notebook_memory_mib"] > 100
    assert not list((shipped / "results").glob("0[12]_*"))
    failed = nbformat.read(tmp_path / "out" / "executed" / "quick" / "01_fails.ipynb", as_version=4)
    assert failed.cells[1].outputs[0].ename == "ZeroDivisionError"
    assert not failed.cells[2].outputs


# ------------------------------------------------------------------ machines of others


def test_a_foreign_kernel_called_python3_is_not_taken(notebooks, monkeypatch, tmp_path):
    kernel = tmp_path / "jupyter" / "kernels" / "python3" / "kernel.json"
    kernel.parent.mkdir(parents=True)
    kernel.write_text('{"argv": ["/nowhere/python"], "display_name": "x", "language": "python"}')
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    (notebooks / "01_one.py").write_text(RUNS.format(name="01_one"))
    assert main(["run", "1", "--profile", "quick"]) == 0


def test_notebooks_work_in_their_folder_and_kernels_are_quiet(
    notebooks, monkeypatch, tmp_path, capfd
):
    monkeypatch.chdir(tmp_path)
    (notebooks / "01_one.py").write_text(
        '# %%\nfrom pathlib import Path\n\nassert Path.cwd().name == "notebooks", Path.cwd()\n'
    )
    assert main(["run", "1", "--profile", "quick"]) == 0
    assert "without encryption" not in "".join(capfd.readouterr())  # what jupyter_client warns of


def test_a_notebook_edited_elsewhere_is_not_passed_over(notebooks, capsys):
    program = notebooks / "01_one.py"
    program.write_text(RUNS.format(name="01_one"))
    edited = jupytext.read(program)
    edited.cells[0].source += "\nraise ValueError('mine')"
    nbformat.write(edited, notebooks / "01_one.ipynb")
    os.utime(program, (1, 1))
    assert main(["run", "1", "--profile", "quick"]) == 1
    assert "01_one.ipynb was edited after 01_one.py" in capsys.readouterr().out
    os.utime(notebooks / "01_one.ipynb", (0, 0))
    assert main(["run", "1", "--profile", "quick"]) == 0


def test_ctrl_c_shows_what_was_done(notebooks, monkeypatch, capsys):
    for name in ("01_one", "02_two", "03_three"):
        (notebooks / f"{name}.py").touch()

    def run(name, *_):
        if name != "01_one":  # the keyboard stops whatever is running
            raise KeyboardInterrupt
        return runner.Outcome(name, 1.0, 100)

    monkeypatch.setattr(runner, "_safely", run)
    monkeypatch.setattr(runner, "_end_kernels", lambda: None)
    assert main(["run", "1", "2", "3", "--profile", "cpu"]) == 130
    said = capsys.readouterr()
    assert "01_one" in said.out and "stopped after 1 of 3 notebooks" in said.out
    assert "Traceback" not in said.err


def test_a_place_that_cannot_be_written_is_said_before_anything_runs(
    notebooks, monkeypatch, tmp_path, capsys
):
    (notebooks / "01_one.py").touch()
    (tmp_path / "file").touch()
    monkeypatch.setenv("GENIMG_OUT", str(tmp_path / "file" / "out"))
    monkeypatch.setattr(runner, "run", lambda *_: pytest.fail("it ran"))
    assert main(["run", "1"]) == 1
    assert "GENIMG_OUT" in capsys.readouterr().err


def test_to_open_and_save_a_notebook_in_lab_changes_nothing(notebooks):
    from jupytext import TextFileContentsManager

    (notebooks / "01_one.py").write_text(HEAD + "# %% [markdown]\n# Text\n\n\n" + FUNCTION)
    notebook = jupytext.read(notebooks / "01_one.py")
    runner.prepare(notebook)
    nbformat.write(notebook, notebooks / "01_one.ipynb")
    later = (notebooks / "01_one.py").stat().st_mtime + 5
    os.utime(notebooks / "01_one.ipynb", (later, later))
    before = (notebooks / "01_one.py").read_text()
    manager = TextFileContentsManager(root_dir=str(notebooks))
    manager.save(manager.get("01_one.ipynb"), "01_one.ipynb")
    assert (notebooks / "01_one.py").read_text() == before
