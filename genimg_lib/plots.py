"""Figures with one look, shown in a notebook and saved in a program.

Every figure that is shown has an alternative text (what a reader who cannot see it has to know) and
may have a caption (what to look at).
"""

import io
import math
import re

import torch

from genimg_lib import files
from genimg_lib.data.convert import to_uint8

# Okabe and Ito's palette, told apart by colour-blind readers: blue, orange, green, vermilion,
# purple, sky, yellow, grey
COLORS = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#F0E442", "#7A7A7A")
_STYLE = {
    "font.size": 11,
    "axes.titlesize": 12,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.8,
    "axes.axisbelow": True,
    "lines.linewidth": 2,
    "legend.frameon": False,
    "figure.facecolor": "white",
    "axes.titlelocation": "left",
}
# on the page; pictures are stored at one and a half times that, for sharp screens
_PIXELS_PER_INCH = 100
_place = {"folder": None, "main": True, "count": 0, "styled": False}


def output(folder, main=True):
    """Where a program's figures go: `folder`/figures; only the main process shows and saves any."""
    _place.update(folder=folder, main=main, count=0)


def is_main():
    """True in the process that shows and saves: the only one, or the first of several."""
    return _place["main"]


def in_notebook():
    """True in a Jupyter kernel, false in a program or a terminal."""
    try:
        from IPython import get_ipython
    except ImportError:
        return False
    return getattr(get_ipython(), "kernel", None) is not None


def figure(rows=1, cols=1, width=8.0, height=3.2, **subplots):
    """(fig, axes) in the course's style; width and height in inches, 8 is the page.

    axes as matplotlib's subplots gives them.
    """
    import matplotlib
    from matplotlib.figure import Figure

    if not _place["styled"]:  # once: what a reader sets later stays
        matplotlib.rcdefaults()  # whatever a reader's own matplotlibrc says
        _place["styled"] = True
    matplotlib.rcParams.update(_STYLE, **{"axes.prop_cycle": matplotlib.cycler(color=COLORS)})
    fig = Figure(figsize=(width, height), layout="constrained")
    return fig, fig.subplots(rows, cols, **subplots)


def png(fig):
    """A figure as the bytes of a PNG picture."""
    buffer = io.BytesIO()
    fig.savefig(buffer, dpi=1.5 * _PIXELS_PER_INCH, metadata={"Software": None})
    return buffer.getvalue()


def quick_png(fig):
    """The same in half the time and more bytes, for figures that are laid out.

    savefig draws a figure with a layout engine twice.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image

    fig.set_dpi(1.5 * _PIXELS_PER_INCH)
    canvas, buffer = FigureCanvasAgg(fig), io.BytesIO()
    canvas.draw()
    Image.frombuffer("RGBA", canvas.get_width_height(), bytes(canvas.buffer_rgba())).convert(
        "RGB"
    ).save(buffer, "png", compress_level=1)
    return buffer.getvalue()


def show(fig, alt, caption=""):
    """Show a figure in a notebook, save it in a program.

    alt: what it shows, in a sentence.
    caption: what to look at.
    """
    if not _place["main"]:
        return
    if not alt.strip():
        raise ValueError(
            "a figure needs an alternative text: show(fig, alt='what it shows, in a sentence')"
        )
    if in_notebook():
        from IPython.display import Markdown, display

        display(*picture(fig, alt))
        if caption:
            display(Markdown(f"*{caption}*"))
    elif _place["folder"] is not None:
        _place["count"] += 1
        slug = re.sub(r"[^a-z0-9]+", "_", alt.lower())[:40].strip("_")
        path = _place["folder"] / "figures" / f"{_place['count']:02d}_{slug}.png"
        files.write_atomically(path, png(fig))
        print(f"figure: {path}")


def cover(fig):
    """Keep a figure as the run's cover, the picture at the head of the notebook."""
    if _place["main"] and _place["folder"] is not None:
        files.write_atomically(_place["folder"] / "cover.png", png(fig))


def picture(fig, alt, png=png):
    """What IPython displays: a list with the picture.

    It has its width on the page and its alternative text.
    png: makes the bytes, `quick_png` for instance.
    """
    from IPython.display import Image

    return [
        Image(png(fig), format="png", width=round(fig.get_figwidth() * _PIXELS_PER_INCH), alt=alt)
    ]


