"""Pictures and sentences in one space."""

import math

import pytest
import torch

from genimg_lib import text


def unit(n, d, seed):
    rows = torch.randn(n, d, generator=torch.Generator().manual_seed(seed))
    return rows / rows.norm(dim=1, keepdim=True)


def test_where_nothing_can_be_told_the_loss_is_log_n():
    same = unit(1, 4, 0).expand(7, 4)
    assert text.contrastive_loss(same, same, 10.0).item() == pytest.approx(math.log(7))


def test_the_loss_by_loops():
    a, b = unit(5, 4, 1), unit(5, 4, 2)
    total = 0.0
    for i in range(5):
        for first, second in ((a, b), (b, a)):
            scores = [3.0 * (first[i] @ second[j]).item() for j in range(5)]
            total -= scores[i] - math.log(sum(math.exp(s) for s in scores))
    assert text.contrastive_loss(a, b, 3.0).item() == pytest.approx(total / 10, rel=1e-5)


def test_pairs_that_agree_cost_nothing():
    eye = torch.eye(6)
    assert text.contrastive_loss(eye, eye, 100.0).item() < 1e-6
    assert text.contrastive_loss(eye, eye.roll(1, 0), 100.0).item() > 50


def test_unlike_numbers_are_refused():
    with pytest.raises(ValueError, match=r"5.*4"):
        text.contrastive_loss(unit(5, 4, 0), unit(4, 4, 0), 1.0)


def test_vectors_have_length_one_and_gradients_reach_both_sides():
    torch.manual_seed(0)
    image = {"channels": 3, "size": 8, "width": 16, "depth": 1}
    model = text.ContrastiveModel(9, 5, image, {"width": 16, "depth": 1}, shared=8)
    x, tokens = torch.randn(4, 3, 8, 8), torch.randint(3, 9, (4, 5))
    a, b = model.images(x), model.sentences(tokens)
    assert torch.allclose(a.norm(dim=1), torch.ones(4)) and a.shape == b.shape == (4, 8)
    assert torch.allclose(model(x, tokens), (a * b).sum(dim=1))
    text.contrastive_loss(a, b, model.log_scale.exp()).backward()
    assert all(weight.grad is not None for weight in model.parameters())
