"""Answers to the exercises on codes and on sharpness, in several styles."""

import copy
import math

import numpy as np
import torch
import torch.nn.functional as F
from answer_table import right, wrong
from torch.func import functional_call

# ---------------------------------------------------------------- 33


@right("vq_vae.nearest")
def _(h, codebook):
    found = []
    for row in h:
        lengths = [float((row - e) @ (row - e)) for e in codebook]
        found.append(min(range(len(lengths)), key=lengths.__getitem__))
    return torch.tensor(found)


@right("vq_vae.nearest")
def _(outputs, table):
    return torch.topk(2 * outputs @ table.mT - table.pow(2).sum(-1), 1, dim=1).indices.squeeze(1)


@right("vq_vae.nearest")
def _(h, codebook):
    gaps = h.numpy()[:, None, :] - codebook.numpy()[None]
    return torch.from_numpy(np.argmin(np.linalg.norm(gaps, axis=-1), axis=1))


@right("vq_vae.nearest")
def _(h, codebook):
    return (-torch.cdist(h, codebook)).max(dim=1)[1]


@wrong("vq_vae.nearest", r"product|lengths|\|e\|²")
def _(h, codebook):
    return torch.einsum("md,kd->mk", h, codebook).max(1).indices


@wrong("vq_vae.nearest", r"shape|nearest code for each output|\[")
def _(h, codebook):
    return torch.cdist(codebook, h).argmin(dim=1)


@wrong("vq_vae.nearest", r"square")
def _(h, codebook):
    return (h.unsqueeze(1) - codebook.unsqueeze(0)).sum(-1).argmin(1)


@right("vq_vae.straight_through")
def _(h, e):
    return e.detach() + h - h.detach()


@right("vq_vae.straight_through")
def _(h, e):
    class Straight(torch.autograd.Function):
        @staticmethod
        def forward(ctx, h, e):
            return e.clone()

        @staticmethod
        def backward(ctx, grad):
            return grad, None

    return Straight.apply(h, e)


@wrong("vq_vae.straight_through", r"`h`|gradient")
def _(h, e):
    return e


@wrong("vq_vae.straight_through", r"`e`|gradient")
def _(h, e):
    return h - h.detach() + e


@wrong("vq_vae.straight_through", r"`h`|gradient")
def _(h, e):
    return h.detach() + (e - h)


@right("vq_vae.averaged")
def _(counts, sums, h, tokens, rho):
    n = torch.bincount(tokens, minlength=len(counts)).to(h)
    s = torch.zeros_like(sums).index_add_(0, tokens, h)
    N, m = torch.lerp(n, counts, rho), torch.lerp(s, sums, rho)
    return N, m, m / N.unsqueeze(1)


@right("vq_vae.averaged")
def _(counts, sums, h, tokens, rho):
    N, m = rho * counts, rho * sums
    for row, k in zip(h, tokens.tolist(), strict=True):
        N[k] += 1 - rho
        m[k] += (1 - rho) * row
    return N, m, m / N[:, None]


@wrong("vq_vae.averaged", r"exchanged")
def _(counts, sums, h, tokens, rho):
    hot = F.one_hot(tokens, len(counts)).to(h)
    N = (1 - rho) * counts + rho * hot.sum(0)
    m = (1 - rho) * sums + rho * hot.T @ h
    return N, m, m / N[:, None]


@wrong("vq_vae.averaged", r"changes|changed|input")
def _(counts, sums, h, tokens, rho):
    counts.mul_(rho).add_((1 - rho) * torch.bincount(tokens, minlength=len(counts)))
    sums.mul_(rho).index_add_(0, tokens, h, alpha=1 - rho)
    return counts, sums, sums / counts[:, None]


@wrong("vq_vae.averaged", r"from before the update")
def _(counts, sums, h, tokens, rho):
    hot = F.one_hot(tokens, len(counts)).to(h)
    m = rho * sums + (1 - rho) * hot.T @ h
    e = m / counts[:, None]
    return rho * counts + (1 - rho) * hot.sum(0), m, e


