"""The U-Net on patches: shapes, its start, what the time does, how far it looks."""

import re

import pytest
import torch

from genimg_lib import flow, layers


@pytest.fixture
def net():
    torch.manual_seed(0)
    return flow.PatchUNet(channels=1, size=16, patch=2, width=8, embed=16, hidden=16)


@pytest.mark.parametrize(
    ("channels", "size", "patch"), [(3, 32, 4), (1, 28, 2), (3, 32, 2), (1, 16, 4)]
)
def test_images_come_out_as_they_go_in(channels, size, patch):
    net = flow.PatchUNet(channels, size, patch, width=8, embed=16, hidden=8)
    x = torch.randn(2, channels, size, size)
    assert net(x, torch.rand(2)).shape == x.shape


def test_a_map_at_full_size_begins_without_seams():
    """The map that the last convolution paints from is flat over each patch."""
    net = flow.PatchUNet(1, 16, 2, width=8, embed=16, hidden=8, fine=4)
    seen = []
    net.paint.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    x = torch.randn(2, 1, 16, 16)
    assert net(x, torch.rand(2)).shape == x.shape
    fine, image = seen[0].split([4, 1], dim=1)
    assert torch.equal(image, x)
    patches = fine.unfold(2, 2, 2).unfold(3, 2, 2).flatten(-2)
    torch.testing.assert_close(patches, patches[..., :1].expand_as(patches))
    assert fine.std() > 0.01


def test_told_nothing_is_the_same_in_two_ways():
    net = flow.PatchUNet(1, 16, 2, width=8, embed=16, hidden=8, conditions=3)
    for p in net.parameters():
        torch.nn.init.normal_(p, std=0.1)
    x, t, c = torch.randn(2, 1, 16, 16), torch.rand(2), torch.eye(3)[:2]
    torch.testing.assert_close(net(x, t), net(x, t, torch.zeros(2, 3)))
    assert (net(x, t) - net(x, t, c)).abs().mean() > 1e-4


@pytest.mark.parametrize("conditions", [0, 3])
def test_conditions_of_another_width_are_refused(conditions):
    net = flow.PatchUNet(1, 16, 2, width=8, embed=16, hidden=8, conditions=conditions)
    with pytest.raises(ValueError, match=r"none.*\[2, 4\]|\[2, 3\].*\[2, 4\]"):
        net(torch.randn(2, 1, 16, 16), torch.rand(2), torch.zeros(2, 4))


def test_a_size_that_does_not_halve_is_refused():
    with pytest.raises(ValueError, match="28"):
        flow.PatchUNet(size=28, patch=4)


def test_the_time_changes_what_comes_out(net):
    for p in net.parameters():
        torch.nn.init.normal_(p, std=0.1)
    x = torch.randn(2, 1, 16, 16)
    early, late = net(x, torch.zeros(2)), net(x, torch.ones(2))
    assert (early - late).abs().mean() > 1e-3


def test_images_do_not_see_each_other(net):
    x, t = torch.randn(3, 1, 16, 16), torch.rand(3)
    together = net(x, t)
    alone = torch.cat([net(x[k : k + 1], t[k : k + 1]) for k in range(3)])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)


def test_every_pixel_reaches_every_other_once_the_mixing_is_not_zero(net):
    for p in net.parameters():
        torch.nn.init.normal_(p, std=0.3)
    x = torch.randn(1, 1, 16, 16, requires_grad=True)
    (slope,) = torch.autograd.grad(net(x, torch.full((1,), 0.5))[0, 0, 0, 0], x)
    assert (slope[0, 0] != 0).all()


def test_a_block_begins_as_the_identity():
    block, h = flow.ResBlock(8, 16), torch.randn(2, 8, 4, 4)
    assert torch.equal(block(h, torch.randn(2, 16)), h)
    mixing = flow.GlobalMixing(8, 4, 16, 32)
    assert torch.equal(mixing(h, torch.randn(2, 16)), h)


def test_times_become_cosines_and_sines():
    t = torch.tensor([0.0, 0.25])
    found = flow.time_features(t, 4)
    frequencies = torch.tensor([1.0, 403.4288])
    wanted = torch.cat([(t[:, None] * frequencies).cos(), (t[:, None] * frequencies).sin()], dim=1)
    torch.testing.assert_close(found, wanted, rtol=1e-3, atol=1e-3)


def test_multiply_adds_are_counted_by_hand():
    net = torch.nn.Sequential(torch.nn.Conv2d(2, 3, 3, padding=1), torch.nn.Flatten())
    net.append(torch.nn.Linear(3 * 16, 5))
    assert layers.multiply_adds(net, torch.zeros(1, 2, 4, 4)) == 3 * 16 * 2 * 9 + 48 * 5


@pytest.mark.parametrize("fine", [0, 8])
def test_maps_that_it_is_shown_count_and_are_not_painted(fine):
    net = flow.PatchUNet(size=16, width=16, fine=fine, shown=2)
    torch.manual_seed(0)
    for weights in net.parameters():
        torch.nn.init.normal_(weights, std=0.1)
    x, t = torch.randn(2, 5, 16, 16), torch.tensor([0.1, 0.6])
    found = net(x, t)
    assert found.shape == (2, 3, 16, 16)
    other = x.clone()
    other[:, 4] += 1
    assert not torch.allclose(net(other, t), found)


def test_a_network_that_looks_at_words_is_moved_by_each_that_is_there():
    torch.manual_seed(0)
    net = flow.WordUNet(6, 10, channels=3, size=8, patch=2, width=8, hidden=8).eval()
    blocks = [block.conv2 for block in (*net.first, *net.middle, net.last_middle)]
    for part in (net.outward, *(look.mixed for look in net.looks), *blocks):
        torch.nn.init.normal_(part.weight, std=0.3)
    x, t = torch.randn(2, 3, 8, 8), torch.tensor([0.2, 0.7])
    vectors, summary = torch.randn(2, 4, 6), torch.randn(2, 10)
    there = torch.tensor([[True, True, False, False], [True, True, True, True]])
    before = net(x, t, (vectors, there, summary))
    assert before.shape == x.shape
    for place in range(4):
        changed = vectors.clone()
        changed[:, place] += 1
        moved = (net(x, t, (changed, there, summary)) - before).abs().amax(dim=(1, 2, 3)) > 1e-6
        assert moved.tolist() == there[:, place].tolist()
    other = net(x, t, (vectors, there, summary + 1))
    assert ((other - before).abs().amax(dim=(1, 2, 3)) > 1e-6).all()


@pytest.mark.parametrize("shape", [(3, 32, 32), (0, 3, 32, 32), (2, 3, 28, 28), (2, 1, 32, 32)])
@pytest.mark.parametrize("kind", [flow.PatchUNet, flow.DiffusionTransformer])
def test_images_of_another_shape_are_refused(kind, shape):
    net = kind(width=8)
    with pytest.raises(ValueError, match=re.escape(f"[N, 3, 32, 32], one or more, got {[*shape]}")):
        net(torch.zeros(shape), torch.zeros(shape[0]))


def test_patches_and_heads_of_no_size_are_refused():
    with pytest.raises(ValueError, match="patch 0"):
        flow.PatchUNet(patch=0)
    with pytest.raises(ValueError, match="heads 0"):
        flow.DiffusionTransformer(heads=0)
