"""Stored pictures, small without visible loss: of figures in notebooks, and covers."""

import base64
import io

import numpy as np
from PIL import Image

SMALL = 40_000  # bytes; smaller pictures stay as they are
LARGE = 120_000  # bytes, from which on more is saved
QUALITY, QUALITY_LARGE = 90, 80  # of JPEG, with colours at full resolution, and of WebP
WORTH = 0.85  # a lossy picture has to be smaller by this factor
BUDGET = 1_250_000  # bytes of all pictures of a notebook, so that its file stays below 2 MB
SCALES = (5 / 6, 2 / 3)  # of the pixels, which are one and a half for each of the page's


def smaller(png):
    """A PNG picture as (bytes, "png" or "jpeg").

    Few colours become a palette, without loss. Where that does not help, as with photographs,
    it is a JPEG with colours at full resolution.
    """
    if len(png) < SMALL:
        return png, "png"
    image = Image.open(io.BytesIO(png)).convert("RGB")
    packed = _as_palette(image)
    best = packed if packed and len(packed) < len(png) else png
    quality = QUALITY if len(png) < LARGE else QUALITY_LARGE
    lossy = _saved(image, "JPEG", quality=quality, subsampling=0)
    return (lossy, "jpeg") if len(lossy) < WORTH * len(best) else (best, "png")


def cover(png):
    """A cover's PNG as WebP: without loss where it has few colours, else at high quality."""
    image = Image.open(io.BytesIO(png)).convert("RGB")
    few = image.getcolors(4_096) is not None
    exact = _saved(image, "WEBP", lossless=True) if few else None
    lossy = _saved(image, "WEBP", quality=QUALITY)
    return exact if exact and len(exact) < 2 * len(lossy) else lossy


def shrink(notebook):
    """Make the stored pictures of a notebook smaller, in place.

    Where all together are above BUDGET, the photographic ones get fewer pixels, first 5/4 and
    then 1 for each of the page's.
    """
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    pictures = [output for output in outputs if of_output(output)]
    for output in pictures:
        content, ending, _ = of_output(output)
        if ending == "png":
            _replace(output, *smaller(content))
    for scale in SCALES:
        if sum(len(of_output(output)[0]) for output in pictures) <= BUDGET:
            break
        for output in pictures:
            content, ending, facts = of_output(output)
            photographic = ending == "jpg" and len(content) > SMALL
            fewer = _scaled(content, facts, scale) if photographic else content
            if len(fewer) < len(content):
                _replace(output, fewer, "jpeg")


def _scaled(content, facts, scale):
    """A picture as a JPEG with 1.5 scale pixels for each of the page's, at most."""
    image = Image.open(io.BytesIO(content)).convert("RGB")
    width = round(1.5 * scale * facts.get("width", image.width / 1.5))
    if width < image.width:
        size = (width, round(image.height * width / image.width))
        image = image.resize(size, Image.Resampling.LANCZOS)
    return _saved(image, "JPEG", quality=QUALITY_LARGE)


def _replace(output, content, kind):
    """Put another picture into an output; its facts stay."""
    old = next(name for name in ("image/png", "image/jpeg") if name in output["data"])
    facts = output.metadata.pop(old, None)
    del output["data"][old]
    output["data"][f"image/{kind}"] = base64.b64encode(content).decode()
    if facts is not None:
        output.metadata[f"image/{kind}"] = facts


def of_output(output):
    """A stored picture as (bytes, ending, facts), or None where an output holds none.

    facts: its width on the page and its alternative text.
    """
    for kind, ending in (("png", "png"), ("jpeg", "jpg")):
        content = output.get("data", {}).get(f"image/{kind}")
        if content is not None:
            facts = output.metadata.get(f"image/{kind}", output.metadata)
            return base64.b64decode(content), ending, facts
    return None


def _as_palette(image):
    """A picture of at most 256 colours as a PNG with a palette, or None."""
    pixels = np.asarray(image).astype(np.uint32)
    codes = pixels[..., 0] << 16 | pixels[..., 1] << 8 | pixels[..., 2]
    colours, places = np.unique(codes, return_inverse=True)
    if len(colours) > 256:
        return None
    packed = Image.fromarray(places.reshape(codes.shape).astype(np.uint8), "P")
    palette = np.stack([colours >> 16, colours >> 8 & 255, colours & 255], axis=1)
    packed.putpalette(palette.astype(np.uint8).tobytes())
    return _saved(packed, "PNG", optimize=True)


def _saved(image, kind, **settings):
    buffer = io.BytesIO()
    image.save(buffer, kind, **settings)
    return buffer.getvalue()
