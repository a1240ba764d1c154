"""What holds the discriminator's slope, as a price."""

import torch
import torch.nn as nn


def gradient_penalty(critic, real, fake, alpha=None):
    """The gradient penalty: E (|grad a(x)| - 1)^2 between real and fake images.

    At x = alpha real + (1 - alpha) fake; to be multiplied by a weight (10 in the paper) and added
    to the critic's loss.
    critic: maps [N, ...] to one logit an image.
    real, fake: [N, ...] alike.
    alpha: [N] in 0..1, one for each image, uniform if not given. The norm runs over all axes of an
        image. Not for critics with batch norm, in which a logit depends on the other images.
    Raises ValueError for unlike shapes.
    Source: Gulrajani et al. 2017 (arXiv:1704.00028), equation 3.
    """
    if real.shape != fake.shape:
        raise ValueError(
            f"expected as many real as fake images of the same shape, got {list(real.shape)}"
            f" and {list(fake.shape)}"
        )
    alpha = torch.rand(len(real), device=real.device, dtype=real.dtype) if alpha is None else alpha
    if alpha.shape != (len(real),):
        raise ValueError(
            f"alpha is one number for each of the {len(real)} images, [{len(real)}]; got"
            f" {list(alpha.shape)}"
        )
    alpha = alpha.view(-1, *[1] * (real.dim() - 1))
    slope = _slope(critic, alpha * real.detach() + (1 - alpha) * fake.detach())
    # vector_norm: its gradient at 0 is 0, not NaN
    return (torch.linalg.vector_norm(slope, dim=1) - 1).square().mean()


def r1_penalty(critic, real):
    """The R1 penalty: E |grad a(x)|^2 at real images.

    To be multiplied by gamma / 2 and added to the discriminator's loss. At fakes it is called R2.
    critic: maps [N, ...] to one logit an image.
    real: [N, ...].
    Source: Mescheder et al. 2018 (arXiv:1801.04406), equation 9.
    """
    return _slope(critic, real.detach()).square().sum(dim=1).mean()


def orthogonal_penalty(net):
    """The sum over layers of |W W' x (1 - I)|^2: the squared products of different rows of W.

    It asks filters to differ and leaves their lengths free. To be multiplied by a weight (1e-4 in
    the paper) and added to the generator's loss.
    net: its linear and convolutional layers count, a filter of k x k x in as one row; layers with
        one output have no pair and cost 0.
    Source: Brock et al. 2018 (arXiv:1809.11096), equation 3.
    """
    total = 0.0
    for layer in net.modules():
        if isinstance(layer, (nn.Linear, nn.Conv2d)):
            rows = layer.weight.flatten(1)
            products = rows @ rows.T
            total = total + products.square().sum() - products.diagonal().square().sum()
    return total


def _slope(critic, x):
    """The gradient of each image's logit by that image, [N, pixels], itself differentiable."""
    x = x.requires_grad_()
    with torch.enable_grad():
        (slope,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
    return slope.flatten(1)
