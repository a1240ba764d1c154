"""What `genimg upscale` does: a picture file made twice or four times as large."""

import torch

from genimg_lib import data, pretrained, restore
from genimg_lib.apps import pictures
from genimg_lib.errors import unknown

SCALES = (2, 4)
MOST = 100  # megapixels of a result; many programs open no larger one


def upscale_file(source, out, scale=2, overwrite=False, careful=False, say=print):
    """Write a picture, made larger, to a file; returns the path.

    source: a picture file. out: another one, ending in one of pictures.ENDINGS.
    scale: 2 or 4. The networks were taught photographs that were made smaller, that of 4 with up
        to 3 grey levels of noise: more noise, and the blocks of a JPEG, are sharpened with the
        rest.
    careful: the mean over eight positions of the picture: a tenth of a decibel better, eight times
        as long.
    Transparency, colour profile and EXIF are kept where the format of `out` has a place for them.
    Raises ValueError or DataError before any work: for another scale, a result of more than 100
    megapixels, an input that is no picture or a film, a place that is taken or cannot be written.
    """
    if scale not in SCALES:
        raise unknown("scale", scale, SCALES)
    out = pictures.check_place(out, [source], overwrite)
    picture = pictures.read(source)
    height, width = picture.pixels.shape[1:]
    if (megapixels := scale**2 * height * width / 1e6) > MOST:
        smaller = " take --scale 2," if scale == 4 and megapixels / 4 <= MOST else ""
        raise ValueError(
            f"{width:,}x{height:,} made {scale} times as large has {megapixels:,.1f} megapixels;"
            f" expected {MOST} at most:{smaller} cut it into parts, or make it smaller first"
        )
    for sentence in pictures.check_fits(picture, out, scale):
        say(sentence)
    pixels = picture.pixels
    if picture.alpha is not None:
        pixels = pictures.filled(pixels, picture.alpha[0] > 0)
        picture.alpha = restore.enlarged(picture.alpha[None], scale)[0]
    picture.pixels = upscaled(pixels, scale, careful)
    pictures.write(picture, out)
    return out


@torch.no_grad()
def upscaled(pixels, scale, careful=False, size=256):
    """uint8 [1 or 3, H, W], `scale` times as large, tile by tile."""
    net = pretrained.load_upscaler(f"upscaler_{scale}")
    net = net.to(memory_format=torch.channels_last)  # twice as fast on a CPU
    is_grey = len(pixels) == 1

    def piece(y):
        y = data.to_float(y)
        y = y.expand(-1, 3, -1, -1)
        x_hat = restore.over_turns(net, y) if careful else net(y)
        x_hat = x_hat.mean(dim=1, keepdim=True) if is_grey else x_hat
        return data.to_uint8(x_hat.clamp(-1, 1))

    tiles = {"size": size, "overlap": net.reach, "step": 1, "scale": scale}
    return pictures.by_tiles(piece, pixels, "upscale", **tiles)
