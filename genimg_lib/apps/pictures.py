"""People's own pictures: pixels, transparency, colour profile and EXIF, in and out again."""

import io
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import ExifTags, Image, ImageOps

from genimg_lib import restore
from genimg_lib.data import photos
from genimg_lib.errors import DataError
from genimg_lib.files import check_free, check_writable, write_atomically

# what can be written, and which of them keep transparency, a colour profile, EXIF
ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp")
KEEP_ALPHA = (".png", ".webp", ".tif", ".tiff")
GAMMA = 0.45455  # of sRGB, nearly
# tags of a TIFF: description, maker, model, program, date, artist, copyright
OF_PEOPLE = (270, 271, 272, 305, 306, 315, 33_432)
KEEP_PROFILE = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff")
QUALITY = {"JPEG": {"quality": 95, "subsampling": 0}, "WEBP": {"lossless": True}}
LARGEST = {".webp": 16_383, ".jpg": 65_535, ".jpeg": 65_535}  # pixels of a side


@dataclass
class Picture:
    """pixels: uint8 [1 or 3, H, W]. alpha: uint8 [1, H, W], or None where all is opaque.

    profile: the bytes of its colour profile, or None. exif: bytes, or None. dpi: or None.
    kind: of the file that it came from, in Pillow's words.
    lost: sentences about what could not be kept when it was read.
    """

    pixels: torch.Tensor
    alpha: torch.Tensor | None = None
    profile: bytes | None = None
    exif: bytes | None = None
    dpi: tuple | None = None
    kind: str | None = None
    lost: tuple = ()


def read(path):
    """A picture file, turned upright as its EXIF says: a `Picture`.

    Grey ones stay grey; palettes and CMYK become RGB, with the colours that their profile says;
    16 bits a pixel are brought down to 8, and `lost` says so.
    Raises DataError where there is no picture, or a film.
    """
    path = Path(path).expanduser()
    if path.is_dir():
        raise DataError(f"{path} is a folder; expected one picture file")
    if not path.is_file():
        raise DataError(f"there is no picture {str(path)!r}, looked for at {path.absolute()}")
    try:
        with photos.opened(path) as image:
            pages, kind = getattr(image, "n_frames", 1), image.format
            if kind != "MPO" and pages > 1:
                raise DataError(
                    f"{path} is a film or has several pages ({pages}); expected one picture: take"
                    " it apart first"
                )
            lost = []
            if pages > 1:  # a telephone's JPEG
                lost.append(f"{path.name} holds {pages} pictures; the first one is taken")
            if _is_deep(image):
                lost.append("16 bits a pixel were brought down to 8")
            lost += _notes_lost(image)
            exif = _exif_of(image)
            upright = ImageOps.exif_transpose(image)
            if exif is not None and "exif" not in upright.info:
                upright.info["exif"] = exif
            return _taken(upright, "JPEG" if kind == "MPO" else kind, lost)
    except DataError:
        raise
    except Exception as error:  # whatever Pillow meets in a damaged file
        raise photos.unreadable(path, error) from None


def _notes_lost(image):
    """Sentences about what a file says beside its pixels and that is not kept."""
    said = []
    if "xmp" in image.info or "XML:com.adobe.xmp" in image.info:
        said.append("notes in XMP are not kept")
    texts = dict(getattr(image, "text", None) or {})
    texts.pop("XML:com.adobe.xmp", None)
    if texts or "comment" in image.info:
        said.append("its texts and comments are not kept")
    if abs(image.info.get("gamma", GAMMA) - GAMMA) > 0.001:
        said.append(f"its own gamma ({image.info['gamma']:.3f}) is not kept")
    return said


def _exif_of(image):
    """Bytes of EXIF; of a TIFF, whose tags are its EXIF, those that say what and whose it is."""
    if image.format != "TIFF":
        return image.info.get("exif")
    entries = Image.Exif()
    entries.update({tag: image.tag_v2[tag] for tag in OF_PEOPLE if tag in image.tag_v2})
    return entries.tobytes() if entries else image.info.get("exif")


def _is_deep(image):
    """Has it 16 bits a channel? Pillow opens grey ones as they are, and colours as 8 bits."""
    if photos.has_16_bits(image):
        return True
    if image.format == "PNG":
        return any(";16" in str(tile[3]) for tile in image.tile)
    return image.format == "TIFF" and max(image.tag_v2.get(258, (8,))) > 8


def _taken(image, kind, lost):
    if image.mode == "F":
        raise ValueError("its pixels are real numbers, whose range is not known")
    if photos.has_16_bits(image):
        image = _with_info(photos.as_8_bits(image), image)
    profile, exif = image.info.get("icc_profile"), image.info.get("exif")
    dpi = image.info.get("dpi")
    dpi = dpi if dpi and min(dpi) > 2 else None  # a TIFF that says nothing has 1
    if image.mode not in ("L", "LA", "RGB", "RGBA", "1", "P", "PA"):
        lost.append(f"its colours ({image.mode}) were turned into sRGB")
        image, profile = photos.in_srgb(image).convert("RGB"), None
    alpha = None
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("LA" if image.mode in ("L", "LA", "1") else "RGBA")
        alpha = _tensor(image.getchannel("A"))
        alpha = None if alpha.min() == 255 else alpha
    is_grey = image.mode in ("L", "LA", "1")
    pixels = _tensor(image.convert("L" if is_grey else "RGB"))
    return Picture(pixels, alpha, profile, exif, dpi, kind, tuple(lost))


def _with_info(image, like):
    image.info |= {k: v for k, v in like.info.items() if k in ("icc_profile", "exif", "dpi")}
    return image