@right("vq_vae.fsq_tokens")
def _(h, levels):
    token, step = torch.zeros(len(h)), 1
    for column, n in zip(h.T, levels, strict=True):
        token = token + step * ((n - 1) / 2 * (1 + torch.tanh(column))).round()
        step *= n
    return token.to(torch.int64)


@right("vq_vae.fsq_tokens")
def _(h, levels):
    digits = [
        torch.round((n // 2) * torch.tanh(h[:, i])).long() + n // 2 for i, n in enumerate(levels)
    ]
    token = torch.zeros(len(h), dtype=torch.long)
    for digit, n in zip(reversed(digits), reversed(levels), strict=True):
        token = token * n + digit
    return token


@wrong("vq_vae.fsq_tokens", r"lowest")
def _(h, levels):
    token = torch.zeros(len(h), dtype=torch.long)
    for i, n in enumerate(levels):
        token = token * n + ((n - 1) / 2 * h[:, i].tanh()).round().long() + n // 2
    return token


@wrong("vq_vae.fsq_tokens", r"shift|begin at 0")
def _(h, levels):
    token, step = 0, 1
    for i, n in enumerate(levels):
        token = token + step * torch.round((n - 1) / 2 * torch.tanh(h[:, i]))
        step *= n
    return token.long()


@wrong("vq_vae.fsq_tokens", r"squeeze|tanh")
def _(h, levels):
    half = torch.tensor([(n - 1) // 2 for n in levels])
    digits = (h * half).round().long() + half
    steps = torch.cumprod(torch.tensor((1, *levels[:-1])), 0)
    return digits @ steps


@right("vq_vae.code_length")
def _(logits, tokens):
    nats = F.cross_entropy(logits.flatten(0, 1), tokens.flatten(), reduction="none")
    return nats.view(tokens.shape).sum(-1) / np.log(2)


@right("vq_vae.code_length")
def _(logits, tokens):
    own = torch.take_along_dim(logits, tokens.unsqueeze(-1), -1).squeeze(-1)
    return ((logits.logsumexp(-1) - own) * math.log2(math.e)).sum(1)


@right("vq_vae.code_length")
def _(logits, tokens):
    chances = torch.distributions.Categorical(logits=logits)
    return -chances.log_prob(tokens).sum(dim=-1) / math.log(2)


@wrong("vq_vae.code_length", r"log_softmax is exact|inf|overflow|0 as a float")
def _(logits, tokens):
    p = logits.softmax(-1)
    return -torch.log2(p.gather(-1, tokens[:, :, None])).squeeze(-1).sum(1)


@wrong("vq_vae.code_length", r"mean over the places")
def _(logits, tokens):
    nats = F.cross_entropy(logits.movedim(-1, 1), tokens, reduction="none")
    return nats.mean(dim=1) / math.log(2)


@wrong("vq_vae.code_length", r"nats")
def _(logits, tokens):
    return F.cross_entropy(logits.movedim(-1, 1), tokens, reduction="none").sum(1)


@right("vq_vae.still_hidden")
def _(places, passes):
    r = np.arange(1, passes + 1) / passes
    return [int(v) for v in np.floor(places * np.cos(np.pi * r / 2) + 1e-12)]


@right("vq_vae.still_hidden")
def _(places, passes):
    found = []
    for k in range(passes):
        share = math.cos(math.pi / 2 * (k + 1) / passes)
        found.append(int(places * share) if k + 1 < passes else 0)
    return found


@wrong("vq_vae.still_hidden", r"straight line")
def _(places, passes):
    return [places * (passes - k) // passes for k in range(1, passes + 1)]


@wrong("vq_vae.still_hidden", r"before the first|rounded|after each")
def _(places, passes):
    return [int(places * math.cos(math.pi / 2 * k / passes)) for k in range(passes)]


# ---------------------------------------------------------------- 34


@right("vae_gan.best_guess")
def _(z, sigma):
    return 2 * torch.sigmoid(2 * z / sigma / sigma) - 1


@right("vae_gan.best_guess")
def _(z, sigma):
    logs = torch.stack([-((z - x) ** 2) / (2 * sigma**2) for x in (1.0, -1.0)])
    p = torch.softmax(logs, dim=0)
    return p[0] - p[1]


@wrong("vae_gan.best_guess", r"variance|sigma²")
def _(z, sigma):
    return (z / sigma).tanh()


@wrong("vae_gan.best_guess", r"likelier")
def _(z, sigma):
    return torch.where(z > 0, 1.0, -1.0)


@wrong("vae_gan.best_guess", r"overflow|nan|NaN|large")
def _(z, sigma):
    odds = torch.exp(2 * z / sigma**2)
    return (odds - 1) / (odds + 1)


@right("vae_gan.lost_decibels")
def _(error, other):
    return 10 * (math.log(other) - math.log(error)) / math.log(10)


@wrong("vae_gan.lost_decibels", r"falls|positive|sign")
def _(error, other):
    return 10 * np.log10(error) - 10 * np.log10(other)


@right("vae_gan.least_error")
def _(best, farthest, budget):
    if farthest <= budget:
        return best
    return best + (farthest - budget) ** 2


@wrong("vae_gan.least_error", r"never below 0|nothing to pay")
def _(best, farthest, budget):
    return best + farthest**2 - 2 * farthest * budget + budget**2


@right("vae_gan.sharp_loss")
def _(x, z, decoder, D, w):
    x_hat = decoder(z)
    still = {name: p.detach() for name, p in D.named_parameters()}
    return (x - x_hat).pow(2).mean() - w * functional_call(D, still, (x_hat,)).mean()


@right("vae_gan.sharp_loss")
def _(x, z, decoder, D, w):
    judge = copy.deepcopy(D).requires_grad_(False)
    made = decoder(z)
    return F.mse_loss(made, x) + w * -judge(made).mean()


@wrong("vae_gan.sharp_loss", r"`D`|gradient")
def _(x, z, decoder, D, w):
    made = decoder(z)
    return F.mse_loss(made, x) - w * torch.mean(D(made))


@wrong("vae_gan.sharp_loss", r"part of it is lost|gradient|detach")
def _(x, z, decoder, D, w):
    made = decoder(z)
    return F.mse_loss(made, x) - w * D(made.detach()).mean().detach()


@right("vae_gan.feature_error")
def _(maps, maps_hat):
    total = torch.zeros(())
    for a, b in zip(maps, maps_hat, strict=True):
        total = total + ((a - b) ** 2).flatten().mean()
    return total / len(maps)


@wrong("vae_gan.feature_error", r"sum over the layers")
def _(maps, maps_hat):
    return sum(F.mse_loss(a, b) for a, b in zip(maps, maps_hat, strict=True))


@wrong("vae_gan.feature_error", r"absolute")
def _(maps, maps_hat):
    return torch.stack([F.l1_loss(a, b) for a, b in zip(maps, maps_hat, strict=True)]).mean()


@right("vae_gan.balancing_weight")
def _(of_error, of_verdict, most):
    size = torch.linalg.vector_norm
    return torch.minimum(size(of_error) / (size(of_verdict) + 1e-4), torch.tensor(most))


@wrong("vae_gan.balancing_weight", r"ceiling")
def _(of_error, of_verdict, most):
    return of_error.norm() / (of_verdict.norm() + 1e-4)


@wrong("vae_gan.balancing_weight", r"wrong way round|ratio|exchanged")
def _(of_error, of_verdict, most):
    return torch.clamp(of_verdict.norm() / (of_error.norm() + 1e-4), max=most)
