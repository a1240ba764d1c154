"""Runs notebooks from top to bottom, each in a fresh kernel, and says how each of them went."""

import ast
import contextlib
import os
import re
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from genimg_lib import files, machine_limits, results
from genimg_lib.course import chapters, pictures
from genimg_lib.errors import DataError
from genimg_lib.training import saving, writable

KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
# jupytext's: both files of a notebook, and no version of jupytext in them, so that to open and save
# a notebook changes nothing
PAIR = {
    "formats": "ipynb,py:percent",
    "notebook_metadata_filter": "-jupytext.text_representation",
}
MEMORY_EACH = 2.0  # GiB that a notebook may want in profile quick


@dataclass
class Outcome:
    """What came of one notebook."""

    name: str
    seconds: float
    memory: int  # MiB, the most that the kernel held
    metrics: dict = field(default_factory=dict)
    error: str = ""


def run(name, profile, store=False, threads=None):
    """Execute notebooks/NAME.py as a notebook, in a profile: an `Outcome`.

    The executed notebook goes to out/executed/PROFILE/NAME.ipynb.
    store: keep it as notebooks/NAME.ipynb, its figures as data/results/NAME.PROFILE.json and its
        cover as a picture too, if it ran without an error. What is stored is one whole run: the
        checkpoints that an interrupted one left are put aside.
    threads: for the kernel's numerical work; the machine's own number, if not given.
    """
    import jupytext
    import nbformat

    notebook = opened(chapters.notebooks_folder() / f"{name}.py", jupytext.read)
    if edited_elsewhere(name, notebook):
        raise ValueError(
            f"notebooks/{name}.ipynb was edited after {name}.py and says something else; nothing"
            f" was run. `jupytext --sync notebooks/{name}.ipynb` takes over what is newer"
        )
    prepare(notebook)
    folder = files.out_folder() / name / profile
    (folder / "results.json").unlink(missing_ok=True)
    left = folder / "checkpoints"
    if store and left.is_dir():
        print(f"an interrupted run's checkpoints are now in {saving.put_aside(left)}")
    environment = {"GENIMG_PROFILE": profile} | absolute_places()
    if threads:
        environment["OMP_NUM_THREADS"] = str(threads)
    began = time.perf_counter()
    error, memory = _execute(notebook, name, environment)
    seconds = time.perf_counter() - began
    notebook.metadata.pop("language_info", None)  # names the exact Python, nobody's business here
    found = results.of_run(folder)
    if store and not error:
        if found:
            results.keep(name, profile, found, seconds, memory)
        refresh_expected(notebook)
        pictures.shrink(notebook)
        _keep(notebook, name, folder)
    executed = files.out_folder() / "executed" / profile / f"{name}.ipynb"
    files.write_atomically(executed, (nbformat.writes(notebook) + "\n").encode())
    return Outcome(name, seconds, memory, found.get("metrics", {}), error)


def opened(path, read):
    """A notebook's file, read. Raises DataError, naming it, where it is damaged."""
    try:
        return read(path)
    except Exception as error:  # whatever an editor, or a full disk, left there
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(
            f"{path} cannot be read as a notebook ({reason[:100]}); nothing was run"
        ) from None


def edited_elsewhere(name, notebook):
    """Is NAME.ipynb newer than NAME.py, which was read as notebook, and its text another?

    Editors that know no jupytext write the one alone.
    """
    import nbformat

    program = chapters.notebooks_folder() / f"{name}.py"
    stored = program.with_suffix(".ipynb")
    if not stored.exists() or stored.stat().st_mtime <= program.stat().st_mtime:
        return False
    theirs = opened(stored, lambda path: _texts(nbformat.read(path, as_version=4)))
    return theirs != _texts(notebook)


def _texts(notebook):
    return [(cell.cell_type, cell.source.strip()) for cell in notebook.cells]


def prepare(notebook):
    """Give a notebook its metadata, and its cells ids that are the same at every run."""
    for k, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{k:02d}"
    notebook.metadata["kernelspec"] = dict(KERNEL)
    notebook.metadata["jupytext"] = dict(PAIR)
    notebook.metadata["genimg"] = {"digests": digests(notebook)}


