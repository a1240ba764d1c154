"""Generative adversarial networks: the losses of the game, penalties, networks.

A discriminator (a *critic*, where it has no probability in mind) gives a logit a for each image;
the probability that it calls the image real is D = sigmoid(a). All losses take logits, of any
shape, and give their mean, to be minimised. With log D = -softplus(-a) and log(1 - D) =
-softplus(a) nothing overflows. Images are [N, C, H, W] in [-1, 1], latents [N, d] standard normal.
"""

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.utils.parametrizations import spectral_norm

from genimg_lib.layers import check_condition, icnr_

# ------------------------------------------------------------------ losses


def minimax_d_loss(real_logits, fake_logits):
    """The discriminator's loss in nats: -(E log D(x) + E log(1 - D(G(z)))).

    2 log 2 where it cannot tell.
    Source: Goodfellow et al. 2014 (arXiv:1406.2661), equation 1.
    """
    return F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean()


def minimax_g_loss(fake_logits):
    """E log(1 - D(G(z))): what the generator minimises in the minimax game.

    Its slope, -D, vanishes where the discriminator is sure of a fake.

    Source: Goodfellow et al. 2014 (arXiv:1406.2661), equation 1.
    """
    return -F.softplus(fake_logits).mean()


def nonsaturating_g_loss(fake_logits):
    """-E log D(G(z)): the generator's loss in practice.

    Its slope, -(1 - D), is largest where the discriminator is sure of a fake.

    Source: Goodfellow et al. 2014 (arXiv:1406.2661), section 3.
    """
    return F.softplus(-fake_logits).mean()


def hinge_d_loss(real_logits, fake_logits):
    """The hinge loss of the discriminator: E max(0, 1 - a(x)) + E max(0, 1 + a(G(z))).

    What is right by more than a margin of 1 counts no more. 0 or more.
    Source: Lim and Ye 2017 (arXiv:1705.02894); as here Miyato et al. 2018 (arXiv:1802.05957),
    equation 16.
    """
    return F.relu(1 - real_logits).mean() + F.relu(1 + fake_logits).mean()


def hinge_g_loss(fake_logits):
    """-E a(G(z)). Source: Miyato et al. 2018 (arXiv:1802.05957), equation 17."""
    return -fake_logits.mean()


def wasserstein_d_loss(real_logits, fake_logits):
    """The critic's loss, E a(G(z)) - E a(x): minus its estimate of Wasserstein-1.

    The estimate holds only for a critic of slope 1 at most.
    Source: Arjovsky et al. 2017 (arXiv:1701.07875), equation 2.
    """
    return fake_logits.mean() - real_logits.mean()


def wasserstein_g_loss(fake_logits):
    """-E a(G(z)). Source: Arjovsky et al. 2017 (arXiv:1701.07875), theorem 3."""
    return -fake_logits.mean()


def relativistic_d_loss(real_logits, fake_logits):
    """The relativistic loss of D: E softplus(-(a(x) - a(G(z)))) over pairs.

    Is the real image more real than its partner? log 2 where it cannot tell.
    Logits of the same shape; the pairs are those of the same place.
    Raises ValueError for unlike shapes.
    Source: Jolicoeur-Martineau 2018 (arXiv:1807.00734); as here Huang et al. 2024
    (arXiv:2501.05441), equation 2.
    """
    _check_pairs(real_logits, fake_logits)
    return F.softplus(fake_logits - real_logits).mean()


def relativistic_g_loss(real_logits, fake_logits):
    """The same from the other side: E softplus(-(a(G(z)) - a(x))).

    The generator needs the reals' logits too.
    """
    _check_pairs(real_logits, fake_logits)
    return F.softplus(real_logits - fake_logits).mean()


def auxiliary_classifier_loss(logits, c):
    """The auxiliary classifier's loss: binary cross-entropy a target that c holds, in nats.

    logits: [N, K], one for each entry of the condition.
    c: [N, K] of zeros and ones, one 1 or more a row (several one-hot vectors side by side).
    Raises ValueError for unlike shapes.
    Source: Odena et al. 2016 (arXiv:1610.09585), there a softmax over classes.
    """
    if logits.shape != c.shape:
        raise ValueError(
            f"expected one logit for each entry of the conditions, got {list(logits.shape)} and"
            f" {list(c.shape)}"
        )
    return F.binary_cross_entropy_with_logits(logits, c, reduction="sum") / c.sum().clamp(min=1)


