"""Photographs: those that scikit-image installs, and any picture file of the reader's."""

import warnings
from io import BytesIO

import torch
from PIL import Image, ImageOps

from genimg_lib.errors import DataError

ADVICE = {  # what to do with files that people take for pictures, by their ending
    ".heic": "a telephone's HEIC can be saved as JPEG or PNG",
    ".heif": "a telephone's HEIF can be saved as JPEG or PNG",
    ".mp4": "a film's frames can be taken out: ffmpeg -i FILM FOLDER/%04d.png",
    ".mov": "a film's frames can be taken out: ffmpeg -i FILM FOLDER/%04d.png",
    ".webm": "a film's frames can be taken out: ffmpeg -i FILM FOLDER/%04d.png",
}
NAMES = (
    "astronaut",
    "chelsea",
    "coffee",
    "rocket",
    "camera",
    "brick",
    "grass",
    "gravel",
    "coins",
    "moon",
)
# documents, and what telescopes, microscopes and a pair of cameras saw: to learn from
OTHERS = (
    "clock",
    "hubble_deep_field",
    "immunohistochemistry",
    "page",
    "retina",
    "stereo_motorcycle",
    "text",
)
# what networks that restore photographs are judged on, and never learn from
HELD_OUT = ("camera", "chelsea", "coffee")
LEARNED = tuple(name for name in (*NAMES, *OTHERS) if name not in HELD_OUT)


def open_photo(name):
    """One of the photographs `NAMES` or `OTHERS` at its full size: uint8 [3, H, W]."""
    if name not in (*NAMES, *OTHERS):
        raise ValueError(f"unknown photograph {name!r}; known: {', '.join((*NAMES, *OTHERS))}")
    import skimage.data

    image = getattr(skimage.data, name)()
    if isinstance(image, tuple):  # of two cameras, and how far away things are
        image = image[0]
    return to_tensor(Image.fromarray(image))


def open_image(path):
    """A picture file: uint8 [3, H, W].

    Turned upright as its EXIF tag says, colours of another profile turned into sRGB, transparency
    laid on white.
    Raises DataError if it is none.
    """
    try:
        with opened(path) as image:
            return to_tensor(in_srgb(ImageOps.exif_transpose(image)))
    except Exception as error:  # whatever Pillow meets in a damaged file
        raise unreadable(path, error) from None


