"""`genimg grade FOLDER`: students' notebooks as they come, judged by the course's checks.

Each notebook runs in a process of its own, with a limit of time and memory, so an endless loop or a
tensor of 20 GB costs its own points and nobody else's. It runs with your rights: where you do not
know whose work it is, in a container.

What a student's file says of the checks does not count: they are the course's own, made new before
each, run where the student's stood, or at the end where it is gone. (Who changes torch itself in a
notebook is not found out by a program.)
"""

import ast
import contextlib
import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from genimg_lib.course import exercises
from genimg_lib.data.folder import hidden
from genimg_lib.files import check_free, check_writable, write_atomically

SECONDS, SECONDS_EACH = 300, 60  # of a notebook, of a cell (and a third of the notebook's at most)
MEMORY = 4.0  # GiB that a notebook may take beside what the libraries do
CALL = re.compile(r"^\s*check\.(\w+)\(", re.MULTILINE)
STARTING = 180  # seconds that a process may take to begin
IMPORTED = re.compile(r"from genimg_lib\.check import (\w+)")
REMARKS = 6  # of a notebook, the rest are counted
ARCHIVES = {".zip", ".7z", ".rar", ".tar", ".gz", ".tgz", ".bz2", ".xz"}
NO_NOTEBOOKS = {".py", ".html", ".pdf", ".docx", ".txt"}  # as which some are handed in
ASKS = re.compile(r"^[^#\n]*\binput\(", re.MULTILINE)
MAGIC = re.compile(r"^\s*[%!]", re.MULTILINE)
AROUND = re.compile(r"%%(time|timeit|capture|prun)\b")  # cells that run all the same


@dataclass
class Graded:
    """A notebook's result. points: {check: its points, or 0}. remarks: what was odd or wrong."""

    path: Path
    chapter: str = ""
    points: dict = field(default_factory=dict)
    of: int = 0
    remarks: list = field(default_factory=list)

    @property
    def total(self):
        return sum(self.points.values())


def grade_all(folder, out=None, seconds=SECONDS, memory=MEMORY, overwrite=False, say=print):
    """Grade every notebook below a folder, a line each; returns [Graded].

    out: a .csv for the table, a column a check.
    seconds, memory: that each notebook may take; GiB.
    overwrite: may a table that is there be written over?
    Raises ValueError for a folder without notebooks, limits that are not above 0, or a place that
    is no .csv or taken.
    """
    folder = Path(folder).expanduser()
    if not hasattr(os, "killpg"):
        raise ValueError("grading needs process groups, which this system has not: use a container")
    if not (seconds > 0 and memory > 0):
        raise ValueError(f"expected limits above 0, got {seconds:g} seconds and {memory:g} GiB")
    if not folder.is_dir():
        what = "is a file; give its folder" if folder.exists() else "does not exist"
        raise ValueError(f"{folder.absolute()} {what}")
    files = [p for p in folder.rglob("*") if p.is_file() and not any(map(hidden, p.parts))]
    paths = sorted(p for p in files if p.suffix.lower() == ".ipynb")
    others = sorted(p for p in files if p.suffix.lower() in ARCHIVES | NO_NOTEBOOKS)
    if not paths:
        raise ValueError(f"there are no notebooks (.ipynb) below {folder.absolute()}")
    if out is not None and Path(out).suffix.lower() != ".csv":
        raise ValueError(f"expected a .csv for the table, got {out}")
    if out is not None:
        out = Path(out).expanduser()
        check_writable(out.parent)
        check_free(out, overwrite)
    known = {
        name: exercises.read(exercises.solutions_folder() / f"{name}.py")
        for name in exercises.standing()
    }
    graded = []
    for path in (*paths, *others):
        is_notebook = path in paths
        graded.append(grade(path, known, seconds, memory) if is_notebook else _refused(path))
        for line in _said(graded[-1], folder):
            say(line)
        if out is not None:  # after each: nothing is lost where it is stopped
            write_atomically(out, _table(graded, folder))
    return graded


