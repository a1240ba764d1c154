"""Distances between distributions, each against an oracle of its own."""

import itertools
import math

import numpy as np
import pytest
import scipy.linalg
import scipy.spatial.distance
import scipy.stats
import torch
from hypothesis import given
from hypothesis import strategies as st

from genimg_lib import divergences
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
        torch.tensor([m1]).double(),
        torch.tensor([[s1**2]]).double(),
        torch.tensor([m2]).double(),
        torch.tensor([[s2**2]]).double(),
    )
    assert found == pytest.approx((m1 - m2) ** 2 + (s1 - s2) ** 2, abs=1e-4)


def test_frechet_distance_is_the_cost_of_the_best_transport_in_one_dimension():
    g = torch.Generator().manual_seed(0)
    a, b = (
        1 + 2 * torch.randn(200_000, generator=g).double(),
        -1 + 0.5 * torch.randn(200_000, generator=g).double(),
    )
    # sorted with sorted is optimal on the line
    cost = (a.sort().values - b.sort().values).square().mean().item()
    assert frechet_distance(
        a.mean()[None], a.var()[None, None], b.mean()[None], b.var()[None, None]
    ) == pytest.approx(cost, rel=0.01)


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
    found = frechet_distance(
        torch.full((d,), 1e3), 1e4 * eye, torch.full((d,), 1e3), (100.01**2) * eye
    )
    assert found == pytest.approx(d * 0.01**2, rel=1e-3)


def test_frechet_distance_refuses_shapes_that_do_not_fit():
    (m, c), (m2, c2) = gaussian(3, 0), gaussian(4, 0)
    for given_shapes in (
        (m, c, m2, c2),
        (m, c[0], m, c),
        (m[None], c, m, c),
        (m, c, m[None], c),
        (m, c, m, c[None]),
    ):
        with pytest.raises(ValueError, match=r"means \[d\] and covariances \[d, d\]"):
            frechet_distance(*given_shapes)


# ------------------------------------------------------------------ probabilities

seeds = st.integers(0, 10**6)


def probabilities(shape, seed, zeros=False):
    p = torch.distributions.Dirichlet(torch.full((shape[-1],), 0.5, dtype=torch.float64))
    torch.manual_seed(seed)
    p = p.sample(tuple(shape[:-1]))
    if zeros and shape[-1] > 1:
        p = torch.where(p < p.mean(-1, keepdim=True), 0.0, p)
    return p / p.sum(-1, keepdim=True)


@given(n=st.integers(1, 4), k=st.integers(1, 8), seed=seeds, zeros=st.booleans())
def test_kl_agrees_with_scipy(n, k, seed, zeros):
    p, q = probabilities((n, k), seed, zeros), probabilities((n, k), seed + 1)
    np.testing.assert_allclose(divergences.kl(p, q), scipy.stats.entropy(p, q, axis=-1), atol=1e-10)
    assert (divergences.kl(p, q) > -1e-12).all() and divergences.kl(p, p).abs().max() < 1e-12


def test_kl_is_infinite_where_the_second_forgets_something_and_not_where_it_invents():
    p, q = torch.tensor([0.5, 0.5, 0.0]), torch.tensor([0.4, 0.3, 0.3])
    assert divergences.kl(p, q).isfinite() and divergences.kl(q, p) == math.inf


@given(n=st.integers(1, 4), k=st.integers(1, 8), seed=seeds, zeros=st.booleans())
def test_js_agrees_with_scipy_is_symmetric_and_ends_at_log_2(n, k, seed, zeros):
    p, q = probabilities((n, k), seed, zeros), probabilities((n, k), seed + 1, zeros)
    found = divergences.js(p, q)
    np.testing.assert_allclose(
        found, scipy.spatial.distance.jensenshannon(p, q, axis=-1) ** 2, atol=1e-9
    )
    torch.testing.assert_close(found, divergences.js(q, p))
    assert (found > -1e-12).all() and (found < math.log(2) + 1e-12).all()


def test_js_is_finite_and_never_negative_at_the_edges_of_float32():
    tiny = torch.tensor([1.0, 1e-45])  # half of it is 0 in float32
    assert divergences.js(tiny, torch.tensor([1.0, 0.0])) == 0
    p = torch.softmax(torch.randn(200, 7, generator=torch.Generator().manual_seed(0)), -1)
    close = torch.softmax(p.log() + 1e-4, -1)
    assert (divergences.js(p, close) >= 0).all() and (divergences.kl(p, close) >= 0).all()


def test_unlike_or_no_outcomes_are_refused():
    for p, q in (
        (torch.ones(1), torch.full((3,), 1 / 3)),
        (torch.ones(2, 0), torch.ones(2, 0)),
        (torch.tensor(1.0), torch.tensor(1.0)),
    ):
        for distance in (divergences.kl, divergences.js):
            with pytest.raises(ValueError, match="same K outcomes"):
                distance(p, q)


