"""Answers to the exercises on latent diffusion, in several styles."""

import torch
from answer_table import right, wrong

# ---------------------------------------------------------------- 54


@right("latent_diffusion.same_time")
def _(t, s):
    ratio = s * t / (1 - t)  # infinite at t = 1
    return torch.where(t < 1, ratio / (1 + ratio), torch.ones_like(t))


@right("latent_diffusion.same_time")
def _(t, s):
    return 1 - (1 - t) / (1 + (s - 1) * t)


@wrong("latent_diffusion.same_time", r"sum to 1 again")
def _(t, s):
    return t * s


@wrong("latent_diffusion.same_time", r"1 / s as large")
def _(t, s):
    return t / (t + s * (1 - t))


@right("latent_diffusion.rate")
def _(variances, b):
    return torch.tensor([max(0.0, 0.5 * torch.log(v / b).item()) for v in variances])


@right("latent_diffusion.rate")
def _(variances, b):
    return -0.5 * torch.log(b / torch.maximum(variances, torch.full_like(variances, b)))


@wrong("latent_diffusion.rate", r"isn't negative")
def _(variances, b):
    return 0.5 * torch.log(variances / b)


@wrong("latent_diffusion.rate", r"bits")
def _(variances, b):
    return torch.relu(0.5 * torch.log2(variances / b))


@right("latent_diffusion.scale_of")
def _(mean, logvar):
    flat, spread = mean.transpose(0, 1).flatten(1), logvar.exp().transpose(0, 1).flatten(1)
    return ((flat**2).mean(1) - flat.mean(1) ** 2 + spread.mean(1)).sqrt()


@right("latent_diffusion.scale_of")
def _(mean, logvar):
    center = mean.mean(dim=(0, 2, 3), keepdim=True)
    return ((mean - center) ** 2 + torch.exp(logvar)).mean(dim=(0, 2, 3)) ** 0.5


@wrong("latent_diffusion.scale_of", r"left out")
def _(mean, logvar):
    return mean.std(dim=(0, 2, 3), correction=0)


@wrong("latent_diffusion.scale_of", r"don't add")
def _(mean, logvar):
    return mean.std((0, 2, 3), correction=0) + torch.exp(logvar / 2).mean((0, 2, 3))


@right("latent_diffusion.batch")
def _(mean, logvar, eps, shift, scale):
    return (mean - shift) / scale + torch.exp(logvar / 2) / scale * eps


@wrong("latent_diffusion.batch", r"a draw")
def _(mean, logvar, eps, shift, scale):
    return (mean - shift) / scale


@wrong("latent_diffusion.batch", r"standard deviation")
def _(mean, logvar, eps, shift, scale):
    z = mean + logvar.exp() * eps
    return (z - shift) / scale


@right("latent_diffusion.of_scale")
def _(guess, z_t, t, s):
    rows = []
    for z, time in zip(z_t, t, strict=True):
        n = s * time + (1 - time)
        rows.append(s * guess((z / n)[None], (s * time / n)[None]))
    return torch.cat(rows)


@wrong("latent_diffusion.of_scale", r"multiply by s")
def _(guess, z_t, t, s):
    n = s * t + 1 - t
    return guess(z_t / n.unsqueeze(1), s * t / n)


@wrong("latent_diffusion.of_scale", r"asked at t', not at t")
def _(guess, z_t, t, s):
    return s * guess(z_t / (s * t + 1 - t)[:, None], t)


@right("latent_diffusion.blended")
def _(decode, first, second, w, shift, scale):
    return decode(torch.lerp(first * scale + shift, second * scale + shift, w))


@wrong("latent_diffusion.blended", r"images are mixed")
def _(decode, first, second, w, shift, scale):
    one, two = decode(scale * first + shift), decode(scale * second + shift)
    return (1 - w) * one + w * two


@wrong("latent_diffusion.blended", r"isn't undone")
def _(decode, first, second, w, shift, scale):
    return decode(first + w * (second - first))


@wrong("latent_diffusion.same_time", r"above the line")
def _(t, s):
    return t / (1 - t + s * t)


@wrong("latent_diffusion.rate", r"water level")
def _(variances, b):
    return torch.relu(torch.log(variances / (2 * b)) / 2)


@wrong("latent_diffusion.of_scale", r"aren't clamped")
def _(guess, z_t, t, s):
    n = (s * t + 1 - t)[:, None]
    return torch.clamp(s * guess(z_t / n, s * t / n[:, 0]), -1, 1)


@wrong("latent_diffusion.batch", r"parentheses")
def _(mean, logvar, eps, shift, scale):
    return mean + torch.exp(logvar / 2) * eps - shift / scale
