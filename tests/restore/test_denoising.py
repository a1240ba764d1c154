"""Noise, Wiener's filter, classical denoisers, the network, tiles: against exact answers."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from genimg_lib import data, metrics, restore
from genimg_lib.data import photos
from genimg_lib.restore import LEVEL


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def crop(name="camera", size=64, at=96):
    image = photos.grey(photos.square(photos.open_photo(name), 256))
    return data.to_float(image[None, :, at : at + size, at : at + size])


# ------------------------------------------------------------------ noise


def test_noise_has_the_deviation_asked_for_in_grey_levels_and_is_cut_off_nowhere():
    y = restore.noisy(torch.ones(1, 1, 200, 200), 25 * LEVEL, seeded())
    assert (y - 1).std().item() * 255 / 2 == pytest.approx(25, rel=0.02)
    assert y.max() > 1.5


def test_each_image_may_have_its_own_sigma():
    x = torch.zeros(2, 3, 64, 64)
    y = restore.noisy(x, torch.tensor([0.0, 0.5]), seeded())
    assert torch.equal(y[0], x[0])
    assert y[1].std().item() == pytest.approx(0.5, rel=0.05)


@pytest.mark.parametrize("sigma", [-0.1, float("nan"), torch.ones(3), torch.ones(2, 1)])
def test_noise_refuses_a_sigma_that_cannot_be(sigma):
    with pytest.raises(ValueError, match="sigma"):
        restore.noisy(torch.zeros(2, 1, 8, 8), sigma)


@settings(max_examples=20, deadline=None)
@given(st.integers(5, 12), st.integers(5, 12), st.integers(0, 1_000))
def test_a_hidden_pixel_shows_one_of_the_5x5_around_it_and_never_itself(h, w, seed):
    places = torch.arange(h * w).view(1, 1, h, w).float()
    shown, hidden = restore.blind_spots(places, 0.5, seeded(seed))
    assert torch.equal(shown[~hidden], places[~hidden])
    came_from, at = shown[hidden].long(), places[hidden].long()
    assert not (came_from == at).any()
    assert ((came_from // w - at // w).abs() <= 2).all()
    assert ((came_from % w - at % w).abs() <= 2).all()


def test_all_24_neighbours_come_as_often_and_all_channels_from_one_place():
    places = torch.arange(25).view(1, 1, 5, 5).float()
    many = places.expand(6_000, 2, 5, 5) + torch.tensor([0.0, 100.0]).view(1, 2, 1, 1)
    shown, hidden = restore.blind_spots(many, 0.5, seeded())
    assert torch.equal(shown[:, 1], shown[:, 0] + 100)
    middle = shown[:, 0, 2, 2][hidden[:, 0, 2, 2]].long()
    counts = torch.bincount(middle, minlength=25)
    assert counts[12] == 0
    others = torch.cat([counts[:12], counts[13:]]).double()
    expected = others.sum() / 24
    assert (others - expected).square().sum() / expected < 50  # chi-squared, 23 degrees


def test_as_many_pixels_are_hidden_as_asked_for():
    _, hidden = restore.blind_spots(torch.zeros(4, 1, 100, 100), 0.1, seeded())
    assert hidden.double().mean().item() == pytest.approx(0.1 * 0.9, abs=0.01)


def test_no_hidden_number_is_seen_anywhere():
    places = torch.arange(100.0).view(1, 1, 10, 10)
    for seed in range(20):
        shown, hidden = restore.blind_spots(places, 0.5, seeded(seed))
        assert not torch.isin(places[hidden], shown).any()


@pytest.mark.parametrize(("share", "size"), [(0.0, 8), (1.0, 8), (0.1, 4)])
def test_blind_spots_refuse_other_shares_and_small_images(share, size):
    with pytest.raises(ValueError, match="expected"):
        restore.blind_spots(torch.zeros(1, 1, size, size), share)


# ------------------------------------------------------------------ Wiener's filter


def spectrum(size):
    f = torch.fft.fftfreq(size, dtype=torch.float64) * size
    return 2 / (1 + f[:, None] ** 2 + 0.5 * f**2)


def gaussian(n, size, g):
    white = torch.randn(n, size, size, generator=g, dtype=torch.float64)
    return torch.fft.ifft2(spectrum(size).sqrt() * torch.fft.fft2(white)).real


def test_wiener_is_the_posterior_mean_of_gaussian_images():
    size, sigma, g = 6, 0.7, seeded()
    row = torch.fft.ifft2(spectrum(size)).real
    C = torch.stack([row.roll((i, j), (0, 1)).flatten() for i in range(size) for j in range(size)])
    y = torch.randn(4, size, size, generator=g, dtype=torch.float64) + 0.3
    exact = 0.3 + (y.flatten(1) - 0.3) @ torch.linalg.inv(C + sigma**2 * torch.eye(size**2)) @ C
    found = restore.wiener(y, spectrum(size), sigma, mean=0.3)
    assert torch.allclose(found.flatten(1), exact, atol=1e-10)


def test_its_error_is_the_one_on_paper_and_no_other_gain_has_less():
    g, sigma = seeded(1), 0.7
    x = gaussian(4_000, 8, g)
    y = x + sigma * torch.randn(x.shape, generator=g, dtype=torch.float64)
    S = spectrum(8)

    def error(scale):
        return (restore.wiener(y, S, scale * sigma) - x).square().mean().item()

    assert error(1.0) == pytest.approx(restore.wiener_error(S, sigma), rel=0.02)
    assert error(1.0) < min(error(0.9), error(1.1))


def test_power_spectra_are_recovered_and_white_noise_has_sigma_squared():
    g = seeded(2)
    found = restore.power_spectrum(gaussian(20_000, 8, g))
    assert torch.allclose(found, spectrum(8), rtol=0.05)
    white = 0.4 * torch.randn(20_000, 8, 8, generator=g, dtype=torch.float64) + 5
    found = restore.power_spectrum(white, mean=5.0)
    assert torch.allclose(found, torch.full((8, 8), 0.16).double(), rtol=0.05)


def test_wiener_is_the_best_linear_answer_that_least_squares_finds():
    g, sigma, size = seeded(3), 0.5, 4
    x = gaussian(50_000, size, g).flatten(1)
    y = x + sigma * torch.randn(x.shape, generator=g, dtype=torch.float64)
    learned = torch.linalg.lstsq(y, x).solution
    unit = torch.eye(size**2, dtype=torch.float64).view(-1, size, size)
    assert torch.allclose(
        learned, restore.wiener(unit, spectrum(size), sigma).flatten(1), atol=0.02
    )


def double(values):
    return torch.tensor(values, dtype=torch.float64)


def test_the_gaussian_posterior_is_that_of_the_joint_density():
    mean, C = double([0.2, -0.4]), double([[1.0, 0.6], [0.6, 0.8]])
    A, y, sigma = double([[1.0, -0.5]]), double([0.9]), 0.3
    found, left = restore.gaussian_posterior(mean, C, A, y, sigma)
    axis = torch.linspace(-6, 6, 1_201, dtype=torch.float64)
    x = torch.cartesian_prod(axis, axis)
    away = x - mean
    log_p = -(away @ torch.linalg.inv(C) * away).sum(dim=1) / 2
    log_p = log_p - ((y - x @ A.T)[:, 0] / sigma) ** 2 / 2
    p = torch.softmax(log_p, dim=0)
    assert torch.allclose(p @ x, found, atol=1e-6)
    assert torch.allclose((p[:, None] * (x - found)).T @ (x - found), left, atol=1e-6)


def test_a_sigma_below_0_is_refused():
    with pytest.raises(ValueError, match="-1"):
        restore.gaussian_posterior(
            double([0.0]), double([[1.0]]), double([[1.0]]), double([1.0]), -1
        )


# ------------------------------------------------------------------ classical denoisers


@pytest.mark.parametrize("method", list(restore.METHODS))
def test_every_method_takes_noise_out_of_a_photograph_grey_and_in_colour(method):
    grey = crop()
    coffee = photos.square(photos.open_photo("coffee"), 256)
    colour = data.to_float(coffee[None, :, 60:124, 70:134])
    for x in (grey, colour):
        y = restore.noisy(x, 25 * LEVEL, seeded())
        found, strength = restore.best(method, y[0], 25 * LEVEL, x[0])
        assert found.shape == x[0].shape and found.dtype == x.dtype
        assert found.abs().max() <= 1 and strength in restore.METHODS[method][1]
        before = metrics.psnr(y.clamp(-1, 1), x).item()
        assert metrics.psnr(found[None], x).item() > before + 2


def test_best_is_the_best_of_its_strengths():
    x = crop()
    y = restore.noisy(x, 25 * LEVEL, seeded())
    found, strength = restore.best("total variation", y[0], 25 * LEVEL, x[0])
    errors = {
        k: (restore.denoised_by("total variation", y[0], 25 * LEVEL, k) - x[0]).square().mean()
        for k in restore.METHODS["total variation"][1]
    }
    assert strength == min(errors, key=errors.get)
    assert (found - x[0]).square().mean() == errors[strength]


def test_an_unknown_method_is_named():
    with pytest.raises(ValueError, match="median"):
        restore.denoised_by("median", torch.zeros(1, 8, 8), 0.1, 1)
    with pytest.raises(ValueError, match="median"):
        restore.best("median", torch.zeros(1, 8, 8), 0.1, torch.zeros(1, 8, 8))


# ------------------------------------------------------------------ the network


def small(channels=1):
    """A denoiser whose weights are none of them 0."""
    torch.manual_seed(0)
    net = restore.Denoiser(channels, width=8, blocks=1)
    with torch.no_grad():
        for weight in net.parameters():
            weight.copy_(0.1 * torch.randn(weight.shape))
    return net.eval()


@pytest.mark.parametrize("shape", [(2, 1, 16, 24), (1, 1, 17, 9), (1, 1, 1, 1), (1, 3, 15, 8)])
def test_images_of_any_size_keep_it(shape):
    y = torch.randn(shape, generator=seeded())
    assert small(shape[1])(y, 0.1).shape == y.shape


def test_a_number_one_for_each_and_a_map_say_the_same():
    net, y = small(), torch.randn(2, 1, 16, 16, generator=seeded())
    by_number = net(y, 0.3)
    assert torch.equal(by_number, net(y, torch.tensor([0.3, 0.3])))
    assert torch.equal(by_number, net(y, torch.full((2, 1, 16, 16), 0.3)))
    assert not torch.allclose(by_number, net(y, 0.4))


def test_without_biases_contrast_and_noise_scale_together():
    net, y = small(), torch.randn(1, 1, 16, 16, generator=seeded())
    assert torch.allclose(net(5 * y, 1.5), 5 * net(y, 0.3), rtol=1e-4, atol=1e-5)


def test_a_new_network_with_its_last_layer_at_0_gives_back_what_it_was_given():
    net = restore.Denoiser(1, width=8, blocks=1)
    torch.nn.init.zeros_(net.outward.weight)
    y = torch.randn(1, 1, 16, 16, generator=seeded())
    assert torch.equal(net(y, 0.1), y)


@pytest.mark.parametrize("sigma", [torch.ones(3), torch.ones(2, 1, 8, 8), torch.ones(2, 2)])
def test_sigma_of_another_shape_is_refused(sigma):
    with pytest.raises(ValueError, match="sigma"):
        small()(torch.zeros(2, 1, 16, 16), sigma)


def test_images_of_other_channels_are_refused():
    with pytest.raises(ValueError, match="3"):
        small(1)(torch.zeros(1, 3, 16, 16), 0.1)


# ------------------------------------------------------------------ tiles


@pytest.mark.parametrize("shape", [(1, 1, 100, 64), (1, 1, 65, 130), (1, 1, 20, 20)])
def test_in_tiles_as_if_done_whole(shape):
    net, x = small(), torch.randn(shape, generator=seeded())
    with torch.no_grad():
        whole = net(x, 0.3)
        pieces = restore.in_tiles(lambda part: net(part, 0.3), x, size=32, overlap=96)
    assert torch.allclose(whole, pieces, atol=1e-5)


def test_without_overlap_there_are_seams():
    net, x = small(), torch.randn(1, 1, 64, 64, generator=seeded())
    with torch.no_grad():
        whole = net(x, 0.3)
        pieces = restore.in_tiles(lambda part: net(part, 0.3), x, size=32, overlap=0)
    off = (whole - pieces).abs()[0, 0]
    assert off[:, 28:36].max() > 1e-3 and off[10:18, 10:18].max() < off[28:36, 28:36].max()


def test_every_piece_is_reported_and_the_number_of_channels_may_change():
    seen = []
    done = restore.in_tiles(
        lambda part: torch.cat([part, part], dim=1),
        torch.arange(48.0 * 20).view(1, 1, 48, 20),
        size=16,
        overlap=8,
        watch=lambda k, n: seen.append((k, n)),
    )
    assert done.shape == (1, 2, 48, 20) and torch.equal(done[0, 0], done[0, 1])
    assert torch.equal(done[0, 0].flatten(), torch.arange(48.0 * 20))
    assert seen == [(k, 6) for k in range(1, 7)]


@pytest.mark.parametrize(("size", "overlap"), [(0, 8), (12, 8), (16, 5), (16, -8)])
def test_tiles_off_the_grid_are_refused(size, overlap):
    with pytest.raises(ValueError, match="multiples of 8"):
        restore.in_tiles(lambda part: part, torch.zeros(1, 1, 16, 16), size, overlap)


# ------------------------------------------------------------------ what it learns from


def test_pieces_of_photographs_are_the_same_for_a_seed_and_come_from_those_named():
    some = photos.pieces(20, 32, seed=3, names=("brick", "text"))
    assert some.shape == (20, 3, 32, 32) and some.dtype == torch.uint8
    assert torch.equal(some, photos.pieces(20, 32, seed=3, names=("brick", "text")))
    assert not torch.equal(some, photos.pieces(20, 32, seed=4, names=("brick", "text")))
    assert torch.equal(some[:, 0], some[:, 1])  # both are grey


def test_grey_is_the_luma_and_leaves_grey_as_it_is():
    colours = torch.tensor([[255, 0, 0], [0, 255, 0], [0, 0, 255], [77, 77, 77]])
    found = photos.grey(colours.to(torch.uint8).view(4, 3, 1, 1))
    assert found.flatten().tolist() == [76, 150, 29, 77]


@pytest.mark.parametrize("name", photos.OTHERS)
def test_the_other_photographs_are_installed(name):
    image = photos.open_photo(name)
    assert image.dtype == torch.uint8 and image.shape[0] == 3 and min(image.shape[1:]) > 150
