"""Denoisers from before networks, by scikit-image, each with its knob turned to the best."""

import numpy as np
import torch

from genimg_lib.errors import unknown


def _gaussian(y, sigma, k, axis):
    from skimage.filters import gaussian

    return gaussian(y, k, channel_axis=axis)


def _bilateral(y, sigma, k, axis):
    from skimage.restoration import denoise_bilateral

    # takes no values below 0
    shift = min(0.0, y.min())
    found = denoise_bilateral(
        y - shift, 9, sigma_color=k * sigma, sigma_spatial=2, channel_axis=axis
    )
    return found + shift


def _total_variation(y, sigma, k, axis):
    from skimage.restoration import denoise_tv_chambolle

    return denoise_tv_chambolle(y, weight=k * sigma, channel_axis=axis)


def _wavelets(y, sigma, k, axis):
    from skimage.restoration import denoise_wavelet

    return denoise_wavelet(
        y, sigma=k * sigma, wavelet="db2", mode="soft", channel_axis=axis, rescale_sigma=True
    )


def _non_local_means(y, sigma, k, axis):
    from skimage.restoration import denoise_nl_means

    return denoise_nl_means(
        y, patch_size=5, patch_distance=6, h=k * sigma, sigma=sigma, channel_axis=axis
    )


# name: the method, and the strengths that are tried
METHODS = {
    "Gaussian": (_gaussian, (0.5, 0.7, 0.9, 1.2, 1.6)),
    "bilateral": (_bilateral, (1.5, 2.0, 3.0, 4.5, 7.0)),
    "total variation": (_total_variation, (0.6, 0.8, 1.0, 1.3)),
    "wavelets": (_wavelets, (0.6, 0.8, 1.0)),
    "non-local means": (_non_local_means, (0.4, 0.55, 0.7, 0.85)),
}


def denoised_by(method, y, sigma, strength):
    """One image, denoised by scikit-image: [C, H, W] in [-1, 1].

    method: of METHODS. y: [C, H, W], grey or in colour, in [-1, 1] and beyond.
    sigma: the noise's standard deviation, in the units of y.
    strength: the method's knob: of "Gaussian" the width in pixels, of the others in units of sigma.
    Raises ValueError for an unknown method.
    """
    if method not in METHODS:
        raise unknown("method", method, METHODS)
    function, _ = METHODS[method]
    # scikit-image reads floats as [0, 1]; the last axis is its channels
    values = (y.permute(1, 2, 0).double().cpu().numpy() + 1) / 2
    grey = len(y) == 1
    found = function(values[..., 0] if grey else values, sigma / 2, strength, None if grey else 2)
    found = np.atleast_3d(found)
    return (torch.from_numpy(2 * found - 1).permute(2, 0, 1).clamp(-1, 1)).to(y.dtype)


def best(method, y, sigma, x):
    """The method with the strength that comes nearest to the clean image: (image, strength).

    No one has the clean image x who wants to denoise: this is more than the method can do by
    itself. y, x: [C, H, W].
    """
    if method not in METHODS:
        raise unknown("method", method, METHODS)
    trials = {k: denoised_by(method, y, sigma, k) for k in METHODS[method][1]}
    nearest = min(trials, key=lambda k: (trials[k] - x).square().mean().item())
    return trials[nearest], nearest
