"""PSNR and SSIM as papers on restoration compute them: every switch is a named argument.

Two papers' figures can be compared only where all switches are the same. Images are floats
[N, C, H, W] in [-1, 1] here, and become grey levels from 0 to 255.
"""

from typing import NamedTuple

import torch

from genimg_lib.errors import unknown
from genimg_lib.metrics import pairs

# of R, G, B in 0..255, and what is added
LUMA = {
    "full": ((0.299, 0.587, 0.114), 0.0),  # 0..255
    "limited": ((65.481 / 255, 128.553 / 255, 24.966 / 255), 16.0),  # 16..235
}


class Protocol(NamedTuple):
    """How two images are compared.

    rounded: to whole grey levels, as a file would hold them.
    luma: None for all channels; "limited" for the luma of ITU-R BT.601 in 16..235, as MATLAB's
        rgb2ycbcr gives it and as super-resolution is judged; "full" for the same in 0..255.
    shave: pixels left out along each edge; for super-resolution often the scale.
    """

    rounded: bool = True
    luma: str | None = None
    shave: int = 0


def levels(x, protocol):
    """Images as they are compared: float64 [N, C or 1, H, W] in grey levels.

    Raises ValueError for an unknown luma, images without three channels for it, or a shave that
    leaves nothing.
    """
    values = ((x.double() + 1) * 127.5).clamp(0, 255)
    if protocol.rounded:
        values = values.round()
    if protocol.luma is not None:
        if protocol.luma not in LUMA:
            raise unknown("luma", protocol.luma, LUMA)
        if x.shape[1] != 3:
            raise ValueError(f"expected three channels for their luma, got {x.shape[1]}")
        weights, added = LUMA[protocol.luma]
        weights = torch.tensor(weights, dtype=values.dtype, device=values.device)
        values = (values * weights.view(3, 1, 1)).sum(dim=1, keepdim=True) + added
    if protocol.shave < 0 or 2 * protocol.shave >= min(x.shape[2:]):
        raise ValueError(f"a shave of {protocol.shave} leaves nothing of {list(x.shape)}")
    kept = slice(protocol.shave, -protocol.shave or None)
    return values[:, :, kept, kept]


def psnr(x_hat, x, protocol=Protocol()):  # noqa: B008 (a NamedTuple is never changed)
    """Decibels for each image, 20 log10(255 / rms): [N]; infinite where they are equal.

    Not the PSNR of a mean of errors over images, which is lower than the mean of their PSNR.
    """
    return pairs.psnr(levels(x_hat, protocol), levels(x, protocol), data_range=255.0)


def ssim(x_hat, x, protocol=Protocol(), window="gaussian"):  # noqa: B008
    """Structural similarity of each image: [N], the mean over channels.

    window: "gaussian", 11x11 with sigma 1.5, as Wang et al. 2004 have it, or "box", 7x7, which
        scikit-image takes if nothing is said.
    Raises ValueError for another window.
    """
    a, b = (levels(images, protocol) for images in (x_hat, x))
    if window == "gaussian":
        return pairs.ssim(a, b, data_range=255.0)
    if window != "box":
        raise unknown("window", window, ("gaussian", "box"))
    from skimage.metrics import structural_similarity

    found = [
        structural_similarity(*pair, data_range=255, channel_axis=0)
        for pair in zip(a.cpu().numpy(), b.cpu().numpy(), strict=True)
    ]
    return torch.tensor(found, dtype=torch.float64)
