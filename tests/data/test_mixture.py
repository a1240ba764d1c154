"""Mixtures: score, noised density and posterior against autograd and integration."""

import pytest
import torch

from genimg_lib.data import toy
from genimg_lib.data.mixture import GaussianMixture


def mixture():
    weights = torch.tensor([0.2, 0.5, 0.3], dtype=torch.float64)
    means = torch.tensor([[1.0, 0.0], [-1.0, 0.5], [0.0, -2.0]], dtype=torch.float64)
    g = torch.Generator().manual_seed(0)
    factors = torch.randn(3, 2, 2, generator=g, dtype=torch.float64)
    covariances = factors @ factors.transpose(1, 2) + 0.1 * torch.eye(2, dtype=torch.float64)
    return GaussianMixture(weights, means, covariances)


def points(n=7):
    g = torch.Generator().manual_seed(1)
    return 2 * torch.randn(n, 2, generator=g, dtype=torch.float64)


def test_the_score_is_the_gradient_of_the_log_density():
    z = points().requires_grad_(True)
    (gradient,) = torch.autograd.grad(mixture().log_prob(z).sum(), z)
    torch.testing.assert_close(mixture().score(z), gradient)


def board(side=400, reach=9.0):
    axis = torch.linspace(-reach, reach, side, dtype=torch.float64)
    return torch.cartesian_prod(axis, axis), (axis[1] - axis[0]) ** 2


def test_the_noised_mixture_is_the_density_of_what_is_scaled_and_noised():
    z, area = board()
    p = mixture().log_prob(z).exp() * area
    alpha, sigma = 0.7, 0.9
    for y in points(3):
        kernel = torch.exp(-(y - alpha * z).square().sum(dim=1) / (2 * sigma**2))
        by_sum = (p * kernel).sum() / (2 * torch.pi * sigma**2)
        found = mixture().noised(alpha, sigma).log_prob(y[None]).exp()[0]
        torch.testing.assert_close(found, by_sum, rtol=1e-6, atol=1e-9)


def test_the_posterior_is_that_of_bayes_rule():
    z, area = board()
    p = mixture().log_prob(z).exp() * area
    alpha, sigma = 0.7, 0.9
    y = points(3)
    mean, variance = mixture().posterior(y, alpha, sigma)
    for k in range(3):
        share = p * torch.exp(-(y[k] - alpha * z).square().sum(dim=1) / (2 * sigma**2))
        share = share / share.sum()
        by_sum = share @ z
        torch.testing.assert_close(mean[k], by_sum, rtol=1e-6, atol=1e-8)
        spread = (share @ (z - by_sum).square()).mean()
        torch.testing.assert_close(variance[k], spread, rtol=1e-6, atol=1e-8)


def test_the_ring_as_a_mixture_has_the_rings_points():
    points = toy.ring(20_000, std=0.1).double()
    drawn = toy.ring_mixture(std=0.1).sample(20_000, torch.Generator().manual_seed(0))
    torch.testing.assert_close(points.T.cov(), drawn.T.cov(), atol=0.05, rtol=0)
    nearest = torch.cdist(points, toy.ring_centres().double()).argmin(dim=1)
    assert (toy.ring_mixture(std=0.1).responsibilities(points).argmax(dim=1) == nearest).all()


@pytest.mark.parametrize("broken", ["weights", "covariances"])
def test_other_shapes_are_refused(broken):
    parts = {"weights": torch.ones(2) / 2, "means": torch.zeros(2, 3)}
    parts["covariances"] = torch.eye(3).expand(2, 3, 3)
    parts[broken] = parts[broken][:1]
    with pytest.raises(ValueError, match=r"\[1"):
        GaussianMixture(**parts)


SEEN = GaussianMixture(
    torch.tensor([0.3, 0.7], dtype=torch.float64),
    torch.tensor([[-0.8, 0.5], [0.6, -0.7]], dtype=torch.float64),
    torch.tensor([[[0.10, 0.05], [0.05, 0.12]], [[0.2, -0.1], [-0.1, 0.15]]], dtype=torch.float64),
)


@pytest.mark.parametrize("seen", [[0], [1]])
def test_a_mixture_is_conditioned_by_bayes(seen):
    value = torch.tensor([0.35], dtype=torch.float64)
    other = SEEN.given(seen, value)
    axis = torch.linspace(-4, 4, 4_001, dtype=torch.float64)[:, None]
    both = torch.cat([value.expand(len(axis), 1), axis], dim=1)
    joint = SEEN.log_prob(both if seen == [0] else both.flip(1)).exp()
    density = joint / (joint.sum() * (axis[1] - axis[0]))
    assert torch.allclose(other.log_prob(axis).exp(), density, atol=1e-9)
    assert other.weights.sum().item() == pytest.approx(1)


@pytest.mark.parametrize("weights", [(8.0, 2.0), (1.5, -0.5)])
def test_weights_that_are_no_shares_are_refused(weights):
    with pytest.raises(ValueError, match="the sum"):
        GaussianMixture(torch.tensor(weights), torch.zeros(2, 1), torch.ones(2, 1, 1))


@pytest.mark.parametrize("shape", [(3, 1), (3, 3), (2,)])
def test_points_of_another_width_are_refused(shape):
    ring, z = toy.ring_mixture(), torch.zeros(shape).double()
    for ask in (ring.log_prob, ring.responsibilities, ring.score):
        with pytest.raises(ValueError, match=r"expected points \[N, 2\]"):
            ask(z)
