"""What `genimg caption` does: a sentence for each portrait, and how sure it is of each word."""

import torch.nn.functional as F

from genimg_lib import data, pretrained
from genimg_lib.apps import pictures
from genimg_lib.data import portraits

SIZE = 32  # pixels of the portraits that the captioner knows


def caption_files(paths, say=print):
    """Say a sentence for each picture, and how sure the captioner is of each factor.

    paths: of picture files: portraits of the course, squares of 32 pixels or a multiple of it.
    A picture that is no portrait is said to be none, and not described.
    Returns {path: sentence, or None where it is no portrait}.
    Raises ValueError or DataError before anything is said: for a picture that cannot be read, is
    no square of such a size, has no colours or has transparency.
    """
    images = {path: portrait(path) for path in paths}
    model = pretrained.load_captions()
    found = {}
    for path, x in images.items():
        unusual, limit = model.unusual(x).item(), model.typical.limit.item()
        if unusual > limit:
            found[path] = None
            say(f"{path}: no portrait of this course ({unusual / limit:.1f} times the limit)")
            continue
        found[path] = model.captions(x)[0]
        say(f"{path}: {found[path]}")
        say(f"  {', '.join(_sure(model.factors(x)))}")
    return found


def portrait(path):
    """A picture file as an image that the captioner can see: float [1, 3, 32, 32].

    Larger ones are averaged over squares of pixels.
    """
    picture = pictures.read(path)
    channels, height, width = picture.pixels.shape
    if height != width or height % SIZE:
        raise ValueError(
            f"{path} has {width}x{height} pixels; expected a square portrait of {SIZE}x{SIZE}, or"
            f" a multiple of it, such as {4 * SIZE}x{4 * SIZE}"
        )
    if channels != 3:
        raise ValueError(
            f"{path} is grey; expected a portrait in colour, as its words name colours"
        )
    if picture.alpha is not None:
        raise ValueError(f"{path} has transparency; expected an opaque portrait")
    return F.avg_pool2d(data.to_float(picture.pixels[None]), height // SIZE)


def _sure(factors):
    """Each factor's likeliest value and its probability, in words."""
    for name, p in factors.items():
        value = int(p[0].argmax())
        word = portraits.FACTORS[name][value]
        yield f"{name.replace('_', ' ')} {word} {p[0, value].item():.0%}"
