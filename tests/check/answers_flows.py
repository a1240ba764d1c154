"""Answers to the exercises on scores and flows, in several styles."""

import math

import torch
from answer_table import right, wrong
from torch.distributions import Categorical, MixtureSameFamily, Normal

# ---------------------------------------------------------------- 17


@right("scores_and_flows.mixture_score")
def _(x, weights, means, sigma):
    x = x.detach().double().requires_grad_(True)
    parts = Normal(means.double(), torch.full_like(means, sigma).double())
    p = MixtureSameFamily(Categorical(probs=weights.double()), parts)
    (score,) = torch.autograd.grad(p.log_prob(x).sum(), x)
    return score.float()


@right("scores_and_flows.mixture_score")
def _(x, weights, means, sigma):
    found = []
    for at in x.tolist():
        logs = [
            math.log(w) - (at - m) ** 2 / (2 * sigma**2)
            for w, m in zip(weights.tolist(), means.tolist(), strict=True)
        ]
        most = max(logs)
        shares = [math.exp(v - most) for v in logs]
        pull = sum(p * (m - at) for p, m in zip(shares, means.tolist(), strict=True))
        found.append(pull / sum(shares) / sigma**2)
    return torch.tensor(found)


@wrong("scores_and_flows.mixture_score", r"underflow|nan|NaN|far")
def _(x, weights, means, sigma):
    p = weights * torch.exp(-0.5 * ((x[:, None] - means) / sigma) ** 2)
    return (p * (means - x[:, None])).sum(1) / p.sum(1) / sigma**2


@wrong("scores_and_flows.mixture_score", r"sigma²|variance")
def _(x, weights, means, sigma):
    away = means - x[:, None]
    return (torch.softmax(weights.log() - away**2 / (2 * sigma**2), 1) * away).sum(1) / sigma


@right("scores_and_flows.tweedie")
def _(y, score, alpha, sigma):
    return y / alpha + score * (sigma * sigma / alpha)


@wrong("scores_and_flows.tweedie", r"sigma²|variance")
def _(y, score, alpha, sigma):
    return torch.add(y, score, alpha=sigma) / alpha


@wrong("scores_and_flows.tweedie", r"divide by alpha")
def _(y, score, alpha, sigma):
    return torch.addcmul(y, score, torch.full_like(score, sigma**2))


@right("scores_and_flows.floors")
def _(variance, t):
    root = variance**0.5
    return root**2, (root * t / (1 - t)) ** 2, (root / (1 - t)) ** 2


@right("scores_and_flows.floors")
def _(variance, t):
    factors = torch.tensor([1.0, t / (1 - t), 1 / (1 - t)], dtype=torch.float64)
    return tuple((variance * factors**2).tolist())


@wrong("scores_and_flows.floors", r"square")
def _(variance, t):
    return variance, t / (1 - t) * variance, variance / (1 - t)


@wrong("scores_and_flows.floors", r"exchanged|order|second")
def _(variance, t):
    return variance, variance / (1 - t) ** 2, variance * t * t / (1 - t) ** 2


@right("scores_and_flows.noise_from_velocity")
def _(x_t, v, t):
    x = x_t + (1 - t).unsqueeze(1) * v
    return x - v


@wrong("scores_and_flows.noise_from_velocity", r"other end|data")
def _(x_t, v, t):
    return torch.lerp(x_t + v, x_t, t[:, None])


@wrong("scores_and_flows.noise_from_velocity", r"shape|broadcast|must match|axis")
def _(x_t, v, t):
    return x_t - t * v


@right("scores_and_flows.heun_step")
def _(velocity, x, t, h):
    first = velocity(x, t)
    end = velocity(torch.add(x, first, alpha=h), torch.add(t, h))
    return torch.add(x, torch.stack([first, end]).mean(dim=0), alpha=h)


@wrong("scores_and_flows.heun_step", r"old time")
def _(velocity, x, t, h):
    first = velocity(x, t)
    return x + h / 2 * (first + velocity(x + h * first, t))


@wrong("scores_and_flows.heun_step", r"midpoint")
def _(velocity, x, t, h):
    return x + h * velocity(x + velocity(x, t) * h / 2, t + h / 2)


@right("scores_and_flows.drift")
def _(x, data, width):
    def mean_near(at, points):
        logs = -((at - points) ** 2).sum(1) / (2 * width**2)
        return logs.softmax(0) @ points

    return torch.stack([mean_near(at, data) - mean_near(at, x) for at in x])


@wrong("scores_and_flows.drift", r"underflow|nan|NaN")
def _(x, data, width):
    def mean_near(points):
        k = torch.exp(-((x[:, None] - points[None]) ** 2).sum(-1) / (2 * width**2))
        return (k[..., None] * points).sum(1) / k.sum(1)[:, None]

    return mean_near(data) - mean_near(x)


@wrong("scores_and_flows.drift", r"push|other samples")
def _(x, data, width):
    return torch.softmax(-(torch.cdist(x, data) ** 2) / (2 * width**2), dim=1) @ data - x