def test_the_gaussian_kernel_keeps_its_digits_far_from_zero():
    x = 100 + 0.1 * torch.randn(60, 3, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(divergences.gaussian_kernel(x, x, 0.1).diagonal(), torch.ones(60))


def test_js_of_what_does_not_overlap_is_log_2_however_far():
    far = torch.eye(5, dtype=torch.float64)
    assert torch.allclose(
        divergences.js(far[0], far[1:]), torch.tensor(math.log(2), dtype=torch.float64)
    )


@pytest.mark.parametrize(
    "wrong", [torch.tensor([0.5, 0.6]), torch.tensor([1.5, -0.5]), torch.tensor([1, 0])]
)
def test_what_is_no_distribution_is_refused(wrong):
    for distance in (divergences.kl, divergences.js):
        with pytest.raises(ValueError, match="probabilities"):
            distance(torch.tensor([0.5, 0.5]), wrong)


# ------------------------------------------------------------------ samples


@given(n=st.integers(1, 12), m=st.integers(1, 12), seed=seeds)
def test_wasserstein_agrees_with_scipy_at_any_sizes(n, m, seed):
    g = torch.Generator().manual_seed(seed)
    x, y = (
        torch.randn(n, generator=g, dtype=torch.float64),
        2 * torch.randn(m, generator=g, dtype=torch.float64) + 1,
    )
    assert divergences.wasserstein_1d(x, y).item() == pytest.approx(
        scipy.stats.wasserstein_distance(x, y), abs=1e-10
    )


@given(seed=seeds)
def test_wasserstein_is_the_cheapest_of_all_plans(seed):
    x, y = torch.randn(2, 5, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    cheapest = min((x - y[list(order)]).abs().mean() for order in itertools.permutations(range(5)))
    assert divergences.wasserstein_1d(x, y).item() == pytest.approx(cheapest.item())


def test_wasserstein_has_slope_one_wherever_the_points_are():
    x = torch.tensor([-50.0, -49.0], requires_grad=True)
    divergences.wasserstein_1d(x, torch.tensor([1.0, 2.0])).backward()
    assert x.grad.tolist() == [-0.5, -0.5]


@given(
    n=st.integers(1, 9),
    m=st.integers(1, 9),
    d=st.integers(1, 4),
    seed=seeds,
    bandwidth=st.floats(0.2, 4),
)
def test_mmd_agrees_with_a_loop_over_all_pairs(n, m, d, seed, bandwidth):
    g = torch.Generator().manual_seed(seed)
    x, y = (
        torch.randn(n, d, generator=g, dtype=torch.float64),
        torch.randn(m, d, generator=g, dtype=torch.float64) + 0.5,
    )

    def k(a, b):
        return math.exp(
            -sum((s - t) ** 2 for s, t in zip(a.tolist(), b.tolist(), strict=True))
            / (2 * bandwidth**2)
        )

    def mean(a, b):
        return sum(k(s, t) for s in a for t in b) / (len(a) * len(b))

    found = divergences.mmd(x, y, lambda s, t: divergences.gaussian_kernel(s, t, bandwidth)).item()
    assert found == pytest.approx(mean(x, x) - 2 * mean(x, y) + mean(y, y), abs=1e-9)
    assert found > -1e-12


@given(n=st.integers(1, 9), m=st.integers(1, 9), d=st.integers(1, 4), seed=seeds)
def test_mmd_with_a_square_kernel_compares_second_moments(n, m, d, seed):
    g = torch.Generator().manual_seed(seed)
    x, y = (
        torch.randn(n, d, generator=g, dtype=torch.float64),
        torch.randn(m, d, generator=g, dtype=torch.float64),
    )
    wanted = (x.T @ x / n - y.T @ y / m).square().sum()
    torch.testing.assert_close(divergences.mmd(x, y, divergences.polynomial_kernel), wanted)

    def bumped(s, t):
        return divergences.polynomial_kernel(s, t, degree=3, offset=1.0)

    assert torch.allclose(bumped(x, y), (x @ y.T + 1) ** 3)


@pytest.mark.parametrize(
    ("x", "y"),
    [
        (torch.zeros(3, 2), torch.zeros(3, 3)),
        (torch.zeros(3), torch.zeros(3)),
        (torch.zeros(0, 2), torch.zeros(3, 2)),
    ],
)
def test_samples_of_the_wrong_shape_are_refused(x, y):
    with pytest.raises(ValueError, match="two samples"):
        divergences.mmd(x, y)


@pytest.mark.parametrize(
    ("x", "y"), [(torch.zeros(3, 2), torch.zeros(3)), (torch.zeros(0), torch.zeros(3))]
)
def test_wasserstein_refuses_what_is_no_sample_of_numbers(x, y):
    with pytest.raises(ValueError, match="two samples"):
        divergences.wasserstein_1d(x, y)
