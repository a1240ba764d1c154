"""Characters: portraits without a background, who stay themselves from frame to frame."""

import math

import torch

from genimg_lib.data import portraits
from genimg_lib.worlds.compositing import matted


def cut_out(factors, size=32):
    """Portraits without their backgrounds: front [N, 3, size, size] and alpha, in [0, 1].

    A portrait is drawn before two backgrounds; where the two pictures agree, it hides both.
    factors: as for `portraits.draw`; its background doesn't matter.
    """
    seen = [factors | {"background": ground} for ground in ("mint", "rose")]
    drawn, bare = (
        [draw(each, size).float() / 255 for each in seen]
        for draw in (portraits.draw, portraits.backdrop)
    )
    return matted(*drawn, *bare)


def walk(factors, frames):
    """The factors of one character in each frame of a walk: {name: [frames]}.

    Two steps: the head goes up and down twice, and nods from side to side once; all else stays.
    factors: of one portrait, as for `portraits.draw`.
    Raises ValueError for fewer than 1 frame, and for more than one character.
    """
    if frames < 1:
        raise ValueError(f"expected 1 frame or more, got {frames}")
    given = portraits.as_tensors(factors)
    if len(given["x"]) != 1:
        raise ValueError(f"expected one character, got {len(given['x'])}")
    phase = 2 * math.pi * torch.arange(frames) / frames
    moving = {"y": 0.8 * torch.cos(2 * phase), "tilt": 0.5 * torch.sin(phase)}
    return {name: values.expand(frames) for name, values in given.items()} | moving
