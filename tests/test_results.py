"""Results files and tables: stored, read back, shown."""

import pytest

from genimg_lib import files, results, tables, training


def test_expected_figures_are_the_stored_ones(shipped, capsys):
    rows, columns = tables.expected("31_vae", "fd_real", "not_there")
    assert rows == [("cpu", "cpu, 2 threads", "1.0", "1,234 MiB", 12.3456, "")]
    assert columns[-2:] == ("fd real", "not there")
    tables.show_expected("31_vae", "fd_real")
    assert "12.35" in capsys.readouterr().out
    tables.show_expected("25_style_based_gan")
    assert "no stored results" in capsys.readouterr().out


def test_a_benchmarks_figures_are_stored_and_read_back(shipped):
    run = training.start("bench_a")
    run.report(fd=1.5, images=3)
    results.keep_benchmark(run, "bench_a", "benchmarks/a.py", 2.5)
    assert results.figures("bench_a", run.profile) == {"fd": 1.5, "images": 3}
    stored = files.read_json(shipped / "results" / f"bench_a.{run.profile}.json")
    assert stored["notebook"] == "benchmarks/a.py"
    assert stored["notebook_seconds"] == 150
    assert stored["notebook_memory_mib"] > 0


def test_only_the_first_process_stores(shipped):
    run = training.start("bench_b")
    run.report(fd=1.5)
    run.is_main = False
    results.keep_benchmark(run, "bench_b", "benchmarks/b.py", 1)
    with pytest.raises(FileNotFoundError):
        results.figures("bench_b", run.profile)


def test_a_table_is_aligned_and_its_numbers_are_short(capsys):
    tables.show([("a", 1.23456, 30_000), ("bcd", 20.0, 4)], ("name", "x", "n"))
    lines = capsys.readouterr().out.splitlines()
    assert lines == ["name      x       n", "a     1.235  30,000", "bcd      20       4"]


def test_a_page_gets_a_real_table():
    both = tables.both_forms([("a|b", 2)], ("name", "n"))
    assert both["text/markdown"].splitlines() == ["| name | n |", "| :-- | --: |", "| a\\|b | 2 |"]


def test_numbers_written_as_text_and_gaps_beside_them_are_aligned_right():
    rows = [("1 a", "0.25 ± 0.01", 3, "-", ""), ("2", "-1.5e-05 %", "0.1 – 0.2", "1", "")]
    rule = tables.both_forms(rows, "abcde")["text/markdown"].splitlines()[1]
    assert rule == "| :-- | --: | --: | :-- | :-- |"


def test_a_row_of_another_length_is_refused():
    with pytest.raises(ValueError, match="got"):
        tables.show([("a", 1)], ("name",))
