"""Checks of chapter 11, images as tensors."""

import torch

from genimg_lib import metrics
from genimg_lib.check.judge import Check, Property
from genimg_lib.data.image_set import to_uint8 as right_to_uint8

_g = torch.Generator().manual_seed(11)
_x = [
    2.4 * torch.rand(2, 3, 4, 5, generator=_g) - 1.2 for _ in range(3)
]  # a little outside of [-1, 1]
_y = [
    (x + 0.2 * torch.randn(x.shape, generator=_g)).clamp(-1, 1)
    for x in (t.clamp(-1, 1) for t in _x)
]
_pairs = [(x.clamp(-1, 1), y) for x, y in zip(_x, _y, strict=True)]
_bytes = [torch.randint(0, 256, (2, 3, 4, 5), dtype=torch.uint8, generator=_g) for _ in range(3)]

image_bytes = Check(
    "image_bytes",
    lambda height, width, channels, bits: height * width * channels * bits // 8,
    [(1024, 1024, 3, 32), (1024, 1024, 3, 8), (28, 28, 1, 8), (64, 48, 3, 16)],
    {
        "these are bits. A byte has eight of them.": lambda h, w, c, b: h * w * c * b,
        "the channels are missing: a colour image has three numbers a pixel.": lambda h, w, c, b: (
            h * w * b // 8
        ),
        "every number is counted as one byte; it takes bits / 8.": lambda h, w, c, b: h * w * c,
    },
)

to_uint8 = Check(
    "to_uint8",
    right_to_uint8,
    [(x,) for x in _x],
    {
        "bytes wrapped around: clip to [-1, 1] before you convert.": lambda x: (
            (127.5 * (x + 1)).round().to(torch.int64).remainder(256).to(torch.uint8)
        ),
        "cut off instead of rounded: conversion to uint8 drops the digits after the point, so every value is up to 1 too small. Round first.": lambda x: (
            (127.5 * (x.clamp(-1, 1) + 1)).to(torch.uint8)
        ),
        "this reads [-1, 1] as [0, 1]: all that is below mid-grey came out black. Shift by 1 before you scale by 127.5.": lambda x: (
            (255 * x.clamp(0, 1)).round().to(torch.uint8)
        ),
        "scaled twice: the result is black but for a byte of 1 here and there. Dividing by 255 undoes the scaling.": lambda x: (
            (127.5 * (x.clamp(-1, 1) + 1) / 255).round().to(torch.uint8)
        ),
        "the values are right, but they are not bytes: end with .to(torch.uint8).": lambda x: (
            127.5 * (x.clamp(-1, 1) + 1)
        ).round(),
    },
)

psnr = Check(
    "psnr",
    lambda x, y: metrics.psnr(x, y),
    _pairs,
    {
        "the data range is taken as 1. In [-1, 1] it is 2, which is worth 6.02 dB.": lambda x, y: (
            10 * torch.log10(1 / _mse(x, y))
        ),
        "the data range is taken as 255, which is that of bytes. In [-1, 1] it is 2.": lambda x, y: (
            10 * torch.log10(255**2 / _mse(x, y))
        ),
        "the range is not squared: it is R² over the mean squared error.": lambda x, y: (
            10 * torch.log10(2 / _mse(x, y))
        ),
        "the natural logarithm. Decibels are 10 log10.": lambda x, y: (
            10 * torch.log(4 / _mse(x, y))
        ),
        "20 log10 belongs to the root of the error; for the mean squared error it is 10 log10.": lambda x, y: (
            20 * torch.log10(4 / _mse(x, y))
        ),
        "upside down: the error stands above the range, so the sign is wrong.": lambda x, y: (
            10 * torch.log10(_mse(x, y) / 4)
        ),
        "one number for the whole batch. PSNR is one for each image: take the mean over all axes but the first.": lambda x, y: (
            10 * torch.log10(4 / (x - y).square().mean())
        ),
    },
    tolerance=1e-4,
)


def _mse(x, y):
    return (x - y).square().flatten(1).mean(dim=1)


def _luma(images, weights=(0.299, 0.587, 0.114)):
    return (
        (images.float() * torch.tensor(weights).view(3, 1, 1))
        .sum(dim=-3, keepdim=True)
        .round()
        .to(torch.uint8)
    )


luma = Check(
    "luma",
    _luma,
    [(b,) for b in _bytes],
    {
        "the mean of the channels. The eye weighs them 0.299, 0.587 and 0.114.": lambda x: (
            x.float().mean(dim=-3, keepdim=True).round().to(torch.uint8)
        ),
        "the weights are in the order blue, green, red. Our channels are red, green, blue.": lambda x: (
            _luma(x, (0.114, 0.587, 0.299))
        ),
        "the channel axis is gone. Keep it: [N, 1, H, W].": lambda x: _luma(x)[:, 0],
        "computed in bytes: weights below 1 times a byte, or sums above 255, are lost. Convert to float first.": lambda x: (
            (x * torch.tensor([0.299, 0.587, 0.114]).view(3, 1, 1))
            .to(torch.uint8)
            .sum(dim=-3, keepdim=True)
            .to(torch.uint8)
        ),
    },
)


def _same_values(answer):
    for image in (b[0] for b in _bytes):
        other = answer(image)
        if (
            not isinstance(other, torch.Tensor)
            or other.shape != image.shape
            or other.dtype != image.dtype
        ):
            return f"an image like the given one is wanted, {list(image.shape)} of {image.dtype}; given {getattr(other, 'dtype', type(other).__name__)} {list(getattr(other, 'shape', []))}"
        if torch.equal(other, image):
            return "it is the same image. Change it where a person would see it, and leave the histograms alone."
        if (other != image).any(dim=0).double().mean() < 0.2:
            return "hardly a pixel changed. Change it where a person would see it."
        if not torch.equal(other.flatten(1).sort().values, image.flatten(1).sort().values):
            return "a channel's histogram changed: every value of a channel has to occur as often as before, in that channel."
    return None


same_histograms = Property(
    "same_histograms",
    lambda image: image.flip(-1),
    _same_values,
    {
        "it is the same image": lambda image: image.clone(),
        "a channel's histogram changed": lambda image: image.flip(0),
        "an image like the given one": lambda image: image.flatten(),
    },
)