def grid(images, cols=None, title=None, labels=None, width=8.0):
    """A figure of images side by side, the pixels of small ones crisp squares.

    images: [N, C, H, W], uint8 or float in [-1, 1] (C is 1 or 3); or {row's name: images}, a block
        of rows for each name.
    cols: images a row (at most 10 unless said).
    labels: N short texts, one under each image.
    width: inches.
    """
    blocks = images if isinstance(images, dict) else {"": images}
    blocks = {name: as_seen(block) for name, block in blocks.items()}
    cols = cols or min(10, max(len(b) for b in blocks.values()))
    tile = max(b.shape[-1] for b in blocks.values())
    scale = max(1, round(1.5 * _PIXELS_PER_INCH * width / cols / tile))
    sheets = [tiled(b, cols, scale) for b in blocks.values()]
    side = width / (cols * 1.06)  # of an image, in inches
    rows = [math.ceil(len(b) / cols) for b in blocks.values()]
    ratio = [b.shape[-2] / b.shape[-1] for b in blocks.values()]
    heights = [
        r * side * (a + (0.25 / side if labels else 0)) * 1.06
        for r, a in zip(rows, ratio, strict=True)
    ]
    extra = 0.3 * (title is not None) + sum(0.28 for name in blocks if name)
    fig, axes = figure(
        len(blocks),
        1,
        width=width,
        height=sum(heights) + extra,
        squeeze=False,
        gridspec_kw={"height_ratios": heights},
    )
    for (name, block), sheet, axis in zip(blocks.items(), sheets, axes[:, 0], strict=True):
        if labels:
            _labelled(axis, block, cols, labels)
        else:
            axis.imshow(sheet, interpolation="nearest")
        axis.axis("off")
        if name:
            axis.set_title(name, fontsize=11, loc="left", pad=3, parse_math=False)
    if title:
        fig.suptitle(title, fontsize=12, x=0.01, ha="left", parse_math=False)
    return fig


def as_seen(images):
    """Images as uint8 [N, 3, H, W] on the CPU; raises TypeError, ValueError for anything else."""
    images = images.detach().cpu()
    if not images.is_floating_point() and images.dtype != torch.uint8:
        raise TypeError(f"images are uint8 (0..255) or float in [-1, 1]; got {images.dtype}")
    images = to_uint8(images) if images.is_floating_point() else images
    if images.dim() != 4 or images.shape[1] not in (1, 3) or not len(images):
        raise ValueError(f"expected images [N, 1 or 3, H, W], got {tuple(images.shape)}")
    return images.expand(-1, 3, -1, -1)


