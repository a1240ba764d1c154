"""Distances between distributions, each against an oracle of its own."""

import math

import numpy as np
import pytest
import scipy.linalg
import torch
from hypothesis import given
from hypothesis import strategies as st

from genimg_lib.divergences import frechet_distance


def gaussian(d, seed, rank=None):
    """A mean and a covariance of the given rank."""
    g = torch.Generator().manual_seed(seed)
    a = torch.randn(d, rank or d, generator=g, dtype=torch.float64)
    return torch.randn(d, generator=g, dtype=torch.float64), a @ a.T / d


@given(d=st.integers(1, 12), seed=st.integers(0, 10**6))
def test_frechet_distance_agrees_with_scipy_sqrtm(d, seed):
    (m1, c1), (m2, c2) = gaussian(d, seed), gaussian(d, seed + 1)
    root = scipy.linalg.sqrtm(c1.numpy() @ c2.numpy())
    wanted = ((m1 - m2) ** 2).sum().item() + np.trace(c1.numpy() + c2.numpy() - 2 * root.real)
    assert frechet_distance(m1, c1, m2, c2) == pytest.approx(wanted, rel=1e-5, abs=1e-5)


@given(m1=st.floats(-5, 5), m2=st.floats(-5, 5), s1=st.floats(0, 4), s2=st.floats(0, 4))
def test_frechet_distance_in_one_dimension_has_a_closed_form(m1, m2, s1, s2):
    found = frechet_distance(
        torch.tensor([m1]).double(), torch.tensor([[s1**2]]).double(), torch.tensor([m2]).double(), torch.tensor([[s2**2]]).double()
    )
    assert found == pytest.approx((m1 - m2) ** 2 + (s1 - s2) ** 2, abs=1e-4)


def test_frechet_distance_is_the_cost_of_the_best_transport_in_one_dimension():
    g = torch.Generator().manual_seed(0)
    a, b = 1 + 2 * torch.randn(200_000, generator=g).double(), -1 + 0.5 * torch.randn(200_000, generator=g).double()
    cost = (a.sort().values - b.sort().values).square().mean().item()  # sorted with sorted is optimal on the line
    assert frechet_distance(a.mean()[None], a.var()[None, None], b.mean()[None], b.var()[None, None]) == pytest.approx(cost, rel=0.01)


@given(d=st.integers(1, 10), seed=st.integers(0, 10**6))
def test_frechet_distance_is_symmetric_and_never_negative(d, seed):
    p, q = gaussian(d, seed), gaussian(d, seed + 1)
    assert frechet_distance(*p, *q) == pytest.approx(frechet_distance(*q, *p), rel=1e-6, abs=1e-9)
    assert 0 <= frechet_distance(*p, *p) < 1e-6


@given(d=st.integers(3, 10), seed=st.integers(0, 10**6))
def test_frechet_distance_bears_covariances_without_full_rank(d, seed):
    (m1, c1), (m2, _) = gaussian(d, seed, rank=1), gaussian(d, seed + 1)
    found = frechet_distance(m1, c1, m2, torch.zeros(d, d))
    assert found == pytest.approx(((m1 - m2) ** 2).sum().item() + c1.trace().item(), rel=1e-6)
    assert math.isfinite(frechet_distance(m1, c1, m1, c1))


@pytest.mark.parametrize("shift, scale", [(0.5, 1.0), (0.0, 1.5), (1.0, 2.0)])
def test_frechet_distance_of_isotropic_gaussians_counts_every_dimension(shift, scale):
    d, eye = 7, torch.eye(7)
    found = frechet_distance(torch.zeros(d), eye, torch.full((d,), shift), scale**2 * eye)
    assert found == pytest.approx(d * (shift**2 + (scale - 1) ** 2), rel=1e-6)


def test_frechet_distance_of_large_nearly_equal_moments_keeps_its_digits():
    d, eye = 4, torch.eye(4, dtype=torch.float64)
    found = frechet_distance(torch.full((d,), 1e3), 1e4 * eye, torch.full((d,), 1e3), (100.01**2) * eye)
    assert found == pytest.approx(d * 0.01**2, rel=1e-3)


def test_frechet_distance_refuses_shapes_that_do_not_fit():
    (m, c), (m2, c2) = gaussian(3, 0), gaussian(4, 0)
    for given_shapes in ((m, c, m2, c2), (m, c[0], m, c), (m[None], c, m, c), (m, c, m[None], c), (m, c, m, c[None])):
        with pytest.raises(ValueError, match=r"means \[d\] and covariances \[d, d\] are wanted"):
            frechet_distance(*given_shapes)
