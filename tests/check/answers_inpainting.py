"""Answers to the exercises on inpainting, in several styles."""

import math

import numpy as np
import torch
import torch.nn.functional as F
from answer_table import right, wrong

# ---------------------------------------------------------------- 62


@right("inpainting.psnr_hole")
def _(x_hat, x, seen):
    mask = (~seen).expand_as(x)
    mse = F.mse_loss(x_hat[mask], x[mask])
    return 20 * math.log10(255) - 10 * math.log10(mse)


@right("inpainting.psnr_hole")
def _(x_hat, x, seen):
    hidden = ~seen.numpy()
    off = (x_hat - x).numpy()[:, hidden]
    return 20 * np.log10(255 / np.sqrt(np.mean(off**2)))


@right("inpainting.psnr_hole")
def _(x_hat, x, seen):
    hidden = (~seen).double()
    squares = ((x_hat - x) ** 2 * hidden).sum() / (3 * hidden.sum())
    return 10 * torch.log10(65_025 / squares)


@wrong("inpainting.psnr_hole", r"three channels")
def _(x_hat, x, seen):
    hidden = (~seen).double()
    squares = ((x_hat - x) ** 2 * hidden).sum() / hidden.sum()
    return 10 * torch.log10(65_025 / squares)


@wrong("inpainting.psnr_hole", r"divided by all pixels")
def _(x_hat, x, seen):
    off = torch.where(seen, 0.0, x_hat - x)
    return 10 * torch.log10(65_025 / (off**2).mean())


@wrong("inpainting.psnr_hole", r"seen is True")
def _(x_hat, x, seen):
    return 10 * torch.log10(65_025 / ((x_hat - x)[..., seen] ** 2).mean())


@right("inpainting.edge_step")
def _(x, seen):
    steps = []
    height, width = x.shape
    for i in range(height):
        for j in range(width):
            if j + 1 < width and bool(seen[i, j]) != bool(seen[i, j + 1]):
                steps.append(abs(float(x[i, j] - x[i, j + 1])))
            if i + 1 < height and bool(seen[i, j]) != bool(seen[i + 1, j]):
                steps.append(abs(float(x[i, j] - x[i + 1, j])))
    return sum(steps) / len(steps)


@right("inpainting.edge_step")
def _(x, seen):
    total, count = 0.0, 0
    for axis in (0, 1):
        edge = seen.int().diff(dim=axis) != 0
        total = total + (x.diff(dim=axis).abs() * edge).sum()
        count = count + edge.sum()
    return total / count


@wrong("inpainting.edge_step", r"one above the other count")
def _(x, seen):
    edge = seen[:, 1:] ^ seen[:, :-1]
    return x.diff(dim=1)[edge].abs().mean()


@wrong("inpainting.edge_step", r"mean of two means")
def _(x, seen):
    means = [x.diff(dim=axis)[seen.int().diff(dim=axis) != 0].abs().mean() for axis in (0, 1)]
    return sum(means) / 2


@wrong("inpainting.edge_step", r"inside of the hole")
def _(x, seen):
    steps = []
    for y, m in ((x, seen), (x.T, seen.T)):
        steps.append((y[1:] - y[:-1])[~(m[1:] & m[:-1])].abs())
    return torch.cat(steps).mean()


@right("inpainting.heat_step")
def _(x, seen):
    kernel = torch.tensor([[0, 1, 0], [1, 0, 1], [0, 1, 0]]).double().view(1, 1, 3, 3)
    total = F.conv2d(x[None, None], kernel, padding=1)[0, 0]
    count = F.conv2d(torch.ones_like(x)[None, None], kernel, padding=1)[0, 0]
    return torch.where(seen, x, total / count)


@right("inpainting.heat_step")
def _(x, seen):
    y = x.clone()
    height, width = x.shape
    for i in range(height):
        for j in range(width):
            if not seen[i, j]:
                around = [(i - 1, j), (i + 1, j), (i, j - 1), (i, j + 1)]
                values = [x[a, b] for a, b in around if 0 <= a < height and 0 <= b < width]
                y[i, j] = sum(values) / len(values)
    return y


@wrong("inpainting.heat_step", r"divide by their number")
def _(x, seen):
    kernel = torch.tensor([[0, 1, 0], [1, 0, 1], [0, 1, 0]]).double().view(1, 1, 3, 3) / 4
    return torch.where(seen, x, F.conv2d(x[None, None], kernel, padding=1)[0, 0])


@wrong("inpainting.heat_step", r"the edge isn't repeated")
def _(x, seen):
    wide = F.pad(x[None, None], (1, 1, 1, 1), mode="replicate")[0, 0]
    mean = (wide[2:, 1:-1] + wide[:-2, 1:-1] + wide[1:-1, 2:] + wide[1:-1, :-2]) / 4
    return torch.where(seen, x, mean)


@wrong("inpainting.heat_step", r"no neighbours")
def _(x, seen):
    mean = (x.roll(1, 0) + x.roll(-1, 0) + x.roll(1, 1) + x.roll(-1, 1)) / 4
    return torch.where(seen, x, mean)


