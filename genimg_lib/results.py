"""Results files: what notebooks and benchmarks measured, written and read in one place."""

from genimg_lib.files import read_json, shipped, write_json


def folder():
    """The folder data/results."""
    return shipped() / "results"


def all_stored():
    """[(path, result)] of all stored results, in the order of their names."""
    return [(path, read_json(path)) for path in sorted(folder().glob("*.json"))]


def stored(name, profile="cpu"):
    """The stored result of a notebook or benchmark, or None where there is none."""
    path = folder() / f"{name}.{profile}.json"
    return read_json(path) if path.is_file() else None


def figures(name, profile="cpu"):
    """The stored figures of a notebook or benchmark: {figure: number}.

    Raises FileNotFoundError where none are stored.
    """
    return read_json(folder() / f"{name}.{profile}.json")["metrics"]


def of_run(folder_of_run):
    """The result that a run has written into its folder, or {}."""
    path = folder_of_run / "results.json"
    return read_json(path) if path.is_file() else {}


def keep(name, profile, result, seconds, memory):
    """Store a result as data/results/NAME.PROFILE.json.

    result: as a run has written it.
    seconds, memory: of the whole notebook; memory in MiB.
    """
    result = result | {"notebook_seconds": round(seconds), "notebook_memory_mib": memory}
    write_json(folder() / f"{name}.{profile}.json", result)


def keep_benchmark(run, name, title, minutes):
    """Store what a benchmark has reported; in the first process only.

    run: its Run.
    name: of the file.
    title: "benchmarks/gan.py, portraits".
    minutes: it takes.
    """
    if run.is_main:
        result = of_run(run.folder) | {"notebook": title}
        keep(name, run.profile, result, 60 * minutes, result["peak_memory_mib"])
