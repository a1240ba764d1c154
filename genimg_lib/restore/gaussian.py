"""The best possible answers for Gaussian images: by matrices, and by Wiener's filter."""

import torch


def power_spectrum(images, mean=0.0):
    """The mean squared size of each frequency, per pixel: [H, W], of images around their mean.

    White noise of standard deviation sigma has the spectrum sigma^2 everywhere.
    images: [N, H, W]. mean: a number, or [H, W].
    """
    waves = torch.fft.fft2(images - mean)
    return waves.abs().square().mean(dim=0) / waves[0].numel()


def wiener_gain(spectrum, sigma):
    """What is kept of each frequency: S / (S + sigma^2), in [0, 1].

    spectrum: S [H, W], as `power_spectrum` gives it. sigma: above 0.
    Source: Wiener 1949, "Extrapolation, Interpolation, and Smoothing of Stationary Time Series".
    """
    return spectrum / (spectrum + sigma**2)


def wiener(y, spectrum, sigma, mean=0.0):
    """E[x | y] of stationary Gaussian images x with this spectrum, y = x + sigma eps.

    The best linear answer for all images with this mean and spectrum.
    y: [N, H, W]; images wrap around at their edges. mean: a number, or [H, W].
    """
    waves = torch.fft.fft2(y - mean)
    return torch.fft.ifft2(wiener_gain(spectrum, sigma) * waves).real + mean


def wiener_error(spectrum, sigma):
    """The mean squared error that is left, per pixel: the mean of sigma^2 S / (S + sigma^2)."""
    return (sigma**2 * wiener_gain(spectrum, sigma)).mean().item()


def gaussian_posterior(mean, covariance, A, y, sigma):
    """p(x | y = A x + sigma eps) of x ~ N(mean, covariance): its mean [d] and covariance [d, d].

    A: [m, d]. y: [m]. sigma: 0 or more. Raises ValueError for sigma below 0.
    """
    if sigma < 0:
        raise ValueError(f"expected sigma of 0 or more, got {sigma}")
    seen = A @ covariance @ A.T + sigma**2 * torch.eye(len(A), dtype=A.dtype)
    gain = torch.linalg.solve(seen, A @ covariance).T  # [d, m]
    return mean + gain @ (y - A @ mean), covariance - gain @ A @ covariance
