"""CycleGAN's maps: how they begin, and what their losses measure."""

import pytest
import torch

from genimg_lib.cycle_model import CycleModel


def images(seed, n=2):
    return 2 * torch.rand(n, 3, 16, 16, generator=torch.Generator().manual_seed(seed)) - 1


def stirred(fine):
    torch.manual_seed(0)
    model = CycleModel(size=16, patch=2, width=16, fine=fine)
    for weights in model.parameters():
        torch.nn.init.normal_(weights, std=0.1)
    return model.eval()


@pytest.mark.parametrize("fine", [0, 8])
def test_both_maps_begin_by_changing_nothing(fine):
    model = CycleModel(size=16, patch=2, width=16, fine=fine)
    a, b = images(1), images(2, 3)
    to_b, to_a = model(a, b)
    assert torch.equal(to_b, a) and torch.equal(to_a, b)
    back, same = model.losses(a, b, to_a, to_b)
    assert back == 0 and same == 0


@pytest.mark.parametrize("fine", [0, 8])
def test_g_and_f_are_two_maps_and_the_losses_go_there_and_back(fine):
    model = stirred(fine)
    a, b = images(1), images(2, 3)
    with torch.no_grad():
        to_b, to_a = model(a, b)
        assert torch.equal(to_b, model.G(a)) and torch.equal(to_a, model.F(b))
        assert not torch.allclose(model.G(a), model.F(a))
        back, same = model.losses(a, b, to_a, to_b)
        of_a = (model.F(model.G(a)) - a).abs().mean()
        of_b = (model.G(model.F(b)) - b).abs().mean()
        assert torch.isclose(back, of_a + of_b)
        kept = (model.F(a) - a).abs().mean() + (model.G(b) - b).abs().mean()
        assert torch.isclose(same, kept)
