"""Mixtures of normal distributions: against torch.distributions, and what fitting finds."""

import itertools

import pytest
import torch
import torch.distributions as D

from genimg_lib.prior import GaussianMixture, fit_mixture


def known():
    """Three parts in the plane, far apart."""
    weights = torch.tensor([0.5, 0.3, 0.2]).double()
    means = torch.tensor([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]]).double()
    turned = torch.tensor([[1.0, 0.6], [0.6, 1.0]])
    covariances = torch.stack([torch.eye(2), turned, torch.diag(torch.tensor([0.25, 2.0]))])
    return weights, means, covariances.double()


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_its_density_is_that_of_torch_distributions():
    weights, means, covariances = known()
    parts = D.MultivariateNormal(means, covariances)
    wanted = D.MixtureSameFamily(D.Categorical(weights), parts)
    z = 6 * torch.randn(50, 2, generator=seeded(), dtype=torch.float64)
    mixture = GaussianMixture(*known())
    torch.testing.assert_close(mixture.log_prob(z), wanted.log_prob(z))
    assert torch.allclose(mixture.responsibilities(z).sum(dim=1), torch.ones(50).double())


def test_fitting_finds_the_parts_that_samples_came_from():
    weights, means, covariances = known()
    z = GaussianMixture(*known()).sample(20_000, seeded(1))
    found = fit_mixture(z, 3, generator=seeded(3))
    order = [(found.means - mean).square().sum(dim=1).argmin().item() for mean in means]
    assert sorted(order) == [0, 1, 2]
    torch.testing.assert_close(found.weights[order], weights, atol=0.02, rtol=0)
    torch.testing.assert_close(found.means[order], means, atol=0.1, rtol=0)
    again = found.factors[order] @ found.factors[order].mT
    torch.testing.assert_close(again, covariances, atol=0.1, rtol=0)


def test_one_part_is_the_mean_and_the_covariance():
    z = torch.randn(500, 3, generator=seeded(), dtype=torch.float64) @ torch.rand(3, 3).double()
    found = fit_mixture(z, 1, steps=1, least=1e-9)
    torch.testing.assert_close(found.means[0], z.mean(dim=0))
    wanted = z.T.cov(correction=0)
    torch.testing.assert_close(found.factors[0] @ found.factors[0].T, wanted, atol=1e-6, rtol=0)


def test_no_step_lowers_the_likelihood():
    z = GaussianMixture(*known()).sample(400, seeded(1))
    heights = [
        fit_mixture(z, 4, steps=k, least=1e-6, generator=seeded(5)).log_prob(z).mean().item()
        for k in range(12)
    ]
    assert all(b > a - 1e-4 for a, b in itertools.pairwise(heights))
    assert heights[-1] > heights[0] + 0.1


def test_the_same_seed_gives_the_same_mixture_and_the_same_samples():
    z = GaussianMixture(*known()).sample(300, seeded(1))
    one, other = (fit_mixture(z, 2, generator=seeded(2)).sample(5, seeded(3)) for _ in range(2))
    assert torch.equal(one, other)


def test_a_part_with_next_to_nothing_keeps_its_least_variance():
    z = torch.cat([torch.zeros(50, 2), torch.ones(1, 2)])
    found = fit_mixture(z, 3, generator=seeded())
    assert torch.isfinite(found.sample(100, seeded())).all()


@pytest.mark.parametrize(
    ("shape", "parts", "more"),
    [((5,), 1, {}), ((5, 2), 0, {}), ((5, 2), 6, {}), ((5, 2), 2, {"least": 0})],
)
def test_numbers_that_cannot_be_are_refused(shape, parts, more):
    with pytest.raises(ValueError, match="parts"):
        fit_mixture(torch.zeros(shape), parts, **more)
