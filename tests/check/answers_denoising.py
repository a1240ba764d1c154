"""Answers to the exercises on denoising, in several styles."""

import itertools

import numpy as np
import torch
from answer_table import right, wrong

# ---------------------------------------------------------------- 63


@right("denoising.in_units")
def _(levels, low, high):
    black, white = 0.0, 255.0
    return (high - low) / (white - black) * levels


@right("denoising.in_units")
def _(levels, low, high):
    return torch.tensor(levels / 255 * high - levels / 255 * low)


@wrong("denoising.in_units", r"255 steps")
def _(levels, low, high):
    return levels / 256 * (high - low)


@wrong("denoising.in_units", r"not added")
def _(levels, low, high):
    return low + levels / 255 * (high - low)


@right("denoising.average_error")
def _(x, h, sigma):
    D = len(x)
    C = torch.stack([h.roll(k) for k in range(D)])
    return ((C @ x - x) ** 2).mean() + sigma**2 * (C**2).sum() / D


@right("denoising.average_error")
def _(x, h, sigma):
    D, total = len(x), 0.0
    for i in range(D):
        blurred = sum(h[k] * x[(i - k) % D] for k in range(D))
        total += (blurred - x[i]) ** 2
    return float(total / D + sigma * sigma * torch.dot(h, h))


@wrong("denoising.average_error", r"sigma counts squared")
def _(x, h, sigma):
    C = torch.stack([h.roll(k) for k in range(len(x))])
    return ((C @ x - x) ** 2).mean() + sigma * (h**2).sum()


@wrong("denoising.average_error", r"divide by D")
def _(x, h, sigma):
    C = torch.stack([h.roll(k) for k in range(len(x))])
    return ((C @ x - x) ** 2).mean() + sigma**2 * (C**2).sum()


@right("denoising.wiener")
def _(y, S, sigma):
    noise_share = sigma**2 / (S + sigma**2)
    waves = torch.fft.fft2(y)
    return y - torch.fft.ifft2(waves * noise_share).real


@right("denoising.wiener")
def _(y, S, sigma):
    waves = np.fft.fft2(y.numpy())
    return torch.from_numpy(np.fft.ifft2(waves / (1 + sigma**2 / S.numpy())).real)


@wrong("denoising.wiener", r"sigma squared")
def _(y, S, sigma):
    return torch.fft.ifft2(torch.fft.fft2(y) * (S / (S + sigma))).real


@wrong("denoising.wiener", r"keeps the noise")
def _(y, S, sigma):
    return torch.fft.ifft2(torch.fft.fft2(y) / (1 + S / sigma**2)).real


@right("denoising.smooth")
def _(image, weight):
    from skimage.restoration import denoise_tv_chambolle

    return torch.from_numpy(denoise_tv_chambolle(image.numpy(), weight=255 * weight))


@right("denoising.smooth")
def _(image, weight):
    from skimage.restoration import denoise_tv_chambolle

    return denoise_tv_chambolle(image.numpy() / 255.0, weight=weight) * 255.0


@wrong("denoising.smooth", r"nothing happened")
def _(image, weight):
    from skimage.restoration import denoise_tv_chambolle

    return torch.from_numpy(denoise_tv_chambolle(image.numpy(), weight=weight))


@wrong("denoising.smooth", r"way back is missing")
def _(image, weight):
    from skimage.restoration import denoise_tv_chambolle

    return torch.from_numpy(denoise_tv_chambolle(image.numpy() / 255, weight=weight))


@right("denoising.hidden_loss")
def _(x_hat, y, hidden):
    everywhere = hidden.expand_as(y)
    return torch.nn.functional.mse_loss(x_hat[everywhere], y[everywhere])


@right("denoising.hidden_loss")
def _(x_hat, y, hidden):
    off = (x_hat - y).pow(2).mean(dim=1, keepdim=True)
    return off[hidden].mean()


@wrong("denoising.hidden_loss", r"divided by all pixels")
def _(x_hat, y, hidden):
    return torch.nn.functional.mse_loss(x_hat * hidden, y * hidden)


@wrong("denoising.hidden_loss", r"hides all its channels")
def _(x_hat, y, hidden):
    return (x_hat - y).pow(2)[hidden.expand_as(y)].sum() / hidden.sum()


@right("denoising.down")
def _(denoise, y, sigmas):
    for k in range(len(sigmas) - 1):
        noise = (y - denoise(y, sigmas[k])) / sigmas[k]
        y = y - (sigmas[k] - sigmas[k + 1]) * noise
    return y


@right("denoising.down")
def _(denoise, y, sigmas):
    now, then, *lower = sigmas
    keep = then / now
    below = keep * y + (1 - keep) * denoise(y, now)
    for before, after in itertools.pairwise([then, *lower]):
        below = after / before * below + (1 - after / before) * denoise(below, before)
    return below


@wrong("denoising.down", r"tells the next one")
def _(denoise, y, sigmas):
    for now, then in itertools.pairwise(sigmas):
        x_hat = denoise(y, then)
        y = x_hat + then * (y - x_hat) / now
    return y


@wrong("denoising.down", r"as strong")
def _(denoise, y, sigmas):
    for now in sigmas[:-1]:
        x_hat = denoise(y, now)
        y = x_hat + (y - x_hat)
    return y


@wrong("denoising.down", r"the last guess")
def _(denoise, y, sigmas):
    for now, then in itertools.pairwise(sigmas):
        x_hat = denoise(y, now)
        y = x_hat + then / now * (y - x_hat)
    return x_hat


@wrong("denoising.down", r"has to go")
def _(denoise, y, sigmas):
    for now, then in itertools.pairwise(sigmas):
        x_hat = denoise(y, now)
        y = x_hat + (now - then) / now * (y - x_hat)
    return y


@wrong("denoising.average_error", r"pixel by pixel")
def _(x, h, sigma):
    return torch.mean((x * h - x) ** 2) + sigma**2 * torch.sum(h**2)


@wrong("denoising.hidden_loss", r"cover both")
def _(x_hat, y, hidden):
    return ((x_hat * hidden - y) ** 2).sum() / hidden.expand_as(y).sum()


@wrong("denoising.wiener", r"used twice")
def _(y, S, sigma):
    gain = S / (S + sigma**2)
    return torch.fft.ifft2(torch.fft.fft2(y) * gain * gain).real
