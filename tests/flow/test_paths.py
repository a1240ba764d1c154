"""Paths: their ends, their speed, and one guess said in four ways."""

import pytest
import torch

from genimg_lib import flow
from genimg_lib.data import toy

PATHS = {"straight": flow.STRAIGHT, "circular": flow.CIRCULAR}


@pytest.fixture(params=PATHS)
def path(request):
    return PATHS[request.param]


def on_it(path, n=50, d=3):
    g = torch.Generator().manual_seed(0)
    x, eps = torch.randn(2, n, d, generator=g, dtype=torch.float64)
    t = torch.linspace(0.02, 0.98, n, dtype=torch.float64)
    return x, eps, t, path.mix(x, eps, t)


def test_it_leads_from_noise_to_data(path):
    x, eps = torch.randn(2, 3, 2, 2)
    torch.testing.assert_close(path.mix(x, eps, torch.zeros(3)), eps)
    torch.testing.assert_close(path.mix(x, eps, torch.ones(3)), x)


def test_the_velocity_is_the_derivative_by_time(path):
    x, eps, t, _ = on_it(path)
    h = 1e-6
    slope = (path.mix(x, eps, t + h) - path.mix(x, eps, t - h)) / (2 * h)
    torch.testing.assert_close(path.velocity(x, eps, t), slope, rtol=1e-7, atol=1e-7)


def test_the_circle_keeps_a_variance_of_one():
    t = torch.linspace(0, 1, 11)
    torch.testing.assert_close(
        flow.CIRCULAR.alpha(t).square() + flow.CIRCULAR.sigma(t).square(), torch.ones(11)
    )


@pytest.mark.parametrize("kind", flow.Guesses._fields)
def test_a_guess_goes_round_through_every_kind(path, kind):
    x, eps, t, x_t = on_it(path)
    first = path.guesses(x_t, t, x=x)
    torch.testing.assert_close(first.eps, eps, rtol=0, atol=1e-10)
    torch.testing.assert_close(first.v, path.velocity(x, eps, t), rtol=0, atol=1e-10)
    again = path.guesses(x_t, t, **{kind: getattr(first, kind)})
    for name in flow.Guesses._fields:
        torch.testing.assert_close(getattr(again, name), getattr(first, name), rtol=0, atol=1e-6)


def test_the_exact_denoiser_gives_the_exact_score(path):
    ring = toy.ring_mixture(std=0.3)
    t = torch.tensor(0.6, dtype=torch.float64)
    alpha, sigma = path.alpha(t), path.sigma(t)
    x_t = ring.noised(alpha, sigma).sample(40, torch.Generator().manual_seed(0))
    mean, _ = ring.posterior(x_t, alpha, sigma)
    score = path.guesses(x_t, t.expand(40), x=mean).score  # Tweedie
    torch.testing.assert_close(score, ring.noised(alpha, sigma).score(x_t))


@pytest.mark.parametrize(
    "given", [{}, {"y": torch.zeros(2, 3)}, {"x": torch.zeros(2, 3), "v": torch.zeros(2, 3)}]
)
def test_one_guess_of_a_known_kind_is_wanted(path, given):
    with pytest.raises(ValueError, match="one of x, eps, v, score"):
        path.guesses(torch.zeros(2, 3), torch.full((2,), 0.5), **given)


def test_a_guess_of_another_shape_is_refused(path):
    with pytest.raises(ValueError, match=r"\[3, 2\]"):
        path.guesses(torch.zeros(2, 3), torch.full((2,), 0.5), x=torch.zeros(3, 2))


@pytest.mark.parametrize(("t", "kind"), [(1.0, "x"), (1.0, "v"), (0.0, "eps"), (0.0, "score")])
def test_at_the_ends_there_is_nothing_to_convert(t, kind):
    with pytest.raises(ValueError, match="ends"):
        flow.STRAIGHT.guesses(torch.zeros(2, 3), torch.full((2,), t), **{kind: torch.zeros(2, 3)})


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ({"x": torch.zeros(2, 3, dtype=torch.uint8)}, "uint8"),
        ({"eps": torch.zeros(1, 3)}, r"\[2, 3\], as the data, got \[1, 3\]"),
        ({"t": torch.tensor(0.5)}, r"times \[2\]"),
        ({"t": torch.tensor([0.5, 1.5])}, r"got 0\.5 to 1\.5"),
    ],
)
def test_what_cannot_be_mixed_is_refused(broken, said):
    parts = {"x": torch.zeros(2, 3), "eps": torch.zeros(2, 3), "t": torch.full((2,), 0.5)}
    for mixes in (flow.mix, flow.CIRCULAR.mix):
        with pytest.raises((TypeError, ValueError), match=said):
            mixes(**parts | broken)
