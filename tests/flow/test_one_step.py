"""Flow maps: what is exact for a Gaussian, and what networks are refused."""

import math

import pytest
import torch
import torch.nn as nn

from genimg_lib import flow

MEAN, SPREAD = 0.7, 0.4  # data N(MEAN, SPREAD²), along which the flow is known


def level(t):
    """The standard deviation of x_t."""
    return ((t * SPREAD).square() + (1 - t).square()).sqrt()


def exact_map(x_t, t, r):
    """u of the Gaussian's flow, which keeps (x_t - t MEAN) / level(t); at r = t its velocity."""
    t, r = flow.per_image(t, x_t), flow.per_image(r, x_t)
    away = (x_t - t * MEAN) / level(t)
    slope = (t * SPREAD**2 - (1 - t)) / level(t)  # of level
    there = r * MEAN + level(r) * away
    return torch.where(r > t, (there - x_t) / (r - t).clamp(min=1e-9), MEAN + slope * away)


def batch(n=4_000, seed=0):
    g = torch.Generator().manual_seed(seed)
    eps, noise = torch.randn(2, n, 1, generator=g).double()
    t, r = torch.rand(2, n, generator=g).double().sort(dim=0).values
    return MEAN + SPREAD * noise, eps, 0.95 * t, r


def test_one_jump_of_the_exact_map_is_the_whole_flow():
    eps = torch.randn(20, 1, generator=torch.Generator().manual_seed(0)).double()
    once = flow.last(flow.jumps(exact_map, eps, (0.0, 1.0)))
    torch.testing.assert_close(once, MEAN + SPREAD * eps)
    walk = list(flow.jumps(exact_map, eps, (0.0, 0.3, 0.5, 1.0)))
    assert len(walk) == 4
    torch.testing.assert_close(walk[-1], once)


def test_the_identity_of_mean_velocities_holds_along_the_flow():
    x, eps, t, r = batch(500)
    x_t = flow.mix(x, eps, t)
    v = exact_map(x_t, t, t)
    u, du = flow.along(exact_map, x_t, t, r, v)
    torch.testing.assert_close(u, v + (r - t)[:, None] * du, rtol=1e-6, atol=1e-6)
    h = 1e-5  # and du is the derivative along the flow, r held
    later = exact_map(x_t + h * v, t + h, r)
    earlier = exact_map(x_t - h * v, t - h, r)
    apart = (r - t) > 0.05
    torch.testing.assert_close(
        du[apart], ((later - earlier) / (2 * h))[apart], rtol=1e-4, atol=1e-4
    )


LOSSES = {
    "mean flow": lambda net, x, eps, t, r: flow.mean_flow_loss(net, x, eps, t, r),
    "shortcut": lambda net, x, eps, t, r: flow.shortcut_loss(net, x, eps, t, r),
    "consistency": lambda net, x, eps, t, r: flow.consistency_loss(
        net, x, eps, t, t + (1 - t) / 50
    ),
}


@pytest.mark.parametrize("name", LOSSES)
def test_the_exact_map_is_where_the_gradient_vanishes(name):
    """Losses with targets that are held: not their least value, but no way to go."""
    x, eps, t, r = batch(40_000)
    loss = LOSSES[name]
    slopes = []
    for off in (0.0, 0.2):
        by = torch.tensor([off, 0.0], dtype=torch.float64, requires_grad=True)

        def moved(x_t, t, r, by=by):
            gap = (r - t)[:, None] if name != "consistency" else 1.0
            return exact_map(x_t, t, r) + gap * (by[0] + by[1] * x_t)

        (slope,) = torch.autograd.grad(loss(moved, x, eps, t, r), by)
        slopes.append(slope)
    assert slopes[0].abs().max() < slopes[1][0] / 4  # and off it, it leads back


