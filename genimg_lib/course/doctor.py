"""`genimg doctor`: is this machine ready for the course, and if not, what to do."""

import importlib.metadata
import os
import platform
import re
import shutil
import sys
from pathlib import Path

from genimg_lib import files, weights

SHARED_MIB = 256  # that workers which read ahead may want
NEEDED_GIB = {"quick": 2, "cpu": 4, "gpu": 8}


def examine():
    """[(state, subject, finding)], state one of "ok", "note", "problem"."""
    parts = (_python, _packages, _device, _memory, _writing, _kernel, _environment, _data)
    return [finding for part in parts for finding in part()]


def report():
    """Print what `examine` found. Returns the number of problems."""
    findings = examine()
    for state, subject, finding in findings:
        print(
            f"{ {'ok': '  ok     ', 'note': '  note   ', 'problem': '  PROBLEM'}[state] } "
            f" {subject:<10} {finding}"
        )
    problems = sum(state == "problem" for state, *_ in findings)
    tool = "make" if files.checkout() else "genimg"
    print(
        "\n"
        + (
            f"All is ready: {tool} course, or {tool} lab."
            if not problems
            else f"{problems} problem{'s' * (problems > 1)} to solve first."
        )
    )
    return problems


def _python():
    version = platform.python_version()
    fine = sys.version_info >= (3, 11)
    yield (
        "ok" if fine else "problem",
        "python",
        version if fine else f"{version}; the course needs 3.11 or newer",
    )


def _packages():
    try:
        required = importlib.metadata.requires("genimg") or []
    except importlib.metadata.PackageNotFoundError:
        yield (
            "problem",
            "genimg",
            "not installed here; in the checkout: make lab, or pip install -e .",
        )
        return
    names = [re.match(r"[\w.-]+", r).group() for r in required if "extra ==" not in r]
    missing = []
    for name in names:
        try:
            importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            missing.append(name)
    if missing:
        yield (
            "problem",
            "packages",
            f"missing: {', '.join(missing)}; pip install -c constraints.txt -e . in the checkout",
        )
    else:
        yield (
            "ok",
            "packages",
            f"all {len(names)} are here; torch {importlib.metadata.version('torch')}",
        )


def _device():
    import torch

    from genimg_lib import training

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    profile = training.chosen_profile()
    yield "ok", "device", training.describe(device)
    if profile in training.PROFILES:
        yield "ok", "profile", f"{profile} (another one: GENIMG_PROFILE=quick, cpu or gpu)"
    else:
        yield (
            "problem",
            "profile",
            f"GENIMG_PROFILE is {profile!r}; known: {', '.join(training.PROFILES)}",
        )


def _memory():
    from genimg_lib import machine_limits, training

    free = machine_limits.free_memory() / 2**30
    profile = training.chosen_profile()
    needed = NEEDED_GIB.get(profile, 4)
    if free < needed:
        yield (
            "problem",
            "memory",
            (
                f"{free:.1f} GiB are free; profile {profile} wants {needed}: close other programs,"
                f" or take GENIMG_PROFILE=quick ({NEEDED_GIB['quick']} GiB)"
            ),
        )
    else:
        yield "ok", "memory", f"{free:.1f} GiB are free"


def _writing():
    from genimg_lib import training

    try:
        yield "ok", "output", f"runs write to {training.writable(files.out_folder())}"
    except training.TrainingError as error:
        yield "problem", "output", str(error)


def _kernel():
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    try:
        program = KernelSpecManager().get_kernel_spec("python3").argv[0]
    except NoSuchKernel:
        return  # JupyterLab then offers this interpreter's own
    except Exception as error:  # whatever stands in somebody's kernel.json
        yield "note", "kernel", f"the kernel python3 cannot be read ({error})"
        return
    if not _is_this_python(program):
        yield (
            "note",
            "kernel",
            f"JupyterLab's kernel python3 is another Python's, {program}: choose a kernel of"
            f" {sys.executable}, or `python -m ipykernel install --sys-prefix` in this one",
        )


def _is_this_python(program):
    """Is a kernel's program this interpreter, or one that is looked for by a usual name?"""
    major, minor = sys.version_info[:2]
    if program in ("python", f"python{major}", f"python{major}.{minor}", sys.executable):
        return True
    # an environment's interpreter is a link to the system's: the link counts
    return Path(program).parent.resolve() == Path(sys.executable).parent.resolve()


def _environment():
    """What earlier programs or a container left that a run would stumble over."""
    from genimg_lib import training

    try:
        training.check_launcher()
    except training.TrainingError as error:
        yield "problem", "launcher", str(error)
    if (given := os.environ.get("GENIMG_DATA")) and not Path(given).expanduser().is_dir():
        yield "problem", "data", f"GENIMG_DATA names no folder: {given}"
    shared = Path("/dev/shm")
    if shared.is_dir() and shutil.disk_usage(shared).free < SHARED_MIB * 2**20:
        free = shutil.disk_usage(shared).free / 2**20
        yield (
            "note",
            "memory",
            f"/dev/shm has {free:.0f} MiB free: reading pictures ahead may fail there (docker run"
            " --shm-size=1g)",
        )


def _data():
    from genimg_lib.data import fetch

    for name in fetch.registry():
        found = fetch.find(name)
        missing = [file for file, path in found.items() if path is None]
        if damaged := fetch.damaged(name):
            yield (
                "problem",
                "data",
                f"{name}: {damaged[0]} is cut short or damaged; remove it, then: genimg data fetch"
                f" {name}",
            )
        elif missing:
            yield (
                "note",
                "data",
                (
                    f"{name} is not on this machine (the course runs without it): genimg data fetch"
                    f" {name}"
                ),
            )
        else:
            yield "ok", "data", f"{name} is here"
    there = weights.names()
    yield (
        "ok" if there else "problem",
        "weights",
        ", ".join(there) or "none in data/weights; is the checkout complete?",
    )
