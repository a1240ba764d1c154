"""Pairs of noise and data by optimal transport within a batch."""

import itertools

import pytest
import torch

from genimg_lib import flow


def cost(x, eps):
    return (x - eps).flatten(1).square().sum().item()


def test_no_other_order_is_cheaper():
    g = torch.Generator().manual_seed(0)
    x, eps = torch.randn(2, 6, 1, 2, 2, generator=g)
    found = cost(x, flow.coupled(x, eps))
    least = min(cost(x, eps[list(order)]) for order in itertools.permutations(range(6)))
    assert found == pytest.approx(least, rel=1e-5)
    assert found < cost(x, eps)


def test_each_noise_is_used_once():
    x, eps = torch.randn(2, 50, 3)
    eps_2 = flow.coupled(x, eps)
    assert torch.equal(eps.sort(dim=0).values, eps_2.sort(dim=0).values)
    assert torch.equal(flow.coupled(x, eps), eps_2)  # nothing random


def test_other_shapes_are_refused():
    with pytest.raises(ValueError, match=r"\[3, 2\], \[4, 2\]"):
        flow.coupled(torch.zeros(3, 2), torch.zeros(4, 2))
