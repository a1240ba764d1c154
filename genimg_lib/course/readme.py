"""The README's cards and tables, made from the map and the results, never typed."""

import re
from pathlib import Path

from genimg_lib import files, results, weights
from genimg_lib.course import chapters

COLUMNS = 3  # of cards
CARD = 260  # pixels, the width of a cover


def cards():
    """The course as cards: cover, title, promise and minutes of each chapter that stands.

    Those to come are named below their part.
    """
    there = set(chapters.standing())
    blocks = []
    for part in chapters.PARTS:
        of_part = [c for c in chapters.CHAPTERS if c.part == part]
        stand = [c for c in of_part if c.name in there]
        blocks.append(f"### {part}")
        if stand:
            rows = [stand[k : k + COLUMNS] for k in range(0, len(stand), COLUMNS)]
            blocks.append("\n".join(["<table>", *map(_row, rows), "</table>"]))
        if missing := [f"{c.name[:2]} {c.title}" for c in of_part if c.name not in there]:
            blocks.append(f"To come: {'; '.join(missing)}.")
    return "\n\n".join(blocks)


def _row(row):
    return "\n".join(["<tr>", *(f"<td>{card(c)}</td>" for c in row), "</tr>"])


def card(chapter):
    """A chapter's card in HTML."""
    number, page = chapter.name[:2], f"notebooks/{chapter.name}.ipynb"
    cover = cover_of(chapter)
    picture = ""
    if cover:
        source = f"data/pictures/{cover.name}"
        image = f'<img src="{source}" width="{CARD}" alt="Cover of chapter {number}">'
        picture = f'<a href="{page}">{image}</a><br>'
    title = f'<a href="{page}"><b>{number} {chapter.title}</b></a>'
    time = f" <i>{minutes}</i>" if (minutes := minutes_of(chapter)) else ""
    return f"{picture}{title}<br>{chapter.promise}.{time}"


def cover_of(chapter):
    """The path of a chapter's cover picture, or None."""
    found = sorted((files.shipped() / "pictures").glob(f"{chapter.name}.*"))
    return found[0] if found else None


def minutes_of(chapter):
    """How long a chapter takes on the laptop that its figures come from: "5 min"."""
    stored = results.stored(chapter.name)
    if not stored:
        return ""
    return f"{max(1, round(stored['notebook_seconds'] / 60))} min"


def figures():
    """What notebooks and benchmarks measured, one figure a row, with minutes and memory."""
    head = "| notebook | profile | figure | | minutes | memory | device, seed |"
    lines = [head, "|---|---|---|--:|--:|--:|---|"]
    for path, r in results.all_stored():
        if not r["metrics"]:
            continue
        name, value = headline(r["metrics"], r["notebook"])
        minutes, memory = f"{r['notebook_seconds'] / 60:.1f}", f"{r['notebook_memory_mib']:,} MiB"
        cost = f"{minutes} | {memory} | {r['device']}, seed {r['seed']}"
        link = f"[{r['notebook']}](data/results/{path.name})"
        lines.append(f"| {link} | {r['profile']} | {name} | {value} | {cost} |")
    return "\n".join(lines)


HEADLINES = {  # what stands for all figures of a notebook or measurement
    "16_gram_matrices": "loss_fell_least",
    "41_neural_style": "style_fell",
    "42_fast_style": "flicker_share_held",
    "benchmarks/inpaint.py": "shipped_psnr_scratches",
    "benchmarks/published_vae.py": "vae_nll",
    "benchmarks/restore.py": "grey_shipped_psnr_25",
    "benchmarks/stable_gan.py": "relativistic_r1_fd",
    "benchmarks/style.py": "times_faster_at_equal_losses",
    "benchmarks/style_gan.py": "long_style_fd",
    "benchmarks/upscale.py": "shipped_psnr_2",
    "benchmarks/vae.py": "told_moving_fd",
    "benchmarks/vae_gan.py": "w_0.01_seed_0_fd",
}


def headline(metrics, name=None):
    """(name, value) of what HEADLINES has, else the Fréchet distance, else the first figure."""
    wanted = (HEADLINES.get(name), "fd", "fd_yours", "ours_fd")
    key = next((k for k in wanted if k in metrics), next(iter(metrics)))
    value = metrics[key]
    return key.replace("_", " "), f"{value:.4g}" if isinstance(value, float) else str(value)


def evaluators():
    """The evaluators in data/weights: how they were made and how well they do."""
    lines = ["| weights | data | accuracy, held out | images | made in |", "|---|---|---|---|---|"]
    for name in weights.names():
        if not name.startswith("evaluator_"):
            continue
        r = weights.facts(name)
        several = len(r["accuracy_by_head"]) > 1
        what = f"mean over {len(r['accuracy_by_head'])} factors" if several else "labels"
        made = f"{r['minutes']:.1f} min, {r['device']}, seed {r['seed']}"
        accuracy = f"{r['accuracy']:.1%} ({what})"
        lines.append(f"| {name} | {r['data']} | {accuracy} | {r['test_images']:,} | {made} |")
    return "\n".join(lines)


def generators():
    """The generators in data/weights: distance and floor, precision and recall, minutes."""
    head = "| weights | data | distance | floor | precision | recall | images | made in |"
    lines = [head, "|---|---|--:|--:|--:|--:|--:|---|"]
    for name in weights.names():
        r = weights.facts(name)
        if not {"fd", "fd_floor", "precision", "recall"} <= r.keys():
            continue
        shares = " | ".join(f"{r[key]:.2f}" for key in ("fd", "fd_floor", "precision", "recall"))
        made = f"{r['minutes']:.1f} min, {r['device']}, seed {r['seed']}"
        lines.append(f"| {name} | {r['data']} | {shares} | {r['n']:,} | {made} |")
    return "\n".join(lines)


