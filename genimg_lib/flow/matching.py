"""From noise to images: flow matching.

Time runs from 0 (noise) to 1 (image); networks guess the clean image from a noisy one.

x: images [N, C, H, W] in [-1, 1]; eps: noise of that shape; t: times [N] in [0, 1]. net(x_t, t)
gives x_hat.
"""

import torch

from genimg_lib import layers
from genimg_lib.flow.paths import STRAIGHT, per_image
from genimg_lib.flow.samplers import denoiser, multistep
from genimg_lib.flow.schedules import karras_times
from genimg_lib.flow.solvers import last


def mix(x, eps, t):
    """x_t = t x + (1 - t) eps: the straight line from noise to image.

    Source: Lipman et al. 2022 (arXiv:2210.02747), sigma_min = 0.
    """
    return STRAIGHT.mix(x, eps, t)


def matching_loss(net, x, eps, t, floor=0.1, c=None):
    """The mean squared error of the guessed velocity, a scalar.

    v = x - eps is guessed as (x_hat - x_t) / (1 - t), so that v_hat - v = (x_hat - x) / (1 - t).
    floor: the least 1 - t in the division, as the error would grow without bound where nearly no
        noise is left.
    c: conditions that the network is told, or None.
    Returns a scalar. The network gives images rather than velocities, since images, unlike noise,
    lie near few dimensions.
    Raises ValueError for a guess of another shape, and as `Path.mix` does.
    """
    given = (mix(x, eps, t), t) if c is None else (mix(x, eps, t), t, c)
    x_hat = net(*given).float()
    if x_hat.shape != x.shape:
        raise ValueError(f"expected a guess {list(x.shape)}, got {list(x_hat.shape)}")
    return ((x_hat - x) / per_image((1 - t).clamp(min=floor), x)).square().mean()


def random_times(n, device=None, shift=0.0):
    """n random times for training: the sigmoid of a normal variable with mean `shift`.

    Most are in the middle, where there is most to decide.
    A negative shift looks more often at noisy images.
    Source: Esser et al. 2024 (arXiv:2403.03206).
    """
    return torch.sigmoid(torch.randn(n, device=device) + shift)


def trajectory(net, eps, calls=10, c=None):
    """Walk from noise to images, by as many calls of the network; yields x_t at every `times`.

    calls + 1 tensors, the first one eps, the last one the images. c: conditions, if it has any.
    """
    return multistep(denoiser(told(net, c)), eps, times(calls))


def told(net, c):
    """The network as a function of (x, t), told the conditions c [N, K] or, where None, nothing."""
    return net if c is None else lambda x, t: net(x, t, c)


def times(calls):
    """Where `trajectory` calls: its calls + 1 times, from almost 0 to 1.

    Levels of noise beside data from 40 to 0.03, to the power of a third at equal distances: chosen
    by the Fréchet distance of samples of small flows to the test images, which flatters figures by
    the same distance a little.
    """
    return karras_times(calls, rho=3.0, levels=(40.0, 0.03))


def sample(net, eps, calls=10, c=None):
    """The images at the end of `trajectory`, clamped to [-1, 1]."""
    return last(trajectory(net, eps, calls, c)).clamp(-1, 1)


def draw(net, noise, calls=10, c=None):
    """`sample` for noise [N, ...] that is too much for one pass: images on the CPU."""
    return in_parts(lambda eps, *told: sample(net, eps, calls, *told), net, noise, c)


@torch.no_grad()
def in_parts(way, net, noise, c=None):
    """What `way` makes of noise [N, ...] and conditions, in parts, on the device of net: images.

    way: (eps) or (eps, c) -> images.
    """
    device = next(net.parameters()).device
    given = (noise,) if c is None else (noise, c)
    parts = [[t.to(device) for t in part] for part in layers.parts(*given)]
    return torch.cat([way(*part).cpu() for part in parts])


def drawn_groups(shares, n, generator=None):
    """One-hot groups [n, K] for a flow that is told them, drawn as often as they come.

    shares: [K], the share of each group among the images that it learned from.
    """
    shares = torch.as_tensor(shares, dtype=torch.float64)
    groups = torch.multinomial(shares, n, replacement=True, generator=generator)
    return torch.nn.functional.one_hot(groups, len(shares)).float()
