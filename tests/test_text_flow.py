"""A flow that is told sentences."""

import pytest
import torch

from genimg_lib import flow
from genimg_lib.text_flow import TextFlow

WORDS = ("a", "face", "red", "hat", "hair", ",")
IMAGE = {"channels": 3, "size": 8, "patch": 2, "width": 8, "hidden": 8}


def made(encoder="transformer", **encoding):
    torch.manual_seed(0)
    net = TextFlow(WORDS, 6, {"width": 16} | encoding, IMAGE, encoder).eval()
    for part in (net.net.outward, *(look.mixed for look in net.net.looks)):
        torch.nn.init.normal_(part.weight, std=0.2)
    return net


NOISE = torch.randn(3, 3, 8, 8, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("encoder", ["transformer", "bag"])
def test_images_have_the_shape_of_the_noise_and_words_change_them(encoder):
    net = made(encoder)
    tokens = net.encode(["a red hat", "a face", "red hair"])
    drawn = net.draw(tokens, NOISE, calls=3)
    assert drawn.shape == NOISE.shape and drawn.abs().max() <= 1
    assert not torch.allclose(drawn, net.draw(tokens.roll(1, 0), NOISE, calls=3), atol=1e-4)


def test_without_guidance_words_change_nothing_and_with_weight_one_nothing_changes_words():
    net = made()
    tokens = net.encode(["a red hat", "a face", "red hair"])
    nothing = torch.zeros_like(tokens)
    at_0 = net.draw(tokens, NOISE, calls=3, w=0.0)
    assert torch.equal(at_0, net.draw(tokens.flip(0), NOISE, calls=3, w=0.0))
    assert torch.equal(at_0, net.draw(nothing, NOISE, calls=3))
    told = flow.draw(net, NOISE, 3, tokens)
    assert torch.equal(told, net.draw(tokens, NOISE, calls=3, w=1.0))


def test_the_order_of_words_is_nothing_to_the_bag():
    tokens = torch.tensor([[3, 5, 6, 4, 2, 0]]).expand(3, -1)
    other = torch.tensor([[6, 3, 4, 5, 2, 0]]).expand(3, -1)
    bag, transformer = made("bag"), made()
    t = torch.full((3,), 0.5)
    with torch.no_grad():
        assert torch.allclose(bag(NOISE, t, tokens), bag(NOISE, t, other), atol=1e-5)
        off = (transformer(NOISE, t, tokens) - transformer(NOISE, t, other)).abs().max()
    assert off > 1e-4


def test_gradients_reach_every_weight():
    net = made()
    tokens = net.encode(["a red hat", "a face", "red hair"])
    t = torch.tensor([0.1, 0.5, 0.9])
    net(NOISE, t, tokens).square().sum().backward()
    without = [name for name, weight in net.named_parameters() if weight.grad is None]
    assert not without


def test_an_unknown_encoder_is_refused():
    with pytest.raises(ValueError, match=r"rnn.*transformer"):
        TextFlow(WORDS, 6, {"width": 16}, IMAGE, "rnn")