def tiled(images, cols, scale, gap=0.06):
    """[N, 3, H, W] tiled on white: numpy [rows, columns, 3]."""
    n, _, h, w = images.shape
    h, w, gap = h * scale, w * scale, max(2, round(gap * w * scale))
    rows = math.ceil(n / cols)
    sheet = torch.full((3, rows * (h + gap) - gap, cols * (w + gap) - gap), 255, dtype=torch.uint8)
    for i, image in enumerate(
        images.repeat_interleave(scale, dim=-1).repeat_interleave(scale, dim=-2)
    ):
        top, left = (i // cols) * (h + gap), (i % cols) * (w + gap)
        sheet[:, top : top + h, left : left + w] = image
    return sheet.permute(1, 2, 0).numpy()


def _labelled(axis, images, cols, labels):
    """Images with a text under each."""
    if len(labels) != len(images):
        raise ValueError(f"{len(images)} images, but {len(labels)} labels")
    rows = math.ceil(len(images) / cols)
    for i, image in enumerate(images):
        left, bottom = (i % cols) / cols, 1 - (i // cols + 1) / rows
        inner = axis.inset_axes([left, bottom + 0.14 / rows, 0.94 / cols, 0.86 / rows])
        # crisp squares where they are large enough; else photographs would look torn
        inner.imshow(image.permute(1, 2, 0).numpy(), interpolation="antialiased")
        inner.axis("off")
        below = {"transform": inner.transAxes, "ha": "center", "va": "top", "fontsize": 9}
        inner.text(0.5, -0.04, labels[i], parse_math=False, **below)


def lines(series, xlabel="", ylabel="", title=None, width=8.0, height=3.2, **axis_settings):
    """A figure of one or more lines, named in a legend where there are several.

    series: {name: y} or {name: (x, y)}, each a sequence or tensor of numbers.
    axis_settings: what matplotlib's `Axes.set` takes: yscale="log", ylim=(0, 1) ...
    Returns the figure; its axes are `fig.axes[0]`, to draw more on.
    """
    fig, axis = figure(width=width, height=height)
    for name, values in series.items():
        x, y = values if isinstance(values, tuple) else (range(len(values)), values)
        axis.plot(_numbers(x), _numbers(y), label=name)
    return _finish_axis(fig, axis, len(series) > 1, xlabel, ylabel, title, axis_settings)


def points(series, xlabel="", ylabel="", title=None, width=4.4, height=4.0, **axis_settings):
    """A figure of clouds of points in the plane, named in a legend where there are several.

    series: {name: points [N, 2]}.
    axis_settings: what matplotlib's `Axes.set` takes.
    Returns the figure; its axes are `fig.axes[0]`.
    """
    fig, axis = figure(width=width, height=height)
    for name, cloud in series.items():
        x, y = _numbers(cloud).T
        axis.scatter(x, y, s=6, alpha=0.6, label=name)
    if len(series) > 1:  # above the points, which may be anywhere
        fig.legend(loc="outside upper left", markerscale=3)
    return _finish_axis(fig, axis, False, xlabel, ylabel, title, axis_settings)


def bars(values, ylabel="", title=None, width=8.0, height=3.0, **axis_settings):
    """A figure of one bar a name: {name: number}. Returns the figure."""
    fig, axis = figure(width=width, height=height)
    axis.bar(list(values), [float(v) for v in values.values()], width=0.7)
    axis.grid(axis="x", visible=False)
    return _finish_axis(fig, axis, False, "", ylabel, title, axis_settings)


def _numbers(values):
    return values.detach().cpu().numpy() if isinstance(values, torch.Tensor) else values


def _finish_axis(fig, axis, legend, xlabel, ylabel, title, axis_settings):
    axis.set(xlabel=xlabel, ylabel=ylabel, **axis_settings)
    if title:
        axis.set_title(title)
    if legend:
        axis.legend()
    return fig


def curves(history, *names, smooth=0.0, title=None, width=8.0, height=3.0):
    """A figure of what a run logged: one panel a metric, steps along the bottom.

    history: run.history.
    names: the metrics to show (all, if none).
    smooth: 0 shows the values as they are; 0.95, say, lays their exponential mean, with its start
        corrected, over them.
    """
    names = names or tuple(k for k in history if k != "step")
    if not names:
        raise ValueError("nothing was logged")
    if unknown := [n for n in names if n not in history]:
        raise ValueError(
            f"{unknown[0]!r} was not logged; logged:"
            f" {', '.join(k for k in history if k != 'step') or 'nothing'}"
        )
    fig, axes = figure(1, len(names), width=width, height=height, squeeze=False)
    for k, (name, axis) in enumerate(zip(names, axes[0], strict=True)):
        there = [(s, v) for s, v in zip(history["step"], history[name], strict=False) if v == v]
        steps, values = [s for s, _ in there], [v for _, v in there]
        color = COLORS[k % len(COLORS)]
        axis.plot(
            steps, values, color=color, alpha=0.3 if smooth else 1.0, linewidth=1 if smooth else 2
        )
        if smooth:
            axis.plot(steps, _smoothed(values, smooth), color=color)
        axis.set(title=name, xlabel="step")
    if title:
        fig.suptitle(title, fontsize=12, x=0.01, ha="left", parse_math=False)
    return fig


def _smoothed(values, decay):
    mean, out = 0.0, []
    for k, value in enumerate(values, start=1):
        mean = decay * mean + (1 - decay) * value
        out.append(mean / (1 - decay**k))
    return out


# ------------------------------------------------------------------ while a training runs


def preview(images, title, handle=None):
    """Show images in place of those shown before (handle: what the last call gave).

    In a program: saved once for each title.
    """
    fig = grid(images, title=title)
    if in_notebook():
        from IPython.display import display

        if handle is None:
            return display(*picture(fig, title), display_id=True)
        handle.update(*picture(fig, title))
        return handle
    if _place["folder"] is not None:
        path = _place["folder"] / "previews" / f"{re.sub(r'[^a-z0-9]+', '_', title.lower())}.png"
        try:
            files.write_atomically(path, png(fig))
        except OSError as error:  # a training is worth more than a look at it
            print(f"no preview ({error}); the training goes on")
    return None


class LiveText:
    """A file for a progress bar: in a notebook one line of output, updated in place."""

    def __init__(self):
        self.handle = None

    def write(self, text):
        line = text.replace("\x1b[A", "").strip("\r\n ")
        if not line:
            return
        from IPython.display import display

        content = {"text/plain": line}
        if self.handle is None:
            self.handle = display(content, raw=True, display_id=True)
        else:
            self.handle.update(content, raw=True)

    def flush(self):
        """Nothing is held back."""