def flows():
    """The benchmark of flows, one way of drawing a row; nothing where it was never stored."""
    stored = results.stored("bench_flow_fashion_mnist")
    if not stored:
        return ""
    m = stored["metrics"]
    columns = ("fd", "fd_floor", "precision", "recall", "copies", "ms")
    head = "| trained and drawn | distance | floor | precision | recall | copies | ms an image |"
    lines = [head, "|---|--:|--:|--:|--:|--:|--:|"]
    for name in (key.removesuffix("_fd") for key in m if key.endswith("_fd")):
        values = " | ".join(f"{m[f'{name}_{column}']:.3g}" for column in columns)
        lines.append(f"| {name.replace('_', ' ')} | {values} |")
    return "\n".join(lines)


def _figure(value, digits):
    return "" if value is None else f"{value:.{digits}f}"


def denoisers():
    """The benchmark of denoisers, a method a row; nothing where it was never stored."""
    stored = results.stored("bench_restore")
    if not stored:
        return ""
    m = stored["metrics"]
    sigmas = sorted({int(key.rpartition("_")[2]) for key in m if "_psnr_" in key})
    columns = [f"{kind} {sigma}" for kind in ("grey", "colour") for sigma in sigmas]
    lines = [f"| method | {' | '.join(columns)} | ms grey | ms colour |"]
    lines.append("|---|" + "--:|" * (len(columns) + 2))
    ways = [key.removeprefix("grey_").removesuffix("_ms") for key in m if key.endswith("_ms")]
    for way in dict.fromkeys(way for way in ways if not way.startswith("colour_")):
        keys = [f"{kind}_{way}_psnr_{s}" for kind in ("grey", "colour") for s in sigmas]
        keys += [f"{kind}_{way}_ms" for kind in ("grey", "colour")]
        values = [_figure(m.get(key), 1 if key.endswith("ms") else 2) for key in keys]
        lines.append(f"| {way.replace('_', ' ')} | {' | '.join(values)} |")
    return "\n".join(lines)


def upscalers():
    """The benchmark of upscalers, a way a row; nothing where it was never stored."""
    stored = results.stored("bench_upscale")
    if not stored:
        return ""
    m = stored["metrics"]
    kinds = ("psnr", "ssim", "seconds")
    columns = [f"x{scale} {kind}" for scale in (2, 4) for kind in kinds]
    lines = [f"| method | {' | '.join(columns)} |", "|---|" + "--:|" * len(columns)]
    for way in [key.removesuffix("_psnr_2") for key in m if key.endswith("_psnr_2")]:
        keys = [f"{way}_{kind}_{scale}" for scale in (2, 4) for kind in kinds]
        values = [_figure(m.get(key), 3 if "psnr" not in key else 2) for key in keys]
        lines.append(f"| {way} | {' | '.join(values)} |")
    return "\n".join(lines)


def inpainters():
    """The benchmark of fillings, a way a row; nothing where it was never stored."""
    stored = results.stored("bench_inpaint")
    if not stored:
        return ""
    m = stored["metrics"]
    kinds = [key.removeprefix("harmonic_psnr_") for key in m if key.startswith("harmonic_psnr_")]
    lines = [f"| method | {' | '.join(kinds)} | seconds |", "|---|" + "--:|" * (len(kinds) + 1)]
    for way in [key.removesuffix("_seconds") for key in m if key.endswith("_seconds")]:
        values = [_figure(m.get(f"{way}_psnr_{kind}"), 2) for kind in kinds]
        values.append(_figure(m[f"{way}_seconds"], 2))
        lines.append(f"| {way} | {' | '.join(values)} |")
    return "\n".join(lines)


def texts():
    """The benchmark of words obeyed, a flow a row; nothing where it was never stored."""
    stored = results.stored("bench_text")
    if not stored:
        return ""
    m = stored["metrics"]
    ends = [f"{kind}_w{w}" for kind in ("seen", "unseen") for w in (1, 2)]
    head = [end.replace("_w", ", w = ") for end in ends]
    astray = [f"astray, {name}" for name in head[1::2]]
    lines = [f"| told by | {' | '.join([*head, *astray])} | distance |"]
    lines.append("|---|" + "--:|" * (len(head) + len(astray) + 1))
    for way in [key.removesuffix("_fd") for key in m if key.endswith("_fd")]:
        keys = [f"{way}_obeyed_{end}" for end in ends]
        keys += [f"{way}_strayed_{end}" for end in ends[1::2]]
        values = [f"{m[key]:.1%}" for key in keys]
        lines.append(f"| {way} | {' | '.join(values)} | {_figure(m[f'{way}_fd'], 2)} |")
    return "\n".join(lines)


TABLES = {
    "cards": cards,
    "figures": figures,
    "evaluators": evaluators,
    "generators": generators,
    "flows": flows,
    "denoisers": denoisers,
    "upscalers": upscalers,
    "inpainters": inpainters,
    "texts": texts,
}


def fill(text):
    """text with every region `<!-- table: NAME -->` ... `<!-- end -->` made again."""

    def again(match):
        if match[1] not in TABLES:
            raise ValueError(f"unknown table {match[1]!r}; known: {', '.join(TABLES)}")
        return f"<!-- table: {match[1]} -->\n{TABLES[match[1]]()}\n<!-- end -->"

    return re.sub(r"<!-- table: (\w+) -->.*?<!-- end -->", again, text, flags=re.DOTALL)


def write(path=None):
    """Fill the tables of a file, the README if none is named. Returns True if that changed it."""
    path = Path(path or chapters.notebooks_folder().parent / "README.md")
    before = path.read_text(encoding="utf-8")
    after = fill(before)
    if after != before:
        files.write_atomically(path, after.encode())
    return after != before
