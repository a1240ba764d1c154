"""Mutual information of latents with factors, against what is known of it."""

import math

import pytest
import torch

from genimg_lib import metrics

N = 20_000


def drawn(seed=0):
    g = torch.Generator().manual_seed(seed)
    return torch.randint(4, (N,), generator=g), g


def test_a_coordinate_that_tells_a_factor_knows_its_entropy():
    label, g = drawn()
    noise = torch.randn(N, generator=g)
    z = torch.stack([label + 0.01 * noise, noise], dim=1)
    information, entropy = metrics.mutual_information(z, label)
    assert entropy == pytest.approx(math.log(4), abs=1e-3)
    assert information[0].item() == pytest.approx(entropy, abs=0.05)
    assert information[1].item() < 0.01


def test_the_information_of_two_normals_has_its_closed_form():
    g = torch.Generator().manual_seed(1)
    x, noise = torch.randn(2, N, generator=g)
    rho = 0.9
    z = torch.stack([rho * x + math.sqrt(1 - rho**2) * noise, x], dim=1)
    information, _ = metrics.mutual_information(z, x)
    expected = -0.5 * math.log(1 - rho**2)
    assert information[0].item() == pytest.approx(expected, abs=0.08)


def test_the_gap_is_one_for_a_coordinate_each_and_small_for_a_rotation():
    label, g = drawn()
    other = torch.randint(3, (N,), generator=g)
    z = torch.stack([label.double(), other.double()], dim=1)
    z = z + 0.01 * torch.randn(z.shape, generator=g)
    factors = {"label": label, "other": other}
    gap, each = metrics.mutual_information_gap(z, factors)
    assert gap > 0.95
    assert set(each) == {"label", "other"}
    z = (z - z.mean(dim=0)) / z.std(dim=0)
    turn = torch.tensor([[1.0, -1.0], [1.0, 1.0]]).double() / math.sqrt(2)
    turned, _ = metrics.mutual_information_gap(z @ turn, factors)
    assert turned < 0.3 * gap


def test_the_gap_is_zero_where_two_coordinates_know_the_same():
    label, _ = drawn()
    z = torch.stack([label.double(), label.double()], dim=1)
    assert metrics.mutual_information_gap(z, {"label": label})[0] == pytest.approx(0.0, abs=1e-9)


def test_a_single_coordinate_has_no_gap():
    with pytest.raises(ValueError, match="got 1"):
        metrics.mutual_information_gap(torch.zeros(5, 1), {})
