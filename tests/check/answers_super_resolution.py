"""Answers to the exercises on super-resolution, in several styles."""

import math

import numpy as np
import torch
import torch.nn.functional as F
from answer_table import right, wrong

# ---------------------------------------------------------------- 61


@right("super_resolution.alias")
def _(k, n, s):
    pixels = torch.cos(2 * math.pi * k * torch.arange(0, n, s).double() / n)
    return int(torch.fft.rfft(pixels).abs().argmax())


@right("super_resolution.alias")
def _(k, n, s):
    m = n / s
    return abs(k - m * round(k / m))


@wrong("super_resolution.alias", r"fewer ones")
def _(k, n, s):
    return np.mod(k, n // s).item()


@wrong("super_resolution.alias", r"the row is shorter")
def _(k, n, s):
    return int(k / s)


@right("super_resolution.psnr_y")
def _(x_hat, x, scale):
    a, b = (
        16 + (65.481 * image[0] + 128.553 * image[1] + 24.966 * image[2]) / 255
        for image in (x_hat, x)
    )
    a, b = (image[scale:-scale, scale:-scale].numpy() for image in (a, b))
    return 20 * math.log10(255 / math.sqrt(np.mean((a - b) ** 2)))


@right("super_resolution.psnr_y")
def _(x_hat, x, scale):
    from skimage.metrics import peak_signal_noise_ratio

    weights = torch.tensor([65.481, 128.553, 24.966]).double() / 255
    a, b = (torch.einsum("chw,c->hw", image, weights) for image in (x, x_hat))
    height, width = a.shape
    inside = slice(scale, height - scale), slice(scale, width - scale)
    return peak_signal_noise_ratio(a[inside].numpy(), b[inside].numpy(), data_range=255)


@wrong("super_resolution.psnr_y", r"keep 255")
def _(x_hat, x, scale):
    weights = torch.tensor([0.299, 0.587, 0.114]).double().view(3, 1, 1)
    off = ((x_hat - x) * weights).sum(0)[scale:-scale, scale:-scale]
    return 10 * torch.log10(65025 / off.square().mean())


@wrong("super_resolution.psnr_y", r"keep 255")
def _(x_hat, x, scale):
    weights = torch.tensor([65.481, 128.553, 24.966]).double().view(3, 1, 1) / 255
    off = ((x_hat - x) * weights).sum(0)[scale:-scale, scale:-scale]
    return 20 * torch.log10(219 / off.square().mean() ** 0.5)


@right("super_resolution.shuffle")
def _(h, s):
    n, c, height, width = h.shape
    out = torch.zeros(n, c // s**2, s * height, s * width, dtype=h.dtype)
    for a in range(s):
        for b in range(s):
            out[:, :, a::s, b::s] = h[:, a * s + b :: s**2]
    return out


@right("super_resolution.shuffle")
def _(h, s):
    rows = []
    for a in range(s):
        columns = torch.stack([h[:, a * s + b :: s * s] for b in range(s)], dim=-1)
        rows.append(columns.flatten(-2))  # [N, C, H, s W]
    return torch.stack(rows, dim=3).flatten(2, 3)


@wrong("super_resolution.shuffle", r"lie far apart")
def _(h, s):
    n, c, height, width = h.shape
    return h.view(n, c // s // s, height * s, width * s)


@wrong("super_resolution.shuffle", r"not \(s, s, C\)")
def _(h, s):
    c = h.shape[1] // s**2
    out = torch.zeros(len(h), c, s * h.shape[2], s * h.shape[3])
    for a in range(s):
        for b in range(s):
            k = (a * s + b) * c
            out[:, :, a::s, b::s] = h[:, k : k + c]
    return out


@wrong("super_resolution.shuffle", r"rows and columns")
def _(h, s):
    return F.pixel_shuffle(h.transpose(2, 3), s).transpose(2, 3)


@right("super_resolution.same_thumbnail")
def _(h, x, A):
    return h + A.T @ torch.linalg.solve(A @ A.T, A @ (x - h))


@right("super_resolution.same_thumbnail")
def _(h, x, A):
    _, _, V = torch.linalg.svd(A, full_matrices=True)
    unseen = V[len(A) :]
    return x + unseen.T @ (unseen @ (h - x))


@wrong("super_resolution.same_thumbnail", r"nearer to h")
def _(h, x, A):
    hidden = torch.eye(len(x), dtype=x.dtype) - torch.linalg.pinv(A) @ A
    return x + hidden @ h


@wrong("super_resolution.same_thumbnail", r"no inverse")
def _(h, x, A):
    return h - A.T @ (A @ h - A @ x)


@right("super_resolution.best_guess")
def _(y, A, C, sigma):
    # the same by precisions
    precision = torch.linalg.inv(C) + A.T @ A / sigma**2
    return torch.linalg.inv(precision) @ A.T @ y / sigma**2


@right("super_resolution.best_guess")
def _(y, A, C, sigma):
    S = (A @ C @ A.T).numpy() + sigma**2 * np.eye(len(A))
    return torch.from_numpy((C @ A.T).numpy() @ np.linalg.inv(S) @ y.numpy())


@wrong("super_resolution.best_guess", r"noise is missing")
def _(y, A, C, sigma):
    return C @ A.T @ torch.linalg.pinv(A @ C @ A.T) @ y


@wrong("super_resolution.best_guess", r"sigma squared")
def _(y, A, C, sigma):
    return (C @ A.T) @ torch.linalg.inv(A @ C @ A.T + sigma * torch.eye(len(y))) @ y


@right("super_resolution.weights")
def _(thumbnails, y, sigma, log_prior):
    normal = torch.distributions.Normal(y, torch.as_tensor(sigma, dtype=y.dtype))
    score = normal.log_prob(thumbnails).sum(dim=1) + log_prior
    return (score - torch.logsumexp(score, 0)).exp()


@right("super_resolution.weights")
def _(thumbnails, y, sigma, log_prior):
    score = [
        float(p) - float(((t - y) ** 2).sum()) / (2 * sigma * sigma)
        for t, p in zip(thumbnails, log_prior, strict=True)
    ]
    most = max(score)
    w = [math.exp(value - most) for value in score]
    return torch.tensor(w, dtype=torch.float64) / sum(w)


@wrong("super_resolution.weights", r"subtract the largest first|softmax")
def _(thumbnails, y, sigma, log_prior):
    w = log_prior.exp() * torch.exp(-((thumbnails - y) ** 2).sum(1) / 2 / sigma**2)
    return w / w.sum()


@wrong("super_resolution.weights", r"prior is missing")
def _(thumbnails, y, sigma, log_prior):
    return torch.softmax(-((thumbnails - y) ** 2).sum(1) / 2 / sigma**2, dim=0)


@wrong("super_resolution.weights", r"not averaged")
def _(thumbnails, y, sigma, log_prior):
    off = F.mse_loss(thumbnails, y.expand_as(thumbnails), reduction="none").mean(1)
    return torch.softmax(log_prior - off / (2 * sigma**2), dim=0)