def digests(notebook):
    """A digest of the source of each code cell: its stored output belongs to that source."""
    return [digest(cell.source) for cell in notebook.cells if cell.cell_type == "code"]


def digest(source):
    """A short digest of a cell's source."""
    return files.digest(source.encode())[:12]


def _execute(notebook, name, environment):
    """Run all cells in place; returns (what went wrong, the most memory held in MiB)."""
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, DeadKernelError

    options = {"timeout": None, **own_kernel()}
    here = {"metadata": {"path": str(chapters.notebooks_folder())}}  # as in JupyterLab
    client = NotebookClient(
        notebook, record_timing=False, coalesce_streams=True, resources=here, **options
    )
    total = len(notebook.cells)

    def on_cell_start(cell, cell_index):
        _say(f"{name}: cell {cell_index + 1} of {total}")

    client.on_cell_start = on_cell_start
    with tempfile.TemporaryFile("w+") as said, _MemoryWatch(client) as watch:
        try:
            client.execute(env={**os.environ, **environment}, stderr=said)
            return "", watch.most
        except CellExecutionError as failure:
            return _describe(failure), watch.most
        except DeadKernelError:
            said.seek(0)
            last = "".join(said.readlines()[-5:]).strip()
            return f"its kernel died, of too little memory perhaps\n  {last}", watch.most


def absolute_places():
    """The folders that the environment names, by absolute paths: a kernel works elsewhere."""
    names = ("GENIMG_OUT", "GENIMG_DATA", "GENIMG_CACHE")
    given = {name: os.environ[name] for name in names if os.environ.get(name)}
    return {name: str(Path(path).expanduser().resolve()) for name, path in given.items()}


def own_kernel():
    """nbclient's options for a kernel of this very interpreter, whatever else is installed.

    A kernel called python3 in one of Jupyter's folders may be another Python's.
    """
    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager

    class OwnKernel(AsyncKernelManager):
        def __init__(self, *args, **options):
            super().__init__(*args, **options)
            self.kernel_spec_manager = KernelSpecManager(parent=self, kernel_dirs=[])

    return {"kernel_name": "python3", "kernel_manager_class": OwnKernel}


def _keep(notebook, name, folder):
    import nbformat

    path = chapters.notebooks_folder() / f"{name}.ipynb"
    files.write_atomically(path, (nbformat.writes(notebook) + "\n").encode())
    cover = folder / "cover.png"
    if cover.is_file():
        target = files.shipped() / "pictures" / f"{name}.webp"
        files.write_atomically(target, pictures.cover(cover.read_bytes()))


def refresh_expected(notebook):
    """Show the figures of this very run in the table at the head of the notebook.

    The call stands last in its cell, so the table is the cell's last output.
    """
    import nbformat

    from genimg_lib import tables

    for cell in notebook.cells:
        if cell.cell_type == "code" and (arguments := asked_figures(cell.source)):
            data = tables.both_forms(*tables.expected(*arguments))
            kept = [o for o in cell.outputs if o.output_type == "stream"]
            for output in kept:
                output.text = output.text.replace(f"{tables.NOTHING_STORED}\n", "")
            kept = [o for o in kept if o.text]
            cell.outputs = [*kept, nbformat.v4.new_output("display_data", data=data)]


def asked_figures(source):
    """The arguments of the tables.show_expected(...) that ends a cell; None if there is none."""
    call = re.search(r"^tables\.show_expected\((.+)\)\s*\Z", source, re.DOTALL | re.MULTILINE)
    return ast.literal_eval(f"({call[1]},)") if call else None


