"""Prints in four inks: one ink a pixel, chosen by brightness."""

import torch

from genimg_lib.data.inks import INKS, printed


def test_each_pixel_has_the_ink_of_its_quarter_of_the_brightness():
    levels = torch.tensor([0, 63, 64, 127, 128, 191, 192, 255], dtype=torch.uint8)
    grey = levels.view(1, 1, 2, 4).expand(1, 3, 2, 4)
    wanted = (255 * INKS[[0, 0, 1, 1, 2, 2, 3, 3]]).round().to(torch.uint8)
    found = printed(grey)[0].flatten(1).T
    assert torch.equal(found, wanted)


def test_brightness_weighs_green_most_and_blue_least():
    pure = torch.zeros(3, 3, 1, 1, dtype=torch.uint8)
    for k in range(3):
        pure[k, k] = 255
    ink = [(printed(pure)[k, :, 0, 0] / 255 - INKS).abs().sum(dim=1).argmin() for k in range(3)]
    assert [int(k) for k in ink] == [1, 2, 0]  # 76, 150 and 29 of 256
