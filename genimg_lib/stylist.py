"""Pictures and films from files, in a style, into files: what the command `genimg stylize` does."""

from pathlib import Path

import torch
from PIL import Image, ImageOps, ImageSequence

from genimg_lib import data, pretrained, style
from genimg_lib.checkpoints import write_atomically
from genimg_lib.data import folder, photos, styles
from genimg_lib.data.fetch import DataError
from genimg_lib.style.optimise import LARGEST, SIDE

PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")


def stylize_file(content, style_name, out, *, fast=False, size=None, strength=1.0, keep_color=False, net="embedded", steps=60, steady=0.6, say=print):
    """Write the content in a style to a file; returns the paths written.

    content: a photograph of scikit-image by its name, a picture file, an animated GIF, or a folder of frames. style_name: one of data.styles, or a file.
    out: a picture file; for a film a .gif, or a folder for its frames. fast: by a trained network in one pass instead of optimising.
    size: of the longer side; 0 leaves it as it is, left out: 256, with fast 512 at most. steady: how much of the last frame stays in a film, 0 to 1.
    Raises DataError for files that are missing or no pictures, ValueError for settings that do not fit.
    """
    out = Path(out).expanduser()
    frames, duration = read(content)
    film = len(frames) > 1
    _check_out(out, film)
    if not 0 <= strength <= (1 if fast else float("inf")):
        raise ValueError(f"strength is {strength}; 0 {'to 1 is wanted with a trained network' if fast else 'or more is wanted'}")
    if not 0 <= steady <= 1:
        raise ValueError(f"steady is {steady}; 0 to 1 is wanted")
    frames = fit(frames, size, 512 if fast else 256, say)
    example = data.to_float(
        fit([styles.open_style(style_name)], None, 256 if size is None else max(256, min(size or LARGEST, 512)), lambda _: None)[0][None]
    )
    paint = _quick(style_name, example, strength, data.to_float(frames[0][None])) if fast else _slow(example, strength, net, steps, len(frames))
    made, shown = [], None
    for k, frame in enumerate(frames):
        x = data.to_float(frame[None])
        y = paint(x, shown)
        y = style.keep_color(y, x) if keep_color else y
        if shown is not None and steady:
            y = style.steady(y[0], shown[0], x[0], data.to_float(frames[k - 1]), steady)[None]
        made.append(data.to_uint8(y[0]))
        shown = y
    return write(made, out, duration)


def read(content):
    """(a list of uint8 [3, H, W], milliseconds a frame) of a picture, an animated one or a folder of frames in the order of their names."""
    if str(content) in photos.NAMES:
        return [photos.open_photo(str(content))], 80
    path = Path(content).expanduser()
    if path.is_dir():
        files = sorted(p for p in path.iterdir() if p.suffix.lower() in folder.ENDINGS)
        if not files:
            raise DataError(f"there are no pictures in {path}; looked for files ending in {', '.join(sorted(folder.ENDINGS))}")
        frames = [photos.open_image(p) for p in files]
        if len({tuple(f.shape) for f in frames}) > 1:
            raise DataError(
                f"the frames in {path} have several sizes ({', '.join(sorted({f'{f.shape[2]}x{f.shape[1]}' for f in frames}))}); one film has one size"
            )
        return frames, 80
    if not path.is_file():
        raise DataError(f"there is no picture {str(content)!r}: neither a file or folder, nor a photograph ({', '.join(photos.NAMES)})")
    first = photos.open_image(path)
    with Image.open(path) as image:
        if (
            image.format not in ("GIF", "PNG", "WEBP") or getattr(image, "n_frames", 1) == 1
        ):  # a phone's JPEG may hold several pictures, and is no film
            return [first], 80
        duration = image.info.get("duration", 80) or 80
        try:
            return [photos.to_tensor(ImageOps.exif_transpose(frame)) for frame in ImageSequence.Iterator(image)], duration
        except (OSError, SyntaxError, ValueError) as error:
            raise DataError(f"{path} breaks off in the middle of the film ({error}); replace it") from None