def opened(path):
    """The Pillow image of a file, without Pillow's warning about large ones."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        return Image.open(path)


def unreadable(path, error):
    """The DataError for a picture that Pillow does not read, with what to do."""
    if isinstance(error, Image.DecompressionBombError):
        most = 2 * Image.MAX_IMAGE_PIXELS / 1e6
        return DataError(
            f"{path} claims more than {most:.0f} megapixels, the most that is read; make it smaller"
            " first, or replace it if it is damaged"
        )
    if isinstance(error, FileNotFoundError):
        return DataError(
            f"there is no picture {path}; the photographs that come along are {', '.join(NAMES)}"
        )
    if isinstance(error, MemoryError):
        error = "it claims more than there is memory for"
    ending = "." + str(path).lower().rpartition(".")[2]
    what = ADVICE.get(ending, "remove it or replace it")
    return DataError(f"{path} cannot be read as a picture ({error}); {what}")


def in_srgb(image):
    """A Pillow image whose colours are sRGB's, where it has a profile that says otherwise.

    Without a profile, or with a broken one, it stays as it is.
    """
    from PIL import ImageCms

    profile = image.info.get("icc_profile")
    if not profile or image.mode not in ("RGB", "RGBA", "P", "PA", "CMYK", "LAB"):
        return image
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        if "srgb" in ImageCms.getProfileDescription(source).lower():
            return image
        if image.mode in ("P", "PA") or "transparency" in image.info:
            image = image.convert("RGBA")
        target, mode = ImageCms.createProfile("sRGB"), "RGBA" if image.mode == "RGBA" else "RGB"
        return ImageCms.profileToProfile(image, source, target, outputMode=mode)
    except (ImageCms.PyCMSError, OSError):
        return image


def load(size):
    """All photographs `NAMES`: uint8 [10, 3, size, size].

    The middle square of each.
    """
    return torch.stack([square(open_photo(name), size) for name in NAMES])


def crops(n, size, seed=0, names=NAMES):
    """n square pieces of photographs, for training: uint8 [n, 3, size, size].

    From random places, of random extent, some mirrored; they overlap.
    """
    g = torch.Generator().manual_seed(seed)
    opened, cut = [open_photo(name) for name in names], []
    for _ in range(n):
        image = opened[int(torch.randint(len(opened), (), generator=g))]
        shorter = min(image.shape[1:])
        side = int(torch.randint(min(size, shorter), shorter + 1, (), generator=g))
        top, left = (
            int(torch.randint(length - side + 1, (), generator=g)) for length in image.shape[1:]
        )
        piece = square(image[:, top : top + side, left : left + side], size)
        cut.append(piece.flip(2) if torch.rand((), generator=g) < 0.5 else piece)
    return torch.stack(cut)


def pieces(n, size, seed=0, names=NAMES, scales=(1.0, 0.75, 0.5, 0.35)):
    """n square pieces of photographs that were made smaller: uint8 [n, 3, size, size].

    From random places, some mirrored, some turned by a quarter; they overlap.
    scales: how much smaller, chosen by chance, a picture as often as the root of its pixels says.
    """
    g = torch.Generator().manual_seed(seed)
    shrunk = [_smaller(open_photo(name), scale) for name in names for scale in scales]
    shrunk = [image for image in shrunk if min(image.shape[1:]) >= size]
    pixels = torch.tensor([float(image[0].numel()) for image in shrunk])
    cut = []
    for k in torch.multinomial(pixels.sqrt(), n, replacement=True, generator=g).tolist():
        image = shrunk[k]
        top, left = (
            int(torch.randint(length - size + 1, (), generator=g)) for length in image.shape[1:]
        )
        piece = image[:, top : top + size, left : left + size]
        turned, mirrored = torch.randint(2, (2,), generator=g).tolist()
        piece = piece.transpose(1, 2) if turned else piece
        cut.append(piece.flip(2) if mirrored else piece)
    return torch.stack(cut)


def _smaller(image, scale):
    """uint8 [3, H, W], its sides times the scale, with Lanczos' filter."""
    if scale == 1:
        return image
    picture = Image.fromarray(image.permute(1, 2, 0).numpy())
    wanted = [round(scale * side) for side in picture.size]
    return to_tensor(picture.resize(wanted, Image.Resampling.LANCZOS))


def grey(images):
    """uint8 images [..., 3, H, W] to their luma, [..., 1, H, W], rounded.

    Source: ITU-R BT.601: 0.299 R + 0.587 G + 0.114 B.
    """
    weights = torch.tensor([0.299, 0.587, 0.114]).view(3, 1, 1)
    return (images.float() * weights).sum(dim=-3, keepdim=True).round().to(torch.uint8)


def square(image, size):
    """The middle square of uint8 [3, H, W], resized with Lanczos' filter: uint8 [3, size, size]."""
    picture = Image.fromarray(image.permute(1, 2, 0).numpy())
    return to_tensor(ImageOps.fit(picture, (size, size), Image.Resampling.LANCZOS))


def is_see_through(image):
    """Has a Pillow image a place for transparency?"""
    return image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info


def shows_through(image):
    """Is any of its pixels not wholly opaque?"""
    return is_see_through(image) and image.convert("RGBA").getchannel("A").getextrema()[0] < 255


def has_16_bits(image):
    """Is it a grey Pillow image of 16 bits a pixel? (Those in colour Pillow opens as 8 bits.)"""
    return image.mode == "I" or image.mode.startswith("I;16")


def as_8_bits(image):
    """A Pillow image of 16 bits a pixel brought down to 8: the nearest levels."""
    import numpy as np

    levels = np.asarray(image).astype("int64").clip(0, 65_535)
    return Image.fromarray(((levels + 128) // 257).astype("uint8"))


def to_tensor(image):
    """A Pillow image of any mode of whole numbers: uint8 [3, H, W].

    Transparency is laid on white, 16 bits a pixel are brought down to 8.
    Raises ValueError for real numbers, whose range nobody knows.
    """
    import numpy as np

    if image.mode == "F":
        raise ValueError(
            "its pixels are real numbers (mode F), whose range is not known; save it with 8 or 16"
            " bits a pixel"
        )
    if has_16_bits(image):
        image = as_8_bits(image)
    if is_see_through(image):
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return torch.from_numpy(np.asarray(image.convert("RGB")).copy()).permute(2, 0, 1).contiguous()
