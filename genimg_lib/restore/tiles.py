"""Large pictures, piece by piece: as done whole, in little memory."""

import torch


def in_tiles(function, x, size=512, overlap=96, step=8, watch=None, scale=1):
    """A function of images [1, C, H, W] -> [1, C', H, W], applied to pieces of a large one.

    Every piece is given with `overlap` pixels of what stands around it, which are cut off again:
    where that is as far as the function sees, the picture is as if done whole.
    size: of a piece's own part, both it and overlap multiples of step, the grid on which the
        function works. watch: called after each piece with (done, all).
    scale: how many times as large the function makes its images, [1, C', scale H, scale W].
    Raises ValueError for other sizes.
    """
    if size < step or size % step or overlap < 0 or overlap % step:
        raise ValueError(
            f"expected size and overlap as multiples of {step}, size {step} or more; got {size}"
            f" and {overlap}"
        )
    height, width = x.shape[2:]
    corners = [(top, left) for top in range(0, height, size) for left in range(0, width, size)]
    done = None
    for k, (top, left) in enumerate(corners, start=1):
        bottom, right = min(top + size, height), min(left + size, width)
        above, before = max(top - overlap, 0), max(left - overlap, 0)
        part = x[:, :, above : bottom + overlap, before : right + overlap]
        part = function(part)
        rows = slice(scale * (top - above), scale * (bottom - above))
        columns = slice(scale * (left - before), scale * (right - before))
        part = part[:, :, rows, columns]
        if done is None:
            done = torch.empty(*part.shape[:2], scale * height, scale * width, dtype=part.dtype)
        done[:, :, scale * top : scale * bottom, scale * left : scale * right] = part.cpu()
        if watch is not None:
            watch(k, len(corners))
    return done
