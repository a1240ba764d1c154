"""Stored pictures, small without visible loss: of figures in notebooks, and covers."""

import base64
import io

import numpy as np
from PIL import Image

SMALL = 40_000  # bytes; smaller pictures stay as they are
LARGE = 120_000  # bytes, from which on more is saved
QUALITY, QUALITY_LARGE = 90, 80  # of JPEG, with colours at full resolution, and of WebP
WORTH = 0.85  # a lossy picture has to be smaller by this factor


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
    """Make the stored pictures of a notebook smaller, in place."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if "image/png" not in data:
                continue
            content, kind = smaller(base64.b64decode(data.pop("image/png")))
            facts = output.metadata.pop("image/png", None)
            data[f"image/{kind}"] = base64.b64encode(content).decode()
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
