"""The course as a whole: pairs in step, outputs complete, links, versions.

And a project that stands alone.
"""

import copy
import json
import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import jupytext
import nbformat
import pytest

from genimg_lib.course import chapters, form, pictures, readme, runner

ROOT = Path(__file__).resolve().parents[2]
NAMES = chapters.standing()


def notebook(name):
    return nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)


@pytest.mark.parametrize("name", NAMES)
def test_the_two_files_of_a_notebook_are_in_step(name):
    program = jupytext.read(ROOT / "notebooks" / f"{name}.py")
    stored = notebook(name)
    assert [(c.cell_type, c.source) for c in program.cells] == [
        (c.cell_type, c.source) for c in stored.cells
    ], f"make it anew: genimg run {name[:2]} --profile cpu --store"


@pytest.mark.parametrize("name", NAMES)
def test_stored_outputs_are_complete_and_without_errors(name):
    cells = [c for c in notebook(name).cells if c.cell_type == "code"]
    assert [c.execution_count for c in cells] == list(range(1, len(cells) + 1))
    assert not [
        o for c in cells for o in c.outputs if o.output_type == "error" or o.get("name") == "stderr"
    ]


@pytest.mark.parametrize("name", NAMES)
def test_stored_outputs_name_no_folder_of_a_machine(name):
    """A training that goes on from an older one's checkpoint would say where that is."""
    cells = [c for c in notebook(name).cells if c.cell_type == "code"]
    said = "".join(o.get("text", "") for c in cells for o in c.outputs)
    assert "checkpoints" not in said and str(ROOT) not in said


@pytest.mark.parametrize("name", NAMES)
def test_a_stored_output_belongs_to_the_source_above_it(name):
    stored = notebook(name)
    assert stored.metadata["genimg"]["digests"] == runner.digests(stored), (
        f"code was edited after it ran; store it again: genimg run {name[:2]} --profile cpu --store"
    )


def stored_pictures(name):
    outputs = [o for c in notebook(name).cells if c.cell_type == "code" for o in c.outputs]
    return [found for found in map(pictures.of_output, outputs) if found]


@pytest.mark.parametrize("name", NAMES)
def test_every_picture_has_an_alternative_text_of_its_own(name):
    texts = [facts.get("alt", "") for _, _, facts in stored_pictures(name)]
    assert texts and all(len(text) > 10 for text in texts)
    assert len(set(texts)) == len(texts)


def test_the_stored_map_shows_the_chapters_that_stand():
    cells = notebook("00_start_here").cells
    printed = "".join(o.get("text", "") for c in cells for o in c.get("outputs", []))
    assert f"{len(NAMES)} of {len(chapters.CHAPTERS)} chapters stand" in printed


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_is_light_enough_to_open_anywhere(name):
    assert (ROOT / "notebooks" / f"{name}.ipynb").stat().st_size < 2_000_000


@pytest.mark.parametrize("name", NAMES)
def test_printed_lines_fit_the_page(name):
    for cell in notebook(name).cells:
        for output in cell.get("outputs", []):
            for line in output.get("text", "").splitlines():
                assert len(line) <= 88, line


@pytest.mark.parametrize("name", NAMES)
def test_the_first_table_shows_the_figures_of_the_stored_results(name):
    stored = notebook(name)
    asking = [c for c in stored.cells if c.cell_type == "code" and "show_expected" in c.source]
    assert [bool(runner.asked_figures(c.source)) for c in asking] == [True]
    again = copy.deepcopy(stored)
    runner.refresh_expected(again)
    assert again == stored


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_keeps_to_the_anatomy(name):
    cells = notebook(name).cells
    assert len(cells) <= form.CELLS
    assert cells[0].cell_type == "markdown" and cells[0].source.startswith(f"# {name[:2]} ")
    headings = re.findall(
        r"^## (.*)",
        "\n".join(c.source for c in cells if c.cell_type == "markdown"),
        flags=re.MULTILINE,
    )
    for wanted in ("Break it", "Exercises", "What to remember", "Further reading"):
        assert wanted in headings
    code = [c.source for c in cells if c.cell_type == "code"]
    assert (
        any("explore(" in source for source in code)
        and any("run.report(" in source for source in code)
        and any("run.expect(" in source for source in code)
    )


@pytest.mark.parametrize("name", NAMES)
def test_paragraphs_are_short(name):
    for cell in notebook(name).cells:
        if cell.cell_type == "markdown":
            prose = re.sub(r"\$\$.*?\$\$", "", cell.source, flags=re.DOTALL)
            for paragraph in prose.split("\n\n"):
                if not paragraph.startswith(("-", "1.", "#", "|")):
                    assert len(paragraph.split()) <= 90, paragraph


