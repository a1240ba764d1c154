"""Parts of a pixel, and the lattice: what a moving camera and a grid of places leave behind."""

import math

import pytest
import torch
import torch.nn.functional as F

from genimg_lib import pretrained, style
from genimg_lib.data import photos, styles
from genimg_lib.data.convert import to_float
from genimg_lib.style import fast, places


def waves(rows, columns, height=64, width=80):
    """A picture of smooth waves [1, 3, H, W], seen from a place in parts of a pixel."""
    y = torch.arange(height)[:, None] + rows
    x = torch.arange(width) + columns
    picture = 0.5 * torch.sin(0.5 * y + 0.3 * x) + 0.3 * torch.cos(0.9 * x - 0.2 * y)
    return picture.expand(1, 3, -1, -1)


@pytest.mark.parametrize("way", [(0.5, 0.25), (0.0, 0.9), (1.0, 0.5)])
def test_a_picture_is_seen_from_parts_of_a_pixel_further_on(way):
    moved = style.shifted(waves(0, 0), way)
    inside = (..., slice(8, -8), slice(8, -8))
    assert (moved - waves(*way))[inside].abs().max() < 0.005


@pytest.mark.parametrize("way", [(-0.1, 0), (0, 1.5), (math.nan, 0)])
def test_other_ways_are_refused(way):
    with pytest.raises(ValueError, match="parts of a pixel from 0 to 1, got"):
        style.shifted(waves(0, 0), way)


@pytest.mark.parametrize("origin", [(3.5, -2.25), (0.75, 4), (-1, 7.125)])
def test_what_is_painted_from_whole_pixels_lies_where_the_picture_does(origin):
    begun = []

    def paint(x, begin):
        begun.append(begin)
        return -x

    painted = places.on_whole_pixels(paint, waves(*origin), origin)
    assert painted.shape == (1, 3, 64, 80)
    assert all(isinstance(n, int) for n in begun[0])
    assert (painted + waves(*origin))[..., 8:-8, 8:-8].abs().max() < 0.01
    # at whole ones nothing is resampled
    assert torch.equal(places.on_whole_pixels(paint, waves(2, 3), (2.0, 3)), -waves(2, 3))


def test_every_place_of_a_cell_has_the_same_mean_and_spread():
    torch.manual_seed(0)
    x = torch.randn(2, 3, 16, 24)
    x[..., ::2, 1::4] += 3
    seen = fast.norm_by_place(x, 4)
    for row in range(4):
        for column in range(4):
            part = seen[..., row::4, column::4]
            assert part.mean(dim=(2, 3)).abs().max() < 1e-5
            assert (part.var(dim=(2, 3), correction=0) - 1).abs().max() < 1e-3
    assert torch.allclose(fast.norm_by_place(x, 1), F.instance_norm(x), atol=1e-5)


def test_a_norm_by_place_takes_any_layout_of_memory_and_a_large_mean():
    torch.manual_seed(0)
    x = torch.randn(2, 8, 16, 24)
    seen = fast.norm_by_place(x, 2)
    last = fast.norm_by_place(x.contiguous(memory_format=torch.channels_last), 2)
    assert torch.allclose(last, seen, atol=1e-5)
    assert torch.allclose(fast.norm_by_place(x + 1000, 2), seen, atol=1e-3)
    places = x.double().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: fast.norm_by_place(x, 4), places[:1, :1, :8, :8])


@pytest.mark.parametrize("shape", [(1, 3, 5, 7), (2, 4, 16, 16)])
def test_a_map_is_enlarged_by_interpolation_and_the_mean_of_3x3_pixels(shape):
    x = torch.randn(shape)
    large = F.interpolate(x, scale_factor=2, mode="bilinear")
    mean = F.avg_pool2d(F.pad(large, (1, 1, 1, 1), mode="reflect"), 3, stride=1)
    assert torch.allclose(fast.enlarged(x, 2), mean, atol=1e-5)


def test_a_lattice_is_found_at_its_period_and_in_noise_there_is_none():
    torch.manual_seed(0)
    noise = torch.randn(1, 3, 160, 160)
    assert style.lattice(noise, 4) < 4
    dotted = noise.clone()
    dotted[..., ::4, ::4] += 0.5
    assert style.lattice(dotted, 4) > 8 > 4 > style.lattice(dotted, 5)
    with pytest.raises(ValueError, match="sides that are multiples of 4"):
        style.lattice(noise[..., :158], 4)


def test_the_networks_for_the_drawn_styles_paint_no_lattice():
    net = pretrained.load_drawn_styles()
    names = ("coffee", "chelsea", "brick")
    seen = [to_float(photos.square(photos.open_photo(name), 384)[None]) for name in names]
    with torch.no_grad():
        for k in range(len(styles.DRAWN)):
            assert style.lattice(torch.cat([net(x, k) for x in seen]), net.GRID) < 4


@pytest.mark.parametrize("step", [(0.5, 0.5), (0.5, 1.5)])
def test_strokes_stay_in_a_scene_that_moves_by_half_a_pixel(step):
    net, wide = pretrained.load_drawn_styles(), photos.square(photos.open_photo("coffee"), 440)
    wide = to_float(wide)
    film, _ = style.pan(wide, (200, 200), 4, step, noise=0.0, finer=2)
    made = {}
    for name, held in (("frame by frame", False), ("held", True)):
        places_of = [[n * k if held else 0 for n in step] for k in range(len(film))]
        with torch.no_grad():
            frames = [net(x[None], 2, film[:1], at) for x, at in zip(film, places_of, strict=True)]
        made[name] = torch.cat(frames)[..., 40:-40, 40:-40]
    flickers = {name: style.flicker(painted, step) for name, painted in made.items()}
    assert flickers["held"] < 0.3 * flickers["frame by frame"]


def test_a_film_by_halves_is_the_mean_of_a_finer_one():
    fine = waves(0, 0, 80, 96)[0]
    film, step = style.pan(fine, (32, 40), 4, (0.5, 1), noise=0.0, finer=2)
    assert step == (0.5, 1) and film.shape == (4, 3, 32, 40)
    assert torch.allclose(film[2], F.avg_pool2d(fine[:, 2:66, 4:84], 2), atol=1e-6)
    assert style.flicker(film, step) < 1e-3 < style.flicker(film, (0, 0))
    with pytest.raises(ValueError, match="multiples of 1/2 of a pixel"):
        style.pan(fine, (32, 40), 4, (0.25, 1), finer=2)


def test_a_plain_picture_has_no_lattice_of_rounding():
    for grey in (0.0, 0.1, 0.3, 1.0):
        assert math.isnan(style.lattice(torch.full((1, 3, 64, 64), grey), 4))
