"""For all tests: profile quick, output in a temporary folder, real data if there are any.

The notebooks under nbval are among them. Each process computes with one thread: several run side
by side, and a second busy thread on a core makes both much slower.
"""

import os
import shutil
import tempfile
from pathlib import Path

os.environ["GENIMG_PROFILE"] = "quick"
OUT = tempfile.mkdtemp(prefix="genimg-tests-")
os.environ["GENIMG_OUT"] = OUT
os.environ["TMPDIR"] = OUT  # of the programs that tests start: torchrun leaves folders in it
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Not for nbval: the students' notebooks raise by design; tests/course runs the solved ones
collect_ignore_glob = ["notebooks/exercises/*", "notebooks/solutions/*"]

REAL_DATA = Path(__file__).resolve().parent.parent / "shared" / "data"
if "GENIMG_DATA" not in os.environ and REAL_DATA.is_dir():
    os.environ["GENIMG_DATA"] = str(REAL_DATA)


def pytest_report_header():
    found = os.environ.get("GENIMG_DATA")
    missing = "not here; what needs them is skipped (set GENIMG_DATA)"
    return f"real MNIST and Fashion-MNIST: {found or missing}"


def pytest_unconfigure():
    shutil.rmtree(OUT, ignore_errors=True)  # what notebooks wrote is hundreds of megabytes


def pytest_collection_modifyitems(items):
    """The files that take longest come first, so that no process ends with one alone.

    It counts only with --no-loadscope-reorder: xdist would sort the files by number of tests.
    """
    slow = ("test_lab", "test_book", "test_exercises", "test_programs", "test_saving", "notebooks")
    order = {name: k for k, name in enumerate(slow)}

    def rank(item):
        found = [k for name, k in order.items() if name in str(item.path)]
        return min(found, default=len(slow))

    items.sort(key=rank)  # stable: within a file nothing changes its place
