"""The README's cards and tables, made from the map and the results."""

import pytest

from genimg_lib import files, results
from genimg_lib.cli import main
from genimg_lib.course import chapters, readme

PAGE = """# Course

<!-- table: cards -->
old
<!-- end -->

text

<!-- table: figures --><!-- end -->

<!-- table: evaluators -->
<!-- end -->
last
"""


@pytest.fixture
def page(notebooks, shipped):
    """A README to be filled, its path."""
    path = notebooks.parent / "README.md"
    path.write_text(PAGE, encoding="utf-8")
    return path


def test_filling_twice_changes_nothing_more_and_text_around_stays(page):
    once = readme.fill(PAGE)
    assert readme.fill(once) == once
    assert "old" not in once
    for kept in (
        "# Course\n\n<!-- table: cards -->",
        "<!-- end -->\n\ntext\n",
        "<!-- end -->\nlast\n",
    ):
        assert kept in once


def test_a_card_has_cover_title_promise_and_minutes(page, notebooks, shipped):
    (notebooks / "31_vae.py").touch()
    files.write_atomically(shipped / "pictures" / "31_vae.webp", b"")
    filled = readme.fill(PAGE)
    chapter = next(c for c in chapters.CHAPTERS if c.name == "31_vae")
    card = readme.card(chapter)
    assert card in filled
    assert 'src="data/pictures/31_vae.webp"' in card and 'href="notebooks/31_vae.ipynb"' in card
    assert chapter.promise in card and "1 min" in card
    assert "22 DCGAN" in filled.split("To come:")[3]


def test_the_figures_are_one_a_row_with_minutes_and_memory(page):
    rows = [line for line in readme.figures().splitlines() if "31_vae" in line]
    assert len(rows) == 1
    for part in ("fd real | 12.35", "1.0 | 1,234 MiB", "cpu, 2 threads, seed 0"):
        assert part in rows[0]


def test_the_evaluators_come_from_the_files_that_ship():
    rows = [line for line in readme.evaluators().splitlines() if line.startswith("| evaluator_")]
    assert len(rows) == len({row.split(" | ")[0] for row in rows})
    assert any(row.startswith("| evaluator_portraits |") for row in rows)


def test_the_generators_come_from_the_files_that_ship():
    names = ("| flow_portraits |", "| conditional_flow_portraits |")
    rows = [line for line in readme.generators().splitlines() if line.startswith(names)]
    assert len(rows) == 2 and all("| 5,000 |" in row for row in rows)
    assert "evaluator" not in readme.generators()


def test_a_benchmark_that_was_never_stored_has_no_table(page):
    assert readme.flows() == "" and readme.denoisers() == ""


def test_the_benchmark_of_denoisers_has_a_row_a_method_and_leaves_empty_what_is_not_there(
    page, shipped
):
    metrics = {"grey_bm3d_psnr_15": 33.128, "grey_bm3d_psnr_50": 28.1, "grey_bm3d_ms": 612.34}
    metrics |= {"colour_bm3d_psnr_15": 34.0, "colour_bm3d_psnr_50": 29.0, "colour_bm3d_ms": 2_000}
    metrics |= {"grey_minutes_psnr_15": 33.0, "grey_minutes_psnr_50": 29, "grey_minutes_ms": 9}
    files.write_json(shipped / "results" / "bench_restore.cpu.json", {"metrics": metrics})
    head, _, *rows = readme.denoisers().splitlines()
    assert "grey 15 | grey 50 | colour 15 | colour 50" in head
    assert rows == [
        "| bm3d | 33.13 | 28.10 | 34.00 | 29.00 | 612.3 | 2000.0 |",
        "| minutes | 33.00 | 29.00 |  |  | 9.0 |  |",
    ]


def test_the_benchmark_of_upscalers_has_a_row_a_way(page, shipped):
    assert readme.upscalers() == ""
    metrics = {"bicubic_psnr_2": 32.351, "bicubic_ssim_2": 0.8922, "bicubic_seconds_2": 0.0123}
    metrics |= {"bicubic_psnr_4": 27.0, "shipped_psnr_2": 34.3, "switch_as_papers": 32.35}
    files.write_json(shipped / "results" / "bench_upscale.cpu.json", {"metrics": metrics})
    _, _, *rows = readme.upscalers().splitlines()
    assert rows == [
        "| bicubic | 32.35 | 0.892 | 0.012 | 27.00 |  |  |",
        "| shipped | 34.30 |  |  |  |  |  |",
    ]


def test_the_benchmark_of_fillings_has_a_row_a_way(page, shipped):
    assert readme.inpainters() == ""
    metrics = {"harmonic_psnr_scratches": 25.611, "harmonic_psnr_spots": 17.2}
    metrics |= {"harmonic_seconds": 0.014, "shipped_psnr_spots": 18.54, "shipped_seconds": 0.5}
    metrics |= {"fixed_share_psnr": 29.0}
    files.write_json(shipped / "results" / "bench_inpaint.cpu.json", {"metrics": metrics})
    head, _, *rows = readme.inpainters().splitlines()
    assert head == "| method | scratches | spots | seconds |"
    assert rows == ["| harmonic | 25.61 | 17.20 | 0.01 |", "| shipped |  | 18.54 | 0.50 |"]


def test_the_benchmark_of_flows_has_a_row_for_each_way(page, shipped):
    kinds = ("fd", "fd_floor", "precision", "recall", "copies", "ms")
    metrics = {f"ours_heun_6_{kind}": k + 0.5 for k, kind in enumerate(kinds)}
    result = {"metrics": metrics | {"gan_" + kind: 1.0 for kind in kinds}}
    files.write_json(shipped / "results" / "bench_flow_fashion_mnist.cpu.json", result)
    rows = readme.flows().splitlines()[2:]
    assert rows[0] == "| ours heun 6 | 0.5 | 1.5 | 2.5 | 3.5 | 4.5 | 5.5 |" and len(rows) == 2


def test_a_file_is_written_only_where_that_changes_it(page, capsys):
    assert main(["tables"]) == 0
    written = page.stat().st_mtime_ns
    assert main(["tables"]) == 0
    assert "in step already" in capsys.readouterr().out
    assert page.stat().st_mtime_ns == written
    assert page.read_text(encoding="utf-8") == readme.fill(PAGE)


def test_a_table_that_nobody_makes_is_named(page, capsys):
    page.write_text("<!-- table: weather -->\n<!-- end -->\n")
    assert main(["tables"]) == 1
    assert "'weather'" in capsys.readouterr().err


def test_the_figure_that_stands_for_a_notebook_was_measured():
    stored = {r["notebook"]: r["metrics"] for _, r in results.all_stored()}
    for name, key in readme.HEADLINES.items():
        assert key in stored[name], name
        assert readme.headline(stored[name], name)[0] == key.replace("_", " ")
    assert readme.headline({"n": 3, "fd": 2.0}) == ("fd", "2")
