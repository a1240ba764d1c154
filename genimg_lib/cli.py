"""The command `genimg` (or python -m genimg_lib). What is slow to import is imported by the command that needs it."""

import argparse
import re
import sys


def main(arguments=None):
    """Run the command line; returns the exit status: 0 done, 1 something failed, 2 a call that cannot be understood."""
    args = _parser().parse_args(arguments)
    if not hasattr(args, "do"):
        _parser().print_help()
        return 2
    try:
        return args.do(args) or 0
    except (ValueError, OSError, RuntimeError) as error:  # DataError and TrainingError are RuntimeErrors; their messages are written for people
        print(f"genimg: {error}", file=sys.stderr)
        return 1


def _parser():
    parser = argparse.ArgumentParser(
        prog="genimg", description="A hands-on textbook on image generation: run it, check the machine, get data, begin a notebook."
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")

    run = commands.add_parser(
        "run", help="run notebooks from top to bottom", description="Runs notebooks, writes them executed under out/, ends with a table."
    )
    run.add_argument("number", nargs="*", help="of the notebooks to run, 00 or 31 (all of them, if none is given)")
    run.add_argument("--profile", default=None, help="quick (the default), cpu or gpu")
    run.add_argument("--store", action="store_true", help="keep outputs in notebooks/ and figures in data/results/, as the course ships them")
    run.set_defaults(do=_run)

    doctor = commands.add_parser("doctor", help="check this machine: what is here, what is missing, how to get it")
    doctor.set_defaults(do=_doctor)

    data = commands.add_parser("data", help="list, fetch or show data sets")
    which = data.add_subparsers(title="what to do", metavar="ACTION")
    which.add_parser("list", help="the data sets, and whether they are on this machine").set_defaults(do=_data_list)
    fetch = which.add_parser("fetch", help="download a data set")
    fetch.add_argument("name")
    fetch.set_defaults(do=_data_fetch)
    show = which.add_parser("show", help="describe a data set and draw some of its images")
    show.add_argument("name", help="portraits, mnist, fashion_mnist, photos or folder:PATH")
    show.set_defaults(do=_data_show)
    data.set_defaults(do=_data_list)

    new = commands.add_parser("new", help="begin a notebook: a pair of files with the course's anatomy")
    new.add_argument("name", help="NN_name, for example 22_dcgan")
    new.set_defaults(do=_new)

    exercises = commands.add_parser(
        "exercises",
        help="make the exercises: solved and students' notebooks, nbgrader assignments",
        description="From each source, notebooks/solutions/NN_name.py: the solved notebook, run with all checks passing, the students' one, and the assignment.",
    )
    exercises.add_argument("number", nargs="*", help="of the chapters, 11 or 31 (all that have exercises, if none is given)")
    exercises.add_argument("--nbgrader", metavar="FOLDER", default=None, help="a course folder for nbgrader; assignments go to FOLDER/source")
    exercises.set_defaults(do=_exercises)

    bench = commands.add_parser(
        "bench", help="measure speed and quality on this machine", description="Runs a measurement of benchmarks/; without a name, lists them."
    )
    bench.add_argument("name", nargs="?", help="gan, redraw, train_overhead ...")
    bench.add_argument("arguments", nargs=argparse.REMAINDER, help="for the measurement; --help lists its own")
    bench.set_defaults(do=_bench)

    stylize = commands.add_parser(
        "stylize",
        help="give a picture or a film the style of another",
        description="CONTENT in the style of STYLE, into OUT. Films: an animated GIF or a folder of frames, into a GIF or a folder.",
    )
    stylize.add_argument(
        "content", help="a picture file, a photograph of scikit-image (coffee, chelsea, astronaut ...), an animated GIF or a folder of frames"
    )
    stylize.add_argument("style", help="strokes, mosaic, woodcut, hatching, dots, a painting (starry_night ...) or any picture file")
    stylize.add_argument("-o", "--out", required=True, help="the file to write; for films a .gif, or a folder for the frames")
    stylize.add_argument("--fast", action="store_true", help="by a trained network, in one pass instead of a hundred steps")
    stylize.add_argument("--size", type=int, default=None, help="pixels of the longer side (256; with --fast 512 at most); 0: the picture's own size")
    stylize.add_argument(
        "--strength", type=float, default=1.0, help="of the style: 0 leaves the picture, 1 is clear; more is possible without --fast"
    )
    stylize.add_argument("--keep-color", action="store_true", help="take over the lightness only")
    stylize.add_argument("--net", default="embedded", help="whose features judge: embedded, squeezenet1_1 or vgg19 (not with --fast)")
    stylize.add_argument("--steps", type=int, default=60, help="of the optimiser at each of two sizes (not with --fast)")
    stylize.add_argument("--steady", type=float, default=0.4, help="for films: how much of the last frame is carried along, 0 to 1")
    stylize.set_defaults(do=_stylize)

    tables = commands.add_parser("tables", help="make the README's tables anew from the map and the results files")
    tables.set_defaults(do=_tables)
    return parser


def _run(args):
    import os

    from genimg_lib import course, runner, training

    profile = args.profile or os.environ.get("GENIMG_PROFILE") or "quick"
    if profile not in training.PROFILES:
        raise ValueError(f"unknown profile {profile!r}; known: {', '.join(training.PROFILES)}")
    return 1 if runner.run_all(course.choose(args.number), profile, args.store) else 0


def _doctor(_):
    from genimg_lib import doctor

    return 1 if doctor.report() else 0


def _data_list(_):
    from genimg_lib.data import fetch

    print("portraits       drawn on this machine, no download")
    print("photos          come with scikit-image, no download")
    print("folder:PATH     any folder of pictures; subfolders are classes")
    for name, entry in fetch.registry().items():
        size = sum(f["bytes"] for f in entry["files"].values()) / 1e6
        state = "here" if fetch.here(name) else f"to be {'fetched' if entry['mirrors'] else 'put here by hand'}, {size:.0f} MB"
        print(f"{name:<15} {state}: {entry['about']}; licence: {entry['licence']}")


def _data_fetch(args):
    from genimg_lib.data import fetch

    if args.name in ("portraits", "photos"):
        print(f"{args.name} needs no download")
        return
    for path in fetch.fetch(args.name).values():
        print(path)


def _data_show(args):
    from genimg_lib import data, plots
    from genimg_lib.checkpoints import write_atomically
    from genimg_lib.training import out_folder

    found = data.load(args.name, **({"n": 50} if args.name == "portraits" else {}))
    print(found)
    for name in found.factors:
        print(f"  {name}: {', '.join(map(str, data.portraits.FACTORS[name]))}")
    if found.names:
        print(f"  classes: {', '.join(found.names)}")
    path = out_folder() / "data" / f"{re.sub(r'[^A-Za-z0-9.-]+', '_', args.name)}.png"
    write_atomically(path, plots.png(plots.grid(found.images[:50], title=found.title)))
    print(f"  pictures: {path}")


def _new(args):
    from genimg_lib import scaffold

    for path in scaffold.new(args.name):
        print(path)


def _exercises(args):
    from pathlib import Path

    from genimg_lib import exercises

    exercises.make_all(exercises.choose(args.number), Path(args.nbgrader) if args.nbgrader else None)


def _bench(args):
    import ast
    import subprocess

    from genimg_lib import course

    programs = {path.stem: path for path in sorted((course.notebooks_folder().parent / "benchmarks").glob("*.py"))}
    if args.name is None:
        for name, path in programs.items():
            print(f"{name:<16} {ast.get_docstring(ast.parse(path.read_text(encoding='utf-8'))).splitlines()[0]}")
        return 0
    if args.name not in programs:
        raise ValueError(f"unknown measurement {args.name!r}; known: {', '.join(programs)}")
    return subprocess.run([sys.executable, str(programs[args.name]), *args.arguments]).returncode


def _stylize(args):
    from genimg_lib import stylist

    given = {key: value for key, value in vars(args).items() if key not in ("do", "content", "style", "out")}
    for path in stylist.stylize_file(args.content, args.style, args.out, **given):
        print(path)


def _tables(_):
    from genimg_lib import tables

    print("README.md made anew" if tables.write() else "README.md is in step already")
