"""Runs notebooks from top to bottom, each in a fresh kernel, and says how each of them went."""

import json
import os
import re
import sys
import threading
import time
from dataclasses import dataclass, field

from genimg_lib import course
from genimg_lib.checkpoints import write_atomically
from genimg_lib.data.fetch import shipped
from genimg_lib.training import out_folder


@dataclass
class Outcome:
    """What came of one notebook."""

    name: str
    seconds: float
    memory: int  # MiB, the most that the kernel held
    metrics: dict = field(default_factory=dict)
    error: str = ""


def run(name, profile, store=False):
    """Execute notebooks/NAME.py as a notebook in a profile; the executed notebook goes to out/executed/PROFILE/NAME.ipynb.

    store: keep it as notebooks/NAME.ipynb and its figures as data/results/NAME.PROFILE.json too, if it ran without an error.
    """
    import jupytext
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, DeadKernelError

    notebook = jupytext.read(course.notebooks_folder() / f"{name}.py")
    for k, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{k:02d}"  # the same at every run, so that a diff shows what changed
    results = out_folder() / name / profile / "results.json"
    results.unlink(missing_ok=True)
    notebook.metadata["kernelspec"] = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    notebook.metadata["jupytext"] = {"formats": "ipynb,py:percent"}
    client = NotebookClient(notebook, timeout=None, kernel_name="python3", record_timing=False, coalesce_streams=True)
    client.on_cell_start = lambda cell, cell_index: _say(f"{name}: cell {cell_index + 1} of {len(notebook.cells)}")
    began, error = time.perf_counter(), ""
    with _Environment(GENIMG_PROFILE=profile), _MemoryWatch() as watch:
        try:
            client.execute()
        except CellExecutionError as failure:
            error = _describe(failure)
        except DeadKernelError:
            error = "its kernel died, of too little memory perhaps"
    seconds = time.perf_counter() - began
    notebook.metadata.pop("language_info", None)  # names the exact Python, which is nobody's business here
    executed = out_folder() / "executed" / profile / f"{name}.ipynb"
    content = (nbformat.writes(notebook) + "\n").encode()
    write_atomically(executed, content)
    found = json.loads(results.read_text(encoding="utf-8")) if results.is_file() else {}
    if store and not error:
        write_atomically(course.notebooks_folder() / f"{name}.ipynb", content)
        cover = out_folder() / name / profile / "cover.png"
        if cover.is_file():
            write_atomically(shipped() / "pictures" / f"{name}.png", cover.read_bytes())
        if found:
            found |= {"notebook_seconds": round(seconds), "notebook_memory_mib": watch.most}
            write_atomically(shipped() / "results" / f"{name}.{profile}.json", (json.dumps(found, indent=2) + "\n").encode())
    return Outcome(name, seconds, watch.most, found.get("metrics", {}), error)


def run_all(names, profile, store=False):
    """Run notebooks one after the other, a line each, then a table. Returns the number of failures."""
    outcomes = []
    for k, name in enumerate(names, start=1):
        outcome = run(name, profile, store)
        outcomes.append(outcome)
        _say("")
        print(f"[{k}/{len(names)}] {name}: {'FAILED' if outcome.error else 'passed'} in {outcome.seconds:.0f} s", flush=True)
    print(f"\nprofile {profile}; executed notebooks are in {out_folder() / 'executed' / profile}\n")
    print(table(outcomes), flush=True)
    for outcome in outcomes:
        if outcome.error:
            print(f"\n{outcome.name} failed: {outcome.error}")
    return sum(bool(o.error) for o in outcomes)


def _describe(failure):
    """The kind of error, its message and the line of the notebook that raised it."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", failure.traceback or "")
    lines = re.findall(r"^-+> *(\d+ .*)$", plain, flags=re.MULTILINE)
    return f"{failure.ename}: {failure.evalue}" + (f"\n  at line {lines[0]}" if lines else "")


def table(outcomes):
    """Outcomes as an aligned table of text: notebook, seconds, peak memory, metrics, pass or fail."""
    rows = [("notebook", "seconds", "peak MiB", "result", "metrics")]
    for o in outcomes:
        metrics = ", ".join(f"{k} {v:.4g}" for k, v in o.metrics.items() if isinstance(v, (int, float)))
        rows.append((o.name, f"{o.seconds:.0f}", f"{o.memory:,}", "fail" if o.error else "pass", metrics))
    widths = [max(len(row[k]) for row in rows) for k in range(4)]
    return "\n".join(f"{r[0]:<{widths[0]}}  {r[1]:>{widths[1]}}  {r[2]:>{widths[2]}}  {r[3]:<{widths[3]}}  {r[4]}" for r in rows)


def _say(text):
    """A progress line that is overwritten by the next one; nothing where the output is no terminal."""
    if sys.stdout.isatty():
        print(f"\r\x1b[K{text}", end="", flush=True)


class _Environment:
    """Environment variables for the duration of a block."""

    def __init__(self, **variables):
        self.variables = variables

    def __enter__(self):
        self.before = {k: os.environ.get(k) for k in self.variables}
        os.environ.update(self.variables)

    def __exit__(self, *_):
        for key, value in self.before.items():
            if value is None:
                os.environ.pop(key, None)
            else:
                os.environ[key] = value


class _MemoryWatch:
    """Looks five times a second at how much memory the processes below this one hold; `most` is the maximum in MiB."""

    def __enter__(self):
        self.most, self._stop = 0, threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()

    def _watch(self):
        import psutil

        me = psutil.Process()
        while not self._stop.wait(0.2):
            held = 0
            for child in me.children(recursive=True):
                try:
                    held += child.memory_info().rss
                except psutil.Error:  # it has just ended
                    continue
            self.most = max(self.most, round(held / 2**20))