@pytest.mark.parametrize("name", NAMES)
def test_equations_are_numbered_in_order(name):
    text = "\n".join(c.source for c in notebook(name).cells if c.cell_type == "markdown")
    tags = [int(t) for t in re.findall(r"\\tag\{(\d+)\}", text)]
    assert tags == list(range(1, len(tags) + 1))
    assert text.count("$$") % 2 == 0 and len(tags) == text.count("$$") // 2


def local_links(text):
    return [
        link
        for link in re.findall(r"\]\(([^)\s]+)\)", text)
        if not link.startswith(("http", "#", "mailto", "attachment"))
    ]


@pytest.mark.parametrize(
    "path",
    [*(f"notebooks/{n}.ipynb" for n in NAMES), "README.md", "CONTRIBUTING.md", "data/README.md"],
)
def test_links_and_pictures_lead_somewhere(path):
    file = ROOT / path
    text = (
        "\n".join(c.source for c in notebook(file.stem).cells if c.cell_type == "markdown")
        if file.suffix == ".ipynb"
        else file.read_text(encoding="utf-8")
    )
    for link in local_links(text):
        assert (file.parent / link.split("#")[0]).exists(), link


def test_the_readmes_tables_are_made_from_the_results():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert readme.fill(text) == text, "make them anew: genimg tables"


def test_every_standing_notebook_is_on_the_map():
    assert set(NAMES) <= {c.name for c in chapters.CHAPTERS}


def test_the_map_only_needs_what_is_on_it():
    numbers = {c.name[:2] for c in chapters.CHAPTERS}
    assert all(
        set(c.needs) <= numbers and all(n < c.name[:2] for n in c.needs) for c in chapters.CHAPTERS
    )


def test_constraints_hold_every_dependency_at_or_above_its_lower_bound():
    from packaging.requirements import Requirement

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pins = {}
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            name, version = line.split("==")
            pins[name.lower().replace("_", "-")] = version
    for text in project["dependencies"] + [
        text for extra in project["optional-dependencies"].values() for text in extra
    ]:
        wanted = Requirement(text)
        assert wanted.specifier.contains(pins[wanted.name.lower()]), text
    assert pins["torch"] == "2.13.0"


def test_environment_yml_agrees_with_the_project():
    text = (ROOT / "environment.yml").read_text()
    assert (
        "--constraint constraints.txt" in text
        and "--editable .[test]" in text
        and "python=3.11" in text
    )


def test_results_files_say_where_their_figures_come_from():
    for path in (ROOT / "data" / "results").glob("*.json"):
        result = json.loads(path.read_text())
        assert {
            "notebook",
            "profile",
            "seed",
            "device",
            "versions",
            "settings",
            "train_minutes",
            "peak_memory_mib",
            "metrics",
            "notebook_seconds",
        } <= set(result)


def test_the_project_stands_alone():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("this is no git checkout")
    here = str(ROOT.parent)
    for name in listed.stdout.splitlines():
        path = ROOT / name
        if (
            path.suffix in {".py", ".md", ".toml", ".yml", ".ipynb", ".txt", ".json"}
            and path.is_file()
            and path.stat().st_size < 5_000_000
        ):
            text = path.read_text(encoding="utf-8")
            assert here not in text and str(Path.home()) + "/" not in text, (
                f"{name} names a folder of this machine"
            )


# ------------------------------------------------------------------ in other people's editors


@pytest.mark.parametrize("folder", ["notebooks", "notebooks/solutions"])
def test_lab_opens_every_pair_and_saving_it_changes_no_program(folder, tmp_path):
    from jupytext import TextFileContentsManager

    for path in (ROOT / folder).glob("[0-9][0-9]_*.*"):
        shutil.copy(path, tmp_path)
    for path in tmp_path.glob("*.ipynb"):  # as after a look or a run
        later = path.with_suffix(".py").stat().st_mtime + 5
        os.utime(path, (later, later))
    manager = TextFileContentsManager(root_dir=str(tmp_path))
    programs = {path: path.read_bytes() for path in tmp_path.glob("*.py")}
    for path, before in programs.items():
        model = manager.get(f"{path.stem}.ipynb")
        manager.save(model, f"{path.stem}.ipynb")
        assert path.read_bytes() == before, path.name


def test_a_checkout_has_the_same_lines_on_every_system():
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("no git here")
    command = ["git", "check-attr", "eol", "--", "README.md", "notebooks/31_vae.py"]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout
    assert said.count("eol: lf") == 2
    listed = subprocess.run(
        ["git", "ls-files", "--eol"], cwd=ROOT, capture_output=True, text=True
    ).stdout
    assert "i/crlf" not in listed and "w/crlf" not in listed
