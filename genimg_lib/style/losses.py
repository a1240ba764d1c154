"""Losses between feature maps, and maps that take on another's statistics."""

import torch

from genimg_lib.layers import check_floats


def gram(features):
    """The Gram matrix of each image's features, F F' / (C H W) with F = [C, HW].

    How often channels are active together.
    features: [N, C, H, W].
    Returns [N, C, C], symmetric and positive semidefinite.
    Raises ValueError for another number of axes, TypeError for whole numbers, whose sums overflow.
    Source: Gatys et al. 2015 (arXiv:1508.06576), equation 3, there without the division.
    """
    if features.dim() != 4:
        raise ValueError(
            f"expected features [N, C, H, W], got {list(features.shape)}"
            + (": add a batch axis, features[None]" if features.dim() == 3 else "")
        )
    check_floats(features)
    n, c, h, w = features.shape
    flat = features.reshape(n, c, h * w)  # [N, C, HW]
    return flat @ flat.transpose(1, 2) / (c * h * w)


def content_loss(features, target):
    """The mean squared difference of two feature maps of one layer.

    0 where the content is the same, place by place.
    features, target: [N, C, H, W] alike.
    Raises ValueError for unlike shapes, as of features and pixels.
    Source: Gatys et al. 2015 (arXiv:1508.06576), equation 1, there half the sum.
    """
    if features.shape != target.shape:
        raise ValueError(
            f"features of the same layer and size are compared; got {list(features.shape)} and"
            f" {list(target.shape)}"
        )
    return (features - target).square().mean()


def style_loss(maps, grams):
    """How far the Gram matrices of feature maps are from the targets, layer by layer.

    The mean of |Gram - target|^2 / |target|^2 (Frobenius norms).
    maps: a list of [N, C_l, H_l, W_l]; grams: a list of [N or 1, C_l, C_l], as `gram` makes them. 0
        where all agree, 1 for features that are 0. Divided so, every layer of every network counts
        alike.
    Raises ValueError for unlike numbers of layers or channels.
    Source: Gatys et al. 2015 (arXiv:1508.06576), equations 4 and 5, there not divided by the wanted
    one.
    """
    if len(maps) != len(grams) or not grams:
        raise ValueError(
            f"one wanted Gram matrix for each layer; got {len(maps)} layers and {len(grams)}"
            " matrices"
        )
    losses = []
    for features, wanted in zip(maps, grams, strict=True):
        found = gram(features)
        if found.shape[1:] != wanted.shape[1:] or len(wanted) not in (1, len(found)):
            raise ValueError(
                f"features {list(features.shape)} have Gram matrices {list(found.shape)}; wanted"
                f" are {list(wanted.shape)}"
            )
        size = wanted.square().sum(dim=(1, 2)).clamp(min=1e-12)  # a black style has pixels of 0
        losses.append(((found - wanted).square().sum(dim=(1, 2)) / size).mean())
    return sum(losses) / len(losses)


def total_variation(x):
    """The mean absolute difference of neighbouring pixels: 0 for a flat image.

    To the right plus downwards.
    x: [N, C, H, W]. An image of one pixel's width has no neighbours to the right, and so on.
    Source: Rudin, Osher, Fatemi 1992, here anisotropic.
    """
    steps = [(x[..., 1:] - x[..., :-1]).abs(), (x[..., 1:, :] - x[..., :-1, :]).abs()]
    return sum(step.mean() for step in steps if step.numel())


def adain(content, style, eps=1e-5):
    """The content's maps with the style's mean and deviation, channel by channel.

    "Adaptive instance normalisation".
    content: [N, C, H, W]; style: [N or 1, C, H', W'], of any size. A channel that is flat in the
        content becomes the style's mean.
    Raises ValueError for unlike channels.
    Source: Huang and Belongie 2017 (arXiv:1703.06868), equation 8.
    """
    _check_channels(content, style)
    (mean, std), (style_mean, style_std) = (_moments(f, eps) for f in (content, style))
    return style_std * (content - mean) / std + style_mean


def whiten_color(content, style, eps=1e-8):
    """The content's maps with the style's mean and covariance: whitened, then coloured.

    content: [N, C, H, W]; style: [N or 1, C, H', W']. Directions in which the features hardly vary
        (below eps of the most) are left out.
    Raises ValueError for unlike channels.
    Source: Li et al. 2017 (arXiv:1705.08086), equations 2 and 3.
    """
    _check_channels(content, style)
    flat, mean, root = _covariance_power(content, -0.5, eps)
    _, style_mean, style_root = _covariance_power(style, 0.5, eps)
    return (style_root @ (root @ (flat - mean)) + style_mean).to(content).view_as(content)


