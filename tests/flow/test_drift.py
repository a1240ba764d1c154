"""Drifting: a difference of smoothed scores, and nothing where both sets are the same."""

import pytest
import torch

from genimg_lib import flow
from genimg_lib.data.mixture import GaussianMixture


def sets(n=20, m=30, d=2):
    g = torch.Generator().manual_seed(0)
    x, data = torch.randn(n, d, generator=g), torch.randn(m, d, generator=g) + 1
    return x.double(), data.double()


def smoothed(points, width):
    """The density of points, each spread by the kernel."""
    n, d = points.shape
    weights = torch.full((n,), 1 / n, dtype=points.dtype)
    covariances = width**2 * torch.eye(d, dtype=points.dtype)
    return GaussianMixture(weights, points, covariances.expand(n, d, d))


def test_it_is_the_difference_of_two_smoothed_scores():
    x, data = sets()
    width = 0.7
    difference = smoothed(data, width).score(x) - smoothed(x, width).score(x)
    torch.testing.assert_close(flow.drift(x, data, width), width**2 * difference)


def test_nothing_moves_where_both_are_the_same():
    x, _ = sets()
    assert torch.equal(flow.drift(x, x.clone(), 0.5), torch.zeros_like(x))


def test_the_loss_pulls_samples_along_their_drift():
    x, data = sets()
    x.requires_grad_(True)
    loss = flow.drifting_loss(x, data, 0.7, 1.5)
    (gradient,) = torch.autograd.grad(loss, x)
    moved = flow.drift(x.detach(), data, 0.7) + flow.drift(x.detach(), data, 1.5)
    torch.testing.assert_close(gradient, -2 * moved / len(x))
    torch.testing.assert_close(loss, moved.square().sum(dim=1).mean())


@pytest.mark.parametrize("width", [0, -1.0, float("nan")])
def test_a_width_that_is_none_is_refused(width):
    with pytest.raises(ValueError, match=str(width)):
        flow.drift(*sets(), width)


def test_no_width_at_all_is_refused():
    with pytest.raises(ValueError, match="none"):
        flow.drifting_loss(*sets())


def test_sets_of_other_widths_are_refused():
    with pytest.raises(ValueError, match=r"\[5, 3\]"):
        flow.drift(torch.zeros(4, 2), torch.zeros(5, 3), 1.0)


def test_no_data_and_widths_in_a_list_are_refused():
    with pytest.raises(ValueError, match=r"\[0, 2\]"):
        flow.drift(torch.zeros(4, 2), torch.zeros(0, 2), 1.0)
    with pytest.raises(ValueError, match="a number above 0"):
        flow.drifting_loss(*sets(), [0.1, 1.0])
