"""Answers to the exercises on diffusion, in several styles."""

import math

import torch
import torch.nn.functional as F
from answer_table import right, wrong

# ---------------------------------------------------------------- 51


@right("diffusion.noise_step")
def _(alpha_t, alpha_s):
    sigma_t, sigma_s = math.sqrt(1 - alpha_t**2), math.sqrt(1 - alpha_s**2)
    k = alpha_t / alpha_s
    return k, sigma_t**2 - (k * sigma_s) ** 2


@right("diffusion.noise_step")
def _(alpha_t, alpha_s):
    bar_t, bar_s = alpha_t**2, alpha_s**2
    return (bar_t / bar_s) ** 0.5, 1 - bar_t / bar_s


@wrong("diffusion.noise_step", r"standard deviation")
def _(alpha_t, alpha_s):
    k = alpha_t / alpha_s
    return k, (1 - k**2) ** 0.5


@wrong("diffusion.noise_step", r"shrinks the noise")
def _(alpha_t, alpha_s):
    return alpha_t / alpha_s, (1 - alpha_t**2) - (1 - alpha_s**2)


@wrong("diffusion.noise_step", r"turned over")
def _(alpha_t, alpha_s):
    return alpha_s / alpha_t, 1 - alpha_t**2 / alpha_s**2


@right("diffusion.step_back")
def _(x, x_t, alpha_t, alpha_s):
    k = alpha_t / alpha_s
    beta, less = 1 - k * k, max(1 - alpha_s * alpha_s, 1e-12)
    precision = k * k / beta + 1 / less
    mean = (k * x_t / beta + alpha_s * x / less) / precision
    return mean, 1 / precision


@right("diffusion.step_back")
def _(x, x_t, alpha_t, alpha_s):
    bar, bar_s = alpha_t**2, alpha_s**2
    step = bar / bar_s
    mean = x * bar_s**0.5 * (1 - step) / (1 - bar) + x_t * step**0.5 * (1 - bar_s) / (1 - bar)
    return mean, torch.tensor((1 - bar_s) / (1 - bar) * (1 - step))


@wrong("diffusion.step_back", r"beta, the noise of the step forwards")
def _(x, x_t, alpha_t, alpha_s):
    bar, bar_s = alpha_t**2, alpha_s**2
    step = bar / bar_s
    mean = x * bar_s**0.5 * (1 - step) / (1 - bar) + x_t * step**0.5 * (1 - bar_s) / (1 - bar)
    return mean, 1 - step


@wrong("diffusion.step_back", r"standard deviation")
def _(x, x_t, alpha_t, alpha_s):
    bar, bar_s = alpha_t**2, alpha_s**2
    step = bar / bar_s
    mean = x * bar_s**0.5 * (1 - step) / (1 - bar) + x_t * step**0.5 * (1 - bar_s) / (1 - bar)
    return mean, ((1 - bar_s) / (1 - bar) * (1 - step)) ** 0.5


@wrong("diffusion.step_back", r"DDIM|keeps the noise")
def _(x, x_t, alpha_t, alpha_s):
    eps = (x_t - alpha_t * x) / (1 - alpha_t**2) ** 0.5
    mean = alpha_s * x + (1 - alpha_s**2) ** 0.5 * eps
    beta = 1 - alpha_t**2 / alpha_s**2
    return mean, beta * (1 - alpha_s**2) / (1 - alpha_t**2)


@right("diffusion.simple_loss")
def _(net, x, eps, t):
    alpha = torch.sin(0.5 * torch.pi * t)[:, None, None, None]
    sigma = (1 - alpha**2).sqrt()
    return F.mse_loss(net(alpha * x + sigma * eps, t), eps)


@right("diffusion.simple_loss")
def _(net, x, eps, t):
    total = 0.0
    for i in range(len(x)):
        a, s = math.sin(math.pi / 2 * t[i].item()), math.cos(math.pi / 2 * t[i].item())
        said = net((a * x[i] + s * eps[i])[None], t[i : i + 1])
        total = total + ((said[0] - eps[i]) ** 2).mean()
    return total / len(x)