def _tensor(image):
    values = np.asarray(image).copy()
    return torch.from_numpy(values).view(image.height, image.width, -1).permute(2, 0, 1)


def filled(pixels, visible):
    """uint8 [C, H, W] whose invisible pixels have the colours of the nearest visible ones."""
    from scipy.ndimage import distance_transform_edt

    if visible.all() or not visible.any():
        return pixels
    rows, columns = distance_transform_edt(
        ~visible.numpy(), return_distances=False, return_indices=True
    )
    return pixels[:, torch.from_numpy(rows).long(), torch.from_numpy(columns).long()]


def by_tiles(function, pixels, doing, **tiles):
    """What a function of images makes of one, uint8 [C, H, W], piece by piece, with a bar.

    function, tiles: as for `restore.in_tiles`. doing: the bar's title.
    """
    from tqdm.auto import tqdm

    bar = tqdm(total=1, unit=" tiles", desc=doing)

    def watch(_, of_all):
        bar.total = of_all
        bar.update()

    try:
        return restore.in_tiles(function, pixels[None], watch=watch, **tiles)[0]
    finally:
        bar.close()


def check_place(out, sources=(), overwrite=False):
    """Check that a path can hold a picture, before a long job; gives it as a Path.

    sources: files that must not be written over.
    Raises ValueError where it cannot, where it is taken, or where it is one of the sources.
    """
    out = Path(out).expanduser()
    if out.is_dir():
        raise ValueError(f"{out} is a folder; expected a file that can be written")
    if out.suffix.lower() not in ENDINGS:
        raise ValueError(f"expected {out} to end in one of {', '.join(ENDINGS)}")
    if not out.parent.is_dir():
        raise ValueError(f"there is no folder {out.parent.absolute()} to write into")
    check_writable(out.parent)
    if out.exists() and not os.access(out, os.W_OK):
        raise ValueError(f"{out.absolute()} cannot be written: no permission")
    for source in sources:
        source = Path(source).expanduser()
        if out.exists() and source.exists() and out.samefile(source):
            raise ValueError(f"{out} is the input; give the result a name of its own")
    check_free(out, overwrite)
    return out


def check_side(out, longest):
    """Check that a file's format holds so many pixels a side; raises ValueError where not."""
    ending = out.suffix.lower()
    if longest > LARGEST.get(ending, longest):
        raise ValueError(
            f"{ending} holds at most {LARGEST[ending]:,} pixels a side, the result has"
            f" {longest:,}; .png or .tif hold it"
        )


def check_fits(picture, out, factor=1):
    """Check that a file's format can hold a picture of this size times a factor.

    Raises ValueError where it cannot; gives sentences about what will be lost.
    """
    check_side(out, factor * max(picture.pixels.shape[1:]))
    ending = out.suffix.lower()
    said = list(picture.lost)
    if picture.alpha is not None and ending not in KEEP_ALPHA:
        said.append(f"{ending} has no transparency: what shows through is laid on white")
    if picture.profile and ending not in KEEP_PROFILE:
        what = "colours are turned into sRGB" if len(picture.pixels) == 3 else "it is dropped"
        said.append(f"{ending} keeps no colour profile: {what}")
    if picture.dpi and ending == ".webp":
        said.append(f"{ending} keeps no dpi")
    if picture.exif and ending not in KEEP_PROFILE:
        said.append(f"{ending} keeps no EXIF: when and how it was taken is dropped")
    return said


def write(picture, out):
    """Write a picture to a file, whole or not at all.

    Kept are transparency, colour profile and EXIF, where the format has a place for them.
    """
    ending = out.suffix.lower()
    kind = Image.registered_extensions()[ending]
    image = _image(picture.pixels)
    more = dict(QUALITY.get(kind, {}))
    if picture.alpha is not None and ending in KEEP_ALPHA:
        image.putalpha(_image(picture.alpha))
    elif picture.alpha is not None:
        ground = Image.new(image.mode, image.size, "white")
        image = Image.composite(image, ground, _image(picture.alpha))
    if picture.profile and ending in KEEP_PROFILE:
        more["icc_profile"] = picture.profile
    elif picture.profile and image.mode == "RGB":
        image.info["icc_profile"] = picture.profile
        image = photos.in_srgb(image)
        more["icc_profile"] = None  # the colours are the usual ones now
    if picture.exif and ending in KEEP_PROFILE:
        more["exif"] = _with_size(picture.exif, *picture.pixels.shape[1:])
    if picture.dpi and ending != ".webp":
        more["dpi"] = picture.dpi
    stream = io.BytesIO()
    image.save(stream, kind, **more)
    write_atomically(out, stream.getvalue())


def _with_size(exif, height, width):
    """EXIF whose own entries for the size, where it has them, are these."""
    base = ExifTags.Base
    entries = Image.Exif()
    entries.load(exif)
    of_photo = entries.get_ifd(ExifTags.IFD.Exif)
    sizes = {base.ImageWidth: width, base.ImageLength: height}
    sizes_of_photo = {base.ExifImageWidth: width, base.ExifImageHeight: height}
    changed = False
    for found, wanted in ((entries, sizes), (of_photo, sizes_of_photo)):
        for key, value in wanted.items():
            if key in found and found[key] != value:
                found[key], changed = value, True
    return entries.tobytes() if changed else exif


def _image(pixels):
    """uint8 [1 or 3, H, W] as a Pillow image."""
    values = pixels.permute(1, 2, 0).contiguous().numpy()
    return Image.fromarray(values[..., 0] if values.shape[2] == 1 else values)