def test_power_weighs_examples_by_their_errors():
    x, eps, t, r = batch(50)

    def net(x_t, t, r):
        return 0.1 * x_t

    errors = torch.stack(
        [flow.mean_flow_loss(net, *(part[i : i + 1] for part in (x, eps, t, r))) for i in range(50)]
    )
    torch.testing.assert_close(flow.mean_flow_loss(net, x, eps, t, r), errors.mean())
    weighed = flow.mean_flow_loss(net, x, eps, t, r, power=1.0)
    torch.testing.assert_close(weighed, (errors / (errors + 1e-3)).mean())


def test_at_no_gap_it_is_flow_matching():
    x, eps, t, _ = batch(100)
    x_t = flow.mix(x, eps, t)

    def net(x_t, t, r):
        return torch.tanh(x_t)

    matching = (net(x_t, t, t) - (x - eps)).square().mean()
    torch.testing.assert_close(flow.mean_flow_loss(net, x, eps, t, t), matching)
    torch.testing.assert_close(flow.shortcut_loss(net, x, eps, t, t), matching)


@pytest.mark.parametrize("wrapped", ["compiled", "compiled in place", "data parallel"])
def test_networks_whose_derivative_may_be_wrong_are_refused(wrapped):
    class Net(nn.Linear):
        def forward(self, x_t, t, r):
            return super().forward(x_t)

    net = Net(1, 1)
    if wrapped == "compiled":
        net = torch.compile(net)
    elif wrapped == "compiled in place":
        net.compile()
    else:
        net = type("DistributedDataParallel", (nn.Sequential,), {})(net)
    x, eps, t, r = (part.float() for part in batch(4))
    with pytest.raises(ValueError, match="plain network"):
        flow.mean_flow_loss(net, x, eps, t, r)


def test_the_derivative_goes_through_the_networks_of_the_course():
    torch.manual_seed(0)
    x, eps = torch.randn(2, 2, 1, 8, 8).double()
    t, r = torch.tensor([0.2, 0.6]).double(), torch.tensor([0.5, 1.0]).double()
    for body in (
        flow.PatchUNet(1, 8, 2, width=8, fine=8),
        flow.DiffusionTransformer(1, 8, 2, width=16, depth=1),
    ):
        for p in body.double().parameters():
            nn.init.normal_(p, std=0.1)

        def net(x_t, t, r, body=body):
            return body(x_t, t) * flow.per_image(r, x_t)

        u, du = flow.along(net, x, t, r, eps)
        h = 1e-5
        around = [net(x + k * h * eps, t + k * h, r) for k in (1, -1)]
        wanted = (around[0] - around[1]) / (2 * h)
        assert (du - wanted).norm() < 1e-4 * wanted.norm()
        assert u.requires_grad


def test_samples_are_moved_by_the_difference_of_two_scores():
    g = torch.Generator().manual_seed(1)
    x = torch.randn(5, 1, 2, 2, generator=g).double().requires_grad_()
    eps, t = torch.randn(5, 1, 2, 2, generator=g).double(), torch.rand(5, generator=g).double()

    def hat(mean, spread):
        def denoise(x_t, t):
            t = flow.per_image(t, x_t)
            return mean + t * spread**2 / ((t * spread) ** 2 + (1 - t) ** 2) * (x_t - t * mean)

        return denoise

    data, own = hat(1.0, 0.5), hat(0.0, 0.8)
    (slope,) = torch.autograd.grad(flow.matched_loss(x, data, own, eps, t), x)
    x_t = flow.mix(x.detach(), eps, t)
    size = (x.detach() - data(x_t, t)).abs().flatten(1).mean(dim=1)
    wanted = (own(x_t, t) - data(x_t, t)).float() / flow.per_image(size, x).float()
    torch.testing.assert_close(slope.float(), wanted / x.numel())
    # a generator that has the data's distribution is left alone
    assert flow.matched_loss(x, data, data, eps, t).item() == 0


