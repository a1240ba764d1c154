"""Confidence beside accuracy, and two kinds told apart."""

import pytest
import torch

from genimg_lib import metrics


def test_confidence_that_is_right_as_often_as_it_says_has_no_error():
    confidence = torch.full((100,), 0.75)
    right = torch.arange(100) < 75
    assert metrics.calibration_error(confidence, right) == pytest.approx(0)


def test_the_error_is_the_weighed_gap_of_the_bins():
    confidence = torch.tensor([0.95, 0.95, 0.55, 0.55])
    right = torch.tensor([True, True, False, False])
    assert metrics.calibration_error(confidence, right) == pytest.approx(0.5 * 0.05 + 0.5 * 0.55)
    assert metrics.calibration_error(torch.ones(3), torch.ones(3, dtype=torch.bool)) == 0


def test_unlike_numbers_are_refused():
    with pytest.raises(ValueError, match=r"\[3\].*\[2\]"):
        metrics.calibration_error(torch.ones(3), torch.ones(2, dtype=torch.bool))


def test_the_area_is_the_chance_of_being_above():
    a, b = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([0.0, 2.0])
    by_hand = sum((x > y) + 0.5 * (x == y) for x in a.tolist() for y in b.tolist()) / 6
    assert metrics.area_under_curve(a, b) == pytest.approx(by_hand)
    assert metrics.area_under_curve(b, a) == pytest.approx(1 - by_hand)
