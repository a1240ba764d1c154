"""Answers to the exercises on guidance, in several styles."""

import torch
from answer_table import right, wrong

# ---------------------------------------------------------------- 53


@right("guidance.guided")
def _(nothing, told, w):
    return (1 - w) * nothing + w * told


@right("guidance.guided")
def _(nothing, told, w):
    return torch.lerp(nothing, told, w)


@wrong("guidance.guided", r"counted from -1")
def _(nothing, told, w):
    return (1 + w) * told - w * nothing


@wrong("guidance.guided", r"2 w - 1")
def _(nothing, told, w):
    return w * told + (w - 1) * nothing


@right("guidance.weight_at")
def _(t, w, first, last):
    return torch.tensor([w if first <= float(s) <= last + 1e-9 else 1.0 for s in t])


@wrong("guidance.weight_at", r"not nothing")
def _(t, w, first, last):
    return w * ((t >= first) & (t <= last)).float()


@wrong("guidance.weight_at", r"exchanged")
def _(t, w, first, last):
    out = torch.full_like(t, w)
    out[(t >= first) & (t <= last)] = 1.0
    return out


@right("guidance.left_out")
def _(c, u, share):
    out = c.clone()
    out[u < share] = 0
    return out


@right("guidance.left_out")
def _(c, u, share):
    return torch.where((u < share).unsqueeze(1), torch.zeros_like(c), c)


@wrong("guidance.left_out", r"turned around")
def _(c, u, share):
    return c * (u <= share).float()[:, None]


@wrong("guidance.left_out", r"not applied")
def _(c, u, share):
    keep = u >= share
    return c + 0 * keep[:, None]


@right("guidance.tilted")
def _(p, share, w, gap):
    log = p.log() + w * share.log()
    return torch.softmax(log, dim=0) / gap


@wrong("guidance.tilted", r"normalised")
def _(p, share, w, gap):
    return p * share.pow(w)


@wrong("guidance.tilted", r"sum is 1")
def _(p, share, w, gap):
    return torch.softmax(p.log() + w * share.log(), dim=0)


@right("guidance.led")
def _(x_hat, slope, w, alpha, sigma):
    score_part = w * slope
    return (alpha * x_hat + sigma * sigma * score_part) / alpha


@wrong("guidance.led", r"sigma²")
def _(x_hat, slope, w, alpha, sigma):
    return x_hat + sigma * w * slope / alpha


@wrong("guidance.led", r"alpha")
def _(x_hat, slope, w, alpha, sigma):
    return x_hat + sigma**2 * w * slope


@right("guidance.denoise")
def _(net, x, t, c, w):
    both = net(torch.cat([x, x]), torch.cat([t, t]), torch.cat([torch.zeros_like(c), c]))
    nothing, told = both.chunk(2)
    return w * told + (1 - w) * nothing


@wrong("guidance.denoise", r"counted from -1")
def _(net, x, t, c, w):
    told, nothing = net(x, t, c), net(x, t, c * 0)
    return told + w * (told - nothing)


@wrong("guidance.denoise", r"condition is multiplied")
def _(net, x, t, c, w):
    return net(x, t, c * w)