@wrong("diffusion.simple_loss", r"image")
def _(net, x, eps, t):
    a = torch.sin(torch.pi / 2 * t).view(-1, 1, 1, 1)
    s = torch.cos(torch.pi / 2 * t).view(-1, 1, 1, 1)
    return F.mse_loss(net(a * x + s * eps, t), x)


@wrong("diffusion.simple_loss", r"exchanged")
def _(net, x, eps, t):
    a = torch.cos(torch.pi / 2 * t).view(-1, 1, 1, 1)
    s = torch.sin(torch.pi / 2 * t).view(-1, 1, 1, 1)
    return ((eps - net(a * x + s * eps, t)) ** 2).mean()


@wrong("diffusion.simple_loss", r"sum over pixels")
def _(net, x, eps, t):
    a = torch.sin(torch.pi / 2 * t).view(-1, 1, 1, 1)
    s = torch.cos(torch.pi / 2 * t).view(-1, 1, 1, 1)
    return ((eps - net(a * x + s * eps, t)) ** 2).sum() / len(x)


@right("diffusion.ddim_step")
def _(x_hat, x_t, alpha_t, alpha_s, eta, eps):
    sigma_t, sigma_s = (1 - alpha_t**2) ** 0.5, (1 - alpha_s**2) ** 0.5
    std = eta * sigma_s / sigma_t * (1 - (alpha_t / alpha_s) ** 2) ** 0.5
    guessed = (x_t - alpha_t * x_hat) / sigma_t
    return alpha_s * x_hat + (sigma_s**2 - std**2) ** 0.5 * guessed + std * eps


@wrong("diffusion.ddim_step", r"comes on top")
def _(x_hat, x_t, alpha_t, alpha_s, eta, eps):
    sigma_t, sigma_s = (1 - alpha_t**2) ** 0.5, (1 - alpha_s**2) ** 0.5
    std = eta * sigma_s / sigma_t * (1 - (alpha_t / alpha_s) ** 2) ** 0.5
    return alpha_s * x_hat + sigma_s * (x_t - alpha_t * x_hat) / sigma_t + std * eps


@wrong("diffusion.ddim_step", r"eta multiplies|squared")
def _(x_hat, x_t, alpha_t, alpha_s, eta, eps):
    sigma_t, sigma_s = (1 - alpha_t**2) ** 0.5, (1 - alpha_s**2) ** 0.5
    var = eta * (sigma_s / sigma_t) ** 2 * (1 - (alpha_t / alpha_s) ** 2)
    guessed = (x_t - alpha_t * x_hat) / sigma_t
    return alpha_s * x_hat + (sigma_s**2 - var) ** 0.5 * guessed + var**0.5 * eps


@wrong("diffusion.ddim_step", r"eta is forgotten")
def _(x_hat, x_t, alpha_t, alpha_s, eta, eps):
    sigma_t, sigma_s = (1 - alpha_t**2) ** 0.5, (1 - alpha_s**2) ** 0.5
    return alpha_s * x_hat + sigma_s * (x_t - alpha_t * x_hat) / sigma_t


@right("diffusion.clamped_step")
def _(eps_hat, x_t, alpha_t, alpha_s, eps):
    sigma_t, sigma_s = (1 - alpha_t**2) ** 0.5, (1 - alpha_s**2) ** 0.5
    x_hat = torch.clip((x_t - sigma_t * eps_hat) / alpha_t, -1, 1)
    eps_hat = (x_t - alpha_t * x_hat) / sigma_t  # made again from what was cut
    k = alpha_t / alpha_s
    beta = 1 - k**2
    mean = (x_t - beta / sigma_t * eps_hat) / k
    return mean + sigma_s / sigma_t * beta**0.5 * eps


