"""Laying pictures over pictures: light, alpha, and where corners go."""

import numpy as np
import pytest
import torch

from genimg_lib import worlds


def test_colour_and_light_are_inverses_and_half_of_the_light_is_188():
    values = torch.linspace(0, 1, 1_001, dtype=torch.float64)
    assert torch.allclose(worlds.to_colour(worlds.to_light(values)), values, atol=1e-6)
    half = worlds.to_colour(torch.tensor(0.5)).item() * 255
    assert round(half) == 188


def test_light_is_what_scikit_image_says():
    from skimage.color import rgb2xyz, xyz2rgb

    colour = torch.rand(5, 4, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    by_xyz = rgb2xyz(colour.numpy())
    to_xyz = np.array(
        [
            [0.412453, 0.357580, 0.180423],
            [0.212671, 0.715160, 0.072169],
            [0.019334, 0.119193, 0.950227],
        ]
    )
    light = worlds.to_light(colour).numpy()
    assert np.allclose(light @ to_xyz.T, by_xyz, atol=1e-6)
    assert np.allclose(xyz2rgb(by_xyz), colour.numpy(), atol=1e-3)


def test_over_mixes_light():
    white, black, half = torch.ones(3, 1, 1), torch.zeros(3, 1, 1), torch.full((1, 1, 1), 0.5)
    assert worlds.over(white, half, black)[0].item() * 255 == pytest.approx(187.5, abs=0.1)
    front, back = torch.rand(3, 4, 4), torch.rand(3, 4, 4)
    assert torch.allclose(worlds.over(front, torch.ones(1, 4, 4), back), front, atol=1e-5)
    assert torch.allclose(worlds.over(front, torch.zeros(1, 4, 4), back), back, atol=1e-5)


def test_alpha_outside_of_its_range_is_refused():
    with pytest.raises(ValueError, match=r"1\.5"):
        worlds.over(torch.ones(3, 1, 1), torch.full((1, 1, 1), 1.5), torch.ones(3, 1, 1))


def test_two_backs_give_back_front_and_alpha():
    g = torch.Generator().manual_seed(0)
    front, alpha = torch.rand(2, 3, 6, 6, generator=g), torch.rand(2, 1, 6, 6, generator=g)
    alpha[:, :, 0], alpha[:, :, 1] = 0.0, 1.0
    one, other = (torch.rand(2, 3, 1, 1, generator=g).expand(2, 3, 6, 6) for _ in range(2))
    seen = [alpha * front + (1 - alpha) * back for back in (one, other)]
    found, found_alpha = worlds.matted(*seen, one, other)
    assert torch.allclose(found_alpha, alpha, atol=1e-5)
    there = (alpha > 0.05).expand_as(front)
    assert torch.allclose(found[there], front[there], atol=1e-4)
    with pytest.raises(ValueError, match="same colour"):
        worlds.matted(*seen, one, one)


def test_what_is_hidden_does_not_bleed_when_shrunk():
    front = torch.zeros(1, 3, 4, 4)
    front[..., :2] = 1.0  # white beside a hidden black
    alpha = torch.zeros(1, 1, 4, 4)
    alpha[..., :1] = 1.0
    small, small_alpha = worlds.shrunk(front, alpha, 2)
    assert torch.allclose(small[..., 0], torch.ones(1, 3, 2))
    assert torch.allclose(small_alpha[..., 0], torch.full((1, 1, 2), 0.5))


def test_a_homography_takes_points_to_points_and_is_scikit_image_s():
    from skimage.transform import ProjectiveTransform

    points = torch.tensor([[0.0, 0.0], [10.0, 0.0], [10.0, 8.0], [0.0, 8.0]])
    onto = torch.tensor([[3.0, 2.0], [14.0, 4.0], [12.0, 11.0], [1.0, 9.0]])
    H = worlds.homography(points, onto)
    h = torch.cat([points.double(), torch.ones(4, 1).double()], dim=1) @ H.T
    assert torch.allclose(h[:, :2] / h[:, 2:], onto.double(), atol=1e-9)
    theirs = ProjectiveTransform.from_estimate(points.numpy(), onto.numpy())
    assert np.allclose(theirs.params / theirs.params[2, 2], H.numpy(), atol=1e-6)


def test_three_points_on_a_line_are_refused():
    line = torch.tensor([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0], [0.0, 3.0]])
    square = torch.tensor([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    with pytest.raises(ValueError, match="line"):
        worlds.homography(line, square)


def test_an_image_laid_on_its_own_corners_is_itself():
    image = torch.rand(3, 6, 8, generator=torch.Generator().manual_seed(0))
    corners = torch.tensor([[0.0, 0.0], [8.0, 0.0], [8.0, 6.0], [0.0, 6.0]])
    image = image.round()
    front, alpha = worlds.warped(image, corners, (6, 8))
    assert torch.allclose(alpha, torch.ones(1, 6, 8))
    assert (front - image).abs().mean() < 0.2  # bilinear between pixels
    shifted = corners + torch.tensor([2.0, 1.0])
    front, alpha = worlds.warped(torch.ones(3, 6, 8), shifted, (10, 14))
    assert alpha[0].nonzero().amin(dim=0).tolist() == [1, 2]
    assert alpha.sum().item() == pytest.approx(48, abs=0.5)
