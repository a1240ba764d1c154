"""Checks of notebook 11, images as tensors."""

import torch

from genimg_lib.check import inputs
from genimg_lib.check.cases import drawn
from genimg_lib.check.judge import Check, Property
from genimg_lib.check.values import kind_of
from genimg_lib.check.wording import BLUE_FIRST, PLAIN_GREY, what_is

# ---------------------------------------------------------------- bytes


def _size(height, width, channels, bits):
    return height * width * channels * bits // 8


def _with_whole_bytes(height, width, channels, bits):
    numbers = height * width * channels
    return (height, width, channels, bits) if numbers * bits % 8 == 0 else None


image_bytes = Check(
    "image_bytes",
    _size,
    [
        (1024, 1024, 3, 32),
        (28, 28, 1, 8),
        (64, 48, 3, 16),
        (8, 8, 1, 1),
        (4, 6, 1, 12),
        *drawn(
            _with_whole_bytes, count=30, height=(1, 9), width=(1, 9), channels=(1, 4), bits=(1, 32)
        ),
    ],
    {
        "these are bits. A byte has eight of them.": lambda h, w, c, b: h * w * c * b,
        "the channels are missing: a colour image has three numbers a pixel.": (
            lambda h, w, c, b: h * w * b // 8,
            lambda h, w, c, b: h * w * b / 8,
        ),
        "every number is counted as one byte; it takes bits / 8.": lambda h, w, c, b: h * w * c,
        "right where bits is a multiple of 8 only: numbers of 1 or 12 bits are packed, so multiply "
        "everything first and divide by 8 at the end.": (
            lambda h, w, c, b: h * w * c * (b // 8),
            lambda h, w, c, b: h * w * c * -(-b // 8),
            lambda h, w, c, b: h * w * c * max(1, b // 8),
            lambda h, w, c, b: h * w * c * round(b / 8),
        ),
        "2 to the power of bits is how many values a number may have; it takes bits / 8 bytes.": (
            lambda h, w, c, b: h * w * c * 2**b,
            lambda h, w, c, b: h * w * c * 2**b / 8,
            lambda h, w, c, b: h * w * c * 2**b // 8,
            lambda h, w, c, b: (h * w * c * 2**b + 7) // 8,
        ),
        "added, not multiplied: every place has a number for each channel.": (
            lambda h, w, c, b: (h + w + c) * b // 8,
            lambda h, w, c, b: (h * w + c) * b // 8,
        ),
        "in KiB: bytes are wanted.": (
            lambda h, w, c, b: h * w * c * b / 8 / 1024,
            lambda h, w, c, b: h * w * c * b // 8 // 1024,
        ),
        "in MiB: bytes are wanted.": lambda h, w, c, b: h * w * c * b / 8 / 1024**2,
    },
)


def _to_uint8(x):
    return (127.5 * (x.clamp(-1, 1) + 1)).round().to(torch.uint8)


def _wrapped(values):
    return values.round().to(torch.int64).remainder(256).to(torch.uint8)


def _shaped(seed, n, c, h, w):
    return (inputs.uniform(seed, n, c, h, w, low=-1.2, high=1.2),)


to_uint8 = Check(
    "to_uint8",
    _to_uint8,
    [
        (torch.tensor([-1.0, -0.5, 0.3, 1.0]),),
        (torch.tensor([-1.3, 1.1, 0.2]),),
        (inputs.uniform(11, 5, 4, low=-1.2, high=1.2),),
        *drawn(_shaped, count=6, seed=(0, 9), n=(1, 2), c=(1, 3), h=(1, 4), w=(1, 4)),
    ],
    {
        "bytes wrapped around: clip to [-1, 1] before you convert.": lambda x: (
            (127.5 * (x + 1)).round().to(torch.int64).remainder(256).to(torch.uint8)
        ),
        "cut off instead of rounded: conversion to uint8 drops the digits after the point, so "
        "values are up to 1 too small. Round first.": lambda x: (127.5 * (x.clamp(-1, 1) + 1)).to(
            torch.uint8
        ),
        "this reads [-1, 1] as [0, 1]: all that is below mid-grey came out black. Shift by 1 "
        "before you scale by 127.5.": lambda x: (255 * x.clamp(0, 1)).round().to(torch.uint8),
        "scaled twice: the result is black but for a byte of 1 here and there. Dividing by 255 "
        "undoes the scaling.": lambda x: (
            (127.5 * (x.clamp(-1, 1) + 1) / 255).round().to(torch.uint8)
        ),
        "the values are right, but they are not bytes: end with .to(torch.uint8).": lambda x: (
            127.5 * (x.clamp(-1, 1) + 1)
        ).round(),
        "clipped on one side only: [-1, 1] has two ends, and bytes wrap around at both.": (
            lambda x: _wrapped(127.5 * (x.clamp(max=1) + 1)),
            lambda x: _wrapped(127.5 * (x.clamp(min=-1) + 1)),
        ),
        "the half is missing: [-1, 1] is 2 wide, so it is 127.5 times x + 1.": lambda x: _wrapped(
            255 * (x.clamp(-1, 1) + 1)
        ),
        "1 is not added: -1 has to become 0.": lambda x: _wrapped(127.5 * x.clamp(-1, 1)),
        "256 is no byte: it wraps to 0. It is 127.5, not 128.": (
            lambda x: _wrapped(128 * (x.clamp(-1, 1) + 1)),
        ),
        "stretched to the picture's own darkest and brightest place; -1 and 1 are the "
        "ends.": lambda x: (255 * (x - x.min()) / (x.max() - x.min())).round().to(torch.uint8),
        "multiplied by 128: 1 becomes 256, which is no byte, and cutting it off hides that. It is "
        "127.5.": (
            lambda x: (128 * (x + 1)).round().clamp(0, 255).to(torch.uint8),
            lambda x: (128 * x.clamp(-1, 1) + 127.5).round().clamp(0, 255).to(torch.uint8),
        ),
        "scaled or shifted by 127: the middle of 0..255 is 127.5.": (
            lambda x: (127 * (x.clamp(-1, 1) + 1)).round().to(torch.uint8),
            lambda x: (127.5 * x.clamp(-1, 1) + 127).round().clamp(0, 255).to(torch.uint8),
            lambda x: (127.5 * x.clamp(-1, 1) + 128).round().clamp(0, 255).to(torch.uint8),
        ),
    },
)

# ---------------------------------------------------------------- grey


def _luma(images, weights=(0.299, 0.587, 0.114)):
    grey = (images.double() * torch.tensor(weights).double().view(3, 1, 1)).sum(
        dim=-3, keepdim=True
    )
    return grey.round().to(torch.uint8)


def _colours(seed, n, h, w):
    """Bytes in colour whose grey is nowhere near a half, where rounding is a matter of taste."""
    images = inputs.pixels(seed, n, 3, h, w)
    grey = (images.double() * torch.tensor([0.299, 0.587, 0.114]).double().view(3, 1, 1)).sum(
        dim=1, keepdim=True
    )
    doubtful = ((grey % 1) - 0.5).abs() < 0.02
    return (images.masked_fill(doubtful, 0),)


luma = Check(
    "luma",
    _luma,
    [
        (torch.tensor([255, 0, 0], dtype=torch.uint8).view(1, 3, 1, 1),),
        (torch.tensor([10, 200, 90], dtype=torch.uint8).view(1, 3, 1, 1),),
        (inputs.pixels(12, 2, 3, 1, 1),),
        _colours(13, 2, 4, 5),
        _colours(14, 1, 3, 6),
        *drawn(_colours, count=6, seed=(0, 9), n=(1, 3), h=(1, 4), w=(1, 4)),
    ],
    {
        PLAIN_GREY: (
            lambda x: x.float().mean(dim=-3, keepdim=True).round().to(torch.uint8),
            lambda x: x.float().mean(dim=-3, keepdim=True).to(torch.uint8),
        ),
        BLUE_FIRST: lambda x: _luma(x, (0.114, 0.587, 0.299)),
        "the weights of red and green are exchanged: green is the brightest.": lambda x: _luma(
            x, (0.587, 0.299, 0.114)
        ),
        "divided by 255 and not scaled back: bytes run from 0 to 255.": lambda x: (
            _luma(x).double().div(255).round().to(torch.uint8)
        ),
        "this is one of the channels alone.": (
            lambda x: x[:, :1],
            lambda x: x[:, 1:2],
        ),
        "the brightest of the three channels, or the mean of brightest and darkest; a weighted sum "
        "is wanted.": (
            lambda x: x.amax(dim=1, keepdim=True),
            lambda x: (
                ((x.double().amax(dim=1, keepdim=True) + x.double().amin(dim=1, keepdim=True)) / 2)
                .round()
                .to(torch.uint8)
            ),
        ),
        "the weights are rounded to fewer digits; equation (3) has 0.299, 0.587 and 0.114.": (
            lambda x: _luma(x, (0.3, 0.59, 0.11)),
            lambda x: _luma(x, (0.3, 0.6, 0.1)),
        ),
        "the channel axis is gone. Keep it: [N, 1, H, W].": lambda x: _luma(x)[:, 0],
        "cut off instead of rounded: conversion to uint8 drops the digits after the "
        "point.": lambda x: (
            (x.float() * torch.tensor([0.299, 0.587, 0.114]).view(3, 1, 1))
            .sum(dim=1, keepdim=True)
            .to(torch.uint8)
        ),
        "calculated in bytes, where every product loses its digits after the point, or wraps "
        "around. Convert to floats first.": (
            lambda x: sum(
                (x[:, k : k + 1] * v).to(torch.uint8) for k, v in enumerate((0.299, 0.587, 0.114))
            ),
            lambda x: x.sum(dim=1, keepdim=True, dtype=torch.uint8) // 3,
        ),
        "the grey stands in three equal channels; one is wanted, [N, 1, H, W].": lambda x: _luma(
            x
        ).expand_as(x),
        "the values are right, but they are not bytes: round, and end with "
        ".to(torch.uint8).": lambda x: (
            x.float() * torch.tensor([0.299, 0.587, 0.114]).view(3, 1, 1)
        ).sum(dim=1, keepdim=True),
        "the weights are those of newer televisions, 0.2126, 0.7152 and 0.0722. Equation (3) has "
        "0.299, 0.587 and 0.114.": lambda x: _luma(x, (0.2126, 0.7152, 0.0722)),
    },
)

# ---------------------------------------------------------------- PSNR


def _mse(x, y):
    return (x - y).square().flatten(1).mean(dim=1)


def _psnr(x, y):
    return 10 * torch.log10(4 / _mse(x, y))


def _range(x, axes=None):
    flat = x.flatten() if axes is None else x.flatten(1)
    return flat.amax(-1) - flat.amin(-1)


def _pair(seed, n, c, h, w):
    """Images with a range of their own, and the same with noise."""
    x = inputs.uniform(seed, n, c, h, w, low=-0.8, high=0.7)
    return x, (x + 0.2 * inputs.normal(seed + 1, n, c, h, w)).clamp(-1, 1)


psnr = Check(
    "psnr",
    _psnr,
    [
        (torch.full((1, 1, 1, 1), 0.5), torch.full((1, 1, 1, 1), 0.3)),
        (torch.tensor([1.0, -1.0]).view(1, 1, 1, 2), torch.tensor([0.5, -1.0]).view(1, 1, 1, 2)),
        _pair(15, 2, 3, 4, 5),
        _pair(16, 3, 1, 2, 3),
        *drawn(_pair, count=8, seed=(0, 9), n=(1, 3), c=(1, 3), h=(2, 4), w=(2, 5)),
    ],
    {
        "the data range is taken as 1. In [-1, 1] it is 2, which is worth 6.02 dB.": lambda x, y: (
            10 * torch.log10(1 / _mse(x, y))
        ),
        "the data range is taken as 255, which is that of bytes. "
        "In [-1, 1] it is 2.": lambda x, y: 10 * torch.log10(255**2 / _mse(x, y)),
        "the range is not squared: it is R² over the mean squared error.": lambda x, y: (
            10 * torch.log10(2 / _mse(x, y))
        ),
        "the natural logarithm. Decibels are 10 log10.": lambda x, y: (
            10 * torch.log(4 / _mse(x, y))
        ),
        "the logarithm of base 2. Decibels are 10 log10.": lambda x, y: (
            10 * torch.log2(4 / _mse(x, y))
        ),
        "20 log10 belongs to the root of the error; for the mean squared error it is 10 log10.": (
            lambda x, y: 20 * torch.log10(4 / _mse(x, y)),
            lambda x, y: 20 * torch.log10(2 / _mse(x, y)),
        ),
        "10 log10 belongs to the squared range over the mean squared error; for the range over the "
        "root of the error it is 20 log10.": lambda x, y: 10 * torch.log10(2 / _mse(x, y).sqrt()),
        "the mean of one PSNR for each channel; the error is averaged over the channels "
        "first.": lambda x, y: (10 * torch.log10(4 / (x - y).square().flatten(2).mean(dim=2))).mean(
            dim=1
        ),
        "the root of the error stands below; beside the squared range it is the mean squared "
        "error.": lambda x, y: 10 * torch.log10(4 / _mse(x, y).sqrt()),
        "the variance of the difference; the mean squared error counts its mean, "
        "too.": lambda x, y: 10 * torch.log10(4 / (x - y).flatten(1).var(dim=1, correction=0)),
        "the square of the mean difference; it is the mean of the squares.": lambda x, y: (
            10 * torch.log10(4 / (x - y).flatten(1).mean(dim=1) ** 2)
        ),
        "the signal's own power stands above; a *peak* signal-to-noise ratio has the range "
        "there.": lambda x, y: 10 * torch.log10(x.square().flatten(1).mean(dim=1) / _mse(x, y)),
        "upside down: the error stands above the range, so the sign is wrong.": lambda x, y: (
            10 * torch.log10(_mse(x, y) / 4)
        ),
        "one number for the whole batch. PSNR is one for each image: take the mean over all axes "
        "but the first.": (
            lambda x, y: 10 * torch.log10(4 / (x - y).square().mean()),
            lambda x, y: _psnr(x, y).mean(),
        ),
        "the range was measured on the images. It is that of the format, 2 for [-1, 1], whatever "
        "an image makes of it.": (
            lambda x, y: 10 * torch.log10(x.amax() ** 2 / _mse(x, y)),
            lambda x, y: 10 * torch.log10(x.flatten(1).amax(dim=1) ** 2 / _mse(x, y)),
            lambda x, y: 10 * torch.log10(_range(x) ** 2 / _mse(x, y)),
            lambda x, y: 10 * torch.log10(_range(y) ** 2 / _mse(x, y)),
            lambda x, y: 10 * torch.log10(_range(x, 1) ** 2 / _mse(x, y)),
            lambda x, y: 10 * torch.log10(_range(y, 1) ** 2 / _mse(x, y)),
            lambda x, y: 10 * torch.log10(x.max() ** 2 / _mse(x, y)),
            lambda x, y: 10 * torch.log10(x.abs().max() ** 2 / _mse(x, y)),
        ),
        "absolute differences; PSNR squares them.": lambda x, y: (
            10 * torch.log10(4 / (x - y).abs().flatten(1).mean(dim=1))
        ),
        "the sum of the squared errors; it is their mean.": lambda x, y: (
            10 * torch.log10(4 / (x - y).square().flatten(1).sum(dim=1))
        ),
        "the 10 is missing: without it these are bels.": lambda x, y: torch.log10(4 / _mse(x, y)),
    },
)

# ---------------------------------------------------------------- histograms


def _same_values(ask):
    for seed, height, width in ((17, 6, 7), (18, 6, 7), (19, 40, 50)):
        image = inputs.pixels(seed, 3, height, width)
        other = ask(image)
        if not isinstance(other, torch.Tensor):
            return f"expected an image, a uint8 tensor {list(image.shape)}, got {what_is(other)}"
        if other.shape != image.shape:
            return (
                f"expected an image like the given one, {list(image.shape)}, got "
                f"{list(other.shape)}"
            )
        if other.dtype != image.dtype:
            return (
                f"expected an image like the given one, of bytes (uint8), got {kind_of(other)} "
                f"({other.dtype})"
            )
        if torch.equal(other, image):
            return (
                "it is the same image. Change it where a person would see it, and leave the "
                "histograms alone."
            )
        if (other != image).any(dim=0).double().mean() < 0.2:
            return (
                f"hardly a pixel of {height}x{width} changed. Change it where a person would see "
                "it."
            )
        if not torch.equal(_sorted(other), _sorted(image)):
            return _whose_histogram(other, image)
    return None


def _sorted(image):
    return image.flatten(1).sort().values


def _whose_histogram(other, image):
    if torch.equal(other.flatten().sort().values, image.flatten().sort().values):
        return (
            "the values went from one channel to another: all together occur as often as before, "
            "but a channel's histogram changed. Move places, not channels."
        )
    if set(other.unique().tolist()) <= set(image.unique().tolist()):
        return (
            "a channel's histogram changed: some values occur more often than before and others "
            "less often. Each pixel has to be used once (torch.randperm, not torch.randint)."
        )
    return (
        "a channel's histogram changed: every value of a channel has to occur as often as before, "
        "in that channel."
    )


same_histograms = Property(
    "same_histograms",
    lambda image: image.flip(-1),
    _same_values,
    {
        "it is the same image": lambda image: image.clone(),
        "the values went from one channel to another": lambda image: image.flip(0),
        "every value of a channel has": lambda image: 255 - image.clamp(min=1),
        "Each pixel has to be used once": lambda image: image[:, :1].expand_as(image),
        "hardly a pixel of 40x50": lambda image: torch.cat(
            [image[:, -1:], image[:, 1:-1], image[:, :1]], dim=1
        ),
        "an image like the given one, [3, 6, 7]": lambda image: image.flatten(),
        "of bytes": lambda image: image.flip(-1).float(),
    },
)
