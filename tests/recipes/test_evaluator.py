"""Evaluators of larger images: how they begin, what they know, what is refused."""

import pytest
import torch
import torch.nn.functional as F

from genimg_lib import data, metrics
from genimg_lib.data import portraits
from genimg_lib.recipes import evaluator as recipe
from genimg_lib.training import start


def test_a_larger_one_begins_as_the_usual_one_on_averaged_pixels(size=64):
    torch.manual_seed(0)
    usual = metrics.Evaluator("portraits").net
    net = metrics.EvaluatorNet(**metrics.SPECS["portraits"].network(size)).eval()
    recipe.begin_as(net, usual)
    flat = torch.rand(4, 3, 32, 32) * 2 - 1
    large = F.interpolate(flat, size=(size, size), mode="nearest")
    torch.testing.assert_close(net.features(large), usual.features(flat), rtol=1e-4, atol=1e-4)
    # and it sees more than that
    other = large + 0.2 * torch.randn(large.shape)
    averaged = F.avg_pool2d(other, size // 32)
    apart = (net.features(other) - usual.features(averaged)).abs().mean()
    assert apart > 10 * (net.features(large) - usual.features(flat)).abs().mean() > 0


def test_another_size_or_name_is_refused_before_any_work():
    with pytest.raises(ValueError, match="48"):
        recipe.train(start("evaluator"), 1, "portraits", size=48)
    with pytest.raises(ValueError, match="photos"):
        recipe.train(start("evaluator"), 1, "photos")


def test_the_judge_of_larger_portraits_reads_factors_and_knows_its_floor(size=64):
    judge = metrics.Evaluator("portraits", size=size)
    test = judge.real(500)
    assert test.images.shape == (500, 3, size, size)
    known = {name: test.factors[name] for name in portraits.CATEGORICAL}
    right = metrics.agreement(judge.read(test.images), known)
    assert min(right.values()) > 0.95
    x = data.to_float(test.images)
    blurred = F.interpolate(F.avg_pool2d(x, 2), scale_factor=2, mode="bilinear")
    assert judge.fd(blurred) > 3 * judge.floor(500)
    with pytest.raises(ValueError, match="32, 32"):
        judge.fd(torch.zeros(300, 3, 32, 32))


def test_there_is_no_judge_of_other_sizes():
    with pytest.raises(ValueError, match="32, 64; got 256"):
        metrics.Evaluator("portraits", size=256)