def run_all(names, profile, store=False):
    """Run notebooks, a line each, then a table. Returns the number of failures.

    In profile quick several run side by side, with a share of the cores each; in the others one
    after the other, so that their times are their own.
    """
    writable(files.out_folder())
    jobs = side_by_side(profile, len(names))
    threads = max(1, machine_limits.cores() // jobs) if jobs > 1 else None
    outcomes, lock = [], threading.Lock()

    stopping = threading.Event()

    def one(name):
        if stopping.is_set():
            return
        outcome = _safely(name, profile, store, threads)
        with lock:
            if stopping.is_set():
                return
            outcomes.append(outcome)
            _say("")
            result = "FAILED" if outcome.error else "passed"
            count = f"[{len(outcomes)}/{len(names)}]"
            print(f"{count} {name}: {result} in {outcome.seconds:.0f} s", flush=True)

    pool = ThreadPoolExecutor(jobs)
    try:
        list(pool.map(one, names))
    except KeyboardInterrupt:
        with lock:
            stopping.set()
        _end_kernels()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    outcomes.sort(key=lambda outcome: names.index(outcome.name))
    where = files.out_folder() / "executed" / profile
    print(f"\nprofile {profile}; executed notebooks are in {where}\n")
    print(table(outcomes), flush=True)
    if stopping.is_set():
        print(f"\nstopped after {len(outcomes)} of {len(names)} notebooks")
        raise KeyboardInterrupt
    for outcome in outcomes:
        if outcome.error:
            print(f"\n{outcome.name} failed: {outcome.error}")
    return sum(bool(outcome.error) for outcome in outcomes)


def _end_kernels():
    """End the kernels of this process: they do not hear the keyboard."""
    import psutil

    children = psutil.Process().children(recursive=True)
    for child in children:
        with contextlib.suppress(psutil.Error):
            child.terminate()
    psutil.wait_procs(children, timeout=5)


def side_by_side(profile, notebooks):
    """How many notebooks run at once: as many as cores and memory allow, in profile quick."""
    if profile != "quick":
        return 1
    free = machine_limits.free_memory() / 2**30
    return max(1, min(notebooks, machine_limits.cores(), int(free / MEMORY_EACH)))


def _safely(name, profile, store, threads):
    """A notebook's failure is its own: the others run all the same."""
    began = time.perf_counter()
    try:
        return run(name, profile, store, threads)
    except Exception as error:
        what = f"{type(error).__name__}: {error}"
        return Outcome(name, time.perf_counter() - began, 0, error=what)


def _describe(failure):
    """The kind of error, its message and the line of the notebook that raised it."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", failure.traceback or "")
    lines = re.findall(r"^-+> *(\d+ .*)$", plain, flags=re.MULTILINE)
    where = f"\n  at line {lines[0]}" if lines else ""
    return f"{failure.ename}: {failure.evalue}{where}"


def table(outcomes):
    """Outcomes as aligned text: notebook, seconds, peak memory, result, metrics."""
    from genimg_lib import tables

    rows = []
    for o in outcomes:
        numbers = {k: v for k, v in o.metrics.items() if isinstance(v, (int, float))}
        metrics = ", ".join(f"{k} {v:.4g}" for k, v in numbers.items())
        result = "fail" if o.error else "pass"
        rows.append((o.name, f"{o.seconds:.0f}", f"{o.memory:,}", result, metrics))
    columns = ["notebook", "seconds", "peak MiB", "result", "metrics"]
    return tables.as_text(rows, columns, [False, True, True, False, False])


def _say(text):
    """A progress line that the next one overwrites; nothing if the output is no terminal."""
    if sys.stdout.isatty():
        print(f"\r\x1b[K{text}", end="", flush=True)


class _MemoryWatch:
    """Watches how much memory a kernel and its children hold; `most` in MiB.

    Five times a second.
    """

    def __init__(self, client):
        self.client = client

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

        while not self._stop.wait(0.2):
            provisioner = getattr(self.client.km, "provisioner", None)
            pid = getattr(provisioner, "pid", None)
            if pid is None:
                continue
            try:
                kernel = psutil.Process(pid)
                family = [kernel, *kernel.children(recursive=True)]
                held = sum(process.memory_info().rss for process in family)
            except psutil.Error:  # one has just ended
                continue
            self.most = max(self.most, round(held / 2**20))
