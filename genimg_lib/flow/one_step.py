"""Generators of one call or a few: flow maps, which jump from one time to another.

A flow map's mean velocity u(x_t, t, r) leads from x_t, at time t, to where the flow is at a later
time r: x_r = x_t + (r - t) u. At r = t it is the velocity. net(x_t, t, r): points [N, ...] and
times [N] to u, like x_t. x: data, eps: noise like it, on the straight path.
"""

import torch
from torch.autograd import forward_ad

from genimg_lib.flow.matching import in_parts
from genimg_lib.flow.paths import STRAIGHT, per_image
from genimg_lib.flow.solvers import at_all, steps_of
from genimg_lib.layers import holds

ONCE = 0.25  # the time that a flow's network is told where it becomes a generator of one call


def jumps(net, x, times):
    """A walk by a flow map, a call a jump: yields the points at every time, the first included.

    times: numbers that increase within [0, 1]; (0, 1) is one jump from noise to data.
    """
    yield x
    for t, r in steps_of(times, "up"):
        x = jump(net, x, at_all(t, x), at_all(r, x))
        yield x


def jump(net, x_t, t, r):
    """x_r = x_t + (r - t) u(x_t, t, r)."""
    return x_t + per_image(r - t, x_t) * net(x_t, t, r)


def mean_flow_loss(net, x, eps, t, r, power=0.0):
    """MeanFlow: u has to be v + (r - t) du/dt, the derivative along the flow, r held: a scalar.

    The derivative is taken forwards in the same pass, by `along`.
    power: of the weight 1 / error^power that each example has; 0, none; Geng et al. take 1.
    Raises ValueError as `along` does, and for times with r before t.
    Source: Geng et al. 2025 (arXiv:2505.13447), algorithm 1; their time runs from data to noise, so
        that their sign is the other one.
    """
    _check_order(t, r)
    v = x - eps
    u, du = along(net, STRAIGHT.mix(x, eps, t), t, r, v)
    target = v + per_image(r - t, x) * du.detach()
    errors = (u - target).flatten(1).square().mean(dim=1)
    return (errors / (errors.detach() + 1e-3) ** power).mean()


def along(net, x_t, t, r, v):
    """(u, du/dt) where x_t moves with velocity v, t with velocity 1, and r is held.

    By forward-mode derivatives, with one pass of the network.
    Raises ValueError for a network that is compiled or wrapped by DistributedDataParallel, whose
    derivative may be wrong, or its gradients not averaged, without a word.
    """
    _check_plain(net)
    with forward_ad.dual_level():
        moving = forward_ad.make_dual(x_t, v)
        clock = forward_ad.make_dual(t, torch.ones_like(t))
        u, du = forward_ad.unpack_dual(net(moving, clock, r))
    return u, torch.zeros_like(u) if du is None else du


def shortcut_loss(net, x, eps, t, r):
    """A shortcut model: one jump from t to r has to be two, by way of the middle: a scalar.

    Where r = t: flow matching. The two jumps are held fixed.
    Raises ValueError for times with r before t.
    Source: Frans et al. 2025 (arXiv:2410.12557), equation 4.
    """
    _check_order(t, r)
    x_t = STRAIGHT.mix(x, eps, t)
    with torch.no_grad():
        middle = (t + r) / 2
        first = net(x_t, t, middle)
        second = net(x_t + per_image(middle - t, x) * first, middle, r)
        target = torch.where(per_image(r > t, x), (first + second) / 2, x - eps)
    return (net(x_t, t, r) - target).square().mean()


def consistency_loss(net, x, eps, t, s):
    """Consistency training: from x_t and, a little later, x_s one jump must end alike: a scalar.

    s: times a little later than t, [N], at most 1; x_s has the same noise. Where they end is
    f(x_t, t) = x_t + (1 - t) u(x_t, t, 1); that from x_s is held fixed.
    Errors count as those of u: over 1 - t, at least 0.1.
    Raises ValueError for times with s before t.
    Source: Song et al. 2023 (arXiv:2303.01469), algorithm 3.
    """
    _check_order(t, s)
    end = torch.ones_like(t)
    with torch.no_grad():
        target = jump(net, STRAIGHT.mix(x, eps, s), s, end)
    error = jump(net, STRAIGHT.mix(x, eps, t), t, end) - target
    return (error / per_image((1 - t).clamp(min=0.1), x)).square().mean()


