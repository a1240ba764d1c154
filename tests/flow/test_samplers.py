"""Samplers: a posterior by Bayes, walks that are the same, orders, and where they end."""

import math

import pytest
import torch

from genimg_lib import divergences, flow
from genimg_lib.data import toy
from genimg_lib.data.mixture import GaussianMixture

PATHS = {"straight": flow.STRAIGHT, "circular": flow.CIRCULAR, "linear": flow.LINEAR}
RING = toy.ring_mixture(modes=3, std=0.4)
HEAPS = GaussianMixture(
    torch.tensor([0.7, 0.3]).double(),
    torch.tensor([[-1.0], [1.0]]).double(),
    torch.full((2, 1, 1), 0.3**2).double(),
)


def exact(mixture, path):
    """The mixture's best denoiser."""

    def denoise(x, t):
        alpha, sigma = path.levels(t[0])
        return mixture.posterior(x, alpha, sigma)[0]

    return denoise


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).double()


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
@pytest.mark.parametrize(("t", "s"), [(0.2, 0.3), (0.5, 0.9)])
def test_the_posterior_is_that_of_bayes(path, t, s):
    """By adding up N(x_t; kept x_s, added) N(x_s; alpha_s x, sigma_s²) on a grid of x_s."""
    x, x_t = 0.8, -0.4
    (alpha_t, sigma_t), (alpha_s, sigma_s) = path.levels(t), path.levels(s)
    kept = alpha_t / alpha_s
    added = sigma_t**2 - kept**2 * sigma_s**2
    grid = torch.linspace(-6, 6, 60_001, dtype=torch.float64)
    logs = -((x_t - kept * grid) ** 2) / (2 * added) - (grid - alpha_s * x) ** 2 / (2 * sigma_s**2)
    weights = torch.softmax(logs, dim=0)
    mean = (weights * grid).sum().item()
    variance = (weights * (grid - mean) ** 2).sum().item()
    found = flow.posterior(path, t, s)
    assert found.of_x * x + found.of_x_t * x_t == pytest.approx(mean, abs=1e-6)
    assert found.small == pytest.approx(variance, rel=1e-5)
    assert found.large == pytest.approx(added)


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
def test_the_last_step_ends_at_the_guess(path):
    x, guess = normal(4, 2), normal(4, 2, seed=1)
    times, noise = [0.3, 0.7, 1.0], normal(2, 4, 2, seed=2)
    walks = (
        flow.ancestral(lambda x, t: guess, x, times, noise, path),
        flow.ancestral(lambda x, t: guess, x, times, noise, path, variance="large"),
        flow.ddim(lambda x, t: guess, x, times, path),
        flow.ddim(lambda x, t: guess, x, times, path, eta=1.0, noise=noise),
        flow.multistep(lambda x, t: guess, x, times, path),
        flow.karras_heun(lambda x, t: guess, x, times, path),
    )
    for walk in walks:
        torch.testing.assert_close(flow.last(walk), guess)


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
def test_ddim_with_all_noise_drawn_afresh_is_the_ancestral_walk(path):
    x, times, noise = normal(5, 2), torch.linspace(0.05, 1, 9), normal(8, 5, 2, seed=1)
    denoise = exact(RING, path)
    one = flow.last(flow.ddim(denoise, x, times, path, eta=1.0, noise=noise))
    torch.testing.assert_close(one, flow.last(flow.ancestral(denoise, x, times, noise, path)))


def test_ddim_is_euler_on_the_straight_path():
    x, times = normal(5, 2), torch.linspace(0, 0.9, 8)
    denoise = exact(RING, flow.STRAIGHT)
    velocity = flow.velocity_of(denoise, flow.STRAIGHT)
    torch.testing.assert_close(
        flow.last(flow.ddim(denoise, x, times)), flow.last(flow.euler(velocity, x, times))
    )


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
def test_ddim_is_euler_after_a_change_of_variables(path):
    """y = x / alpha as a function of u = sigma / alpha: dy / du is the guessed noise."""
    x, times = normal(5, 2), [0.2, 0.4, 0.7, 0.9]
    denoise = exact(RING, path)
    levels = [path.levels(t) for t in times]
    y = x / levels[0][0]
    for t, (alpha, sigma), (alpha_s, sigma_s) in zip(times, levels, levels[1:], strict=False):
        x_t = alpha * y
        eps = (x_t - alpha * denoise(x_t, torch.full((5,), t).double())) / sigma
        y = y + (sigma_s / alpha_s - sigma / alpha) * eps
    torch.testing.assert_close(flow.last(flow.ddim(denoise, x, times, path)), levels[-1][0] * y)


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
def test_orders(path):
    """DDIM 1, multistep 2, with times even in log(alpha / sigma), by the error of the end."""
    denoise, x = exact(RING, path), normal(200, 2)
    low, high = -1.0, 1.5

    def times(n):
        ratios = torch.linspace(low, high, n + 1).tolist()
        return [flow.time_of(path, ratio) for ratio in ratios]

    truth = flow.last(flow.multistep(denoise, x, times(1_500), path))
    for solver, order in ((flow.ddim, 1), (flow.multistep, 2), (flow.karras_heun, 2)):
        errors = []
        for n in (20, 80):
            end = flow.last(solver(denoise, x, times(n), path))
            errors.append((end - truth).square().mean().sqrt().item())
        assert math.log(errors[0] / errors[1]) / math.log(4) == pytest.approx(order, abs=0.2)


