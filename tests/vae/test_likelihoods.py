"""Likelihoods of 256 levels, and what bits per dimension mean."""

import math

import pytest
import torch

from genimg_lib import vae

LEVELS = 2 * torch.arange(256, dtype=torch.float64) / 255 - 1


@pytest.mark.parametrize("log_scale", [-7.0, -3.0, 0.5])
def test_the_256_levels_have_probabilities_that_sum_to_one(log_scale):
    mean = torch.linspace(-1.5, 1.5, 41, dtype=torch.float64)[:, None]
    likelihood = vae.DiscretizedLogistic(mean, torch.tensor(log_scale).double())
    p = torch.stack([likelihood.log_prob(x.expand(41, 1)).exp() for x in LEVELS])
    torch.testing.assert_close(p.sum(dim=0), torch.ones(41, dtype=torch.float64))


def test_the_logistic_mass_of_a_level_is_a_difference_of_sigmoids():
    mean, scale = torch.tensor([[0.1]]).double(), 0.07
    likelihood = vae.DiscretizedLogistic(mean, math.log(scale))
    for k in (3, 120, 200):
        upper, lower = ((LEVELS[k] + s / 255 - 0.1) / scale for s in (1, -1))
        expected = torch.log(torch.sigmoid(upper) - torch.sigmoid(lower))
        found = likelihood.log_prob(LEVELS[k].view(1, 1))[0]
        torch.testing.assert_close(found, expected)


def test_levels_far_away_keep_a_finite_value_and_a_gradient():
    mean = torch.full((1, 2), -1.0, requires_grad=True)
    found = vae.DiscretizedLogistic(mean, -6.0).log_prob(torch.tensor([[1.0, 0.9]]))
    found.sum().backward()
    assert found.isfinite().all()
    assert (mean.grad > 0).all()


def test_a_uniform_model_costs_eight_bits():
    uniform = torch.tensor(-3072 * math.log(256))
    assert vae.bits_per_dimension(uniform, 3072).item() == pytest.approx(8.0)


def test_a_uniform_density_on_the_range_of_dequantised_images_costs_eight_bits():
    width = 2 / 255
    density = torch.tensor(-3072 * math.log(256 * width))
    assert vae.bits_per_dimension(density, 3072, width).item() == pytest.approx(8.0)


def test_noise_between_levels_stays_between_them():
    x = LEVELS.repeat(4, 1)
    noisy = vae.dequantize(x, torch.rand(x.shape, dtype=torch.float64))
    assert ((noisy - x).abs() <= 1 / 255 + 1e-12).all()
    assert (((noisy + 1) * 255 / 2).round() == ((x + 1) * 255 / 2).round()).all()


def test_a_dequantised_density_bounds_the_discrete_likelihood():
    """Jensen: E_u log p(x + u) + log width <= log of the mass of the level."""
    mean, sigma = torch.zeros(1, 1).double(), 0.05
    u = torch.rand(20_000, 1, dtype=torch.float64)
    x = LEVELS[130].expand(20_000, 1)
    density = vae.Gaussian(mean, math.log(sigma)).log_prob(vae.dequantize(x, u)).mean()
    normal = torch.distributions.Normal(0.0, sigma)
    mass = normal.cdf(LEVELS[130] + 1 / 255) - normal.cdf(LEVELS[130] - 1 / 255)
    bound = vae.bits_per_dimension(density, 1, 2 / 255)
    assert bound >= -mass.log2() - 1e-4
    assert bound < -mass.log2() + 0.01


def test_what_are_no_pixels_is_refused():
    whole, outside = torch.full((2, 3), 200, dtype=torch.uint8), torch.full((2, 3), -1.0)
    for likelihood in (vae.Gaussian, vae.DiscretizedLogistic):
        with pytest.raises(TypeError, match=r"uint8; data\.to_float"):
            likelihood(torch.zeros(2, 3), -1.0).log_prob(whole)
    with pytest.raises(TypeError, match="uint8"):
        vae.dequantize(whole, torch.rand(2, 3))
    with pytest.raises(ValueError, match="3 to 3"):
        vae.DiscretizedLogistic(torch.zeros(2, 3), -1.0).log_prob(torch.full((2, 3), 3.0))
    with pytest.raises(ValueError, match=r"0\.\.1, got -1 to -1"):
        vae.Bernoulli(torch.zeros(2, 3)).log_prob(outside)
    bools = torch.tensor([[True, False]])
    found = vae.Bernoulli(torch.zeros(1, 2)).log_prob(bools)
    torch.testing.assert_close(found, torch.tensor([-2 * math.log(2)]))
