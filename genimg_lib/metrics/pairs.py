"""How alike are two images? PSNR and SSIM."""

import torch
import torch.nn.functional as F

from genimg_lib.data.convert import check_range


def psnr(x, y, data_range=2.0):
    """Peak signal-to-noise ratio in decibels, 10 log10(data_range^2 / MSE), per image: [N].

    Infinite for equal images.

    x, y: [N, C, H, W], floats in [-1, 1] (data_range 2), or in another range whose width is
        data_range.
    """
    _check_pair(x, y, data_range)
    mse = (x.double() - y.double()).square().flatten(1).mean(dim=1)
    return 10 * torch.log10(data_range**2 / mse)


def ssim(x, y, data_range=2.0):
    """Structural similarity per image: [N], at most 1 (equal images).

    Averaged over channels and windows.
    x, y: [N, C, H, W] with H, W >= 11, floats in [-1, 1] (data_range 2), or in another range whose
        width is data_range. Windows are Gaussian, 11x11, sigma 1.5, within the image; K1 = 0.01, K2
        = 0.03.
    Source: Wang et al. 2004, who had pixels from 0 to 255: values for the same images in [-1, 1]
    and in [0, 1] (data_range 1) differ, and published ones mostly are the latter.
    """
    _check_pair(x, y, data_range)
    if min(x.shape[-2:]) < 11:
        raise ValueError(
            "SSIM looks through windows of 11x11 pixels; the images are"
            f" {x.shape[-2]}x{x.shape[-1]}"
        )
    axis = torch.arange(11, dtype=torch.float64, device=x.device) - 5
    gauss = torch.exp(-0.5 * (axis / 1.5) ** 2)
    gauss = gauss / gauss.sum()
    c = x.shape[1]

    def blur(v):  # the window's weighted mean: [N, C, H, W] -> [N, C, H - 10, W - 10]
        v = F.conv2d(v, gauss.view(1, 1, 11, 1).expand(c, 1, 11, 1), groups=c)
        return F.conv2d(v, gauss.view(1, 1, 1, 11).expand(c, 1, 1, 11), groups=c)

    x, y = x.double(), y.double()
    mu_x, mu_y = blur(x), blur(y)
    var_x, var_y, cov = blur(x * x) - mu_x**2, blur(y * y) - mu_y**2, blur(x * y) - mu_x * mu_y
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    similarity = (
        (2 * mu_x * mu_y + c1) * (2 * cov + c2) / ((mu_x**2 + mu_y**2 + c1) * (var_x + var_y + c2))
    )
    return similarity.flatten(1).mean(dim=1)


def _check_pair(x, y, data_range):
    if x.shape != y.shape or x.dim() != 4:
        raise ValueError(
            f"expected two batches [N, C, H, W] of the same shape, got {tuple(x.shape)} and"
            f" {tuple(y.shape)}"
        )
    if not (x.is_floating_point() and y.is_floating_point()):
        raise TypeError(
            f"expected float images, got {x.dtype} and {y.dtype}; uint8 goes through"
            " data.to_float first"
        )
    if data_range == 2.0:
        check_range(x)
        check_range(y)
    elif not data_range > 0:
        raise ValueError(
            f"data_range is {data_range}; it is the width of the range of the pixels: 2 for [-1,"
            " 1], 1 for [0, 1], 255 for bytes"
        )