def recolor(content, style, reference=None):
    """The content's picture with the mean and covariance of the style's colours.

    Cut to [-1, 1]: `whiten_color` for pixels, which lets grey stay calm.
    content: [N, 3, H, W] in [-1, 1]; style: [N or 1, 3, h, w].
    reference: a picture [1, 3, h, w] whose colours stand for the content's, as a film's first frame
        for all of it, lest the colours change as the camera moves.
    """
    _check_channels(content, style)
    return color(bleach(content, reference), *color_statistics(style))


def bleach(content, reference=None):
    """Pixels without the mean and covariance of a reference's colours, or their own.

    [N, 3, H, W]. Directions that hardly vary are not blown up.
    """
    if reference is not None:
        _check_channels(reference, content[:1])
    mean, covariance = _color_moments(content if reference is None else reference)
    floor = 1e-3 * covariance.diagonal(dim1=1, dim2=2).mean(dim=1)[:, None, None] + 1e-5
    values, vectors = torch.linalg.eigh(
        covariance + floor * torch.eye(3, dtype=covariance.dtype, device=covariance.device)
    )
    root = (vectors * values[:, None] ** -0.5) @ vectors.transpose(1, 2)
    return (root @ (_precise(content).flatten(2) - mean)).to(content).view_as(content)


def color(bleached, mean, root):
    """Bleached pixels [N, 3, H, W] with a mean and a root of a covariance, cut to [-1, 1].

    mean: [N or 1, 3].
    root: [N or 1, 3, 3].
    """
    return (
        (root.to(bleached) @ bleached.flatten(2) + mean.to(bleached)[:, :, None])
        .view_as(bleached)
        .clamp(-1, 1)
    )


def color_statistics(pictures):
    """The colours' mean [N, 3] and symmetric root of their covariance [N, 3, 3].

    Of pictures [N, 3, h, w].
    """
    mean, covariance = _color_moments(pictures)
    values, vectors = torch.linalg.eigh(covariance)
    return mean[:, :, 0].to(pictures), (
        (vectors * values.clamp(min=0)[:, None].sqrt()) @ vectors.transpose(1, 2)
    ).to(pictures)


def _color_moments(pictures):
    pixels = _precise(pictures).flatten(2)
    mean = pixels.mean(dim=2, keepdim=True)
    return mean, (pixels - mean) @ (pixels - mean).transpose(1, 2) / pixels.shape[2]


def whiten(features, eps=1e-8):
    """The first half of `whiten_color`: mean 0 and covariance 1, [N, C, H, W] to the same.

    The identity as covariance only where the features vary at all.
    """
    flat, mean, root = _covariance_power(features, -0.5, eps)
    return (root @ (flat - mean)).to(features).view_as(features)


def _moments(features, eps):
    """Mean and deviation of each channel of each image, [N, C, 1, 1]."""
    mean = features.mean(dim=(2, 3), keepdim=True)
    # a fourth of var_mean's time on a CPU
    var = (features - mean).square().mean(dim=(2, 3), keepdim=True)
    return mean, (var + eps).sqrt()


def _covariance_power(features, power, eps):
    """Features [N, C, HW], their mean [N, C, 1], their covariance to a power [N, C, C].

    In float64.
    """
    flat = _precise(features).flatten(2)
    mean = flat.mean(dim=2, keepdim=True)
    values, vectors = torch.linalg.eigh(
        (flat - mean) @ (flat - mean).transpose(1, 2) / flat.shape[2]
    )
    kept = values > eps * values[:, -1:]
    scaled = torch.where(kept, values.clamp(min=1e-300) ** power, 0.0)
    return flat, mean, (vectors * scaled[:, None]) @ vectors.transpose(1, 2)


def _precise(x):
    """x in float64; on the CPU where the device has none (Apple's GPUs)."""
    return (x.cpu() if x.device.type == "mps" else x).double()


def _check_channels(content, style):
    check_floats(content), check_floats(style)
    if (
        content.dim() != 4
        or style.dim() != 4
        or content.shape[1] != style.shape[1]
        or len(style) not in (1, len(content))
    ):
        raise ValueError(
            "expected content [N, C, H, W] and style [N or 1, C, H', W'], got"
            f" {list(content.shape)} and {list(style.shape)}"
        )
