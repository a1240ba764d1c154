"""How much of a lattice a painting shows: a measure for networks that work on a grid."""

import torch

REACH = 8  # bins on either side of a frequency that its power is compared with


def lattice(images, grid):
    """The power of a lattice over that around it, the largest of all its frequencies.

    About 1 where there is none.
    images: [N, C, H, W] with sides that are multiples of grid and 16 grid or more; their grey
        values are seen under a Hann window, and their powers averaged.
    grid: its period in pixels, 2 or more.
    Returns the largest ratio, over the frequencies (k, l) / grid but (0, 0), of the mean power in
    3x3 bins to that in the others up to REACH bins away; nan for a plain picture.
    Raises ValueError for other sides.
    """
    h, w = images.shape[-2:]
    if grid < 2 or h % grid or w % grid or min(h, w) < 16 * grid:
        raise ValueError(
            f"expected sides that are multiples of {grid} and {16 * grid} or more, got {h}x{w}"
        )
    grey = images.mean(dim=1)
    if grey.std(dim=(1, 2)).max() < 1e-6:  # rounding alone has a lattice
        return float("nan")
    seen = [torch.hann_window(n, device=images.device) for n in (h, w)]
    grey = (grey - grey.mean(dim=(1, 2), keepdim=True)) * seen[0][:, None] * seen[1]
    power = torch.fft.fft2(grey).abs().square().mean(dim=0)
    near = torch.zeros(2 * REACH + 1, 2 * REACH + 1, dtype=torch.bool, device=images.device)
    near[REACH - 1 : REACH + 2, REACH - 1 : REACH + 2] = True
    around = torch.arange(-REACH, REACH + 1, device=images.device)
    ratios = []
    for row in range(grid):
        for column in range(grid):
            if row or column:
                rows, columns = (around + h * row // grid) % h, (around + w * column // grid) % w
                part = power[rows][:, columns]
                ratios.append((part[near].mean() / part[~near].mean()).item())
    return max(ratios)
