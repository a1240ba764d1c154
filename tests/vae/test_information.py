"""Rate, mutual information and the aggregated posterior against closed forms."""

import math

import pytest
import torch

from genimg_lib import vae

N = 4_000


def linear_gaussian(slope, noise, n=N, seed=0):
    """x ~ N(0, 1), q(z|x) = N(slope x, noise²): mean and logvar, each [n, 1]."""
    x = torch.randn(n, 1, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return slope * x, torch.full_like(x, 2 * math.log(noise))


@pytest.mark.parametrize(("slope", "noise"), [(0.8, 0.6), (1.5, 0.3), (0.0, 1.0)])
def test_the_parts_of_the_rate_have_their_closed_forms(slope, noise):
    mean, logvar = linear_gaussian(slope, noise)
    eps = torch.randn(N, 1, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    information, marginal = vae.rate_parts(mean, logvar, eps)
    variance = slope**2 + noise**2  # of q(z), a normal
    assert information == pytest.approx(0.5 * math.log(variance / noise**2), abs=0.05)
    assert marginal == pytest.approx(0.5 * (variance - 1 - math.log(variance)), abs=0.05)
    rate = vae.gaussian_kl(mean, logvar).mean().item()
    assert information + marginal == pytest.approx(rate, abs=0.08)


def test_the_parts_do_not_depend_on_how_the_table_is_cut():
    mean, logvar = torch.randn(50, 3), torch.randn(50, 3)
    eps = torch.randn(50, 3)
    whole = vae.rate_parts(mean, logvar, eps, at_once=50)
    assert vae.rate_parts(mean, logvar, eps, at_once=7) == pytest.approx(whole, abs=1e-5)


def test_the_mixture_agrees_with_torch_distributions():
    mean, logvar, eps = torch.randn(3, 20, 4, dtype=torch.float64)
    z = mean + (0.5 * logvar).exp() * eps
    components = torch.distributions.Normal(mean, (0.5 * logvar).exp())
    own = components.log_prob(z).sum(dim=1)
    mixture = components.log_prob(z[:, None]).sum(dim=2).logsumexp(dim=1) - math.log(20)
    information, _ = vae.rate_parts(mean, logvar, eps)
    assert information == pytest.approx((own - mixture).mean().item(), abs=1e-9)


def test_information_is_never_more_than_the_logarithm_of_the_images():
    mean = 30 * torch.randn(64, 8)
    information, _ = vae.rate_parts(mean, torch.full_like(mean, -8.0))
    assert information == pytest.approx(math.log(64), abs=1e-3)


def test_active_units_are_those_whose_mean_moves():
    mean = torch.randn(1_000, 4) * torch.tensor([1.0, 0.5, 0.05, 0.0])
    assert vae.active_units(mean) == 2


def test_free_bits_leave_a_coordinate_below_the_least_alone():
    mean = torch.tensor([[0.1, 2.0], [-0.1, 1.0]], requires_grad=True)
    logvar = torch.zeros(2, 2, requires_grad=True)
    vae.free_bits(mean, logvar, 0.5).backward()
    assert (mean.grad[:, 0] == 0).all()
    assert (mean.grad[:, 1] > 0).all()


def test_no_free_bits_are_the_kl():
    mean, logvar = torch.randn(2, 6, 3)
    kl = vae.gaussian_kl(mean, logvar).mean()
    torch.testing.assert_close(vae.free_bits(mean, logvar, 0.0), kl)


def test_free_bits_are_an_upper_bound_of_the_kl_and_of_the_least():
    mean, logvar = torch.randn(2, 6, 3)
    charged = vae.free_bits(mean, logvar, 0.7)
    assert charged >= vae.gaussian_kl(mean, logvar).mean() - 1e-6
    assert charged >= 3 * 0.7 - 1e-6


def test_a_warm_up_ends_at_its_share():
    assert [vae.warm_up(p, 0.5) for p in (0.0, 0.25, 0.5, 1.0)] == [0.0, 0.5, 1.0, 1.0]


@pytest.mark.parametrize("share", [0.0, -1.0, 1.5, math.nan])
def test_a_warm_up_needs_a_share_of_the_training(share):
    with pytest.raises(ValueError, match=str(share)):
        vae.warm_up(0.5, share)


@pytest.mark.parametrize("least", [-0.1, math.nan])
def test_free_nats_are_not_negative(least):
    with pytest.raises(ValueError, match=str(least)):
        vae.free_bits(torch.zeros(1, 1), torch.zeros(1, 1), least)
