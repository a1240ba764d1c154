"""Guidance: its ends are what they should be, and a classifier that is exact leads exactly."""

import pytest
import torch

from genimg_lib import flow
from genimg_lib.data import toy
from genimg_lib.data.mixture import GaussianMixture

RING = toy.ring_mixture(modes=3, std=0.4)
C = torch.eye(3)[:2].float()


@pytest.fixture
def net():
    torch.manual_seed(0)
    net = flow.PatchUNet(1, 8, 2, width=8, embed=16, hidden=8, conditions=3)
    for p in net.parameters():
        torch.nn.init.normal_(p, std=0.2)
    return net


def batch():
    g = torch.Generator().manual_seed(1)
    return torch.randn(2, 1, 8, 8, generator=g), torch.full((2,), 0.4)


def test_w_0_is_untold_and_w_1_is_told_bit_for_bit(net):
    x, t = batch()
    assert torch.equal(flow.classifier_free(net, C, 0)(x, t), net(x, t, torch.zeros(2, 3)))
    assert torch.equal(flow.classifier_free(net, C, 1)(x, t), net(x, t, C))


def test_between_and_beyond_it_is_a_line(net):
    x, t = batch()
    untold, told = net(x, t, torch.zeros(2, 3)), net(x, t, C)
    for w in (0.5, 3.0):
        torch.testing.assert_close(
            flow.classifier_free(net, C, w)(x, t), untold + w * (told - untold)
        )


@pytest.mark.parametrize(("w", "calls"), [(0, 1), (1, 1), (2, 2)])
def test_calls(net, w, calls):
    counted = flow.Counted(net)
    flow.classifier_free(counted, C, w)(*batch())
    assert counted.calls == calls


def test_outside_the_interval_it_is_only_told(net):
    x, _ = batch()
    guided = flow.classifier_free(net, C, 3, interval=(0.3, 0.6))
    for time, inside in ((0.2, False), (0.3, True), (0.5, True), (0.7, False)):
        t = torch.full((2,), time)
        assert torch.equal(guided(x, t), net(x, t, C)) != inside


def test_autoguidance_leads_away_from_the_weaker():
    good, weak = (lambda x, t: 0.5 * x), (lambda x, t: 0.2 * x)
    x, t = batch()
    torch.testing.assert_close(flow.autoguidance(good, weak, 2.0)(x, t), 0.8 * x)
    assert torch.equal(flow.autoguidance(good, weak, 1)(x, t), 0.5 * x)


@pytest.mark.parametrize("path", [flow.STRAIGHT, flow.CIRCULAR])
def test_an_exact_classifier_turns_a_mixture_into_one_of_its_parts(path):
    """By Bayes: grad log p(x_t) + grad log p(k | x_t) = grad log p(x_t | k)."""
    part = GaussianMixture(torch.ones(1).double(), RING.means[1:2], RING.covariances[1:2])
    x = torch.randn(20, 2, generator=torch.Generator().manual_seed(0)).double()
    t = torch.full((20,), 0.4).double()

    def of(mixture):
        return lambda x, t: mixture.posterior(x, *path.levels(t[0]))[0]

    def log_prob(x, t):
        return RING.noised(*path.levels(t[0])).responsibilities(x)[:, 1].log()

    guided = flow.classifier(of(RING), log_prob, 1.0, path)
    torch.testing.assert_close(guided(x, t), of(part)(x, t))
    assert torch.equal(flow.classifier(of(RING), log_prob, 0, path)(x, t), of(RING)(x, t))


def test_at_pure_noise_a_classifier_does_not_lead():
    x, t = torch.randn(3, 2), torch.zeros(3)
    guided = flow.classifier(lambda x, t: 0 * x, lambda x, t: x.sum(dim=1), 2.0)
    assert torch.equal(guided(x, t), torch.zeros(3, 2))


@pytest.mark.parametrize("w", [float("nan"), float("inf")])
def test_bad_input_is_refused(net, w):
    for make in (
        lambda: flow.classifier_free(net, C, w),
        lambda: flow.autoguidance(net, net, w),
        lambda: flow.classifier(net, lambda x, t: x, w),
    ):
        with pytest.raises(ValueError, match=str(w)):
            make()
    with pytest.raises(ValueError, match=r"0\.6 to 0\.3"):
        flow.classifier_free(net, C, 2, interval=(0.6, 0.3))


@pytest.mark.parametrize("interval", [(0.0, 0.2), (0.7, 1.0), (0.1, 0.3), (0.2, 0.7)])
def test_both_ends_belong_to_the_interval_also_in_single_precision(interval):
    counted = flow.Counted(lambda x, t, c: x)
    guided = flow.classifier_free(counted, C, 3.0, interval)
    for end in interval:
        counted.calls = 0
        guided(torch.zeros(2, 3), torch.full((2,), end))
        assert counted.calls == 2


def test_one_time_is_for_all_points(net):
    with pytest.raises(ValueError, match="one time for all"):
        flow.classifier_free(net, C, 3.0, (0.5, 1.0))(batch()[0], torch.tensor([0.1, 0.9]))


@pytest.mark.parametrize("of_all", [lambda x, t: x, lambda x, t: x.mean()])
def test_a_classifier_says_one_number_a_point(of_all):
    led = flow.classifier(lambda x, t: x, of_all, 1.0)
    with pytest.raises(ValueError, match=r"\[2\], one number a point"):
        led(torch.zeros(2, 3), torch.full((2,), 0.5))
