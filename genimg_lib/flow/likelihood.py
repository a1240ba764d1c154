"""The likelihood of a flow: how its velocity stretches space on the way from noise to data."""

import itertools
import math

import torch


def exact_divergence(velocity, x, t):
    """(v, the trace of its derivative [N]), by a derivative in each of d directions.

    x: points [N, ...], of d numbers each. t: times [N].
    """
    with torch.enable_grad():
        flat = x.detach().flatten(1).requires_grad_(True)
        v = velocity(flat.view_as(x), t).flatten(1)
        trace = torch.zeros_like(v[:, 0])
        for i in range(flat.shape[1]):
            trace = trace + _pulled(v[:, i].sum(), flat)[:, i]
    return v.detach().view_as(x), trace.detach()


def hutchinson_divergence(velocity, x, t, probes):
    """(v, an estimate of that trace): the mean of u . (dv/dx) u over probes u.

    One derivative a probe.
    x: points [N, ...]. probes: [K, N, ...] of mean 0 and variance 1, signs or normal noise.
    Raises ValueError for probes of another shape.
    Source: Hutchinson 1990; for flows, Grathwohl et al. 2019 (arXiv:1810.01367), section 3.1.
    """
    if probes.shape[1:] != x.shape:
        wanted = ", ".join(map(str, x.shape))
        raise ValueError(f"expected probes [K, {wanted}], got {list(probes.shape)}")
    with torch.enable_grad():
        x = x.detach().requires_grad_(True)
        v = velocity(x, t)
        found = []
        for u in probes:
            found.append((_pulled((v * u).sum(), x) * u).flatten(1).sum(dim=1))
    return v.detach(), torch.stack(found).mean(dim=0).detach()


def _pulled(value, x):
    """The gradient of a sum of velocities by x, 0 where they do not depend on it."""
    if not value.requires_grad:  # a constant velocity
        return torch.zeros_like(x)
    return torch.autograd.grad(value, x, retain_graph=True, materialize_grads=True)[0]


def log_likelihood(velocity, x, times, divergence=exact_divergence):
    """log p(x) under the flow, in nats: [N].

    d log p / dt = -div v along a path, so what a point has at the data's end is what its noise has,
    less the integral of the divergence; by Heun's method, backwards.
    x: points at the last of times, [N, ...]. times: from 0 to the data's end, increasing.
    divergence: (velocity, x, t) -> (v, its trace).
    Raises ValueError for times that do not increase from 0.
    Source: Chen et al. 2018 (arXiv:1806.07366), theorem 1.
    """
    times = [float(t) for t in times]
    if len(times) < 2 or times[0] != 0 or sorted(set(times)) != times:
        raise ValueError(f"expected times that increase from 0, got {times[:3]} ...")
    gained = torch.zeros(len(x), dtype=x.dtype, device=x.device)
    for t, s in itertools.pairwise(times[::-1]):
        v, trace = divergence(velocity, x, torch.full_like(gained, t))
        v_2, trace_2 = divergence(velocity, x + (s - t) * v, torch.full_like(gained, s))
        gained = gained + (s - t) * (trace + trace_2) / 2
        x = x + (s - t) * (v + v_2) / 2
    squares = x.flatten(1).square().sum(dim=1)
    d = x[0].numel()
    return -squares / 2 - d / 2 * math.log(2 * math.pi) + gained
