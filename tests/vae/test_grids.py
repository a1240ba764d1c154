"""Images to a grid of tokens and back: shapes, gradients, sizes that do not fit."""

import pytest
import torch

from genimg_lib import vae
from genimg_lib.vae import codes

QUANTIZERS = {
    "learned": lambda: codes.VectorQuantizer(16, 4),
    "averages": lambda: codes.EMAVectorQuantizer(16, 4),
    "scalar": lambda: codes.FSQ((5, 5, 5)),
}


def made(name, **changes):
    torch.manual_seed(0)
    settings = {"size": 16, "width": 8, "patch": 4, "depth": 1} | changes
    return vae.CodeAutoencoder(QUANTIZERS[name](), **settings)


@pytest.mark.parametrize("name", QUANTIZERS)
@pytest.mark.parametrize(("size", "patch", "channels"), [(16, 4, 3), (28, 4, 1), (32, 8, 3)])
def test_images_become_tokens_and_tokens_images(name, size, patch, channels):
    net = made(name, size=size, patch=patch, channels=channels).eval()
    x = torch.rand(2, channels, size, size) * 2 - 1
    x_hat, q = net(x)
    assert net.shape == q.tokens.shape[1:] == (size // patch, size // patch)
    assert x_hat.shape == x.shape and x_hat.abs().max() <= 1
    assert torch.equal(net.encode(x), q.tokens)
    torch.testing.assert_close(net.decode(q.tokens), x_hat)


@pytest.mark.parametrize("name", QUANTIZERS)
def test_the_encoder_learns_through_the_quantiser(name):
    net = made(name)
    x_hat, q = net(torch.rand(4, 3, 16, 16))
    (x_hat.square().mean() + q.loss).backward()
    first = net.encoder.net[1].weight
    assert first.grad is not None and first.grad.abs().sum() > 0


@pytest.mark.parametrize(("size", "patch"), [(8, 4), (136, 4), (30, 4)])
def test_a_size_that_does_not_fit_is_refused(size, patch):
    with pytest.raises(ValueError, match=str(size)):
        made("scalar", size=size, patch=patch)


def grid_vae(**changes):
    torch.manual_seed(0)
    settings = {"size": 16, "latent": 3, "width": 8, "patch": 4, "depth": 1} | changes
    return vae.GridVAE(**settings)


@pytest.mark.parametrize(("size", "patch", "fine"), [(16, 4, 0), (16, 4, 8), (128, 8, 4)])
def test_images_become_latents_and_latents_images(size, patch, fine):
    net = grid_vae(size=size, patch=patch, fine=fine).eval()
    x = torch.rand(2, 3, size, size) * 2 - 1
    mean, logvar = net.encode(x)
    assert mean.shape == logvar.shape == (2, *net.shape) == (2, 3, size // patch, size // patch)
    x_hat = net.decode(mean)
    assert x_hat.shape == x.shape and x_hat.abs().max() <= 1
    assert x_hat.dtype == mean.dtype == torch.float32


def test_the_rate_is_the_divergence_of_all_latents_and_the_noise_is_used():
    net, x = grid_vae().eval(), torch.rand(2, 3, 16, 16)
    mean, logvar = net.encode(x)
    eps = torch.randn(2, *net.shape)
    x_hat, rate = net(x, eps)
    torch.testing.assert_close(x_hat, net.decode(mean + (0.5 * logvar).exp() * eps))
    q = torch.distributions.Normal(mean, (0.5 * logvar).exp())
    wanted = torch.distributions.kl_divergence(q, torch.distributions.Normal(0.0, 1.0))
    torch.testing.assert_close(rate, wanted.sum(dim=(1, 2, 3)))


def test_patches_begin_without_seams_where_a_last_convolution_paints():
    net = grid_vae(fine=8, depth=0)
    first = net.decoder.net[-2].weight.view(8, 16, -1)
    assert torch.equal(first, first[:, :1].expand_as(first))


def test_a_grid_vae_of_a_size_that_does_not_fit_is_refused():
    for made_of in (vae.GridVAE, vae.GridEncoder, vae.GridDecoder):
        with pytest.raises(ValueError, match="136"):
            made_of(size=136)