def fit(frames, size, usual, say):
    """Frames whose longer side is `size` at most, or `usual` where none is given; 0 leaves all as they are. Says where it makes them smaller."""
    if size is not None and size != 0 and size < SIDE:
        raise ValueError(f"size is {size}; {SIDE} pixels or more are wanted, or 0 for the picture's own size")
    h, w = frames[0].shape[1:]
    if min(h, w) < SIDE:
        raise ValueError(f"the picture has {w}x{h} pixels; {SIDE} or more on each side are wanted")
    longest = usual if size is None else size
    if longest == 0 or max(h, w) <= longest:
        return frames
    factor = max(longest / max(h, w), SIDE / min(h, w))  # a panorama stays wider than asked, rather than too low
    wanted = (round(w * factor), round(h * factor))
    say(f"{w}x{h} is made smaller, {wanted[0]}x{wanted[1]}; --size 0 leaves it as it is")
    return [photos.to_tensor(Image.fromarray(f.permute(1, 2, 0).numpy()).resize(wanted, Image.Resampling.LANCZOS)) for f in frames]


def write(frames, out, duration=80):
    """One picture to a file, several to an animated GIF or a folder: the paths written."""
    pictures = [Image.fromarray(f.permute(1, 2, 0).numpy()) for f in frames]
    if len(pictures) > 1 and out.suffix.lower() != ".gif":
        paths = [out / f"{k:04d}.png" for k in range(len(pictures))]
        for path, picture in zip(paths, pictures, strict=True):
            write_atomically(path, _encoded(picture, "PNG"))
        return paths
    more = {"save_all": True, "append_images": pictures[1:], "duration": duration, "loop": 0} if len(pictures) > 1 else {}
    write_atomically(out, _encoded(pictures[0], Image.registered_extensions()[out.suffix.lower()], **more))
    return [out]


def _encoded(picture, kind, **more):
    from io import BytesIO

    buffer = BytesIO()
    picture.save(buffer, kind, **({"quality": 95} if kind in ("JPEG", "WEBP") else {}), **more)
    return buffer.getvalue()


def _check_out(out, film):
    if film and out.suffix and out.suffix.lower() != ".gif":
        raise ValueError(f"{out} cannot hold a film; give a .gif, or a folder for the frames")
    if not film and out.suffix.lower() not in (*PICTURES, ".gif"):
        raise ValueError(f"{out} is no picture file; its ending should be one of {', '.join((*PICTURES, '.gif'))}")


def _quick(name, example, strength, first):
    """Content [1, 3, H, W], last frame -> picture, in one pass; the colours of the first frame stand for those of the whole film."""
    if name in styles.DRAWN:
        net = pretrained.load_drawn_styles()
        which = styles.DRAWN.index(name)
        return lambda x, _: _without_gradients(lambda: torch.lerp(x, net(x, which, first), strength))
    net = pretrained.load_any_style()
    return lambda x, _: _without_gradients(lambda: net(x, example, strength, reference=first))


def _without_gradients(function):
    with torch.no_grad():
        return function()


def _slow(example, strength, net, steps, frames):
    """The same by optimisation, with a progress bar; a film's later frames begin as the one before them, at full size only."""
    from tqdm.auto import tqdm

    net = style.features(net)
    bar = tqdm(total=0, unit=" steps", desc="stylize")

    def paint(x, shown):
        def watch(done, total, loss, _):
            if shown is None and done == 1:
                bar.total = total + (frames - 1) * steps
            bar.update()
            bar.set_postfix(loss=f"{loss:.3g}")
            if bar.n == bar.total:
                bar.close()

        begin = {} if shown is None else {"init": shown, "levels": 1}
        return style.stylize(x, example, net, strength=strength, steps=steps, watch=watch, **begin)

    return paint