def _check_pairs(real_logits, fake_logits):
    if real_logits.shape != fake_logits.shape:
        raise ValueError(
            f"pairs need as many real as fake logits; got {list(real_logits.shape)} and"
            f" {list(fake_logits.shape)}"
        )


# ------------------------------------------------------------------ what holds the critic's slope


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


def _slope(critic, x):
    """The gradient of each image's logit by that image, [N, pixels], itself differentiable."""
    x = x.requires_grad_()
    with torch.enable_grad():
        (slope,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
    return slope.flatten(1)


# ------------------------------------------------------------------ augmentation


class DiffAugment:
    """Random changes through which gradients flow, for real and fake images alike.

    So that a discriminator cannot learn few images by heart.
    policy: of "color" (brightness, saturation, contrast), "translation" (by up to 1/8 of the side,
        zeros come in), "cutout" (a square of about half the side becomes 0). All three if none is
        named. Called with images [N, C, H, W]; each gets its own change.
    Raises ValueError for unknown names.
    Source: Zhao et al. 2020 (arXiv:2006.10738).
    """

    def __init__(self, *policy):
        self.policy = policy or ("color", "translation", "cutout")
        if unknown := [
            name for name in self.policy if name not in ("color", "translation", "cutout")
        ]:
            raise ValueError(f"unknown change {unknown[0]!r}; known: color, translation, cutout")

    def __call__(self, x):
        for name in self.policy:
            x = getattr(self, f"_{name}")(x)
        return x

    @staticmethod
    def _color(x):
        brightness, saturation, contrast = torch.rand(
            3, len(x), 1, 1, 1, device=x.device, dtype=x.dtype
        )
        x = x + (brightness - 0.5)
        x = torch.lerp(x.mean(dim=1, keepdim=True), x, 2 * saturation) if x.shape[1] > 1 else x
        return torch.lerp(x.mean(dim=(1, 2, 3), keepdim=True), x, contrast + 0.5)

    @staticmethod
    def _translation(x):
        n, _, h, w = x.shape
        down, across = max(1, h // 8), max(1, w // 8)
        padded = F.pad(x, (across, across, down, down))
        top = torch.randint(2 * down + 1, (n, 1, 1), device=x.device)
        left = torch.randint(2 * across + 1, (n, 1, 1), device=x.device)
        rows = torch.arange(h, device=x.device).view(1, h, 1) + top
        columns = torch.arange(w, device=x.device).view(1, 1, w) + left
        image = torch.arange(n, device=x.device).view(n, 1, 1)
        moved = padded.permute(0, 2, 3, 1)[image, rows, columns]  # [N, H, W, C]
        return moved.permute(0, 3, 1, 2)

    @staticmethod
    def _cutout(x):
        n, _, h, w = x.shape
        middle_y, middle_x = (torch.randint(side + 1, (n, 1), device=x.device) for side in (h, w))
        rows = (torch.arange(h, device=x.device) - middle_y).abs() <= h // 4
        columns = (torch.arange(w, device=x.device) - middle_x).abs() <= w // 4
        return x.masked_fill((rows[:, :, None] & columns[:, None, :])[:, None], 0.0)


# ------------------------------------------------------------------ networks


class Generator(nn.Module):
    """G(z): latents [N, latent] to images [N, channels, size, size] in [-1, 1].

    By a layer for the smallest side and pixel shuffles that double it.
    size: 16 to 128, of the form s 2^k with s from 4 to 7 (28 = 7 * 4).
    width: channels at half the size; they double towards the small side, up to four times.
    conditions: length of the vector c [N, conditions] that G obeys; it goes in beside z and scales
        every normalised map (conditional batch norm, de Vries et al. 2017, arXiv:1707.00683).
    """

    def __init__(self, size=32, channels=3, latent=64, width=32, conditions=0):
        super().__init__()
        sides = _sides(size)
        widths = [_width(width, size, side) for side in sides]
        self.latent, self.conditions = latent, conditions
        self.first = nn.Linear(latent + conditions, widths[0] * sides[0] ** 2)
        self.shape = (widths[0], sides[0], sides[0])
        self.norms = nn.ModuleList(Norm(w, conditions) for w in widths)
        outs = [*widths[1:], channels]
        self.ups = nn.ModuleList(
            nn.Conv2d(w, 4 * out, 3, padding=1) for w, out in zip(widths, outs, strict=True)
        )
        for up in self.ups:
            icnr_(up)

    def forward(self, z, c=None):
        check_condition(c, len(z), self.conditions)
        x = self.first(z if c is None else torch.cat([z, c], dim=1)).view(-1, *self.shape)
        for norm, up in zip(self.norms, self.ups, strict=True):
            x = F.pixel_shuffle(up(F.relu(norm(x, c))), 2)  # [N, 4 w, s, s] -> [N, w, 2 s, 2 s]
        return torch.tanh(x)


class Discriminator(nn.Module):
    """a(x): images [N, channels, size, size] to logits [N], by strided convolutions.

    With spectral norm (Miyato et al. 2018) and no batch norm.
    size, channels, width as for Generator.
    spectral: False leaves the layers free, for penalties that hold the slope themselves.
    conditions: length of c [N, conditions], which is judged with the image by a projection, a(x, c)
        = w h(x) + (V c) . h(x) (Miyato and Koyama 2018, arXiv:1802.05637), and may be read from the
        image by a linear layer on h.
    """

    def __init__(self, size=32, channels=3, width=32, conditions=0, spectral=True):
        super().__init__()
        held = spectral_norm if spectral else (lambda layer: layer)
        sides = _sides(size)[::-1]  # from half the size down
        widths = [_width(width, size, side) for side in sides]
        layers = [
            nn.PixelUnshuffle(2),
            held(nn.Conv2d(4 * channels, widths[0], 3, padding=1)),
            nn.LeakyReLU(0.2),
        ]
        for w, out in zip(widths, [*widths[1:], widths[-1]], strict=False):
            layers += [held(nn.Conv2d(w, out, 4, stride=2, padding=1)), nn.LeakyReLU(0.2)]
        self.body = nn.Sequential(*layers, nn.Flatten())
        self.conditions, features = conditions, widths[-1] * (sides[-1] // 2) ** 2
        self.last = held(nn.Linear(features, 1))
        self.embed = held(nn.Linear(conditions, features, bias=False)) if conditions else None
        self.classifier = nn.Linear(features, conditions) if conditions else None

    def forward(self, x, c=None, classify=False):
        """Logits [N]; with classify=True also the auxiliary classifier's, [N, conditions].

        Raises ValueError where conditions are asked for and the network has none, or the other
        way round.
        """
        h = self.body(x)
        a = self.last(h)[:, 0]
        check_condition(c, len(x), self.conditions)
        a = a if c is None else a + (self.embed(c) * h).sum(dim=1)
        if not classify:
            return a
        if self.classifier is None:
            raise ValueError("this network was made without conditions: nothing to classify")
        return a, self.classifier(h)


class Norm(nn.Module):
    """Batch norm whose scale and shift may depend on a condition c [N, conditions]."""

    def __init__(self, width, conditions=0):
        super().__init__()
        self.norm = nn.BatchNorm2d(width, affine=not conditions)
        self.scale_shift = nn.Linear(conditions, 2 * width) if conditions else None

    def forward(self, x, c=None):
        x = self.norm(x)
        if self.scale_shift is None:
            return x
        scale, shift = self.scale_shift(c)[:, :, None, None].chunk(2, dim=1)
        return x * (1 + scale) + shift


def _sides(size):
    """The sides a generator passes before its last doubling: 32 -> [4, 8, 16]."""
    sides = [size]
    while sides[0] % 2 == 0 and sides[0] > 7:
        sides.insert(0, sides[0] // 2)
    if not 16 <= size <= 128 or not 4 <= sides[0] <= 7:
        raise ValueError(
            f"a side of {size} pixels; from 16 to 128 and 4, 5, 6 or 7 times a power of 2 are"
            " possible: 16, 28, 32, 48, 64, 128 ..."
        )
    return sides[:-1]


def _width(width, size, side):
    return width * min(4, size // 2 // side)