def test_karras_heun_pays_two_calls_between_the_ends_and_one_at_them():
    counted = flow.Counted(exact(RING, flow.STRAIGHT))
    walk = list(flow.karras_heun(counted, normal(3, 2), flow.even_times(5)))
    assert len(walk) == 6 and counted.calls == 8
    # in sigma / alpha a step is Heun's, by hand
    x, (t, s) = normal(3, 2), (0.4, 0.7)
    denoise = exact(RING, flow.STRAIGHT)

    def slope(y, u):  # y = x / alpha, u = sigma / alpha: t = 1 / (1 + u)
        t = 1 / (1 + u)
        return (y - denoise(t * y, torch.full((3,), t).double())) / u

    y, u, u_s = x / t, (1 - t) / t, (1 - s) / s
    first = slope(y, u)
    y = y + (u_s - u) * (first + slope(y + (u_s - u) * first, u_s)) / 2
    torch.testing.assert_close(flow.last(flow.karras_heun(denoise, x, (t, s))), s * y)


def test_multistep_needs_fewer_calls_than_ddim():
    denoise, x, n = exact(HEAPS, flow.STRAIGHT), normal(4_000, 1), 10
    truth = HEAPS.sample(4_000, torch.Generator().manual_seed(7))[:, 0]
    away = {}
    for solver in (flow.ddim, flow.multistep):
        counted = flow.Counted(denoise)
        end = flow.last(solver(counted, x, flow.even_ratios(n)))[:, 0]
        assert counted.calls == n
        away[solver] = divergences.wasserstein_1d(end, truth).item()
    assert away[flow.multistep] < 0.6 * away[flow.ddim]


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
def test_every_walk_of_many_calls_ends_in_the_data(path):
    n, calls = 3_000, 300
    x, denoise = normal(n, 1), exact(HEAPS, path)
    noise = normal(calls, n, 1, seed=3)
    truth, other = (HEAPS.sample(n, torch.Generator().manual_seed(k))[:, 0] for k in (5, 6))
    floor = divergences.wasserstein_1d(other, truth).item()
    times = flow.even_ratios(calls, path, ends=(-5, 5))
    for walk in (
        flow.ancestral(denoise, x, times, noise, path),
        flow.ancestral(denoise, x, times, noise, path, variance="large"),
        flow.ddim(denoise, x, times, path),
        flow.multistep(denoise, x, times, path),
    ):
        away = divergences.wasserstein_1d(flow.last(walk)[:, 0], truth).item()
        assert away < 2.5 * floor


def test_a_clamped_guess_is_clamped_in_the_noise_too():
    net = lambda x, t: 3 * torch.ones_like(x)  # noqa: E731
    x = torch.zeros(2, 1)
    end = list(flow.ddim(flow.denoiser(net, clamp=True), x, [0.25, 0.5]))[-1]
    eps = (0 - 0.25 * 1) / 0.75
    torch.testing.assert_close(end, torch.full((2, 1), 0.5 * 1 + 0.5 * eps))


def test_bad_input_is_refused():
    x, noise = torch.zeros(3, 2), torch.zeros(2, 3, 2)
    times = [0, 0.5, 1]
    with pytest.raises(ValueError, match="middle"):
        list(flow.ancestral(lambda x, t: x, x, times, noise, variance="middle"))
    with pytest.raises(ValueError, match=r"\[2, 3, 2\]"):
        list(flow.ancestral(lambda x, t: x, x, times, noise[:1]))
    with pytest.raises(ValueError, match="none"):
        list(flow.ddim(lambda x, t: x, x, times, eta=0.5))
    with pytest.raises(ValueError, match=r"1\.5"):
        list(flow.ddim(lambda x, t: x, x, times, eta=1.5, noise=noise))
    for wrong in ([0.5, 0.2], [0, 1.2], [-0.1, 1], [0.3, 0.3, 1]):
        for walk in (flow.ddim, flow.multistep):
            with pytest.raises(ValueError, match="increase within"):
                list(walk(lambda x, t: x, x, wrong))
    with pytest.raises(ValueError, match="two times"):
        list(flow.multistep(lambda x, t: x, x, [0.5]))
    with pytest.raises(ValueError, match=r"\[3, 2\].*\[3, 1\]"):
        list(flow.ddim(flow.denoiser(lambda x, t: x[:, :1]), x, times))
    with pytest.raises(ValueError, match=r"0\.5.*0\.2"):
        flow.posterior(flow.STRAIGHT, 0.5, 0.2)
