"""All notebooks as programs in profile quick, on the device at hand, one after the other.

    genimg bench programs [--only 11 31] [--minutes 10] [--store]

For each: seconds, the memory that the program and the GPU held, and what it reported. A program
that has not ended when the minutes are over is stopped, and those after it are not begun; both
are said. --store keeps the table in data/results.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from genimg_lib import results, tables
from genimg_lib.course import chapters
from genimg_lib.training import start


def run_program(name, seconds):
    """(what became of it, its seconds, its result file's content) of a notebook as a program."""
    with tempfile.TemporaryDirectory() as out:
        environment = os.environ | {"GENIMG_OUT": out, "MPLBACKEND": "agg"}
        program = chapters.notebooks_folder() / f"{name}.py"
        command = [sys.executable, str(program), "--profile", "quick"]
        began = time.perf_counter()
        try:
            done = subprocess.run(
                command, env=environment, capture_output=True, text=True, timeout=seconds
            )
        except subprocess.TimeoutExpired:
            return "stopped", time.perf_counter() - began, {}
        lasted = time.perf_counter() - began
        found = results.of_run(Path(out) / name / "quick")
    if done.returncode:
        print(done.stderr[-2_000:], flush=True)
        return "failed", lasted, found
    return "passed", lasted, found


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", default=[], metavar="NUMBER")
    parser.add_argument("--minutes", type=float, default=10.0, help="for all of them")
    parser.add_argument("--store", action="store_true")
    args = parser.parse_args()
    run = start("bench_programs", minutes=args.minutes)
    ends = time.perf_counter() + 60 * args.minutes
    rows, found = [], {}
    for name in chapters.choose(args.only):
        left = ends - time.perf_counter()
        if left <= 0:
            rows.append((name, "not begun", 0.0, 0, 0, ""))
            continue
        state, seconds, result = run_program(name, left)
        memory = result.get("peak_memory_mib", 0)
        gpu = result.get("gpu_memory_mib", 0)
        metrics = result.get("metrics", {})
        shown = ", ".join(f"{k} {v:.3g}" for k, v in list(metrics.items())[:2] if v is not None)
        rows.append((name, state, round(seconds, 1), memory, gpu, shown))
        print(f"{name}: {state} in {seconds:.1f} s", flush=True)
        found |= {f"{name}_seconds": seconds, f"{name}_mib": memory, f"{name}_gpu_mib": gpu}
        found |= {f"{name}_{key}": value for key, value in list(metrics.items())[:2]}
    passed = sum(row[1] == "passed" for row in rows)
    print()
    tables.show(rows, ("notebook", "result", "seconds", "MiB", "GPU MiB", "figures"))
    run.report(passed=passed, notebooks=len(rows), **found)
    if args.store:
        spent = args.minutes - (ends - time.perf_counter()) / 60
        results.keep_benchmark(run, run.name, "benchmarks/programs.py", spent)
    return 0 if passed == len(rows) else 1


if __name__ == "__main__":
    sys.exit(main())