@right("inpainting.replace")
def _(x_t, y, seen, alpha, sigma, eps):
    known = seen.to(x_t.dtype)
    return known * (alpha * y + sigma * eps) + (1 - known) * x_t


@right("inpainting.replace")
def _(x_t, y, seen, alpha, sigma, eps):
    out = x_t.clone()
    out[..., seen] = (alpha * y + sigma * eps)[..., seen]
    return out


@wrong("inpainting.replace", r"needs the noise")
def _(x_t, y, seen, alpha, sigma, eps):
    out = x_t.clone()
    out[..., seen] = alpha * y[..., seen]
    return out


@wrong("inpainting.replace", r"other way round")
def _(x_t, y, seen, alpha, sigma, eps):
    known = seen.to(x_t.dtype)
    return (1 - known) * (alpha * y + sigma * eps) + known * x_t


@wrong("inpainting.replace", r"changes|argument")
def _(x_t, y, seen, alpha, sigma, eps):
    x_t[..., seen] = (alpha * y + sigma * eps)[..., seen]
    return x_t


@right("inpainting.guesses")
def _(h_t, s, s_t, rho, alpha, sigma):
    both = torch.tensor([[1, rho], [rho, 1]], dtype=torch.float64)
    seen = torch.tensor([h_t, s], dtype=torch.float64)
    cov = torch.tensor([[alpha**2 + sigma**2, alpha * rho], [alpha * rho, 1]], dtype=torch.float64)
    told = torch.tensor([alpha, rho], dtype=torch.float64) @ torch.linalg.solve(cov, seen)
    cov = alpha**2 * both + sigma**2 * torch.eye(2, dtype=torch.float64)
    seen = torch.tensor([h_t, s_t], dtype=torch.float64)
    return told, alpha * both[0] @ torch.linalg.solve(cov, seen)


@right("inpainting.guesses")
def _(h_t, s, s_t, rho, alpha, sigma):
    precision = 1 / (1 - rho**2) + alpha**2 / sigma**2
    told = (rho * s / (1 - rho**2) + alpha * h_t / sigma**2) / precision
    inverse = np.linalg.inv([[1, rho], [rho, 1]]) + (alpha / sigma) ** 2 * np.eye(2)
    both = np.linalg.solve(inverse, alpha / sigma**2 * np.array([h_t, s_t]))
    return told, float(both[0])


@wrong("inpainting.guesses", r"isn't s")
def _(h_t, s, s_t, rho, alpha, sigma):
    precision = 1 / (1 - rho**2) + alpha**2 / sigma**2
    told = (rho * s / (1 - rho**2) + alpha * h_t / sigma**2) / precision
    again = (rho * s_t / (1 - rho**2) + alpha * h_t / sigma**2) / precision
    return told, again


@wrong("inpainting.guesses", r"1 - rho\^2 left")
def _(h_t, s, s_t, rho, alpha, sigma):
    told = (rho * s + alpha * h_t / sigma**2) / (1 + alpha**2 / sigma**2)
    inverse = np.linalg.inv([[1, rho], [rho, 1]]) + (alpha / sigma) ** 2 * np.eye(2)
    both = np.linalg.solve(inverse, alpha / sigma**2 * np.array([h_t, s_t]))
    return told, float(both[0])


@right("inpainting.nearest_patch")
def _(x, seen, row, column, side):
    best, found = math.inf, None
    known = seen[row : row + side, column : column + side]
    wanted = x[:, row : row + side, column : column + side]
    for i in range(x.shape[1] - side + 1):
        for j in range(x.shape[2] - side + 1):
            if not seen[i : i + side, j : j + side].all():
                continue
            off = (x[:, i : i + side, j : j + side] - wanted)[:, known]
            if (far := float((off**2).sum())) < best:
                best, found = far, (i, j)
    return found


@wrong("inpainting.nearest_patch", r"what stands in the hole")
def _(x, seen, row, column, side):
    best, found = math.inf, None
    wanted = x[:, row : row + side, column : column + side]
    for i in range(x.shape[1] - side + 1):
        for j in range(x.shape[2] - side + 1):
            if seen[i : i + side, j : j + side].all():
                far = float(((x[:, i : i + side, j : j + side] - wanted) ** 2).sum())
                if far < best:
                    best, found = far, (i, j)
    return found


@wrong("inpainting.nearest_patch", r"seen whole")
def _(x, seen, row, column, side):
    best, found = math.inf, None
    known = seen[row : row + side, column : column + side]
    wanted = x[:, row : row + side, column : column + side]
    for i in range(x.shape[1] - side + 1):
        for j in range(x.shape[2] - side + 1):
            if (i, j) == (row, column):
                continue
            off = (x[:, i : i + side, j : j + side] - wanted)[:, known]
            if (far := float((off**2).sum())) < best:
                best, found = far, (i, j)
    return found
