"""Runs one student's cells and the course's checks, with limits; `grading` starts it.

    python -m genimg_lib.course.grading_child JOB.json DONE.jsonl

A line of JSON a cell goes to DONE as soon as the cell has ended, so that what was done is known
whatever ends this process.
"""

import ast
import asyncio
import builtins
import contextlib
import importlib
import inspect
import io
import json
import linecache
import signal
import sys

AGAIN = 0.2  # seconds between two tries to stop a cell that catches everything
CELL = "<cell "  # how the names of what is run here begin
LINES = 8  # after so many lines at most the next try comes, each at another line


class TooLong(BaseException):
    """A cell that ran past its seconds; no `except Exception` catches it."""


class Bounded(io.TextIOBase):
    """Takes any output and keeps none: a cell may print for ever."""

    def write(self, text):
        return len(text)


def main(job, done):
    with open(job) as file:
        limits = json.load(file)
    checks = importlib.import_module(f"genimg_lib.check.{limits['module']}")
    as_they_are = dict(vars(checks))
    _limit_memory(limits["bytes"])
    signal.signal(signal.SIGALRM, Stopper())
    names = {"__name__": "__main__", "display": _nothing, "get_ipython": Quiet}
    builtins.input = _no_answer
    usual = dict(vars(builtins))
    with open(done, "w") as file:
        for kind, name, source in limits["cells"]:
            if kind == "check":
                vars(checks).clear()
                vars(checks).update(as_they_are)
            place = f"{CELL}{name.removeprefix('code cell ')}>"
            error = _error_of(place, source, names, limits["seconds"])
            vars(builtins).update(usual)
            line = {"kind": kind, "name": name, "ok": not error, "error": error}
            file.write(json.dumps(line) + "\n")
            file.flush()


def _error_of(place, source, names, seconds):
    """What a cell raises, in a line; empty where it ends well. place: its name, as of a file."""
    try:
        return _run(place, source, names, seconds)
    except TooLong:
        return f"stopped after {seconds:g} s: an endless loop, perhaps"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        sys.settrace(None)


def _run(place, source, names, seconds):
    # so that errors and checks find the source
    linecache.cache[place] = (len(source), None, source.splitlines(keepends=True), place)
    signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)
    try:
        with contextlib.redirect_stdout(Bounded()), contextlib.redirect_stderr(Bounded()):
            # a cell may wait for something outside of any function, as in Jupyter
            code = compile(source, place, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
            if code.co_flags & inspect.CO_COROUTINE:
                asyncio.run(eval(code, names))
            else:
                exec(code, names)
    except TooLong:
        raise
    except MemoryError:
        return "wants more memory than a notebook may take"
    except BaseException as error:
        return _in_a_line(error)
    return ""


def _in_a_line(error):
    try:
        text = " ".join(str(error).split())
    except Exception:  # an error of somebody's own kind
        text = ""
    if "can't allocate memory" in text or "not enough memory" in text:
        return "wants more memory than a notebook may take"
    return f"{type(error).__name__}: {text}"[:300].rstrip(": ")


class Stopper:
    """Stops a cell, at once or some lines later.

    `while True: try: ... except: pass` catches what is raised inside of `try`, and a signal comes
    nearly always there. So every second try waits a line more than the one before: sooner or later
    it is a line outside.
    """

    def __init__(self):
        self.tries = 0

    def __call__(self, _, frame):
        self.tries += 1
        if self.tries % 2:
            raise TooLong
        self.lines = self.tries // 2 % LINES
        sys.settrace(self.trace)
        while frame is not None:  # the callers too: only they may be outside of every `try`
            if frame.f_code.co_filename.startswith(CELL):
                frame.f_trace = self.trace
            frame = frame.f_back

    def trace(self, frame, event, _):
        if event == "line":
            self.lines -= 1
            if self.lines < 0:
                raise TooLong
        return self.trace


def _nothing(*_, **__):
    """In the place of what shows things."""


def _no_answer(*_):
    """In the place of input: nobody sits there."""
    return ""


class Quiet:
    """In the place of IPython: whatever it is asked does nothing."""

    def __getattr__(self, _):
        return _nothing


def _limit_memory(more):
    """Let this process take so many bytes beside what it has once the libraries are loaded."""
    import resource

    import psutil
    import torch

    torch.ones(64, 64) @ torch.ones(64, 64)  # its threads and their stacks
    held = psutil.Process().memory_info().vms
    most = int(held + more)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


if __name__ == "__main__":
    main(*sys.argv[1:])