def once(net, eps, c=None, t=ONCE):
    """Images by one call of a flow's network that was trained on for it, by `matched_loss`.

    It is shown nothing but noise, at the level of an early time t, a number: there, other than at
    0, the network that it begins with makes different images of different noise.
    Source: Zhou et al. 2024 (arXiv:2404.04057), who begin at sigma / alpha = 2.5, here 3.
    """
    x, at = (1 - t) * eps, at_all(t, eps)
    return net(x, at) if c is None else net(x, at, c)


def draw_once(net, noise, c=None):
    """`once` for noise [N, ...] that is too much for one pass: images in [-1, 1], on the CPU."""
    return in_parts(lambda eps, *told: once(net, eps, *told).clamp(-1, 1), net, noise, c)


def matched_loss(x, denoise, denoise_own, eps, t):
    """Distribution matching: samples x move where the data's score leads more than their own.

    A scalar whose gradient by each x is, scaled, x_hat_own - x_hat: sigma² / alpha times the
    difference of the scores of samples and of data at the noise level of t.
    x: of a generator, with gradients. denoise: (x_t, t) -> x_hat of a flow of the data; denoise_own
    of one of the generator's own samples, trained beside it. Neither gets gradients.
    Each image's is divided by its mean |x - x_hat|.
    Source: Yin et al. 2024 (arXiv:2311.18828), equations 7 and 8, without their regression.
    """
    with torch.no_grad():
        x_t = STRAIGHT.mix(x, eps, t)
        x_hat, own = denoise(x_t, t).float(), denoise_own(x_t, t).float()
        size = (x - x_hat).abs().flatten(1).mean(dim=1).clamp(min=1e-6)
        pull = (own - x_hat) / per_image(size, x)
    return (x * pull).mean()


def path_energy(walk, times):
    """How much longer, in squares, paths are than the lines between their ends: a number.

    The mean over points of the integral of |velocity|² less |x_1 - x_0|²; 0 for paths that are
    straight and of one speed, which one step of Euler follows.
    walk: points [N, ...] at each of times, in a sequence. times: increasing, within [0, 1].
    Raises ValueError for other times and for another number of points.
    Source: Liu et al. 2023 (arXiv:2209.03003), equation 4, their straightness.
    """
    walk = [points.flatten(1) for points in walk]
    steps = steps_of(times, "up")
    if len(walk) != len(steps) + 1:
        raise ValueError(f"expected points at {len(steps) + 1} times, got {len(walk)}")
    moved = [
        (after - before).square().sum(dim=1) / (s - t)
        for (t, s), before, after in zip(steps, walk, walk[1:], strict=False)
    ]
    width = steps[-1][1] - steps[0][0]
    return (sum(moved) - (walk[-1] - walk[0]).square().sum(dim=1) / width).mean().item()


def _check_order(t, later):
    """Raises ValueError unless all times are at or before the later ones: [N] each."""
    if not holds(t <= later):
        worst = (t - later).argmax()
        raise ValueError(
            f"expected a jump to a later time, got one from {t[worst]:g} to {later[worst]:g}"
        )


def _check_plain(net):
    parts = net.modules() if isinstance(net, torch.nn.Module) else [net]
    for part in parts:
        compiled = getattr(part, "_compiled_call_impl", None) is not None
        if compiled or type(part).__name__ in ("OptimizedModule", "DistributedDataParallel"):
            raise ValueError(
                f"expected a plain network, got one that is {'compiled' if compiled else 'wrapped'}"
                f" ({type(part).__name__}): its derivative along the flow may be wrong, or its"
                " gradients not averaged, without a word; give the module inside"
            )
