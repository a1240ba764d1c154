"""Distributions in the plane, for ideas that want to be seen whole.

Each gives points float32 [n, 2] within about [-3, 3] x [-3, 3].
"""

import math

import torch

from genimg_lib.data.mixture import GaussianMixture


def ring(n, seed=0, modes=8, radius=2.0, std=0.05):
    """Gaussians of the same weight on a circle, the usual test for forgotten modes."""
    g = torch.Generator().manual_seed(seed)
    return ring_centres(modes, radius)[torch.randint(modes, (n,), generator=g)] + std * torch.randn(
        n, 2, generator=g
    )


def ring_centres(modes=8, radius=2.0):
    """The centres of `ring`: [modes, 2]."""
    angle = torch.arange(modes) * (2 * math.pi / modes)
    return radius * torch.stack([angle.cos(), angle.sin()], dim=1)


def ring_mixture(modes=8, radius=2.0, std=0.05, weights=None):
    """The distribution of `ring`, in float64: a `GaussianMixture`. weights: [modes], or equal."""
    weights = torch.full((modes,), 1 / modes) if weights is None else torch.as_tensor(weights)
    centres = ring_centres(modes, radius).double()
    covariances = std**2 * torch.eye(2, dtype=torch.float64)
    return GaussianMixture(weights.double(), centres, covariances.expand(modes, 2, 2))


def grid(n, seed=0, side=5, spacing=1.0, std=0.05):
    """side x side Gaussians on a square grid."""
    g = torch.Generator().manual_seed(seed)
    return grid_centres(side, spacing)[
        torch.randint(side * side, (n,), generator=g)
    ] + std * torch.randn(n, 2, generator=g)


def grid_centres(side=5, spacing=1.0):
    """The centres of `grid`: [side * side, 2]."""
    axis = (torch.arange(side) - (side - 1) / 2) * spacing
    return torch.cartesian_prod(axis, axis)


def moons(n, seed=0, std=0.05):
    """Two half circles that interlock."""
    g = torch.Generator().manual_seed(seed)
    angle, lower = math.pi * torch.rand(n, generator=g), torch.randint(2, (n,), generator=g)
    x, y = angle.cos(), angle.sin()
    points = torch.stack(
        [torch.where(lower == 1, 1 - x, x) - 0.5, torch.where(lower == 1, 0.5 - y, y) - 0.25], dim=1
    )
    return 1.5 * points + std * torch.randn(n, 2, generator=g)


def spirals(n, seed=0, arms=2, turns=1.5, std=0.03):
    """Arms that wind outwards, about equally dense along an arm.

    The square of the points' radius is uniform.
    """
    g = torch.Generator().manual_seed(seed)
    t = torch.rand(n, generator=g).sqrt()
    angle = 2 * math.pi * (turns * t + torch.randint(arms, (n,), generator=g) / arms)
    return 2.5 * t[:, None] * torch.stack([angle.cos(), angle.sin()], dim=1) + std * torch.randn(
        n, 2, generator=g
    )


def checkerboard(n, seed=0, squares=4):
    """The dark squares of a squares x squares board over [-2, 2] x [-2, 2], uniform on each."""
    g = torch.Generator().manual_seed(seed)
    dark = torch.cartesian_prod(torch.arange(squares), torch.arange(squares))
    dark = dark[dark.sum(dim=1) % 2 == 0]
    corner = dark[torch.randint(len(dark), (n,), generator=g)]
    return (corner + torch.rand(n, 2, generator=g)) * (4 / squares) - 2
