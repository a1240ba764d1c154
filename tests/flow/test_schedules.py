"""Schedules: DDPM's own numbers, derivatives, and times that sit where they should."""

import math

import pytest
import torch

from genimg_lib import flow


def test_linear_is_what_ddpm_adds_up_to():
    """alpha_bar of its 1,000 betas, at every hundredth step."""
    betas = torch.linspace(1e-4, 0.02, 1_000, dtype=torch.float64)
    bars = torch.cumprod(1 - betas, dim=0)
    for k in range(100, 1_001, 100):
        alpha, sigma = flow.LINEAR.levels(1 - k / 1_000)
        assert alpha**2 + sigma**2 == pytest.approx(1)
        assert math.log(alpha**2) == pytest.approx(bars[k - 1].log().item(), rel=0.02)


@pytest.mark.parametrize("path", [flow.STRAIGHT, flow.CIRCULAR, flow.LINEAR])
def test_derivatives_are_those_of_the_levels(path):
    t = torch.linspace(0.05, 0.95, 19, dtype=torch.float64)
    h = 1e-6
    for level, slope in ((path.alpha, path.d_alpha), (path.sigma, path.d_sigma)):
        torch.testing.assert_close(
            slope(t), (level(t + h) - level(t - h)) / (2 * h), atol=1e-6, rtol=1e-5
        )


@pytest.mark.parametrize("path", [flow.STRAIGHT, flow.CIRCULAR, flow.LINEAR])
def test_a_time_is_found_by_its_ratio(path):
    for t in (0.05, 0.3, 0.5, 0.9, 0.99):
        assert flow.time_of(path, flow.log_ratio(path, t)) == pytest.approx(t, abs=1e-9)
    assert flow.log_ratio(path, 1) == math.inf


def test_times_are_even_where_they_say():
    assert flow.even_times(4) == [0, 0.25, 0.5, 0.75, 1]
    times = flow.even_ratios(7, flow.CIRCULAR, ends=(-2.0, 3.0))
    ratios = [flow.log_ratio(flow.CIRCULAR, t) for t in times[1:-1]]
    assert (times[0], times[-1], len(times)) == (0, 1, 8)
    assert ratios == pytest.approx([-2, -1, 0, 1, 2, 3], abs=1e-6)
    times = flow.karras_times(5, levels=(80, 0.002))
    levels = [(1 - t) / t for t in times[:-1]]
    roots = torch.tensor(levels).pow(1 / 7)
    assert levels[0] == pytest.approx(80) and levels[-1] == pytest.approx(0.002)
    assert roots.diff().std() < 1e-4 and times[-1] == 1


def test_one_call_goes_all_the_way():
    assert flow.even_ratios(1) == [0, 1] == flow.even_times(1)
    first, end = flow.karras_times(1, levels=(40, 0.03))
    assert (1 - first) / first == pytest.approx(40) and end == 1


def test_bad_input_is_refused():
    for grid in (flow.even_times, flow.even_ratios, flow.karras_times):
        with pytest.raises(ValueError, match="0"):
            grid(0)
    with pytest.raises(ValueError, match="3 and -3"):
        flow.even_ratios(5, ends=(3, -3))
    with pytest.raises(ValueError, match="fall"):
        flow.karras_times(5, levels=(0.1, 1))
    with pytest.raises(ValueError, match=r"alpha 0\.5"):
        flow.schedule(lambda t: 0.5 + t / 2, lambda t: 1 - t)
    with pytest.raises(ValueError, match=r"sigma 0\.1"):
        flow.schedule(lambda t: t, lambda t: 1 - 0.9 * t)
    for grid in (flow.even_times, flow.even_ratios, flow.karras_times):
        for calls in (-1, 2.5):
            with pytest.raises(ValueError, match=str(calls)):
                grid(calls)
    for rho in (0, -3, math.nan, math.inf):
        with pytest.raises(ValueError, match="rho above 0"):
            flow.karras_times(5, rho=rho)
    with pytest.raises(ValueError, match="closer together"):
        flow.karras_times(5, levels=(1e300, 1e-300))
    with pytest.raises(ValueError, match="closer together"):
        flow.even_ratios(6, ends=(-60, 60))
