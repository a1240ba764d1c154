"""Data of which a part is known: walks against exact posteriors."""

import math

import pytest
import torch

from genimg_lib import divergences, flow, restore
from genimg_lib.data.mixture import GaussianMixture


def double(*rows):
    return torch.tensor(rows, dtype=torch.float64)


MIXTURE = GaussianMixture(
    double(0.3, 0.7),
    double([-0.8, 0.5], [0.6, -0.7]),
    torch.stack([double([0.10, 0.05], [0.05, 0.12]), double([0.2, -0.1], [-0.1, 0.15])]),
)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def observed(denoise, x, times, seen, y):
    """DDIM's walk by a denoiser that knows what is seen."""
    return flow.ddim(flow.observed(denoise, restore.Mask(seen), y), x, times)


def walked(way, n=4_000, value=0.35, calls=40, **more):
    """The points at the end of a walk, whose first coordinate is seen."""
    y = torch.tensor([value, 0.0], dtype=torch.float64).expand(n, 2)
    seen = torch.tensor([True, False])

    def denoise(x, t):
        alpha = t[0].item()
        return MIXTURE.posterior(x, alpha, 1 - alpha)[0]

    x = torch.randn(n, 2, generator=seeded(), dtype=torch.float64)
    times = [0.002, *flow.even_ratios(calls, ends=(-6, 6))[1:]]
    return flow.last(way(denoise, x, times, seen, y, **more))


def off(end, value=0.35, n=4_000):
    """W1 of the hidden coordinate to the exact posterior, and what as many exact draws have."""
    exact = MIXTURE.given([0], double(value))
    truth = exact.sample(40_000, seeded(1))[:, 0]
    floor = divergences.wasserstein_1d(exact.sample(n, seeded(2))[:, 0], truth).item()
    return divergences.wasserstein_1d(end[:, 1], truth).item(), floor


def test_what_is_seen_is_there_at_the_end_to_the_bit():
    for way, more in (
        (flow.replaced, {"generator": seeded()}),
        (flow.replaced, {"generator": seeded(), "repeats": 2}),
        (observed, {}),
    ):
        end = walked(way, n=50, calls=10, **more)
        assert (end[:, 0] == 0.35).all() and end.isfinite().all()


def test_each_step_is_walked_once_unless_more_is_asked_for():
    ends = [
        walked(flow.replaced, n=20, calls=5, generator=seeded(7), **more)
        for more in ({}, {"repeats": 1}, {"repeats": 2})
    ]
    assert torch.equal(ends[0], ends[1]) and not torch.equal(ends[0], ends[2])


def test_replacement_is_biased_and_repeats_mend_it():
    once, floor = off(walked(flow.replaced, generator=seeded(3)))
    often, _ = off(walked(flow.replaced, generator=seeded(3), repeats=10))
    assert once > 5 * floor and often < once / 2


def test_without_anything_seen_all_walks_are_the_flows_own():
    def denoise(x, t):
        return MIXTURE.posterior(x, t[0].item(), 1 - t[0].item())[0]

    x, times = torch.randn(20, 2, generator=seeded()).double(), [0.01, 0.3, 0.7, 1.0]
    nothing, y = torch.tensor([False, False]), torch.zeros(20, 2).double()
    plain = flow.last(flow.ddim(denoise, x, times))
    for way in (flow.replaced, observed):
        assert torch.allclose(flow.last(way(denoise, x, times, nothing, y)), plain)


def test_guidance_is_exact_for_independent_normal_numbers_of_variance_1():
    g, n = seeded(4), 20_000
    y, seen = torch.tensor([1.5, 0.0]).double().expand(n, 2), torch.tensor([True, False])

    def denoise(x, t):  # E[x|x_t] of N(0, I)
        t = t[:, None]
        return t / (t**2 + (1 - t) ** 2) * x

    x = torch.randn(n, 2, generator=g, dtype=torch.float64)
    times = [*(k / 200 for k in range(1, 200)), 1.0]
    walk = list(observed(denoise, x, times, seen, y))
    for t in (0.5, 0.8):  # where x_t, given y, is t y + (1 - t) eps
        at = walk[round(200 * t) - 1]
        assert at[:, 0].mean().item() == pytest.approx(1.5 * t, abs=0.02)
        assert at[:, 0].std().item() == pytest.approx(1 - t, abs=0.02)
        hidden = (t**2 + (1 - t) ** 2) ** 0.5
        assert at[:, 1].std().item() == pytest.approx(hidden, abs=0.02)


