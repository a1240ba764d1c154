"""PSNR and SSIM as papers have them: against scikit-image, and each switch's decibels."""

import math

import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from genimg_lib import data, restore
from genimg_lib.data import photos
from genimg_lib.metrics import Protocol, protocol
from genimg_lib.restore import LEVEL


def pair(sigma=20, size=64):
    x = data.to_float(photos.square(photos.open_photo("coffee"), size)[None])
    g = torch.Generator().manual_seed(0)
    return restore.noisy(x, sigma * LEVEL, g).clamp(-1, 1), x


def as_bytes(x):
    return data.to_uint8(x)[0].permute(1, 2, 0).numpy()


def test_psnr_is_scikit_images_of_the_bytes():
    x_hat, x = pair()
    wanted = peak_signal_noise_ratio(as_bytes(x), as_bytes(x_hat))
    assert protocol.psnr(x_hat, x).item() == pytest.approx(wanted, abs=1e-9)


@pytest.mark.parametrize("window", ["gaussian", "box"])
def test_ssim_is_scikit_images_and_the_window_matters(window):
    x_hat, x = pair()
    more = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    wanted = structural_similarity(
        as_bytes(x), as_bytes(x_hat), channel_axis=2, **(more if window == "gaussian" else {})
    )
    assert protocol.ssim(x_hat, x, window=window).item() == pytest.approx(wanted, abs=1e-9)
    other = {"gaussian": "box", "box": "gaussian"}[window]
    assert abs(protocol.ssim(x_hat, x, window=other).item() - wanted) > 1e-3


def test_ssim_is_the_courses_own_where_nothing_is_rounded():
    from genimg_lib import metrics

    x_hat, x = pair()
    found = protocol.ssim(x_hat, x, Protocol(rounded=False))
    as_wang = metrics.ssim((x_hat + 1) / 2, (x + 1) / 2, data_range=1.0)
    assert torch.allclose(found, as_wang, atol=1e-5)


def test_the_narrow_luma_is_1_32_decibels_above_the_full_one_for_the_same_picture():
    x_hat, x = pair()
    limited = protocol.psnr(x_hat, x, Protocol(rounded=False, luma="limited"))
    full = protocol.psnr(x_hat, x, Protocol(rounded=False, luma="full"))
    assert (limited - full).item() == pytest.approx(20 * math.log10(255 / 219), abs=1e-3)


@pytest.mark.parametrize(("colour", "wanted"), [((1, 1, 1), 235.0), ((-1, -1, -1), 16.0)])
def test_the_narrow_luma_of_white_and_black(colour, wanted):
    x = torch.tensor(colour).float().view(1, 3, 1, 1).expand(1, 3, 4, 4)
    found = protocol.levels(x, Protocol(luma="limited"))
    assert torch.allclose(found, torch.full_like(found, wanted))


def test_rounding_is_as_a_file_does_it_and_costs_its_own_error():
    x = torch.linspace(-1, 1, 64 * 64).view(1, 1, 64, 64)
    rounded = protocol.levels(x, Protocol())
    assert torch.equal(rounded, data.to_uint8(x).double())
    off = protocol.psnr(x, x + 0.4 * LEVEL, Protocol(rounded=False)).item()
    assert off == pytest.approx(20 * math.log10(255 / 0.4), abs=0.05)


def test_edges_are_shaved_on_all_four_sides():
    x = torch.zeros(1, 1, 10, 12)
    x_hat = x.clone()
    x_hat[..., 0, :] = x_hat[..., -1, :] = 1
    x_hat[..., :, 0] = x_hat[..., :, -1] = 1
    assert protocol.psnr(x_hat, x, Protocol(shave=1)).item() == math.inf
    assert protocol.psnr(x_hat, x).item() < 11
    assert protocol.levels(x, Protocol(shave=2)).shape == (1, 1, 6, 8)


def test_what_cannot_be_compared_is_refused():
    x = torch.zeros(1, 1, 8, 8)
    with pytest.raises(ValueError, match="three channels"):
        protocol.psnr(x, x, Protocol(luma="full"))
    with pytest.raises(ValueError, match="green"):
        protocol.psnr(x, x, Protocol(luma="green"))
    with pytest.raises(ValueError, match="leaves nothing"):
        protocol.psnr(x, x, Protocol(shave=4))
    with pytest.raises(ValueError, match="round"):
        protocol.ssim(x, x, window="round")
