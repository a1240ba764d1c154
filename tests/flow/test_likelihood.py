"""Likelihoods of flows against densities that are known."""

import math

import pytest
import torch

from genimg_lib import flow
from genimg_lib.data import toy

RING = toy.ring_mixture(modes=3, std=0.4)
END = 0.98  # where the path is stopped: beyond it the exact velocity grows without bound


def velocity(x, t):
    alpha, sigma = flow.STRAIGHT.alpha(t[0]), flow.STRAIGHT.sigma(t[0])
    return flow.STRAIGHT.guesses(x, t, x=RING.posterior(x, alpha, sigma)[0]).v


def test_the_likelihood_is_the_true_density():
    there = RING.noised(END, 1 - END)
    x = there.sample(60, torch.Generator().manual_seed(0))
    found = flow.log_likelihood(velocity, x, torch.linspace(0, END, 101))
    assert (found - there.log_prob(x)).abs().max() < 0.01


def test_hutchinsons_estimate_has_the_trace_as_its_mean():
    x = RING.sample(4, torch.Generator().manual_seed(0))
    t = torch.full((4,), 0.6, dtype=torch.float64)
    v, exact = flow.exact_divergence(velocity, x, t)
    g = torch.Generator().manual_seed(1)
    probes = torch.randint(2, (4_000, 4, 2), generator=g).double() * 2 - 1
    again, estimate = flow.hutchinson_divergence(velocity, x, t, probes)
    assert torch.equal(v, again)
    torch.testing.assert_close(estimate, exact, atol=0.15, rtol=0)


def test_the_exact_trace_of_a_linear_field():
    matrix = torch.tensor([[1.0, 2.0, 0.0], [3.0, -4.0, 1.0], [0.5, 0.0, 2.5]])
    _, trace = flow.exact_divergence(lambda x, t: x @ matrix.T, torch.randn(5, 3), torch.zeros(5))
    torch.testing.assert_close(trace, matrix.trace().expand(5))


def test_a_field_that_stands_still_leaves_the_density_of_the_noise():
    x = torch.randn(5, 3)
    found = flow.log_likelihood(lambda x, t: 0 * x, x, [0, 0.5, 1])
    known = -x.square().sum(dim=1) / 2 - 1.5 * math.log(2 * math.pi)
    torch.testing.assert_close(found, known)


@pytest.mark.parametrize("times", [[0.0], [0.1, 1.0], [0.0, 0.6, 0.5]])
def test_times_have_to_increase_from_0(times):
    with pytest.raises(ValueError, match="from 0"):
        flow.log_likelihood(velocity, torch.zeros(2, 2), times)


def test_an_image_has_one_trace_as_its_numbers_in_a_line_have():
    matrix = torch.randn(8, 8, generator=torch.Generator().manual_seed(0))

    def linear(x, t):
        return (x.flatten(1) @ matrix.T).view_as(x)

    x, t = torch.randn(5, 2, 2, 2), torch.zeros(5)
    v, trace = flow.exact_divergence(linear, x, t)
    assert torch.equal(v, linear(x, t))
    torch.testing.assert_close(trace, matrix.trace().expand(5))
    assert flow.log_likelihood(linear, x, [0, 0.5]).shape == (5,)


def test_a_constant_field_has_no_divergence():
    x, t = torch.randn(5, 3), torch.zeros(5)
    probes = torch.randn(2, 5, 3)
    for _, trace in (
        flow.exact_divergence(lambda x, t: torch.ones_like(x), x, t),
        flow.hutchinson_divergence(lambda x, t: torch.ones_like(x), x, t, probes),
    ):
        assert torch.equal(trace, torch.zeros(5))
    with pytest.raises(ValueError, match=r"\[K, 5, 3\], got \[5, 3\]"):
        flow.hutchinson_divergence(lambda x, t: x, x, t, probes[0])
