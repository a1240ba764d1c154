"""Answers to the exercises on flow matching, in several styles."""

import itertools

import torch
from answer_table import right, wrong
from scipy.optimize import linear_sum_assignment

# ---------------------------------------------------------------- 52


@right("flow_matching.path_energy")
def _(walk, times):
    total = 0.0
    for i in range(walk.shape[1]):
        cost = 0.0
        for k in range(len(times) - 1):
            h = times[k + 1] - times[k]
            v = (walk[k + 1, i] - walk[k, i]) / h
            cost = cost + (v @ v) * h
        line = walk[-1, i] - walk[0, i]
        total = total + cost - line @ line / (times[-1] - times[0])
    return total / walk.shape[1]


@wrong("flow_matching.path_energy", r"not subtracted")
def _(walk, times):
    h = times.diff()
    v = walk.diff(dim=0) / h[:, None, None]
    return ((v**2).sum(2) * h[:, None]).sum(0).mean()


@wrong("flow_matching.path_energy", r"squares|[Ll]engths")
def _(walk, times):
    return (walk.diff(dim=0).norm(dim=2).sum(0) - (walk[-1] - walk[0]).norm(dim=1)).mean()


@wrong("flow_matching.path_energy", r"whole time")
def _(walk, times):
    moved = (walk.diff(dim=0) ** 2).sum(2) / times.diff()[:, None]
    return (moved.sum(0) - ((walk[-1] - walk[0]) ** 2).sum(1)).mean()


@right("flow_matching.coupled")
def _(x, eps):
    best = min(
        itertools.permutations(range(len(x))),
        key=lambda order: float(((x - eps[list(order)]) ** 2).sum()),
    )
    return torch.stack([eps[i] for i in best])


@right("flow_matching.coupled")
def _(x, eps):
    _, order = linear_sum_assignment((-x @ eps.T).numpy())  # the squares are constants
    return eps[torch.from_numpy(order)]


@wrong("flow_matching.coupled", r"turned around|belongs to x")
def _(x, eps):
    _, order = linear_sum_assignment((torch.cdist(eps, x) ** 2).numpy())
    return eps[order]


@wrong("flow_matching.coupled", r"nearest")
def _(x, eps):
    return eps[((x[:, None] - eps) ** 2).sum(2).argmin(1)]


@wrong("flow_matching.coupled", r"squares")
def _(x, eps):
    _, order = linear_sum_assignment(torch.cdist(x, eps).numpy())
    return eps[order]


@right("flow_matching.combined")
def _(first, second, t, m, r):
    part = (m - t) / (r - t)
    return part * first + (1 - part) * second


@wrong("flow_matching.combined", r"middle|mean")
def _(first, second, t, m, r):
    return 0.5 * (first + second)


@wrong("flow_matching.combined", r"divided by the whole time")
def _(first, second, t, m, r):
    return (m - t) * first + (r - m) * second


@right("flow_matching.target")
def _(v, du, t, r):
    return v + torch.einsum("n,nd->nd", r - t, du)


@wrong("flow_matching.target", r"the sign")
def _(v, du, t, r):
    return v - (r - t).unsqueeze(-1) * du


@wrong("flow_matching.target", r"r - t")
def _(v, du, t, r):
    return v + du


@right("flow_matching.jumps")
def _(net, eps, times):
    x = eps.clone()
    for k in range(len(times) - 1):
        t = torch.full((x.shape[0],), times[k])
        r = torch.full((x.shape[0],), times[k + 1])
        x = x + (times[k + 1] - times[k]) * net(x, t, r)
    return x


@wrong("flow_matching.jumps", r"Euler")
def _(net, eps, times):
    x = eps
    for t, r in itertools.pairwise(times):
        at = torch.full((len(x),), t)
        x = x + (r - t) * net(x, at, at)
    return x


@wrong("flow_matching.jumps", r"exchanged")
def _(net, eps, times):
    x = eps
    for t, r in itertools.pairwise(times):
        x = x + (r - t) * net(x, torch.full((len(x),), r), torch.full((len(x),), t))
    return x


@right("flow_matching.mean_flow_loss")
def _(net, x, eps, t, r):
    v = x - eps
    x_t = eps + t[:, None] * v
    u, du = torch.func.jvp(lambda a, b: net(a, b, r), (x_t, t), (v, torch.ones_like(t)))
    return torch.nn.functional.mse_loss(u, (v + (r - t)[:, None] * du).detach())


@right("flow_matching.mean_flow_loss")
def _(net, x, eps, t, r):
    v = x - eps
    x_t = t[:, None] * x + (1 - t)[:, None] * eps
    u = net(x_t, t, r)
    a, b = x_t.clone().requires_grad_(True), t.clone().requires_grad_(True)
    out, rows = net(a, b, r), []
    for k in range(x.shape[1]):
        by_x, by_t = torch.autograd.grad(out[:, k].sum(), (a, b), retain_graph=True)
        rows.append((by_x * v).sum(1) + by_t)
    right_side = v + (r - t)[:, None] * torch.stack(rows, 1)
    return ((u - right_side.detach()) ** 2).mean()


@wrong("flow_matching.mean_flow_loss", r"held|detach")
def _(net, x, eps, t, r):
    v = x - eps
    x_t = eps + t[:, None] * v
    u, du = torch.func.jvp(lambda a, b: net(a, b, r), (x_t, t), (v, torch.ones_like(t)))
    return ((u - v - (r - t)[:, None] * du) ** 2).mean()


@wrong("flow_matching.mean_flow_loss", r"sign")
def _(net, x, eps, t, r):
    v = x - eps
    x_t = eps + t[:, None] * v
    u, du = torch.func.jvp(lambda a, b: net(a, b, r), (x_t, t), (v, torch.ones_like(t)))
    return ((u - (v - (r - t)[:, None] * du).detach()) ** 2).mean()
