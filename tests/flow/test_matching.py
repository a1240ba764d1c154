"""Flow matching: the path, the loss, the times, and samplers on a flow that is known."""

import itertools
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from genimg_lib import flow

MEAN, SPREAD = 0.2, 0.2  # of the images in the known flow: all pixels N(MEAN, SPREAD^2)


def exact(x_t, t):
    """E[x | x_t] where x ~ N(MEAN, SPREAD^2) and x_t = t x + (1 - t) eps: a regression."""
    t = flow.per_image(t, x_t)
    variance = (t * SPREAD).square() + (1 - t).square()
    return MEAN + t * SPREAD**2 / variance * (x_t - t * MEAN)


def test_the_path_leads_in_a_straight_line_from_noise_to_image():
    x, eps = torch.randn(3, 1, 4, 4), torch.randn(3, 1, 4, 4)
    assert torch.equal(flow.mix(x, eps, torch.zeros(3)), eps)
    assert torch.equal(flow.mix(x, eps, torch.ones(3)), x)
    half = flow.mix(x, eps, torch.full((3,), 0.5))
    torch.testing.assert_close(half, (x + eps) / 2)


@given(n=st.integers(1, 4), axes=st.integers(0, 3))
def test_times_are_given_the_axes_of_the_images(n, axes):
    x = torch.zeros(n, *[2] * axes)
    assert flow.per_image(torch.zeros(n), x).shape == (n, *[1] * axes)


def test_the_loss_is_the_mean_squared_error_of_the_velocity():
    torch.manual_seed(0)
    x, eps, t = torch.randn(6, 3, 4, 4), torch.randn(6, 3, 4, 4), torch.rand(6) * 0.8
    x_t = flow.mix(x, eps, t)
    guess = exact(x_t, t)
    v_hat = (guess - x_t) / flow.per_image(1 - t, x)
    wanted = (v_hat - (x - eps)).square().mean()
    torch.testing.assert_close(flow.matching_loss(exact, x, eps, t), wanted)


def test_near_the_end_the_division_stops_at_the_floor():
    x, eps, t = torch.ones(1, 1, 2, 2), torch.zeros(1, 1, 2, 2), torch.ones(1)

    def off_by_one(x_t, t):
        return x_t + 1

    assert flow.matching_loss(off_by_one, x, eps, t, floor=0.25).item() == pytest.approx(16.0)


def test_times_are_the_sigmoid_of_a_shifted_normal_variable():
    torch.manual_seed(0)
    for shift in (-1.0, 0.0, 1.0):
        t = flow.random_times(20_000, shift=shift)
        logit = torch.log(t / (1 - t))
        assert logit.mean().item() == pytest.approx(shift, abs=0.03)
        assert logit.std().item() == pytest.approx(1.0, abs=0.03)


def test_samples_of_the_exact_flow_have_the_distribution_of_the_images():
    eps = torch.randn(4_000, 1, 1, 1, generator=torch.Generator().manual_seed(0))
    x = flow.sample(exact, eps, calls=40)
    assert x.mean().item() == pytest.approx(MEAN, abs=0.02)
    assert x.std().item() == pytest.approx(SPREAD, abs=0.02)
    # the flow of a Gaussian moves every point in proportion
    line = torch.stack([eps.flatten(), x.flatten()]).double()
    assert torch.corrcoef(line)[0, 1] > 0.999


def test_twice_the_calls_a_quarter_of_the_error():
    eps = torch.full((1, 1, 1, 1), 1.0, dtype=torch.float64)
    walk = flow.multistep(exact, eps, flow.karras_times(2_000, rho=3.0, levels=(40.0, 0.03)))
    target, errors = flow.last(walk).item(), []
    for calls in (32, 64, 128):
        errors.append(abs(flow.last(flow.trajectory(exact, eps, calls)).item() - target))
    orders = [math.log2(a / b) for a, b in itertools.pairwise(errors)]
    assert all(order > 1.5 for order in orders), orders


def test_the_walk_yields_its_start_every_step_and_its_end():
    eps = torch.randn(2, 1, 2, 2)
    counted = flow.Counted(exact)
    seen = list(flow.trajectory(counted, eps, calls=5))
    assert len(seen) == 6 == len(flow.times(5)) and torch.equal(seen[0], eps)
    assert counted.calls == 5
    torch.testing.assert_close(flow.sample(exact, eps, calls=5), seen[-1].clamp(-1, 1))


def test_a_network_is_told_its_conditions():
    c = torch.tensor([[0.25], [-0.5]])

    def net(x_t, t, c):
        return c.view(-1, 1, 1, 1).expand_as(x_t)

    eps, x = torch.randn(2, 1, 2, 2), torch.zeros(2, 1, 2, 2)
    end = flow.sample(net, eps, calls=4, c=c)
    torch.testing.assert_close(end, net(eps, None, c))
    loss = flow.matching_loss(net, x, eps, torch.zeros(2), c=c)
    torch.testing.assert_close(loss, c.square().mean())


def test_groups_come_as_often_as_they_should():
    shares = [0.5, 0.0, 0.3, 0.2]
    drawn = flow.drawn_groups(shares, 20_000, torch.Generator().manual_seed(0))
    assert drawn.shape == (20_000, 4) and (drawn.sum(dim=1) == 1).all()
    torch.testing.assert_close(drawn.mean(dim=0), torch.tensor(shares), atol=0.02, rtol=0)


@pytest.mark.parametrize("part", [slice(0, 1), 0])
def test_a_guess_of_another_shape_is_refused(part):
    x, t = torch.zeros(4, 3), torch.full((4,), 0.5)
    with pytest.raises(ValueError, match=r"expected a guess \[4, 3\]"):
        flow.matching_loss(lambda x, t: x[:, part], x, x, t)
