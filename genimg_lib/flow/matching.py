"""From noise to images: flow matching.

Time runs from 0 (noise) to 1 (image); networks guess the clean image from a noisy one.

x: images [N, C, H, W] in [-1, 1]; eps: noise of that shape; t: times [N] in [0, 1]. net(x_t, t)
gives x_hat.
"""

import torch


def per_image(t, x):
    """Times [N] as [N, 1, 1, ...], so that they multiply images like x."""
    return t.view(-1, *[1] * (x.dim() - 1))


def mix(x, eps, t):
    """x_t = t x + (1 - t) eps: the straight line from noise to image.

    Source: Lipman et al. 2022 (arXiv:2210.02747), sigma_min = 0.
    """
    t = per_image(t, x)
    return t * x + (1 - t) * eps


def matching_loss(net, x, eps, t, floor=0.1):
    """The mean squared error of the guessed velocity, a scalar.

    v = x - eps is guessed as (x_hat - x_t) / (1 - t), so that v_hat - v = (x_hat - x) / (1 - t).
    floor: the least 1 - t in the division, as the error would grow without bound where nearly no
        noise is left.
    Returns a scalar. The network gives images rather than velocities, since images, unlike noise,
    lie near few dimensions.
    """
    x_hat = net(mix(x, eps, t), t).float()
    return ((x_hat - x) / per_image((1 - t).clamp(min=floor), x)).square().mean()


def random_times(n, device=None, shift=0.0):
    """n random times for training: the sigmoid of a normal variable with mean `shift`.

    Most are in the middle, where there is most to decide.
    A negative shift looks more often at noisy images.
    Source: Esser et al. 2024 (arXiv:2403.03206).
    """
    return torch.sigmoid(torch.randn(n, device=device) + shift)


@torch.no_grad()
def trajectory(net, eps, steps=24):
    """Walk from noise to images along the guessed velocity; yields x_t at every step.

    steps + 1 tensors, the first one eps, the last one the images.
    Heun's method: the mean of the velocities at both ends of a step; the last step goes straight to
    x_hat.
    """
    x = eps
    yield x
    for k in range(steps):
        t, s = k / steps, (k + 1) / steps
        v = _velocity(net, x, t)
        if k < steps - 1:
            v = (v + _velocity(net, x + (s - t) * v, s)) / 2
        x = x + (s - t) * v
        yield x


def _velocity(net, x, t):
    return (net(x, torch.full((len(x),), t, device=x.device)).float() - x) / (1 - t)


def sample(net, eps, steps=24):
    """The images at the end of `trajectory`, clamped to [-1, 1]."""
    for x in trajectory(net, eps, steps):
        last = x
    return last.clamp(-1, 1)
