"""Answers to the exercises on image to image, in several styles."""

import itertools
import math

import torch
import torch.nn.functional as F
from answer_table import right, wrong

# ---------------------------------------------------------------- 64


@right("image_to_image.cycle_loss")
def _(a, b, G, F_):
    return F.l1_loss(F_(G(a)), a) + F.l1_loss(G(F_(b)), b)


@right("image_to_image.cycle_loss")
def _(a, b, G, F_):
    back_a, back_b = F_(G(a)), G(F_(b))
    return (a - back_a).abs().sum() / a.numel() + (b - back_b).abs().sum() / b.numel()


@wrong("image_to_image.cycle_loss", r"not squared")
def _(a, b, G, F_):
    return F.mse_loss(F_(G(a)), a) + F.mse_loss(G(F_(b)), b)


@wrong("image_to_image.cycle_loss", r"not averaged")
def _(a, b, G, F_):
    return torch.stack([F.l1_loss(F_(G(a)), a), F.l1_loss(G(F_(b)), b)]).mean()


@wrong("image_to_image.cycle_loss", r"identity loss")
def _(a, b, G, F_):
    return F.l1_loss(F_(a), a) + F.l1_loss(G(b), b)


@right("image_to_image.kept")
def _(read, before, changed):
    same = read == before
    rest = torch.cat([same[:, :changed], same[:, changed + 1 :]], dim=1)
    return rest.double().mean().item(), rest.all(dim=1).double().mean().item()


@right("image_to_image.kept")
def _(read, before, changed):
    n, k = read.shape
    right_ones, whole = 0, 0
    for i in range(n):
        row = [bool(read[i, j] == before[i, j]) for j in range(k) if j != changed]
        right_ones += sum(row)
        whole += all(row)
    return right_ones / (n * (k - 1)), whole / n


@wrong("image_to_image.kept", r"doesn't count")
def _(read, before, changed):
    same = read == before
    return same.double().mean(), same.all(dim=1).double().mean()


@wrong("image_to_image.kept", r"K - 1 count")
def _(read, before, changed):
    same = read == before
    same[:, changed] = False
    rest = [k for k in range(same.shape[1]) if k != changed]
    return same.double().mean(), same[:, rest].all(dim=1).double().mean()


@right("image_to_image.pix2pix_loss")
def _(a_hat, x_hat, x, weight):
    return weight * F.l1_loss(x_hat, x) - torch.mean(a_hat)


@wrong("image_to_image.pix2pix_loss", r"not squared")
def _(a_hat, x_hat, x, weight):
    return weight * F.mse_loss(x_hat, x) - a_hat.mean()


@wrong("image_to_image.pix2pix_loss", r"the sign")
def _(a_hat, x_hat, x, weight):
    return weight * F.l1_loss(x_hat, x) + a_hat.mean()


@wrong("image_to_image.pix2pix_loss", r"gradient|detach")
def _(a_hat, x_hat, x, weight):
    return weight * F.l1_loss(x_hat.detach(), x) - a_hat.mean()


@right("image_to_image.noised")
def _(x, eps, t, times):
    later = torch.tensor(times, dtype=torch.float64)
    later = later[later > t].tolist()
    return torch.lerp(eps, x, t), [t, *later]


@right("image_to_image.noised")
def _(x, eps, t, times):
    walk = [t]
    for s in times:
        if s > t:
            walk.append(s)
    return eps + t * (x - eps), walk


@wrong("image_to_image.noised", r"it comes first")
def _(x, eps, t, times):
    return t * x + (1 - t) * eps, [s for s in times if s >= t + 1e-9]


@wrong("image_to_image.noised", r"t belongs to the image")
def _(x, eps, t, times):
    return torch.lerp(x, eps, t), [t, *[s for s in times if s > t]]


@right("image_to_image.hidden")
def _(p):
    bits = sum(-q * math.log2(q) for q in p.tolist() if q > 0)
    return max(p.tolist()), bits


@right("image_to_image.hidden")
def _(p):
    return p.amax(), -torch.xlogy(p, p).sum() / math.log(2)


@wrong("image_to_image.hidden", r"0 log 0")
def _(p):
    return p.max(), -(p * p.log2()).sum()


@wrong("image_to_image.hidden", r"base 2")
def _(p):
    return p.max(), torch.special.entr(p).sum()


@right("image_to_image.pair_up")
def _(cost):
    from scipy.optimize import linear_sum_assignment

    _, partners = linear_sum_assignment(cost)
    return torch.as_tensor(partners)


@right("image_to_image.pair_up")
def _(cost):
    rows = torch.arange(len(cost))
    best, found = math.inf, None
    for order in itertools.permutations(range(len(cost))):
        total = cost[rows, torch.tensor(order)].sum().item()
        if total < best:
            best, found = total, order
    return torch.tensor(found)


@wrong("image_to_image.pair_up", r"only once")
def _(cost):
    return cost.min(dim=1).indices


@wrong("image_to_image.pair_up", r"later ones need")
def _(cost):
    cost, partners = cost.clone(), []
    for i in range(len(cost)):
        j = int(cost[i].argmin())
        partners.append(j)
        cost[:, j] = math.inf
    return torch.tensor(partners)
