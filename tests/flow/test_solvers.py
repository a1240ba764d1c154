"""Solvers: their orders as slopes, and where walks with and without noise end."""

import math

import pytest
import torch

from genimg_lib import divergences, flow
from genimg_lib.data import toy

RING = toy.ring_mixture(modes=3, std=0.4)


def fields(path=flow.STRAIGHT):
    """The ring's exact velocity and score, as functions of (x, t)."""

    def guesses(x, t):
        alpha, sigma = path.alpha(t[0]), path.sigma(t[0])
        return path.guesses(x, t, x=RING.posterior(x, alpha, sigma)[0])

    return lambda x, t: guesses(x, t).v, lambda x, t: guesses(x, t).score


@pytest.mark.parametrize(
    ("solver", "order", "tolerance"), [(flow.euler, 1, 0.1), (flow.heun, 2, 0.15)]
)
def test_the_error_falls_by_the_order(solver, order, tolerance):
    velocity, _ = fields()
    g = torch.Generator().manual_seed(0)
    noise = torch.randn(200, 2, generator=g, dtype=torch.float64)
    ends = (0.0, 0.9)
    truth = flow.last(flow.heun(velocity, noise, torch.linspace(*ends, 1281)))
    counts, errors = (40, 80, 160), []
    for n in counts:
        reached = flow.last(solver(velocity, noise, torch.linspace(*ends, n + 1)))
        errors.append((reached - truth).square().mean().sqrt().item())
    slope = math.log(errors[0] / errors[-1]) / math.log(counts[-1] / counts[0])
    assert abs(slope - order) < tolerance


@pytest.mark.parametrize(("solver", "calls"), [(flow.euler, 5), (flow.heun, 10)])
def test_calls_are_counted(solver, calls):
    velocity = flow.Counted(lambda x, t: -x)
    walk = list(solver(velocity, torch.ones(2, 1), torch.linspace(0, 1, 6)))
    assert len(walk) == 6
    assert velocity.calls == calls


def test_a_walk_may_go_back():
    velocity, _ = fields()
    g = torch.Generator().manual_seed(0)
    noise = torch.randn(50, 2, generator=g, dtype=torch.float64)
    times = torch.linspace(0, 0.9, 201)
    there = flow.last(flow.heun(velocity, noise, times))
    back = flow.last(flow.heun(velocity, there, times.flip(0)))
    torch.testing.assert_close(back, noise, atol=2e-3, rtol=0)


def distance(points):
    """The largest W1 of two directions to the ring at t = 0.95, where the walks end."""
    there = RING.noised(0.95, 0.05).sample(len(points), torch.Generator().manual_seed(5))
    return max(divergences.wasserstein_1d(points[:, k], there[:, k]) for k in range(2))


def test_with_and_without_noise_the_walks_end_in_one_density():
    velocity, score = fields()
    g = torch.Generator().manual_seed(0)
    start, times, n = torch.randn(2_000, 2, generator=g).double(), torch.linspace(0, 0.95, 151), 150
    noise = torch.randn(n, 2_000, 2, generator=g).double()
    plain = flow.last(flow.euler(velocity, start, times))
    shaken = flow.last(flow.noisy(velocity, score, start, times, noise, lambda t: 1.0))
    floor = distance(RING.noised(0.95, 0.05).sample(2_000, g))
    assert distance(plain) < 2.5 * floor
    assert distance(shaken) < 2.5 * floor
    assert distance(start) > 10 * floor


def test_without_noise_the_noisy_walk_is_eulers():
    velocity, score = fields()
    x = torch.randn(5, 2).double()
    times = torch.linspace(0, 0.9, 11)
    noise = torch.randn(10, 5, 2).double()
    still = flow.last(flow.noisy(velocity, score, x, times, noise, lambda t: 0.0))
    assert torch.equal(still, flow.last(flow.euler(velocity, x, times)))


def test_langevin_finds_the_spread_of_a_normal_density():
    g = torch.Generator().manual_seed(0)
    noise = torch.randn(400, 4_000, 1, generator=g)
    end = flow.last(flow.langevin(lambda x: -x / 0.25, torch.zeros(4_000, 1), 0.01, noise))
    assert abs(end.std().item() - 0.5) < 0.03


def test_bad_input_is_refused():
    velocity, score = fields()
    x, noise = torch.zeros(3, 2).double(), torch.zeros(2, 3, 2).double()
    with pytest.raises(ValueError, match="two times"):
        list(flow.euler(velocity, x, [0.5]))
    with pytest.raises(ValueError, match=r"1, 0\.5, 0"):
        list(flow.noisy(velocity, score, x, [1, 0.5, 0], noise, lambda t: 1.0))
    with pytest.raises(ValueError, match=r"\[2, 3, 2\]"):
        list(flow.noisy(velocity, score, x, [0, 0.5], noise, lambda t: 1.0))
    with pytest.raises(ValueError, match="-1"):
        list(flow.langevin(lambda x: x, x, -1, noise))
    with pytest.raises(ValueError, match=r"\[2, 3, 2\], got \[2, 3\]"):
        list(flow.langevin(lambda x: x, x, 0.1, noise[..., 0]))


@pytest.mark.parametrize("solver", [flow.euler, flow.heun])
def test_a_velocity_of_another_shape_is_refused(solver):
    with pytest.raises(ValueError, match=r"\[6, 1\], got \[6\]"):
        list(solver(lambda x, t: x[:, 0], torch.zeros(6, 1), [0, 0.5]))


def test_a_walk_has_one_end():
    walk = flow.euler(lambda x, t: x, torch.ones(2, 1), [0, 0.5])
    assert torch.equal(flow.last(walk), torch.full((2, 1), 1.5))
    with pytest.raises(ValueError, match="walked already"):
        flow.last(walk)
