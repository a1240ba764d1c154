"""Larger and smaller: as Pillow does it, and by a network."""

import pytest
import torch
from PIL import Image

from genimg_lib import data, restore
from genimg_lib.data import photos


def by_pillow(image, size):
    picture = Image.fromarray(image.permute(1, 2, 0).numpy())
    return photos.to_tensor(picture.resize(size[::-1], Image.Resampling.BICUBIC))


@pytest.mark.parametrize("name", ["coffee", "page", "astronaut"])
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_bytes_are_resized_as_pillow_does_but_for_a_level_here_and_there(name, scale):
    image = photos.open_photo(name)
    height, width = (side // scale for side in image.shape[1:])
    image = image[:, : scale * height, : scale * width]
    small = restore.shrunk(image[None], scale)[0]
    large = restore.enlarged(small[None], scale)[0]
    for found, of_what in ((small, image), (large, small)):
        off = (found.int() - by_pillow(of_what, found.shape[1:]).int()).abs()
        assert off.max() <= 1 and (off > 0).double().mean() < 0.01


def test_floats_are_not_what_bytes_are_where_a_photograph_is_black_or_white():
    image = photos.open_photo("astronaut")[None]
    as_bytes = restore.shrunk(image, 4).float()
    as_floats = restore.shrunk(image.float(), 4).clamp(0, 255).round()
    assert (as_bytes - as_floats).abs().max() >= 2


def test_floats_are_what_the_operator_says():
    x = torch.randn(2, 3, 16, 24, generator=torch.Generator().manual_seed(0)).double()
    wanted = restore.Shrink((16, 24), 4).measure(x)
    assert torch.allclose(restore.shrunk(x, 4), wanted, atol=1e-6)


def test_what_the_scale_leaves_over_is_refused():
    with pytest.raises(ValueError, match="cut off"):
        restore.shrunk(torch.zeros(1, 3, 9, 8), 2)


# ------------------------------------------------------------------ the network


def trained_a_little(scale=2, blocks=2):
    torch.manual_seed(0)
    net = restore.Upscaler(scale, width=8, blocks=blocks)
    for weight in net.parameters():
        torch.nn.init.normal_(weight, std=0.1)
    return net.eval().requires_grad_(False)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_sizes_of_any_kind_and_it_begins_as_bicubic(scale):
    y = data.to_float(photos.open_photo("chelsea")[None, :, 50:73, 60:91])
    x_hat = restore.Upscaler(scale, width=8, blocks=1)(y)
    assert x_hat.shape == (1, 3, 23 * scale, 31 * scale)
    assert torch.equal(x_hat, restore.enlarged(y, scale))


def test_twice_the_contrast_gives_twice_the_contrast():
    net, y = trained_a_little(), torch.rand(1, 3, 9, 9, generator=torch.Generator().manual_seed(1))
    assert torch.allclose(net(3 * y), 3 * net(y), atol=1e-4)


def test_it_sees_as_far_as_it_says():
    net = trained_a_little(blocks=2)
    y = torch.zeros(1, 3, 31, 31).requires_grad_()
    net.requires_grad_(False)
    seed = torch.rand(1, 3, 31, 31, generator=torch.Generator().manual_seed(2))
    net(y + seed)[0, :, 30, 30].sum().backward()
    rows = y.grad.abs().sum(dim=(0, 1, 3)).nonzero().flatten()
    assert 15 - rows.min() <= net.reach and net.reach == 6


def test_over_turns_all_eight_positions_count_alike():
    net, y = trained_a_little(), torch.rand(2, 3, 7, 9, generator=torch.Generator().manual_seed(1))
    found = restore.over_turns(net, y)
    assert found.shape == (2, 3, 14, 18) and not torch.allclose(found, net(y), atol=1e-3)
    turned = torch.rot90(y.flip(2), 1, (2, 3))
    wanted = torch.rot90(found.flip(2), 1, (2, 3))
    assert torch.allclose(restore.over_turns(net, turned), wanted, atol=1e-5)
    calls = []
    restore.over_turns(lambda image: calls.append(image) or image, y)
    flat = {tuple(image[0].flatten().tolist()) for image in calls}
    assert len(calls) == 8 and len(flat) == 8


def test_what_it_cannot_take_is_refused():
    with pytest.raises(ValueError, match="scale"):
        restore.Upscaler(1)
    with pytest.raises(ValueError, match="3, h, w"):
        trained_a_little()(torch.zeros(1, 1, 8, 8))


@pytest.mark.parametrize(("height", "width"), [(40, 70), (33, 17), (64, 64)])
def test_tiles_of_a_function_that_enlarges_leave_no_seam(height, width):
    g = torch.Generator().manual_seed(0)
    x = torch.rand(1, 3, height, width, generator=g)
    net = trained_a_little()
    calls = []
    tiles = {"size": 16, "overlap": net.reach, "step": 1, "scale": 2}
    found = restore.in_tiles(net, x, watch=lambda k, n: calls.append((k, n)), **tiles)
    assert found.shape == (1, 3, 2 * height, 2 * width)
    assert torch.allclose(found, net(x), atol=1e-5)
    too_little = restore.in_tiles(net, x, **(tiles | {"overlap": 0}))
    assert not torch.allclose(too_little, net(x), atol=1e-3)
    assert calls[-1] == (len(calls), len(calls))
