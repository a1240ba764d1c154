"""`genimg doctor`: is this machine ready for the course, and if not, what to do."""

import importlib.metadata
import platform
import re
import sys

from genimg_lib import files, weights

NEEDED_GIB = {"quick": 2, "cpu": 4, "gpu": 8}


def examine():
    """[(state, subject, finding)], state one of "ok", "note", "problem"."""
    return [*_python(), *_packages(), *_device(), *_memory(), *_writing(), *_data()]


def report():
    """Print what `examine` found. Returns the number of problems."""
    findings = examine()
    for state, subject, finding in findings:
        print(
            f"{ {'ok': '  ok     ', 'note': '  note   ', 'problem': '  PROBLEM'}[state] } "
            f" {subject:<10} {finding}"
        )
    problems = sum(state == "problem" for state, *_ in findings)
    print(
        "\n"
        + (
            "All is ready: make course, or make lab."
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
    import psutil

    from genimg_lib import training

    free = psutil.virtual_memory().available / 2**30
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


def _data():
    from genimg_lib.data import fetch

    for name in fetch.registry():
        missing = [file for file, path in fetch.find(name).items() if path is None]
        if missing:
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
