"""What `genimg test --versions` does: the tests with other versions of what is needed."""

import os
import subprocess
import tempfile
import tomllib
import venv
from importlib import metadata
from pathlib import Path

from genimg_lib import machine_limits
from genimg_lib.course import chapters
from genimg_lib.errors import unknown

WHICH = ("lowest", "newest")
# the tests of library and commands: without the notebooks and the book, which take most of the time
FAST = ("tests", "--ignore=tests/book")


def test(which=None, *arguments):
    """Run tests with the lowest versions that pyproject allows, or with the newest there are.

    They are installed in a temporary folder. torch stays at the version that is here, since its
    builds differ from machine to machine.
    which: of WHICH.
    arguments: for pytest, in the place of FAST.
    Returns pytest's exit status, or pip's where the versions cannot be installed together.
    Raises ValueError for another word, FileNotFoundError without a clone.
    """
    if which not in WHICH:
        raise unknown("choice of versions", which, WHICH)
    root = chapters.checkout()
    with tempfile.TemporaryDirectory(prefix="genimg_versions_") as folder:
        place = Path(folder)
        venv.create(place / "env", with_pip=True)
        python = place / "env" / ("Scripts" if os.name == "nt" else "bin") / "python"
        kept = place / "constraints.txt"
        kept.write_text("\n".join(pins(root, which)) + "\n", encoding="utf-8")
        newer = ["--upgrade", "--upgrade-strategy", "eager"] if which == "newest" else []
        install = [python, "-m", "pip", "install", "--quiet", *newer, "--constraint", kept]
        done = subprocess.run([*install, "--editable", ".[test]"], cwd=root)
        if done.returncode:
            return done.returncode
        subprocess.run([python, "-m", "pip", "list"], cwd=root, check=True)
        side_by_side = ["-n", str(1 + machine_limits.cores())]
        command = [python, "-m", "pytest", *side_by_side, *(arguments or FAST)]
        return subprocess.run(command, cwd=root).returncode


def pins(root, which):
    """The versions to install, as lines of a constraints file."""
    torch = f"torch=={metadata.version('torch').split('+')[0]}"
    if which == "newest":
        return [torch]
    return [torch, *(line for line in lower_bounds(root) if not line.startswith("torch=="))]


def lower_bounds(root):
    """The lowest versions that pyproject.toml allows: ["numpy==2.0", ...]."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    found = []
    for requirement in (*project["dependencies"], *project["optional-dependencies"]["test"]):
        name, least = requirement.split(",")[0].split(">=")
        found.append(f"{name}=={least}")
    return found
