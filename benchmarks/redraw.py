"""How long a widget takes to draw itself again, on this machine.

Every explore() of the notebooks, each control moved in turn.

    genimg bench redraw [12 13 ...]

A redraw is the figure function and the making of the picture, what stands between moving a slider
and sending the new picture to the page.
"""

import argparse
import os
import runpy
import statistics
import sys
import time
from pathlib import Path

os.environ.setdefault("GENIMG_PROFILE", "quick")

import torch

from genimg_lib import plots, widgets
from genimg_lib.course import chapters


def other(control):
    """A few values of a control besides its default."""
    if isinstance(control, bool):
        return [not control]
    if isinstance(control, list):
        return control[1:4]
    low, high, _ = control
    return [
        low,
        high,
        (low + high) // 2 if all(isinstance(v, int) for v in control) else 0.3 * low + 0.7 * high,
    ]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("number", nargs="*")
    parser.add_argument("--save", metavar="FOLDER", help="keep the pictures there, to look at")
    arguments = parser.parse_args()
    names, folder = chapters.choose(arguments.number), arguments.save and Path(arguments.save)
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
    slowest = 0.0
    for name in names:
        found = []

        def timed(figure_fn, alt, caption="", name=name, found=found, **controls):
            defaults = {key: widgets._default(key, control) for key, control in controls.items()}
            fig = figure_fn(**defaults)
            plots.png(fig)
            places = widgets.layout(fig)
            seconds = []
            for key, control in controls.items():
                for value in other(control):
                    started = time.perf_counter()
                    picture = plots.quick_png(
                        widgets.keep_places(figure_fn(**defaults | {key: value}), places)
                    )
                    seconds.append(time.perf_counter() - started)
                    if folder:
                        (folder / f"{name[:2]}_{figure_fn.__name__}_{key}_{value}.png").write_bytes(
                            picture
                        )
            found.append((figure_fn.__name__, seconds))

        original, widgets.explore = widgets.explore, timed
        sys.argv = [f"{name}.py"]
        try:
            runpy.run_path(str(chapters.notebooks_folder() / f"{name}.py"), run_name="__main__")
        finally:
            widgets.explore = original
            torch.set_default_dtype(torch.float32)  # some notebooks count in float64
        for function, seconds in found:
            slowest = max(slowest, statistics.median(seconds))
            print(
                f"REDRAW {name:<24} {function:<16} median {1000 * statistics.median(seconds):4.0f}"
                f" ms, longest {1000 * max(seconds):4.0f} ms, of {len(seconds)}"
            )
    print(f"REDRAW the slowest median is {1000 * slowest:.0f} ms")


if __name__ == "__main__":
    main()
