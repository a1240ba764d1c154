"""Pixels for eyes (uint8 in 0..255) and images for models (floats in [-1, 1]): both ways."""

import torch


def to_float(images):
    """uint8 images [..., H, W] in 0..255 -> float32 in [-1, 1], what models see.

    Raises TypeError for anything but uint8 tensors.
    """
    if not isinstance(images, torch.Tensor):
        raise TypeError(
            f"to_float takes tensors, not {type(images).__name__}; torch.from_numpy makes them of"
            " arrays"
        )
    if images.dtype != torch.uint8:
        raise TypeError(
            f"to_float takes uint8 images (0 to 255), not {images.dtype}; what is float already is"
            " not scaled again"
        )
    return images.float() / 127.5 - 1


def to_uint8(images):
    """Float images in [-1, 1] as uint8 in 0..255, what eyes and files see.

    Clamped to the range and rounded, never wrapped.
    Raises TypeError for integers, ValueError where values are not finite or lie so far outside [-1,
    1] (beyond -2 or 2) that they were surely meant for another range.
    """
    if not images.is_floating_point():
        raise TypeError(f"to_uint8 takes float images in [-1, 1], not {images.dtype}")
    check_range(images, slack=1.0)
    return ((images.detach().float().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)


def check_range(images, slack=1e-3):
    """Raise ValueError unless float images are finite and within [-1 - slack, 1 + slack]."""
    if images.numel() == 0:
        return
    low, high = images.min().item(), images.max().item()
    if not (low >= -1 - slack and high <= 1 + slack):  # false for NaN too
        raise ValueError(
            f"these images lie between {low:.3g} and {high:.3g}; models' images lie in [-1, 1]."
            " From 0..255: to_float(uint8 images); from [0, 1]: 2 * x - 1; NaN or infinity: look"
            " for the step that made it"
        )
