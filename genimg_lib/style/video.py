"""Films in a style: a panned photograph, its flicker, and how it is kept steady."""

import math

import torch
import torch.nn.functional as F

from genimg_lib.layers import check_floats
from genimg_lib.style.places import LOBES, shifted


def pan(image, size, frames=24, step=(1, 3), noise=0.02, seed=0, finer=1):
    """A film of a photograph that moves past: (frames, shift).

    frames: [frames, 3, h, w] in [-1, 1]; shift: (rows, columns) between neighbours.
    image: [3, finer H, finer W] in [-1, 1].
    size: (h, w) of the frame.
    step: pixels a frame, downwards and to the right, by which the frame moves on; multiples of
        1 / finer.
    noise: deviation of the camera's noise, another in each frame.
    finer: how many of the image's pixels, along a side, make one of the film's, by their mean.
    Raises ValueError where the image is too small for the way, for fewer frames than 1, and for a
    step that is no such multiple or goes back; TypeError for whole numbers.
    """
    check_floats(image)
    if frames < 1 or min(step) < 0:
        raise ValueError(
            f"expected one frame or more and a step of 0 or more, got {frames} and {step}"
        )
    (h, w), (dy, dx) = [finer * n for n in size], [finer * n for n in step]
    if not (float(dy).is_integer() and float(dx).is_integer()):
        raise ValueError(f"expected a step in multiples of 1/{finer} of a pixel, got {step}")
    dy, dx = int(dy), int(dx)
    if h + dy * (frames - 1) > image.shape[1] or w + dx * (frames - 1) > image.shape[2]:
        raise ValueError(
            f"{frames} frames of {h}x{w}, moved by ({dy}, {dx}) each, need an image of"
            f" {h + dy * (frames - 1)}x{w + dx * (frames - 1)}; got {list(image.shape[1:])}"
        )
    film = torch.stack([image[:, k * dy : k * dy + h, k * dx : k * dx + w] for k in range(frames)])
    film = F.avg_pool2d(film, finer) if finer > 1 else film
    film = film + noise * torch.randn(film.shape, generator=torch.Generator().manual_seed(seed)).to(
        film
    )
    return film.clamp(-1, 1), step


def overlap(before, after, step):
    """The same places of the scene in two neighbouring frames.

    before, after: [..., H, W]; both come back as [..., H - rows, W - columns].
    step: (rows, columns) by which the frame moved on, 0 or more and less than its sides, whole
        numbers; ValueError for others.
    """
    (dy, dx), (h, w) = step, before.shape[-2:]
    if not all(float(n).is_integer() for n in step):
        raise ValueError(f"expected a step in whole pixels, got {step}")
    dy, dx = int(dy), int(dx)
    if not (0 <= dy < h and 0 <= dx < w):
        raise ValueError(
            f"the step is {step}; rows from 0 to {h - 1} and columns from 0 to {w - 1} are possible"
            f" for frames of {h}x{w}"
        )
    return before[..., dy:, dx:], after[..., : h - dy, : w - dx]


def flicker(film, step):
    """How much a film changes beside its known motion.

    The mean squared difference of neighbouring frames after the motion is undone.
    film: [T, C, H, W] in [-1, 1], two frames or more.
    step: as for `overlap`, but may have parts of a pixel, which `shifted` undoes; then LOBES pixels
        along the borders do not count. 0 for a film that only moves, by
        whole pixels.
    Raises ValueError for one frame, and for a step that leaves nothing to compare.
    """
    if len(film) < 2:
        raise ValueError(f"expected two frames or more, got {len(film)}")
    whole, parts = [math.floor(n) for n in step], [n - math.floor(n) for n in step]
    before, after = overlap(shifted(film[:-1], parts), film[1:], whole)
    change = (before - after).square()
    if any(parts):
        change = change[..., LOBES:-LOBES, LOBES:-LOBES]
    if not change.numel():
        raise ValueError(
            f"a step of {step} leaves nothing of frames of {list(film.shape[-2:])} to compare"
        )
    return change.mean().item()


def blend(film, step, keep=0.4):
    """Each frame mixed with the one before it, moved along.

    out_t = keep * moved(out_{t-1}) + (1 - keep) * film_t. What comes newly into sight stays.
    film: [T, C, H, W].
    step: as for `overlap`.
    keep: in 0..1, 0 changes nothing.
    Raises ValueError for any other.
    """
    if not 0 <= keep <= 1:
        raise ValueError(f"keep is {keep}; a number from 0 to 1 is expected")
    out = [film[0]]
    for frame in film[1:]:
        mixed = frame.clone()
        before, after = overlap(out[-1], frame, step)
        mixed[..., : before.shape[-2], : before.shape[-1]] = torch.lerp(after, before, keep)
        out.append(mixed)
    return torch.stack(out)


def motion(before, after):
    """Where each pixel of a frame came from, estimated: [2, H, W].

    Rows and columns to add to its place to find it in the frame before.
    before, after: [3, H, W] in [-1, 1].
    Source: Le Besnerais and Champagnat 2005, as in skimage.registration.optical_flow_ilk.
    """
    from skimage.registration import optical_flow_ilk

    grey = [frame.mean(dim=0).cpu().numpy() for frame in (after, before)]
    return torch.from_numpy(optical_flow_ilk(*grey, radius=9)).to(before)


def camera(flow):
    """How far the camera went between two frames: (rows, columns) in pixels and parts.

    The median of a flow as `motion` gives it.
    """
    return tuple(way.median().item() for way in flow)


def move(frame, flow):
    """A frame [C, H, W] seen through a flow, as `motion` gives it.

    Each pixel is taken from where it came from; what lies outside is the border's.
    """
    h, w = frame.shape[1:]
    y, x = torch.meshgrid(
        torch.arange(h, device=frame.device), torch.arange(w, device=frame.device), indexing="ij"
    )
    places = torch.stack([2 * (x + flow[1] + 0.5) / w - 1, 2 * (y + flow[0] + 0.5) / h - 1], dim=-1)
    return F.grid_sample(
        frame[None],
        places[None].to(frame),
        mode="bilinear",
        padding_mode="border",
        align_corners=False,
    )[0]


def steady(frame, previous, content, previous_content, flow, keep=0.4):
    """A stylised frame mixed with the one before, moved by the contents' motion.

    Less where the contents do not match.
    All [3, H, W] in [-1, 1]; previous: the last frame that was shown.
    flow: from `motion`.
    keep: in 0..1.
    """
    mismatch = (move(previous_content, flow) - content).square().mean(dim=0)
    return torch.lerp(frame, move(previous, flow), keep * torch.exp(-mismatch / 0.02))
