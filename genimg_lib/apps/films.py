"""Pictures and films in files: frames read with their times, and written again."""

import re
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageOps, ImageSequence

from genimg_lib.data import folder, photos
from genimg_lib.errors import DataError
from genimg_lib.files import check_free, check_writable, write_atomically

# of picture files that can be written
ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")
VIDEOS = {".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".ogv", ".apng"}
MOVING = ("GIF", "PNG", "WEBP", "AVIF")  # formats that hold films
DELAY = 80  # milliseconds, for films that say nothing


@dataclass
class Film:
    """frames: a list of uint8 [3, H, W], all of one size.

    delays: milliseconds for which each is shown; None for a picture, which is one frame.
    loop: how often a film repeats, 0 for ever; None where it plays once.
    lost: sentences about what could not be kept when it was read.
    """

    frames: list
    delays: list | None = None
    loop: int | None = 0
    lost: tuple = ()


def read(source):
    """Read a picture or a film: a `Film`.

    source: a photograph of scikit-image by its name, a picture file, an animated GIF, PNG, WebP
    or AVIF, or a folder of frames in the order of the numbers in their names.
    Returns a `Film`.
    Raises DataError where there is none of these, or where a file is damaged.
    """
    if str(source) in photos.NAMES:
        return Film([photos.open_photo(str(source))])
    path = Path(source).expanduser()
    if path.is_dir():
        return _read_folder(path)
    if not path.is_file():
        raise DataError(
            f"there is no picture {str(source)!r}: neither a file or folder, nor a photograph"
            f" ({', '.join(photos.NAMES)})"
        )
    first = photos.open_image(path)
    try:
        with photos.opened(path) as image:
            lost = ("its transparency is laid on white",) * photos.shows_through(image)
            # a phone's JPEG may hold several, and is no film
            if image.format not in MOVING or getattr(image, "n_frames", 1) == 1:
                return Film([first], lost=lost)
            usual = 0 if image.format == "AVIF" else None  # which says nothing
            frames, delays, times = [], [], image.info.get("loop", usual)
            # animated PNG and WebP count how often it plays, GIF how often it plays again
            loop = times if image.format == "GIF" or not times else times - 1 or None
            for k, frame in enumerate(ImageSequence.Iterator(image)):
                # a poster for programs that show no films
                if k or not image.info.get("default_image"):
                    frames.append(photos.to_tensor(photos.in_srgb(ImageOps.exif_transpose(frame))))
                    # known once the frame is loaded
                    delays.append(int(frame.info.get("duration") or DELAY))
    except Exception as error:  # whatever Pillow meets in a damaged file
        raise DataError(
            f"{path} breaks off in the middle of the film ({error}); replace it"
        ) from None
    return Film(frames, delays, loop, lost)


def _read_folder(path):
    files = [
        p
        for p in path.iterdir()
        if p.suffix.lower() in folder.ENDINGS and p.is_file() and not folder.hidden(p.name)
    ]
    if not files:
        raise DataError(
            f"there are no pictures in {path}; looked for files ending in"
            f" {', '.join(sorted(folder.ENDINGS))}"
        )

    # 2 comes before 10
    def number(p):
        return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", p.name)]

    frames = [photos.open_image(p) for p in sorted(files, key=number)]
    if len(sizes := {f"{f.shape[2]}x{f.shape[1]}" for f in frames}) > 1:
        raise DataError(
            f"the frames in {path} have several sizes ({', '.join(sorted(sizes))}); one film has"
            " one size"
        )
    return Film(frames, [DELAY] * len(frames))


def check_place(out, is_film, sources=(), overwrite=False):
    """Check that a path can hold a picture, or a film, before a long job.

    sources: names of files that must not be written over.
    overwrite: may another file that is there be?
    Raises ValueError where it cannot.
    """
    check_writable(out if out.is_dir() else out.parent)
    for source in sources:
        file = Path(source).expanduser()
        if out.exists() and file.exists() and out.samefile(file):
            raise ValueError(f"{out} is {source}, the input; give the result a name of its own")
    known = set(Image.registered_extensions()) | VIDEOS
    if is_film and out.suffix.lower() in known - {*ENDINGS, ".gif"}:
        raise ValueError(
            f"{out} cannot be written; give a .gif, or a folder for the frames, of which ffmpeg"
            f" makes a film: ffmpeg -framerate 12 -i FOLDER/%04d.png {out.name}"
        )
    if is_film and out.suffix.lower() in ENDINGS:
        raise ValueError(f"{out} cannot hold a film; give a .gif, or a folder for the frames")
    if not is_film and (out.suffix.lower() not in (*ENDINGS, ".gif") or out.is_dir()):
        raise ValueError(
            f"{out} is no picture file; its ending should be one of {', '.join((*ENDINGS, '.gif'))}"
        )
    if is_film and out.suffix.lower() != ".gif":
        if out.exists() and not out.is_dir():
            raise ValueError(f"{out} is a file; give a .gif, or a folder for the frames")
        if out.is_dir() and any(p.suffix.lower() in folder.ENDINGS for p in out.iterdir()):
            raise ValueError(
                f"{out} holds pictures already, which would mix with the frames; give an empty"
                " folder or a new one"
            )
    if not out.is_dir():
        check_free(out, overwrite)


def write(frames, out, delays=None, loop=0):
    """Write frames as they come, and return the paths.

    frames: uint8 [3, H, W], as many as delays, or fewer where the work ended early. A picture goes
        to a file (delays is None), a film to an animated GIF or, each frame at once, to a folder.
    loop: of a GIF, as in `Film`.
    """
    pictures = (Image.fromarray(frame.permute(1, 2, 0).numpy()) for frame in frames)
    if delays is not None and out.suffix.lower() != ".gif":
        digits = max(4, len(str(len(delays) - 1)))
        paths = []
        for k, picture in enumerate(pictures):
            paths.append(out / f"{k:0{digits}d}.png")
            write_atomically(paths[-1], _encoded(picture, "PNG"))
        return paths
    first, *rest = pictures
    more = {}
    if delays is not None:
        lasting = delays[: 1 + len(rest)]
        more = {"save_all": True, "append_images": rest, "duration": lasting}
        more |= {} if loop is None else {"loop": loop}
    write_atomically(
        out, _encoded(first, Image.registered_extensions()[out.suffix.lower()], **more)
    )
    return [out]


def _encoded(picture, kind, **more):
    buffer = BytesIO()
    picture.save(buffer, kind, **({"quality": 95} if kind in ("JPEG", "WEBP") else {}), **more)
    return buffer.getvalue()
