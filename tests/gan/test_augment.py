"""Random changes: what they change, and that gradients flow."""

import pytest
import scipy.stats
import torch
from hypothesis import given
from hypothesis import strategies as st

from genimg_lib import gan

seeds = st.integers(0, 10**6)


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


changes = [("color",), ("translation",), ("cutout",), ("color", "translation", "cutout")]
sides = st.integers(4, 33)


def changed(x, *policy, seed=0):
    torch.manual_seed(seed)
    return gan.DiffAugment(*policy)(x)


def test_unknown_changes_are_refused():
    with pytest.raises(
        ValueError, match="unknown change 'colour'; known: color, translation, cutout"
    ):
        gan.DiffAugment("cutout", "colour")


def test_all_three_changes_are_made_if_none_is_named():
    x = noise(5, 3, 16, 16)
    assert torch.equal(changed(x), changed(x, "color", "translation", "cutout"))
    alone = [changed(x, name) for name in ("color", "translation", "cutout")]
    assert not any(torch.equal(changed(x), y) for y in alone)


@pytest.mark.parametrize("policy", changes)
@pytest.mark.parametrize("channels", [1, 3])
def test_changed_images_keep_shape_and_type_and_the_original_is_left_alone(policy, channels):
    for dtype in (torch.float32, torch.float64, torch.bfloat16):
        x = noise(4, channels, 12, 12).to(dtype)
        before, y = x.clone(), changed(x, *policy)
        assert y.shape == x.shape and y.dtype == dtype and not torch.equal(y, x)
        assert torch.equal(x, before)


@pytest.mark.parametrize("policy", changes)
@pytest.mark.parametrize("channels", [1, 3])
def test_gradients_flow_through_every_change(policy, channels):
    x = noise(3, channels, 6, 6).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: changed(x, *policy), (x,))
    (slope,) = torch.autograd.grad(changed(x, *policy).square().sum(), x)
    assert (slope.flatten(1).abs().amax(dim=1) > 0).all()


@given(side=sides, channels=st.sampled_from([1, 3]), seed=seeds)
def test_translation_moves_all_channels_by_an_eighth_of_the_side_at_most_and_fills_with_zeros(
    side, channels, seed
):
    x, most = noise(4, channels, side, side, seed=seed), max(1, side // 8)
    for before, after in zip(x, changed(x, "translation", seed=seed), strict=True):
        found = []
        for down in range(-most, most + 1):
            for right in range(-most, most + 1):
                wanted = torch.zeros_like(before)
                wanted[:, max(down, 0) : side + down, max(right, 0) : side + right] = before[
                    :, max(-down, 0) : side - down, max(-right, 0) : side - right
                ]
                found += [(down, right)] if torch.equal(wanted, after) else []
        assert len(found) == 1


@pytest.mark.parametrize(("side", "most"), [(4, 1), (8, 1), (16, 2), (28, 3), (32, 4)])
def test_translation_makes_every_move_up_to_the_largest_alike(side, most):
    n = 200 * (2 * most + 1) ** 2
    x = torch.zeros(1, 1, side, side)
    x[0, 0, side // 2, side // 2] = 1
    where = changed(x.expand(n, -1, -1, -1), "translation").flatten(1).argmax(dim=1)
    moves = (2 * most + 1) * (where // side - side // 2 + most) + where % side - side // 2 + most
    counts = torch.bincount(moves, minlength=(2 * most + 1) ** 2)
    assert len(counts) == (2 * most + 1) ** 2
    assert scipy.stats.chisquare(counts).pvalue > 0.001


@given(side=sides, channels=st.sampled_from([1, 3]), seed=seeds)
def test_cutout_empties_one_square_of_half_the_side_and_leaves_the_rest(side, channels, seed):
    x, longest = 1 + noise(20, channels, side, side, seed=seed).abs(), 2 * (side // 4) + 1
    y = changed(x, "cutout", seed=seed)
    assert torch.equal(y, torch.where(y == 0, 0.0, x))
    for gone in (y == 0).all(dim=1):
        rows, columns = (gone.any(dim=i).nonzero().flatten().tolist() for i in (1, 0))
        for lines in (rows, columns):
            assert (
                lines == list(range(lines[0], lines[-1] + 1)) and side // 4 <= len(lines) <= longest
            )
            # smaller at the border alone
            assert len(lines) == longest or lines[0] == 0 or lines[-1] == side - 1
        assert gone.sum() == len(rows) * len(columns)
    assert torch.equal((y == 0).all(dim=1), (y == 0).any(dim=1))


def test_cutout_reaches_every_pixel():
    gone = changed(torch.ones(3_000, 1, 16, 16), "cutout").mean(dim=(0, 1)) < 1
    assert gone.all()


@given(channels=st.sampled_from([1, 3]), seed=seeds)
def test_color_shifts_the_mean_and_stretches_what_differs_from_it(channels, seed):
    x = noise(8, channels, 5, 5, seed=seed)
    y = changed(x, "color", seed=seed)
    for before, after in zip(x, y, strict=True):
        assert abs(after.mean() - before.mean()) <= 0.5
        grey, grey_after = before.mean(dim=0), after.mean(dim=0)
        light, light_after = grey - grey.mean(), grey_after - grey_after.mean()
        contrast = (light * light_after).sum() / light.square().sum()
        assert 0.5 - 1e-9 <= contrast <= 1.5 + 1e-9
        torch.testing.assert_close(light_after, contrast * light)
        if channels > 1:
            tint, tint_after = before - grey, after - grey_after
            stretch = (tint * tint_after).sum() / tint.square().sum()
            assert -1e-9 <= stretch <= 2 * contrast + 1e-9
            torch.testing.assert_close(tint_after, stretch * tint)


def test_brightness_contrast_and_saturation_are_uniform_and_know_nothing_of_each_other():
    n = 4_000
    x = noise(1, 3, 3, 3)
    y = changed(x.expand(n, -1, -1, -1), "color")
    brightness = y.mean(dim=(1, 2, 3)) - x.mean()
    light, light_after = (
        x.mean(dim=1) - x.mean(),
        y.mean(dim=1) - y.mean(dim=(1, 2, 3))[:, None, None],
    )
    contrast = light_after[:, 0, 0] / light[0, 0, 0]
    saturation = (
        (y - y.mean(dim=1, keepdim=True))[:, 0, 0, 0]
        / (x - x.mean(dim=1, keepdim=True))[0, 0, 0, 0]
        / contrast
    )
    drawn = torch.stack([brightness + 0.5, contrast - 0.5, saturation / 2])
    assert all(scipy.stats.kstest(u, "uniform").pvalue > 0.01 for u in drawn)
    assert (torch.corrcoef(drawn) - torch.eye(3)).abs().max() < 0.06


@pytest.mark.parametrize("policy", changes)
def test_each_image_gets_a_change_of_its_own(policy):
    y = changed(noise(1, 3, 16, 16).expand(64, -1, -1, -1), *policy)
    assert len({tuple(image.flatten().tolist()) for image in y}) >= 15


@pytest.mark.parametrize("policy", changes)
def test_the_same_seed_makes_the_same_changes(policy):
    x = noise(8, 3, 16, 16)
    assert torch.equal(changed(x, *policy, seed=1), changed(x, *policy, seed=1))
    assert not torch.equal(changed(x, *policy, seed=1), changed(x, *policy, seed=2))