def test_guidance_is_near_where_numbers_hang_together_and_nearer_than_replacement():
    C = torch.tensor([[[1.0, 0.8], [0.8, 1.0]]], dtype=torch.float64)
    pair = GaussianMixture(torch.ones(1).double(), torch.zeros(1, 2).double(), C)
    n = 20_000
    y, seen = torch.tensor([1.5, 0.0]).double().expand(n, 2), torch.tensor([True, False])

    def denoise(x, t):
        return pair.posterior(x, t[0].item(), 1 - t[0].item())[0]

    x = torch.randn(n, 2, generator=seeded(4), dtype=torch.float64)
    times = [*(k / 200 for k in range(1, 200)), 1.0]
    hidden = flow.last(observed(denoise, x, times, seen, y))[:, 1]
    assert hidden.mean().item() == pytest.approx(0.8 * 1.5, abs=0.1)
    assert hidden.std().item() == pytest.approx(0.6, abs=0.04)
    guided, _ = off(walked(observed))
    once, _ = off(walked(flow.replaced, generator=seeded(3)))
    assert guided < 0.6 * once


def test_a_denoiser_without_gradients_and_repeats_below_1_are_refused():
    x, seen = torch.zeros(2, 2), torch.tensor([True, False])
    with pytest.raises(ValueError, match="gradients"):
        list(observed(torch.no_grad()(lambda x, t: 0.5 * x), x, [0.5, 1.0], seen, x))
    with pytest.raises(ValueError, match="0"):
        list(flow.replaced(lambda x, t: x, x, [0.5, 1.0], seen, x, repeats=0))


def test_noise_that_leads_back_has_the_variance_between_the_times():
    from genimg_lib.flow.observed import back

    x = torch.full((100_000,), 0.7, dtype=torch.float64)
    t, s = 0.3, 0.8
    found = back(x, t, s, generator=seeded())
    assert found.mean().item() == pytest.approx(t / s * 0.7, abs=5e-3)
    wanted = (1 - t) ** 2 - (t / s * (1 - s)) ** 2
    assert found.std().item() == pytest.approx(math.sqrt(wanted), rel=0.01)


class Holed(torch.nn.Module):
    """What a network of holes is given, kept; it guesses twice the first channel."""

    def forward(self, x, t):
        self.given = x
        return 2 * x[:, :1]


def test_filling_shows_what_is_known_without_noise_and_puts_it_back():
    x = torch.randn(2, 1, 4, 4, generator=seeded())
    y = torch.full((2, 1, 4, 4), 3.0)
    seen = torch.rand(2, 1, 4, 4, generator=seeded(1)) < 0.5
    net = Holed()
    found = flow.filling(net, y, seen)(x, torch.full((2,), 0.3))
    assert torch.equal(net.given, torch.cat([torch.where(seen, y, x), seen.float()], dim=1))
    assert torch.equal(found, torch.where(seen, y, 2 * x))
    one = flow.filling(net, y, seen[:1])(x, torch.full((2,), 0.3))
    assert torch.equal(one, torch.where(seen[:1], y, 2 * x))


def test_the_loss_of_filling_counts_hidden_numbers_only():
    x, eps = torch.randn(2, 2, 1, 4, 4, generator=seeded())
    t = torch.tensor([0.25, 0.98])
    seen = torch.rand(2, 1, 4, 4, generator=seeded(1)) < 0.5
    net = Holed()
    x_t = t.view(2, 1, 1, 1) * x + (1 - t).view(2, 1, 1, 1) * eps
    left = torch.tensor([0.75, 0.1]).view(2, 1, 1, 1)  # 0.02 is below the floor
    squares = ((2 * x_t - x) / left)[~seen].square()
    assert torch.isclose(flow.filling_loss(net, x, seen, eps, t), squares.mean())
    nowhere = torch.zeros_like(seen)
    plain = flow.matching_loss(lambda x_t, _: 2 * x_t, x, eps, t)
    assert torch.isclose(flow.filling_loss(net, x, nowhere, eps, t), plain)
