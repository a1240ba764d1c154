"""The diffusion transformer: shapes, what moves what, and what is refused."""

import pytest
import torch
import torch.nn.functional as F

from genimg_lib import flow, layers


def small(**changes):
    torch.manual_seed(0)
    settings = {"channels": 1, "size": 8, "patch": 2, "width": 16, "depth": 2, "heads": 2}
    net = flow.DiffusionTransformer(**settings | changes)
    for p in net.parameters():
        torch.nn.init.normal_(p, std=0.2)
    return net


def test_attention_is_that_of_torch():
    q, k, v = torch.randn(3, 2, 3, 5, 4).double()
    for causal in (False, True):
        torch.testing.assert_close(
            layers.attention(q, k, v, causal),
            F.scaled_dot_product_attention(q, k, v, is_causal=causal),
        )


def test_images_to_images_and_every_patch_sees_every_other():
    net, x, t = small(), torch.randn(2, 1, 8, 8), torch.tensor([0.1, 0.8])
    out = net(x, t)
    assert out.shape == x.shape
    other = x.clone()
    other[:, :, :2, :2] += 1  # the first patch
    assert ((net(other, t) - out).abs() > 1e-6).all()


def test_a_patch_comes_back_where_it_was():
    net = small()
    with torch.no_grad():
        for p in net.parameters():
            p.zero_()
        net.outward.bias.copy_(torch.arange(4.0))
    image = net(torch.zeros(1, 1, 8, 8), torch.zeros(1))[0, 0]
    assert torch.equal(image[:2, :2], torch.tensor([[0.0, 1.0], [2.0, 3.0]]))
    assert torch.equal(image, image[:2, :2].repeat(4, 4))


def test_time_and_condition_matter_and_no_condition_is_none():
    net, x = small(conditions=3), torch.randn(2, 1, 8, 8)
    t, c = torch.tensor([0.3, 0.3]), torch.tensor([[1.0, 0, 0], [0, 0, 0]])
    told, plain = net(x, t, c), net(x, t)
    assert not torch.allclose(told[0], plain[0])
    torch.testing.assert_close(told[1], plain[1])
    assert not torch.allclose(net(x, t + 0.3), plain)


def test_a_fresh_block_is_the_identity():
    block = flow.transformer.TransformerBlock(16, 2, 8)
    h = torch.randn(2, 4, 16)
    assert torch.equal(block(h, torch.randn(2, 8)), h)


def test_what_does_not_fit_is_refused():
    for changes in ({"patch": 3}, {"width": 15}):
        with pytest.raises(ValueError, match="multiple"):
            small(**changes)
    with pytest.raises(ValueError, match="condition"):
        small()(torch.zeros(1, 1, 8, 8), torch.zeros(1), torch.zeros(1, 3))