@wrong("diffusion.clamped_step", r"clamped where it counts|not from the noise")
def _(eps_hat, x_t, alpha_t, alpha_s, eps):
    sigma_t, sigma_s = (1 - alpha_t**2) ** 0.5, (1 - alpha_s**2) ** 0.5
    ((x_t - sigma_t * eps_hat) / alpha_t).clamp(-1, 1)
    k = alpha_t / alpha_s
    beta = 1 - k**2
    mean = (x_t - beta / sigma_t * eps_hat) / k
    return mean + sigma_s / sigma_t * beta**0.5 * eps


@wrong("diffusion.clamped_step", r"small one")
def _(eps_hat, x_t, alpha_t, alpha_s, eps):
    sigma_t = (1 - alpha_t**2) ** 0.5
    x_hat = ((x_t - sigma_t * eps_hat) / alpha_t).clamp(-1, 1)
    k = alpha_t / alpha_s
    beta = 1 - k**2
    mean = alpha_s * beta / sigma_t**2 * x_hat + k * (1 - alpha_s**2) / sigma_t**2 * x_t
    return mean + beta**0.5 * eps


@right("diffusion.best_guess")
def _(x_t, images, alpha, sigma):
    out = []
    for y in x_t:
        logs = -((y - alpha * images) ** 2).sum(1) / 2 / sigma**2
        w = (logs - logs.max()).exp()
        out.append((w[:, None] * images).sum(0) / w.sum())
    return torch.stack(out)


@right("diffusion.best_guess")
def _(x_t, images, alpha, sigma):
    y, x = x_t.double(), images.double()
    logs = (2 * alpha * y @ x.T - alpha**2 * (x**2).sum(1)) / (2 * sigma**2)
    return ((logs - logs.logsumexp(1, keepdim=True)).exp() @ x).float()


@wrong("diffusion.best_guess", r"exp is 0|softmax of logarithms")
def _(x_t, images, alpha, sigma):
    w = torch.exp(-((x_t[:, None] - alpha * images) ** 2).sum(2) / (2 * sigma**2))
    return (w @ images) / w.sum(1, keepdim=True)


@wrong("diffusion.best_guess", r"alpha times as large")
def _(x_t, images, alpha, sigma):
    w = torch.softmax(-((x_t[:, None] - images) ** 2).sum(2) / (2 * sigma**2), 1)
    return w @ images


@wrong("diffusion.best_guess", r"likeliest")
def _(x_t, images, alpha, sigma):
    return images[torch.cdist(x_t, alpha * images).argmin(1)]


@wrong("diffusion.simple_loss", r"tensor that still knows")
def _(net, x, eps, t):
    a = torch.sin(torch.pi / 2 * t).view(-1, 1, 1, 1)
    s = torch.cos(torch.pi / 2 * t).view(-1, 1, 1, 1)
    return ((eps - net(a * x + s * eps, t).detach()) ** 2).mean()


@wrong("diffusion.clamped_step", r"unclamped guess")
def _(eps_hat, x_t, alpha_t, alpha_s, eps):
    sigma_t, sigma_s = (1 - alpha_t**2) ** 0.5, (1 - alpha_s**2) ** 0.5
    x_hat = ((x_t - sigma_t * eps_hat) / alpha_t).clamp(-1, 1)
    variance = (1 - (alpha_t / alpha_s) ** 2) * sigma_s**2 / sigma_t**2
    kept = max(sigma_s**2 - variance, 0.0) ** 0.5
    return alpha_s * x_hat + kept * eps_hat + variance**0.5 * eps


@wrong("diffusion.clamped_step", r"adds some")
def _(eps_hat, x_t, alpha_t, alpha_s, eps):
    sigma_t = (1 - alpha_t**2) ** 0.5
    x_hat = ((x_t - sigma_t * eps_hat) / alpha_t).clamp(-1, 1)
    k = alpha_t / alpha_s
    return alpha_s * (1 - k**2) / sigma_t**2 * x_hat + k * (1 - alpha_s**2) / sigma_t**2 * x_t
