"""What `genimg denoise` does: noise taken out of a picture file, of any size."""

import torch

from genimg_lib import data, pretrained, restore
from genimg_lib.apps import pictures
from genimg_lib.restore import LEVEL, STRONGEST

HARDLY_ANY = 1.0  # grey levels, below which nothing is taken out, if sigma was not said
LOOKED_AT = 512  # pixels of a side, of the pieces that the noise is estimated from
FLAT = 0.3  # where a larger share of pixels has equal neighbours, there is no noise


def denoise_file(source, out, sigma=None, overwrite=False, careful=False, say=print):
    """Write a picture without its noise to a file; returns the path.

    source: a picture file. out: another one, ending in one of pictures.ENDINGS.
    sigma: the noise's standard deviation in grey levels of 255, above 0 and at most 75; left out,
        it is estimated. The network was taught white noise: that of a JPEG is coarser, and much of
        it stays.
    careful: the mean over eight positions of the picture: a tenth of a decibel better, eight times
        as long.
    Transparency, colour profile and EXIF are kept where the format of `out` has a place for them.
    Raises ValueError or DataError before any work: for sigma out of range, an input that is no
    picture or a film, a place that is taken or cannot be written.
    """
    if sigma is not None and not 0 < sigma <= STRONGEST:
        raise ValueError(
            f"expected sigma above 0 and at most {STRONGEST} grey levels of 255, got {sigma:g}"
        )
    out = pictures.check_place(out, [source], overwrite)
    picture = pictures.read(source)
    for sentence in pictures.check_fits(picture, out):
        say(sentence)
    visible = None if picture.alpha is None else picture.alpha[0] > 0
    pixels = picture.pixels if visible is None else pictures.filled(picture.pixels, visible)
    if sigma is None:
        sigma = _said(estimated(pixels, visible), picture.kind, say)
    if sigma > 0:
        found = denoised(pixels, sigma, careful)
        picture.pixels = found if visible is None else torch.where(visible, found, picture.pixels)
    pictures.write(picture, out)
    return out


def _said(sigma, kind, say):
    """What is taken out, 0 for nothing; says what was estimated."""
    if sigma < HARDLY_ANY:
        say("there is hardly any noise: nothing is taken out; --sigma says how much there is")
        return 0.0
    say(f"noise of {sigma:.1f} grey levels was estimated; --sigma says it better")
    if kind == "JPEG":
        say("in a JPEG noise is coarser than it was: the estimate may be too small")
    if sigma > STRONGEST:
        say(f"the network knows up to {STRONGEST}: so many are taken out")
    return min(sigma, STRONGEST)


def estimated(pixels, visible=None):
    """The noise of uint8 [C, H, W] in grey levels: the median of up to nine pieces.

    By the finest wavelets (Donoho and Johnstone 1994). Where noise was cut off at black or white,
    less than was added is found, since less is there. Drawings and screenshots, in which many
    pixels equal their neighbours, have none.
    visible: bool [H, W], the pixels that are looked at for that; all, if not given.
    """
    from skimage.restoration import estimate_sigma

    if _flat_share(pixels, visible) > FLAT:
        return 0.0
    height, width = pixels.shape[1:]
    found = []
    for top in _starts(height):
        for left in _starts(width):
            piece = pixels[:, top : top + LOOKED_AT, left : left + LOOKED_AT]
            values = piece.permute(1, 2, 0).double().numpy()
            found.append(estimate_sigma(values, channel_axis=2, average_sigmas=True))
    return torch.tensor(found, dtype=torch.float64).nan_to_num(0.0).median().item()


def _flat_share(pixels, visible):
    """The share of pixels that equal those to their left and above."""
    here, left, above = pixels[:, 1:, 1:], pixels[:, 1:, :-1], pixels[:, :-1, 1:]
    flat = ((here == left) & (here == above)).all(dim=0)
    if visible is not None:
        flat = flat[visible[1:, 1:]]
    return flat.double().mean().item() if flat.numel() else 1.0


def _starts(length):
    """Where pieces begin along a side: once, or at both ends and in the middle."""
    if length <= LOOKED_AT:
        return [0]
    return sorted({0, (length - LOOKED_AT) // 2, length - LOOKED_AT})


@torch.no_grad()
def denoised(pixels, sigma, careful=False, size=512):
    """uint8 [1 or 3, H, W] without noise of sigma grey levels, tile by tile."""
    net = pretrained.load_denoiser("denoiser_grey" if len(pixels) == 1 else "denoiser_colour")

    def clean(y):
        return net(y, sigma * LEVEL)

    def piece(y):
        y = data.to_float(y)
        x_hat = restore.over_turns(clean, y) if careful else clean(y)
        return data.to_uint8(x_hat.clamp(-1, 1))

    return pictures.by_tiles(piece, pixels, "denoise", size=size)