def test_straight_paths_of_one_speed_have_no_energy_to_spare():
    times = torch.linspace(0, 1, 21).tolist()
    start, end = torch.randn(2, 30, 2, generator=torch.Generator().manual_seed(0)).double()
    straight = [start + t * (end - start) for t in times]
    assert flow.path_energy(straight, times) == pytest.approx(0.0, abs=1e-12)
    slow = [start + t**2 * (end - start) for t in times]
    # speed 2 t: the integral of 4 t² is 4/3
    wanted = (end - start).square().sum(dim=1).mean().item() / 3
    assert flow.path_energy(slow, times) == pytest.approx(wanted, rel=0.01)
    round_ = [torch.tensor([[math.cos(math.pi * t), math.sin(math.pi * t)]]) for t in times]
    assert flow.path_energy(round_, times) == pytest.approx(math.pi**2 - 4, rel=0.01)
    with pytest.raises(ValueError, match="21 times, got 20"):
        flow.path_energy(straight[1:], times)


def test_jumps_go_forwards():
    eps = torch.zeros(1, 1)
    with pytest.raises(ValueError, match="increase"):
        list(flow.jumps(exact_map, eps, (1.0, 0.0)))


def test_one_call_shows_noise_alone_at_an_early_time():
    seen = []

    def net(x, t, *c):
        seen.append((x, t, *c))
        return 3 * x

    eps, c = torch.ones(2, 1, 2, 2), torch.ones(2, 4)
    x = flow.once(net, eps)
    torch.testing.assert_close(x, torch.full_like(eps, 3 * 0.75))
    assert torch.equal(seen[0][1], torch.full((2,), 0.25))
    flow.once(net, eps, c, t=0.1)
    assert seen[1][2] is c and torch.equal(seen[1][1], torch.full((2,), 0.1))
    torch.testing.assert_close(seen[1][0], 0.9 * eps)


def test_many_are_drawn_in_parts_as_one_by_one_and_stay_in_range():
    torch.manual_seed(0)
    net = flow.PatchUNet(1, 8, 2, width=8, conditions=2).eval()
    nn.init.normal_(net.outward.weight)
    eps, c = torch.randn(600, 1, 8, 8), torch.randn(600, 2)
    images = flow.draw_once(net, eps, c)
    assert images.abs().max() == 1
    with torch.no_grad():
        one = flow.once(net, eps[599:], c[599:]).clamp(-1, 1)
    torch.testing.assert_close(images[599:], one, rtol=1e-4, atol=1e-5)


def test_the_right_side_of_the_identity_is_held_fixed():
    x, eps, t, r = batch(50)
    scale = torch.tensor(0.3, dtype=torch.float64, requires_grad=True)

    def net(x_t, t, r):
        return scale * x_t * (1 + t[:, None])

    (slope,) = torch.autograd.grad(flow.mean_flow_loss(net, x, eps, t, r), scale)
    x_t, v = flow.mix(x, eps, t), x - eps
    u, du = flow.along(net, x_t, t, r, v)
    error = (u - v - (r - t)[:, None] * du).detach()
    wanted = (2 * error * x_t * (1 + t[:, None])).mean()  # du does not move with the weights
    torch.testing.assert_close(slope, wanted)


@pytest.mark.parametrize("loss", [flow.mean_flow_loss, flow.shortcut_loss, flow.consistency_loss])
def test_a_jump_to_an_earlier_time_is_refused(loss):
    x = torch.zeros(2, 3)
    with pytest.raises(ValueError, match=r"from 0\.9 to 0\.2"):
        loss(lambda x, t, r: x, x, x, torch.tensor([0.1, 0.9]), torch.tensor([0.2, 0.2]))


@pytest.mark.parametrize("times", [[0, 0.8, 0.5], [0, 0.5, 0.5]])
def test_a_path_goes_forwards_in_time(times):
    with pytest.raises(ValueError, match="increase"):
        flow.path_energy(torch.zeros(3, 2, 2), times)
