"""The command `genimg` (or python -m genimg_lib): a line a subcommand in COMMANDS.

What is slow to import is imported by the command that needs it.
"""

import argparse
import os
import re
import subprocess
import sys
from pathlib import Path


def main(arguments=None):
    """Run the command line; returns 0 for done, 1 for failed, 2 for a call not understood."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a console that cannot show a name says it in its way
            stream.reconfigure(errors="backslashreplace")
    args = _parser().parse_args(arguments)
    if not _is_somewhere():
        print("genimg: the folder that you are in is gone; go to another one", file=sys.stderr)
        return 1
    if not hasattr(args, "do"):
        _parser().print_help()
        return 2
    try:
        code = args.do(args) or 0
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # whoever reads the output (head, a pager) has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 128 + 13  # as of a program that the signal SIGPIPE ended
    except (ValueError, OSError, RuntimeError) as error:  # messages that are written for people
        print(f"genimg: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("genimg: stopped", file=sys.stderr)
        return 130


def _is_somewhere():
    """False in a folder that was deleted, where even torch ends with a message of its own."""
    try:
        return Path.cwd().is_dir()
    except FileNotFoundError:
        return False


def _parser():
    about = "A hands-on textbook on image generation: run it, check the machine, make pictures."
    parser = argparse.ArgumentParser(prog="genimg", description=about)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for name, (do, about, add_arguments) in COMMANDS.items():
        # what another program understands goes on to it as it is, options and --help too
        own = {"prefix_chars": "\0", "add_help": False} if name in PASSED_ON else {}
        title = about[0].upper() + about[1:]
        command = commands.add_parser(name, help=about, description=title, **own)
        command.set_defaults(do=do)
        add_arguments(command)
    return parser


# ------------------------------------------------------------------ the course


def _course(args):
    from genimg_lib.course import chapters, runner
    from genimg_lib.errors import unknown
    from genimg_lib.training import PROFILES

    profile = args.profile or os.environ.get("GENIMG_PROFILE") or "quick"
    if profile not in PROFILES:
        raise unknown("profile", profile, PROFILES)
    names = chapters.choose([*args.number, *args.only])
    return 1 if runner.run_all(names, profile, args.store) else 0


def _course_arguments(command):
    command.add_argument(
        "number", nargs="*", help="of the notebooks to run, 00 or 31 (all, if none is given)"
    )
    command.add_argument(
        "--only", nargs="+", default=[], metavar="NUMBER", help="the same, as an option"
    )
    command.add_argument("--profile", help="quick (the default), cpu or gpu")
    command.add_argument(
        "--store",
        action="store_true",
        help="keep outputs in notebooks/ and figures in data/results/, as the course ships them",
    )


def _notebooks(args):
    from genimg_lib.course import layout

    folder = Path(args.folder).expanduser()
    written = layout.lay_out(folder)
    print(f"{len(written)} files written to {folder.resolve()}; open notebooks/00_start_here.ipynb")


def _notebooks_arguments(command):
    command.add_argument("folder", nargs="?", default="genimg", help="a new one (genimg)")


def _test(args):
    from genimg_lib import machine_limits
    from genimg_lib.course import chapters, versions

    if args.arguments[:1] == ["--versions"]:
        return versions.test(*args.arguments[1:])
    # one worker more than there are cores: some tests wait for a browser or another process
    side_by_side = ["-n", str(1 + machine_limits.cores())] if not args.arguments else []
    command = [sys.executable, "-m", "pytest", *side_by_side, *args.arguments]
    return subprocess.run(command, cwd=chapters.checkout()).returncode


def _lab(args):
    from genimg_lib.course import chapters

    first = chapters.notebooks_folder() / "00_start_here.ipynb"
    command = [sys.executable, "-m", "jupyterlab", str(first), *args.arguments]
    code = subprocess.run(command).returncode
    if code and hasattr(os, "geteuid") and os.geteuid() == 0 and "--allow-root" not in command:
        print("genimg: as root: make lab LAB=--allow-root", file=sys.stderr)
    return code


def _book(args):
    from genimg_lib.course import chapters

    program = chapters.checkout() / "book" / "build.py"
    return subprocess.run([sys.executable, str(program), *args.arguments]).returncode


def _rest(command):
    command.add_argument("arguments", nargs="*")


def _doctor(_):
    from genimg_lib.course import doctor

    return 1 if doctor.report() else 0


def _nothing(_):
    """No arguments."""


# ------------------------------------------------------------------ data and pictures


def _data_list(_):
    from genimg_lib.data import fetch, sources

    known, place = fetch.registry(), os.environ.get("GENIMG_DATA")
    if place and not Path(place).expanduser().is_dir():
        print(f"GENIMG_DATA is {place}, where there is no folder", file=sys.stderr)
    for name, source in zip(sources.names(), sources.SOURCES.values(), strict=True):
        if name not in known:
            print(f"{name:<15} needs no download: {source.about}")
    for name, entry in known.items():
        size = sum(file["bytes"] for file in entry["files"].values()) / 1e6
        way = "fetched" if entry["mirrors"] else "put here by hand"
        state = "here" if fetch.here(name) else f"to be {way}, {size:.0f} MB"
        print(f"{name:<15} {state}: {entry['about']}; licence: {entry['licence']}")


def _data_fetch(args):
    from genimg_lib.data import fetch, sources

    if args.name.partition(":")[0] in sources.SOURCES and args.name not in fetch.registry():
        print(f"{args.name} needs no download")
        return
    for path in fetch.fetch(args.name).values():
        print(path)


def _data_show(args):
    from genimg_lib import data, files, plots
    from genimg_lib.data import portraits, sources

    draws_n = args.name in sources.SOURCES and sources.SOURCES[args.name].draws_n
    found = data.load(args.name, **({"n": 50} if draws_n else {}))
    print(found)
    for name, values in (found.factors or {}).items():
        known = portraits.FACTORS.get(name) if args.name == "portraits" else None
        print(f"  {name}: {', '.join(map(str, known or values.unique().tolist()[:20]))}")
    if found.names:
        print(f"  classes: {', '.join(found.names)}")
    safe = re.sub(r"[^A-Za-z0-9.-]+", "_", args.name)
    path = files.out_folder() / "data" / f"{safe}.png"
    files.write_atomically(path, plots.png(plots.grid(found.images[:50], title=found.title)))
    print(f"  pictures: {path}")


def _data_arguments(command):
    which = command.add_subparsers(title="what to do", metavar="ACTION")
    listing = which.add_parser("list", help="the data sets, and whether they are on this machine")
    listing.set_defaults(do=_data_list)
    fetch = which.add_parser("fetch", help="download a data set")
    fetch.add_argument("name")
    fetch.set_defaults(do=_data_fetch)
    show = which.add_parser("show", help="describe a data set and draw some of its images")
    show.add_argument("name", help="one of `genimg data list`")
    show.set_defaults(do=_data_show)


def _stylize(args):
    from genimg_lib.apps import stylize

    known = ("do", "content", "style", "out", "net", "steps")
    given = {key: value for key, value in vars(args).items() if key not in known}
    slow = {k: v for k in ("net", "steps") if (v := getattr(args, k)) is not None}
    if args.fast and slow:
        raise ValueError(f"--{next(iter(slow))} is for painting without --fast; leave one out")
    given |= slow
    for path in stylize.stylize_file(args.content, args.style, args.out, **given):
        print(path)


def _stylize_arguments(command):
    add = command.add_argument
    add(
        "content",
        help="a picture file, a photograph of scikit-image (coffee, chelsea, astronaut ...), "
        "an animated GIF or a folder of frames; what is transparent is laid on white",
    )
    add(
        "style",
        help="strokes, mosaic, woodcut, hatching, dots, a painting (starry_night ...) "
        "or any picture file",
    )
    add("-o", "--out", required=True, help="the file to write; for films a .gif, or a folder")
    add(
        "--fast",
        action="store_true",
        help="by a trained network, in one pass; strokes stay where a film's camera moves",
    )
    add(
        "--size",
        type=int,
        help="pixels of the longer side (256; with --fast 512 at most); 0: the picture's own",
    )
    add(
        "--strength",
        type=float,
        default=1.0,
        help="of the style: 0 leaves the picture, 1 is clear; more is possible without --fast",
    )
    add("--keep-color", action="store_true", help="take over the lightness only")
    add(
        "--net",
        help="whose features judge: embedded (the usual), squeezenet1_1 or vgg19 (not with --fast)",
    )
    add(
        "--steps",
        type=int,
        help="of the optimiser at each of two sizes (60; not with --fast)",
    )
    add(
        "--steady",
        type=float,
        default=0.4,
        help="for films: how much of the last frame is carried along, 0 to 1",
    )
    add("--overwrite", action="store_true", help="write over what is there")


def _sample(args):
    from genimg_lib.apps import sample

    if args.list or args.model is None:
        print("\n".join(sample.listing()))
        return 0
    if args.out is None:
        raise ValueError("where to? -o grid.png for one picture, -o faces for a folder of them")
    known = ("do", "model", "out", "list")
    given = {key: value for key, value in vars(args).items() if key not in known}
    paths = sample.sample_file(args.model, args.out, **given)
    print(paths[0] if len(paths) == 1 else f"{paths[0].parent} with {len(paths):,} pictures")


def _sample_arguments(command):
    add = command.add_argument
    add("model", nargs="?", help="of --list")
    add("-o", "--out", help="grid.png for one picture of all, or a folder for a picture each")
    add("-n", type=int, default=64, help="images (64)")
    add("--seed", type=int, default=0)
    add(
        "--given",
        help='a description, for models that obey one: "red hair, round glasses", or "sneaker"; the'
        " model told sentences takes a whole one",
    )
    add("--scale", type=int, help="enlarge each pixel (3 in a grid, 1 in a folder)")
    add("--measure", action="store_true", help="say how good the model is, beside real images")
    add("--overwrite", action="store_true", help="write over what is there")
    add("--list", action="store_true", help="the models, and what they are known to reach")


def _denoise(args):
    from genimg_lib.apps import denoise

    given = args.picture, args.out, args.sigma, args.overwrite, args.careful
    print(denoise.denoise_file(*given))


def _denoise_arguments(command):
    add = command.add_argument
    add("picture", help="a picture file, of any size, grey or in colour")
    add("-o", "--out", required=True, help="the file to write: .png, .jpg, .webp, .tif, .bmp")
    add(
        "--sigma",
        type=float,
        help="the noise's standard deviation in grey levels of 255 (estimated, if not given)",
    )
    add("--careful", action="store_true", help="a little better, in eight times the time")
    add("--overwrite", action="store_true", help="write over what is there")


def _upscale(args):
    from genimg_lib.apps import upscale

    given = args.picture, args.out, args.scale, args.overwrite, args.careful
    print(upscale.upscale_file(*given))


def _upscale_arguments(command):
    command.epilog = (
        "For clean photographs. Noise and the blocks of a JPEG are sharpened with the rest: take"
        " noise out first (genimg denoise). Lines of drawings and of letters may change their width"
        " and colour, the more at --scale 4."
    )
    add = command.add_argument
    add("picture", help="a picture file, of any size, grey or in colour")
    add("-o", "--out", required=True, help="the file to write: .png, .jpg, .webp, .tif, .bmp")
    add(
        "--scale",
        type=int,
        choices=(2, 4),
        default=2,
        help="how many times as large: 2 (the default) or 4",
    )
    add("--careful", action="store_true", help="a little better, in eight times the time")
    add("--overwrite", action="store_true", help="write over what is there")


def _inpaint(args):
    from genimg_lib.apps import inpaint

    written = inpaint.inpaint_file(
        args.picture,
        args.mask,
        args.out,
        samples=args.samples,
        by=args.by,
        overwrite=args.overwrite,
        keep_white=args.keep_white,
        seed=args.seed,
    )
    for path in written:
        print(path)


def _inpaint_arguments(command):
    command.epilog = (
        "The mask is a picture of the same size, in black and white only: white is filled, black is"
        " kept to the bit (in a JPEG nearly). Thin holes, such as scratches and letters, are filled"
        " by a network that continues lines and shades; thick ones with patches from elsewhere in"
        " the picture, best where grass, sky or a wall goes on."
    )
    add = command.add_argument
    add("picture", help="a picture file, of any size, grey or in colour")
    add("mask", help="a picture of the same size: white where it is to be filled, else black")
    add("-o", "--out", required=True, help="the file to write: .png, .jpg, .webp, .tif, .bmp")
    add(
        "--by",
        choices=("auto", "network", "patches", "portrait"),
        default="auto",
        help="how: auto chooses for each hole; portrait is for the course's, 32x32 pixels",
    )
    add("--samples", type=int, default=1, help="so many different fillings, as OUT-1, OUT-2, ...")
    add("--seed", type=int, default=0, help="another one may give another filling")
    add("--keep-white", action="store_true", help="keep what is white, fill what is black")
    add("--overwrite", action="store_true", help="write over what is there")


def _caption(args):
    from genimg_lib.apps import caption

    found = caption.caption_files(args.picture)
    return 0 if all(found.values()) else 1


def _caption_arguments(command):
    command.epilog = (
        "For portraits as the course draws them, 32 pixels a side or a multiple of it. The second"
        " line says how sure the captioner is of each factor."
    )
    command.add_argument("picture", nargs="+", help="a picture file, square and in colour")


def _texture(args):
    from genimg_lib.apps import texture

    given = args.size, args.tile, args.patch, args.seed, args.overwrite
    print(texture.texture_file(args.picture, args.out, *given))


def _texture_arguments(command):
    command.epilog = (
        "The result is quilted of patches of the picture, their edges cut where they agree. Best"
        " for what looks alike everywhere: gravel, cloth, leaves. A larger --patch keeps larger"
        " shapes whole; a smaller one varies more."
    )
    add = command.add_argument
    add("picture", help="a picture file of a material, 1,024 pixels a side at most")
    add("-o", "--out", required=True, help="the file to write: .png, .jpg, .webp, .tif, .bmp")
    add("--size", type=int, default=512, help="pixels of a side of the result (512)")
    add("--tile", action="store_true", help="make a tile that repeats without a seam")
    add("--patch", type=int, help="pixels of a side of a patch (32, or half of a small picture)")
    add("--seed", type=int, default=0, help="another one gives another texture")
    add("--overwrite", action="store_true", help="write over what is there")


# ------------------------------------------------------------------ for authors


def _new(args):
    from genimg_lib.course import scaffold

    for path in scaffold.new(args.name):
        print(path)


def _new_arguments(command):
    command.add_argument("name", help="NN_name, for example 25_style_based_gan")


def _exercises(args):
    from genimg_lib.course import exercises

    folder = Path(args.nbgrader) if args.nbgrader else None
    exercises.make_all(exercises.choose(args.number), folder, args.force)


def _exercises_arguments(command):
    command.add_argument(
        "number", nargs="*", help="of the chapters, 11 or 31 (all that have exercises, if none)"
    )
    command.add_argument(
        "--nbgrader", metavar="FOLDER", help="a course folder; assignments go to FOLDER/source"
    )
    command.add_argument(
        "--force", action="store_true", help="write students' notebooks that hold answers anew"
    )


def _grade(args):
    from genimg_lib.course import grading

    grading.grade_all(args.folder, args.out, args.seconds, args.memory, args.overwrite)


def _grade_arguments(command):
    command.epilog = (
        "Each notebook runs in a process of its own, with your rights: where you do not know whose"
        " work it is, in a container."
    )
    add = command.add_argument
    add("folder", help="with students' notebooks, as they come")
    add("-o", "--out", help="a .csv for the table, a column a check")
    add("--seconds", type=float, default=300, help="that a notebook may take (300)")
    add("--memory", type=float, default=4, help="GiB that a notebook may take (4)")
    add("--overwrite", action="store_true", help="write over a table that is there")


def _bench(args):
    import ast

    from genimg_lib.course import chapters
    from genimg_lib.errors import unknown

    folder = chapters.notebooks_folder().parent / "benchmarks"
    programs = {path.stem: path for path in sorted(folder.glob("*.py"))}
    if args.name is None:
        for name, path in programs.items():
            about = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
            print(f"{name:<16} {about.splitlines()[0]}")
        return 0
    if args.name not in programs:
        raise unknown("measurement", args.name, programs)
    return subprocess.run([sys.executable, str(programs[args.name]), *args.arguments]).returncode


def _bench_arguments(command):
    command.add_argument("name", nargs="?", help="gan, redraw, train_overhead ...")
    command.add_argument(
        "arguments", nargs=argparse.REMAINDER, help="for the measurement; --help lists its own"
    )


def _make(args):
    from genimg_lib import recipes

    if args.name is None:
        for name, recipe in recipes.RECIPES.items():
            print(f"{name:<26} {recipe.minutes:4.3g} min  {recipe.about}")
        return
    options = dict(_option(text) for text in args.change)
    for path in recipes.make(args.name, args.minutes, args.out, args.seed, **options):
        print(path)


def _option(text):
    import json

    name, sign, value = text.partition("=")
    try:
        return name, json.loads(value)
    except json.JSONDecodeError:
        if not sign or not value:
            raise ValueError(f"expected NAME=VALUE, got {text!r}") from None
        return name, value


def _make_arguments(command):
    add = command.add_argument
    add("name", nargs="?", help="of the weights; without a name, all are listed")
    add("--minutes", type=float, help="of training; the recipe's own, if not given")
    add("--seed", type=int, default=0)
    add("--out", metavar="FOLDER", help="where to write (data/weights)")
    add(
        "--change",
        nargs="*",
        default=[],
        metavar="NAME=VALUE",
        help="options of the recipe (genimg_lib/recipes), such as width=32",
    )


def _tables(_):
    from genimg_lib.course import readme

    changed = readme.write()
    print("README.md made again" if changed else "README.md is in step already")


def _form(args):
    from genimg_lib.course import form

    paths = [_notebook_path(path) for path in args.paths]
    return 1 if form.report(paths) else 0


def _notebook_path(text):
    """The path of a notebook, which may be named by its number."""
    from genimg_lib.course import chapters

    if not text.isdigit():
        return text
    return chapters.notebooks_folder() / f"{chapters.choose([text])[0]}.py"


def _form_arguments(command):
    command.add_argument(
        "paths", nargs="*", help="of notebooks, or their numbers, to look at one by one"
    )


def _first_cell(args):
    from genimg_lib.course import first_cell

    changed = first_cell.write(args.address)
    print(f"first cell written into {', '.join(changed) or 'no notebook: all have it'}")


def _first_cell_arguments(command):
    command.add_argument("--address", help="to install from; pyproject's, if not given")


PASSED_ON = ("lab", "test", "book")  # to JupyterLab, pytest, book/build.py
COMMANDS = {
    "course": (
        _course,
        "run the notebooks from top to bottom, end with a table",
        _course_arguments,
    ),
    "run": (_course, "the same as course", _course_arguments),
    "lab": (_lab, "JupyterLab at the first notebook", _rest),
    "notebooks": (_notebooks, "lay the notebooks out in a folder", _notebooks_arguments),
    "doctor": (_doctor, "check this machine: what is missing, how to get it", _nothing),
    "data": (_data_list, "list, fetch or show data sets", _data_arguments),
    "sample": (
        _sample,
        "pictures from the generators that come with the course",
        _sample_arguments,
    ),
    "stylize": (_stylize, "give a picture or a film the style of another", _stylize_arguments),
    "denoise": (_denoise, "take the noise out of a picture of any size", _denoise_arguments),
    "inpaint": (_inpaint, "fill holes in a picture of any size", _inpaint_arguments),
    "upscale": (_upscale, "make a picture twice or four times as large", _upscale_arguments),
    "caption": (_caption, "say what portraits show, and how sure that is", _caption_arguments),
    "texture": (_texture, "more of a material, or a tile without a seam", _texture_arguments),
    "exercises": (
        _exercises,
        "make exercises: solved, for students, nbgrader",
        _exercises_arguments,
    ),
    "grade": (_grade, "run students' notebooks and count their points", _grade_arguments),
    "test": (_test, "all tests, every notebook among them", _rest),
    "book": (_book, "build the course as a site, in out/book", _rest),
    "bench": (_bench, "measure speed and quality on this machine", _bench_arguments),
    "make": (_make, "train and store the weights that ship with the course", _make_arguments),
    "new": (_new, "begin a notebook: a pair of files with the anatomy", _new_arguments),
    "first-cell": (_first_cell, "renew the notebooks' installing cell", _first_cell_arguments),
    "tables": (_tables, "make the README's cards and tables again", _nothing),
    "form": (_form, "the form of the code, as a table", _form_arguments),
}
