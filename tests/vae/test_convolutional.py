"""Convolutional encoders and decoders: shapes, conditions, gradients."""

import pytest
import torch

from genimg_lib import vae


@pytest.mark.parametrize(("size", "patch"), [(16, 4), (28, 4), (32, 4), (32, 2), (48, 4), (64, 8)])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("fine", [0, 4])
def test_images_come_back_in_their_shape(size, patch, channels, fine):
    settings = {"size": size, "patch": patch, "channels": channels, "width": 8, "latent": 5}
    encoder, decoder = vae.ConvEncoder(**settings), vae.ConvDecoder(**settings, fine=fine)
    x = torch.rand(2, channels, size, size) * 2 - 1
    mean, logvar = encoder(x)
    assert mean.shape == logvar.shape == (2, 5)
    assert decoder(mean).mean.shape == x.shape
    assert decoder(mean).log_prob(x).shape == (2,)


@pytest.mark.parametrize(("size", "patch"), [(8, 4), (72, 4), (30, 4)])
def test_a_size_that_does_not_fit_is_refused(size, patch):
    for network in (vae.ConvEncoder, vae.ConvDecoder):
        with pytest.raises(ValueError, match=str(size)):
            network(size=size, patch=patch)


def test_a_condition_changes_what_both_see():
    encoder = vae.ConvEncoder(size=16, width=8, latent=4, conditions=3)
    decoder = vae.ConvDecoder(size=16, width=8, latent=4, conditions=3)
    x, c = torch.rand(2, 3, 16, 16), torch.eye(3)[:2]
    mean, _ = encoder(x, c)
    assert not torch.allclose(mean, encoder(x, c.flip(1))[0])
    assert not torch.allclose(decoder(mean, c).mean, decoder(mean, c.flip(1)).mean)


@pytest.mark.parametrize("c", [None, torch.zeros(2, 4), torch.zeros(1, 3)])
def test_a_missing_or_other_condition_is_refused(c):
    decoder = vae.ConvDecoder(size=16, width=8, latent=4, conditions=3)
    with pytest.raises(ValueError, match="condition"):
        decoder(torch.zeros(2, 4), c)


def test_a_condition_that_nobody_asked_for_is_refused():
    with pytest.raises(ValueError, match="without conditions"):
        vae.ConvEncoder(size=16, width=8)(torch.zeros(2, 3, 16, 16), torch.zeros(2, 3))


def test_sigma_is_learned_or_fixed():
    learned = dict(vae.ConvDecoder(size=16, width=8).named_parameters())
    fixed = vae.ConvDecoder(size=16, width=8, sigma=0.25)
    assert "log_sigma" in learned
    assert "log_sigma" not in dict(fixed.named_parameters())
    assert fixed.log_sigma.exp().item() == pytest.approx(0.25)


def test_a_fine_decoder_begins_flat_within_its_patches_and_looks_across_their_edges():
    decoder = vae.ConvDecoder(size=16, width=8, latent=4, patch=4, fine=4)
    maps = torch.randn(2, 8, 4, 4)
    painted = torch.nn.functional.pixel_shuffle(decoder.outward(maps), 4)  # [N, fine, 16, 16]
    within = painted.unfold(2, 4, 4).unfold(3, 4, 4)
    assert torch.equal(within, within[..., :1, :1].expand_as(within))
    at_edge, inside = torch.zeros(1, 4, 16, 16), torch.zeros(1, 4, 16, 16)
    at_edge[..., 3, 3] = 1.0  # the last pixel of the first patch
    moved = (decoder.paint(at_edge) - decoder.paint(inside)).abs().sum(dim=1)[0]
    assert moved[4, 4] > 0  # the first pixel of the next


def test_every_weight_gets_a_gradient_but_those_behind_a_block_that_begins_as_nothing():
    encoder, decoder = vae.ConvEncoder(size=16, width=8), vae.ConvDecoder(size=16, width=8)
    nets = torch.nn.ModuleList([encoder, decoder])
    x = torch.rand(4, 3, 16, 16)
    opt = torch.optim.SGD(nets.parameters(), lr=1e-4)
    for _ in range(2):  # after a step no block is the identity any more
        opt.zero_grad()
        (-vae.elbo(x, encoder, decoder).mean()).backward()
        opt.step()
    assert all(p.grad is not None and p.grad.any() for p in nets.parameters())


# ------------------------------------------------------------------ one model


def model(**changes):
    torch.manual_seed(0)
    return vae.ConvVAE(
        **{"size": 16, "width": 8, "latent": 4, "conditions": 3, "sigma": 0.5} | changes
    )


def test_a_model_without_conditions_gives_the_parts_of_the_elbo():
    net, x, eps = model(conditions=0), torch.rand(2, 3, 16, 16), torch.randn(2, 4)
    rate, distortion = net(x, eps=eps)
    assert torch.allclose(-rate - distortion, vae.elbo(x, net.encoder, net.decoder, eps))
    assert torch.equal(net.sample(eps), net.decoder(eps).mean)


@pytest.mark.parametrize("moves", [False, True])
def test_a_prior_that_moves_begins_as_one_that_does_not_and_only_it_learns(moves):
    net, c = model(moves=moves), torch.eye(3)[:2]
    x, eps = torch.rand(2, 3, 16, 16), torch.randn(2, 4)
    assert (net.prior is not None) == moves
    assert torch.equal(net.sample(eps, c), net.decoder(eps, c).mean)
    mean, logvar = net.encoder(x, c)
    assert torch.allclose(net(x, c, eps)[0], vae.gaussian_kl(mean, logvar))
    opt = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(2):
        opt.zero_grad()
        net(x, c, eps)[0].mean().backward()
        opt.step()
    assert torch.equal(net.sample(eps, c), net.decoder(eps, c).mean) != moves


def test_drawing_follows_the_moved_prior():
    net, c, eps = model(), torch.eye(3), torch.randn(3, 4)
    torch.nn.init.normal_(net.prior.net[-1].bias)
    mean, logvar = net.prior(c)
    z = mean + torch.exp(logvar / 2) * eps
    assert torch.allclose(net.sample(eps, c), net.decoder(z, c).mean)
    assert not torch.allclose(net.sample(eps, c), net.decoder(eps, c).mean)


@pytest.mark.parametrize("shape", [(2, 3, 28, 28), (2, 1, 32, 32), (0, 3, 32, 32)])
def test_images_of_another_shape_are_refused(shape):
    with pytest.raises(ValueError, match=r"expected images \[N, 3, 32, 32\]"):
        vae.ConvEncoder(width=8)(torch.zeros(shape))
    with pytest.raises(TypeError, match="uint8"):
        vae.ConvEncoder(width=8)(torch.zeros(2, 3, 32, 32, dtype=torch.uint8))


@pytest.mark.parametrize("shape", [(32,), (2, 5), (0, 32)])
def test_latents_of_another_shape_are_refused(shape):
    with pytest.raises(ValueError, match=r"expected latents \[N, 32\]"):
        vae.ConvVAE(latent=32, width=8).sample(torch.zeros(shape))


@pytest.mark.parametrize("patch", [0, -4])
def test_a_patch_of_no_size_is_refused(patch):
    with pytest.raises(ValueError, match=f"patches of {patch}"):
        vae.ConvVAE(patch=patch)
