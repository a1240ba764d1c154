"""Flows of latents: shapes, the scale, what a draw is, what is refused."""

import pytest
import torch

from genimg_lib import flow, vae
from genimg_lib.latent_model import LatentFlow

IMAGES = {"channels": 3, "size": 16, "latent": 2, "width": 8, "patch": 4, "depth": 1}
LATENTS = {"patch": 1, "width": 8}


def made(**latents):
    torch.manual_seed(0)
    return LatentFlow(IMAGES, LATENTS | latents).eval()


def test_images_are_drawn_from_noise_of_the_latents_shape():
    net = made()
    assert net.shape == (2, 4, 4)
    images = net.draw(torch.randn(300, *net.shape), calls=2)
    assert images.shape == (300, 3, 16, 16) and images.abs().max() <= 1


def test_a_draw_is_the_flows_walk_decoded_at_the_latents_own_scale():
    net, eps = made(), torch.randn(4, 2, 4, 4, generator=torch.Generator().manual_seed(1))
    net.mean.fill_(0.3)
    net.std.fill_(2.0)
    with torch.no_grad():
        z = flow.last(flow.trajectory(net.flow, eps, 3))
        wanted = net.images.decode(2 * z + 0.3)
    torch.testing.assert_close(net.draw(eps, calls=3), wanted)


def test_latents_come_to_mean_0_and_deviation_1():
    g = torch.Generator().manual_seed(2)
    scale = torch.tensor([5.0, 0.2]).view(1, 2, 1, 1)
    mean = 3 + scale * torch.randn(2_000, 2, 4, 4, generator=g)
    logvar = torch.full_like(mean, -1.0)
    net = made()
    net.measure_scale(mean, logvar)
    z = net.scaled(vae.reparameterize(mean, logvar, torch.randn(mean.shape, generator=g)))
    for found, wanted in ((z.mean(dim=(0, 2, 3)), 0.0), (z.std(dim=(0, 2, 3)), 1.0)):
        torch.testing.assert_close(found, torch.full((2,), wanted), atol=0.02, rtol=0)


def test_a_channel_that_says_nothing_has_no_scale():
    mean = torch.randn(50, 2, 4, 4)
    mean[:, 1] = 0.5
    with pytest.raises(ValueError, match=r"0\.0"):
        made().measure_scale(mean, torch.zeros_like(mean))


def test_the_scale_is_stored_with_the_weights():
    net, other = made(), made()
    net.measure_scale(torch.randn(50, 2, 4, 4) * 7, torch.zeros(50, 2, 4, 4))
    other.load_state_dict(net.state_dict())
    assert torch.equal(other.std, net.std) and (net.std > 5).all()


def test_conditions_reach_the_flow():
    net = made(conditions=3)
    torch.nn.init.normal_(net.flow.outward.weight)
    for block in net.flow.modules():
        if isinstance(block, flow.ResBlock):
            torch.nn.init.normal_(block.conv2.weight)
    eps, c = torch.randn(4, *net.shape), torch.eye(4, 3)
    assert not torch.equal(net.draw(eps, 2, c), net.draw(eps, 2, torch.zeros_like(c)))


def test_sizes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="patch 4"):
        made(patch=4)