def grade(path, known, seconds=SECONDS, memory=MEMORY):
    """One notebook's result: a `Graded`. known: {chapter: the cells of its source}."""
    result = Graded(path)
    cells = _cells(path, result)
    if cells is None:
        return result
    result.chapter = _chapter(cells, path, known)
    if not result.chapter:
        result.remarks.append("no exercises of the course: no check of any chapter is called")
        return result
    checks = {cell.check: cell for cell in known[result.chapter] if cell.check}
    result.of = sum(cell.points for cell in checks.values())
    result.points = dict.fromkeys(checks, 0)
    _look(path, cells, checks, result)
    _judge(_job(cells, checks, result.chapter), checks, result, seconds, memory)
    return result


def _refused(path):
    """The `Graded` of a file that is no notebook."""
    is_archive = path.suffix.lower() in ARCHIVES
    return Graded(path, remarks=["an archive: unpack it" if is_archive else "no notebook (.ipynb)"])


def _cells(path, result):
    """The sources of a notebook's code cells; None, with a remark, where it is no notebook."""
    import nbformat

    try:
        notebook = nbformat.read(path, as_version=4)
        return [str(cell.source) for cell in notebook.cells if cell.cell_type == "code"]
    except Exception as error:  # whatever is in a file that somebody handed in
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        result.remarks.append(f"cannot be read as a notebook ({first[:100]})")
        return None


def _chapter(cells, path, known):
    """The chapter whose checks a notebook imports, else that of its name, else of its checks."""
    modules = {name.partition("_")[2]: name for name in known}
    source = "\n".join(cells)
    for name in IMPORTED.findall(source):
        if name in modules:
            return modules[name]
    called = set(CALL.findall(source))
    shared = {name: len(called & {c.check for c in known[name] if c.check}) for name in known}
    most = max(shared, key=shared.get, default="")
    by_checks = most if shared.get(most) and list(shared.values()).count(shared[most]) == 1 else ""
    return next((name for name in known if path.stem.startswith(name)), by_checks)


def _look(path, cells, checks, result):
    """Remarks on what is odd before anything runs."""
    if path.stem != result.chapter:
        result.remarks.append(f"the file has another name than {result.chapter}.ipynb")
    if not IMPORTED.search("\n".join(cells)):
        result.remarks.append("the import of the checks is gone; it was made up for")
    called = Counter(name for source in cells for name in CALL.findall(source))
    for name, count in called.items():
        if name not in checks:
            result.remarks.append(f"check.{name} is none of this chapter's; it was left out")
        elif count > 1:
            result.remarks.append(f"check.{name} is called {count} times; it counts once")
    for name in checks:
        if not called[name]:
            result.remarks.append(f"the cell of check.{name} is gone; it was run at the end")
    if any(map(ASKS.search, cells)):
        result.remarks.append("input() is answered with nothing")
    if any(_plain(source) != source and MAGIC.search(source) for source in cells):
        result.remarks.append("what begins with % or ! does nothing here")


def _job(cells, checks, chapter):
    """[(kind, name, source)]: the student's cells, with the course's checks in their places."""
    ours = f"from genimg_lib.check import {chapter.partition('_')[2]} as check\n\n"
    job, waiting = [], {name: ours + cell.source for name, cell in checks.items()}
    for k, source in enumerate(cells, start=1):
        names = CALL.findall(source)
        own = _without_checks(_plain(source))
        if own.strip():
            job.append(("code", f"code cell {k}", own))
        job += [("check", name, waiting.pop(name)) for name in names if name in waiting]
    return job + [("check", name, source) for name, source in waiting.items()]


def _plain(source):
    """A cell as Python: IPython's % and ! as calls of get_ipython, all else as it is."""
    from IPython.core.inputtransformer2 import TransformerManager

    if AROUND.match(source):
        source = "\n" + source.partition("\n")[2]  # the lines keep their numbers
    try:
        ast.parse(source)
        return source
    except (SyntaxError, ValueError):
        return TransformerManager().transform_cell(source)


