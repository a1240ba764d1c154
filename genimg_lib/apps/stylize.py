"""What `genimg stylize` does: pictures and films from files, in a style, into files."""

import signal
from contextlib import contextmanager
from pathlib import Path

import torch
from PIL import Image

from genimg_lib import data, pretrained, style
from genimg_lib.apps import films, pictures
from genimg_lib.data import photos, styles
from genimg_lib.style import networks, optimise

OFF = 0.01  # pixels


def stylize_file(
    content,
    style_name,
    out,
    *,
    fast=False,
    size=None,
    strength=1.0,
    keep_color=False,
    net="embedded",
    steps=60,
    steady=0.4,
    overwrite=False,
    say=print,
):
    """Write the content in a style to a file; returns the paths written.

    content: what `films.read` takes.
    style_name: one of data.styles, or a file.
    out: a picture file; for a film a .gif, or a folder for its frames, which are written as they
        are made.
    fast: by a trained network in one pass instead of optimising.
    size: of the longer side; 0 leaves it as it is, left out: 256, with fast 512 at most.
    steady: how much of the last frame stays in a film, 0 to 1.
    overwrite: may a file that is there be written over?
    A first Ctrl-C ends the work early: what was painted so far is written, that is said, and then
    KeyboardInterrupt raised; a second one ends it at once.
    Raises DataError for files that are missing or no pictures, ValueError for settings that do not
    fit, before anything is written.
    """
    out = Path(out).expanduser()
    film = films.read(content)
    films.check_place(out, film.delays is not None, (content, style_name), overwrite)
    for name, known in ((content, photos.NAMES), (style_name, (*styles.DRAWN, *styles.PAINTINGS))):
        if str(name) in known and Path(name).exists():
            say(f"{name}: the course's own is taken; for the file beside you give ./{name}")
    for sentence in film.lost:
        say(f"{content}: {sentence}")
    if not 0 <= strength <= (1 if fast else float("inf")):
        raise ValueError(
            f"strength is {strength}; 0"
            f" {'to 1 is expected with a trained network' if fast else 'or more is expected'}"
        )
    if not 0 <= steady <= 1:
        raise ValueError(f"steady is {steady}; 0 to 1 is expected")
    least, usual = (networks.SIDE, 512) if fast else (optimise.SIDE, 256)
    frames = fit(film.frames, size, usual, least, say)
    if film.delays is None:
        pictures.check_side(out, max(frames[0].shape[1:]))
    if not fast and max(frames[0].shape[1:]) > optimise.LARGEST:
        say(
            f"{frames[0].shape[2]}x{frames[0].shape[1]} is large for the optimiser: it may take"
            " many minutes and gigabytes; --size or --fast make it quick"
        )
    (example,) = fit(
        [styles.open_style(style_name)],
        max(256, min(size or 512, 512)),
        256,
        least,
        lambda _: None,
        "style",
    )
    example = data.to_float(example[None])
    # of the whole film, not of each frame
    colors = torch.cat(
        [data.to_float(frame[None]) for frame in frames[:: max(1, len(frames) // 8)]], dim=3
    )
    with _interrupts() as asked:
        paint = (
            _quick(style_name, example, strength, colors, len(frames))
            if fast
            else _slow(example, strength, net, steps, colors, len(frames), asked)
        )
        painted = _painted(frames, paint, keep_color, steady, asked)
        paths = films.write(painted, out, film.delays, film.loop)
    if asked:
        say(f"stopped early: {out} holds what was painted so far")
        raise KeyboardInterrupt
    return paths


@contextmanager
def _interrupts():
    """A list that is no longer empty once Ctrl-C was pressed; a second one interrupts as usual."""
    asked, usual = [], signal.getsignal(signal.SIGINT)

    def ask(number, _):
        asked.append(number)
        signal.signal(signal.SIGINT, usual)

    try:
        signal.signal(signal.SIGINT, ask)
    except ValueError:  # in another thread than the main one, which no signal reaches
        yield asked
        return
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, usual)


def _painted(frames, paint, keep_color, steady, asked=()):
    """The frames, painted one after the other, until it is asked to stop.

    The networks' grid and canvas are held to the scene, to parts of a pixel, and each frame is
    mixed with the last one, moved along.
    """
    # a film begins off whole pixels, so that all its frames are mirrored alike at their borders
    first = 0.0 if len(frames) == 1 else OFF
    last, shown, begin, place = None, None, None, (first, first)
    for frame in frames:
        x = data.to_float(frame[None]).contiguous(memory_format=torch.channels_last)
        if last is not None:
            flow = style.motion(last[0], x[0])
            place = tuple(a + b for a, b in zip(place, style.camera(flow), strict=True))
            begin = style.move(begin[0], flow)[None]
        begin = paint(x, begin, place)
        y = style.keep_color(begin, x) if keep_color else begin
        if last is not None and steady:
            y = style.steady(y[0], shown[0], x[0], last[0], flow, steady)[None]
        yield data.to_uint8(y[0])
        if asked:
            return
        last, shown = x, y


def fit(frames, size, usual, least, say, what="picture"):
    """Frames whose longer side is `size` at most, or `usual` where none is given.

    0 leaves all as they are. Says where it makes them smaller.
    Raises ValueError where a side has less than `least` pixels; no side is made shorter than that:
    a panorama stays wider than asked.
    """
    if size is not None and size != 0 and size < least:
        raise ValueError(
            f"size is {size}; {least} pixels or more are expected, or 0 for the picture's own size"
        )
    h, w = frames[0].shape[1:]
    if min(h, w) < least:
        raise ValueError(
            f"the {what} has {w}x{h} pixels; {least} or more on each side are expected"
        )
    longest = usual if size is None else size
    factor = max(longest / max(h, w), least / min(h, w))
    if longest == 0 or factor >= 1:
        return frames
    wanted = (round(w * factor), round(h * factor))
    say(f"{w}x{h} is made smaller, {wanted[0]}x{wanted[1]}; --size 0 leaves it as it is")
    return [
        photos.to_tensor(
            Image.fromarray(f.permute(1, 2, 0).numpy()).resize(wanted, Image.Resampling.LANCZOS)
        )
        for f in frames
    ]


def _quick(name, example, strength, colors, frames):
    """A function that paints in one pass, with a progress bar.

    It takes the content [1, 3, H, W], where the optimiser would begin, and its place in the scene.
    """
    from tqdm.auto import tqdm

    bar = tqdm(total=frames, unit=" frames", desc="stylize")
    if name in styles.DRAWN:
        net = pretrained.load_drawn_styles()
        which = styles.DRAWN.index(name)

        def pass_on(x, place):
            return torch.lerp(x, net(x, which, colors, place), strength)
    else:
        net = pretrained.load_any_style()

        def pass_on(x, place):
            return net(x, example, strength, reference=colors, origin=place)

    def paint(x, _, place):
        bar.update()
        if bar.n == frames:
            bar.close()
        return pass_on(x, place)

    return paint


def _slow(example, strength, net, steps, colors, frames, asked=()):
    """A function that paints by optimisation, with a progress bar, until it is asked to stop.

    A film's later frames begin as the one before them, moved along, at full size only.
    """
    from tqdm.auto import tqdm

    net = pretrained.features(net)
    bar = tqdm(total=0, unit=" steps", desc="stylize")

    def paint(x, begin, _):
        def watch(done, total, loss, _):
            if begin is None and done == 1:
                bar.total = total + (frames - 1) * steps
            bar.update()
            bar.set_postfix(loss=f"{loss:.3g}")
            if bar.n == bar.total or asked:
                bar.close()
            return bool(asked)

        more = {} if begin is None else {"init": begin, "levels": 1}
        return style.stylize(
            x, example, net, strength=strength, steps=steps, watch=watch, reference=colors, **more
        )

    return paint