def _without_checks(source):
    """A cell without its statements `check.name(...)`."""
    try:
        statements = ast.parse(source).body
    except (SyntaxError, ValueError):
        return source
    lines = source.splitlines()
    for statement in reversed(statements):
        last = "\n".join(lines[statement.lineno - 1 : statement.end_lineno])
        if isinstance(statement, ast.Expr) and CALL.match(last):
            del lines[statement.lineno - 1 : statement.end_lineno]
    return "\n".join(lines)


def _judge(job, checks, result, seconds, memory):
    """Run a job in a process of its own; fills points and remarks."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:
        paths = Path(place) / "job.json", Path(place) / "done.jsonl"
        limits = {
            "module": result.chapter.partition("_")[2],
            "cells": job,
            "seconds": min(SECONDS_EACH, seconds / 3),
            "bytes": memory * 2**30,
        }
        paths[0].write_text(json.dumps(limits))
        command = [sys.executable, "-m", "genimg_lib.course.grading_child", *paths]
        ended = _run(command, place, paths[1], seconds)
        done = paths[1].read_text().splitlines() if paths[1].exists() else []
    outcomes = [json.loads(line) for line in done if line.endswith("}")]
    for outcome in outcomes:
        if outcome["kind"] == "check" and outcome["ok"]:
            result.points[outcome["name"]] = checks[outcome["name"]].points
        elif not outcome["ok"]:
            is_check = outcome["kind"] == "check"
            where = f"check.{outcome['name']}" if is_check else outcome["name"]
            result.remarks.append(f"{where}: {outcome['error']}")
    if len(outcomes) < len(job):
        kind, name, _ = job[len(outcomes)]
        where = f"check.{name}" if kind == "check" else name
        result.remarks.append(f"{ended} in {where}; what follows was not run")


def _run(command, place, begun, seconds):
    """Run a command and all that it starts; how it ended, in words.

    begun: a file that is there once it begins; from then it has so many seconds.
    """
    environment = os.environ | {
        "GENIMG_PROFILE": "quick",
        "GENIMG_OUT": place,
        "MPLBACKEND": "agg",
        "CUDA_VISIBLE_DEVICES": "",
    }
    process = subprocess.Popen(
        [str(part) for part in command],
        cwd=place,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    end = time.monotonic() + STARTING
    waiting, descendants = True, {}
    try:
        while process.poll() is None:
            descendants |= _descendants(process.pid)
            if waiting and begun.exists():
                waiting, end = False, time.monotonic() + seconds
            if time.monotonic() > end:
                return f"stopped after {seconds:g} s"
            time.sleep(0.05)
        return f"its process ended ({process.returncode})"
    finally:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass
        process.wait()
        for each in descendants.values():  # those that left the group
            with contextlib.suppress(psutil.Error):
                each.kill()


def _descendants(pid):
    """{number: process} of all that a process started and that live."""
    try:
        return {each.pid: each for each in psutil.Process(pid).children(recursive=True)}
    except psutil.Error:
        return {}


def _said(result, folder):
    name = result.path.relative_to(folder)
    yield f"{name}: {result.total} of {result.of} points" if result.of else f"{name}: not graded"
    for remark in result.remarks[:REMARKS]:
        yield f"    {remark}"
    if len(result.remarks) > REMARKS:
        yield f"    and {len(result.remarks) - REMARKS} more"


def _table(graded, folder):
    """The results as a CSV file's bytes."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    checks = list(dict.fromkeys(name for result in graded for name in result.points))
    writer.writerow(["file", "chapter", "points", "of", *checks, "remarks"])
    for r in graded:
        each = [r.points.get(name, "") for name in checks]
        name = r.path.relative_to(folder).as_posix()
        writer.writerow([name, r.chapter, r.total, r.of, *each, "; ".join(r.remarks)])
    return stream.getvalue().encode(errors="backslashreplace")
