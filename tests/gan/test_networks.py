"""The networks: shapes, conditions, and the norm that holds the slope."""

import copy
import math
import re

import pytest
import torch
import torch.nn as nn
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.utils import parametrize

from genimg_lib import gan

seeds = st.integers(0, 10**6)


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def condition(n, length, seed=0):
    return noise(n, length, seed=seed).float() if length else None


def networks(size=16, channels=3, conditions=0, **kwargs):
    torch.manual_seed(0)
    return gan.Generator(
        size, channels, latent=6, width=4, conditions=conditions
    ), gan.Discriminator(size, channels, 4, conditions, **kwargs)


@pytest.mark.parametrize("size", [16, 28, 32, 48, 64, 128])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("conditions", [0, 5])
def test_images_and_logits_have_the_shapes_asked_for(size, channels, conditions):
    generator, discriminator = networks(size, channels, conditions)
    c = condition(3, conditions)
    fake = generator(noise(3, 6).float(), c)
    assert fake.shape == (3, channels, size, size) and fake.isfinite().all()
    logits = discriminator(fake, c)
    assert logits.shape == (3,) and logits.isfinite().all()
    read = discriminator(fake, c, classify=True)[1].sum() if conditions else 0.0
    (logits.sum() + read + fake.square().sum()).backward()
    assert all(
        weight.grad is not None and weight.grad.abs().max() > 0
        for weight in (*generator.parameters(), *discriminator.parameters())
    )


@pytest.mark.parametrize("conditions", [0, 5])
def test_images_stay_in_range_however_large_the_weights(conditions):
    generator, _ = networks(conditions=conditions)
    with torch.no_grad():
        generator.ups[-1].weight.mul_(100)
        fake = generator(50 * noise(8, 6).float(), condition(8, conditions))
    assert fake.min() < -0.99 and fake.max() > 0.99
    assert fake.abs().max() <= 1


@pytest.mark.parametrize("size", [8, 15, 33, 36, 256])
def test_sides_that_no_doubling_reaches_are_refused(size):
    for network in (gan.Generator, gan.Discriminator):
        with pytest.raises(ValueError, match=f"a side of {size} pixels; from 16 to 128"):
            network(size)


@pytest.mark.parametrize("shape", [None, (4, 5), (3, 4), (5,), (3, 5, 1), (1, 5)])
def test_conditions_that_are_missing_or_of_the_wrong_shape_are_refused(shape):
    generator, discriminator = networks(conditions=5)
    wrong = None if shape is None else torch.zeros(shape)
    message = re.escape(f"wants a condition c [3, 5]; got {None if shape is None else list(shape)}")
    for network, x in ((generator, torch.zeros(3, 6)), (discriminator, torch.zeros(3, 3, 16, 16))):
        with pytest.raises(ValueError, match=message):
            network(x, wrong)


def test_a_condition_that_nobody_would_look_at_is_refused():
    for network, x in zip(networks(), (torch.zeros(3, 6), torch.zeros(3, 3, 16, 16)), strict=True):
        with pytest.raises(ValueError, match=re.escape("made without conditions; got [3, 5]")):
            network(x, torch.zeros(3, 5))


@pytest.mark.parametrize("size", [16, 28, 64])
@pytest.mark.parametrize("conditions", [0, 5])
def test_every_block_of_the_last_doubling_begins_as_one_colour(size, conditions):
    generator, _ = networks(size, conditions=conditions)
    fake = generator(noise(3, 6).float(), condition(3, conditions)).detach()
    blocks = F.pixel_unshuffle(fake, 2).unflatten(1, (3, 4))
    torch.testing.assert_close(blocks, blocks[:, :, :1].expand_as(blocks))
    assert (fake[:, :, 2:] - fake[:, :, :-2]).abs().max() > 1e-3


def test_every_doubling_begins_by_leaving_flat_areas_flat():
    generator, _ = networks(64)
    assert len(generator.ups) == 4
    for up in generator.ups:
        flat = noise(2, up.in_channels, 1, 1).float().expand(-1, -1, 5, 5)
        inside = F.pixel_shuffle(up(flat), 2)[:, :, 2:-2, 2:-2].detach()
        torch.testing.assert_close(inside, inside[:, :, :1, :1].expand_as(inside))
        assert inside.std(dim=(0, 1)).min() > 1e-3


def test_the_condition_reaches_the_image_beside_z_and_through_every_norm():
    z, c1, c2 = noise(4, 6).float(), condition(4, 5, seed=1), condition(4, 5, seed=2)
    generator, _ = networks(32, conditions=5)
    ways = [generator.first.weight[:, 6:], *(norm.scale_shift.weight for norm in generator.norms)]
    kept = [way.detach().clone() for way in ways]
    with torch.no_grad():
        for way in ways:
            way.zero_()
        assert torch.equal(generator(z, c1), generator(z, c2))
        for way, weight in zip(ways, kept, strict=True):
            way.copy_(weight)
            assert (generator(z, c1) - generator(z, c2)).abs().max() > 1e-4
            way.zero_()


@given(n=st.integers(2, 5), conditions=st.integers(1, 4), seed=seeds)
def test_a_conditional_norm_is_batch_norm_scaled_and_shifted_image_by_image(n, conditions, seed):
    torch.manual_seed(seed)
    norm, x, c = (
        gan.Norm(3, conditions).double(),
        2 + 3 * noise(n, 3, 4, 4, seed=seed),
        noise(n, conditions, seed=seed + 1),
    )
    normal = (x - x.mean(dim=(0, 2, 3), keepdim=True)) / (
        x.var(dim=(0, 2, 3), correction=0, keepdim=True) + 1e-5
    ).sqrt()
    wanted = torch.empty_like(x)
    for i in range(n):
        scale_shift = norm.scale_shift.weight @ c[i] + norm.scale_shift.bias
        for channel in range(3):
            wanted[i, channel] = (
                normal[i, channel] * (1 + scale_shift[channel]) + scale_shift[3 + channel]
            ).detach()
    torch.testing.assert_close(norm(x, c).detach(), wanted)


def test_the_condition_changes_the_logit_of_the_same_image():
    _, discriminator = networks(conditions=5)
    x = noise(4, 3, 16, 16).float()
    discriminator.eval()
    differences = discriminator(x, condition(4, 5, seed=1)) - discriminator(
        x, condition(4, 5, seed=2)
    )
    assert differences.abs().min() > 1e-5


@pytest.mark.parametrize("conditions", [0, 5])
def test_a_finished_generator_makes_each_sample_alone(conditions):
    generator, _ = networks(conditions=conditions)
    for seed in range(3):
        generator(3 * noise(8, 6, seed=seed).float() + 1, condition(8, conditions, seed))
    generator.eval()
    z, c = noise(5, 6, seed=9).float(), condition(5, conditions, 9)
    alone = torch.cat(
        [generator(z[i : i + 1], None if c is None else c[i : i + 1]) for i in range(5)]
    )
    torch.testing.assert_close(generator(z, c), alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("spectral", [True, False])
@pytest.mark.parametrize("conditions", [0, 5])
def test_a_logit_never_depends_on_the_other_images(training, spectral, conditions):
    _, discriminator = networks(conditions=conditions, spectral=spectral)
    discriminator.train(training)
    x, c = noise(4, 3, 16, 16).float(), condition(4, conditions)
    together = copy.deepcopy(discriminator)(x, c)
    for i in range(4):
        alone = copy.deepcopy(discriminator)(x[i : i + 1], None if c is None else c[i : i + 1])
        torch.testing.assert_close(alone[0], together[i], rtol=1e-4, atol=1e-5)


@given(t=st.floats(-3, 3), seed=seeds)
def test_the_logit_is_affine_in_the_condition_with_a_slope_that_the_image_sets(t, seed):
    _, discriminator = networks(conditions=5)
    discriminator.double().eval()
    x, c1, c2 = (
        noise(3, 3, 16, 16, seed=seed),
        noise(3, 5, seed=seed + 1),
        noise(3, 5, seed=seed + 2),
    )
    with torch.no_grad():
        wanted = t * discriminator(x, c1) + (1 - t) * discriminator(x, c2)
        torch.testing.assert_close(discriminator(x, t * c1 + (1 - t) * c2), wanted)
        h = discriminator.body(x)
        for i in range(3):
            wanted = (
                discriminator.last.weight[0] @ h[i]
                + discriminator.last.bias[0]
                + (discriminator.embed.weight @ c1[i]) @ h[i]
            )
            torch.testing.assert_close(discriminator(x, c1)[i], wanted)


def layers(network):
    return [layer for layer in network.modules() if isinstance(layer, (nn.Conv2d, nn.Linear))]


@pytest.mark.parametrize(("size", "conditions", "count"), [(16, 0, 4), (28, 10, 5), (32, 3, 6)])
def test_every_layer_of_the_discriminator_stretches_by_1_at_most(size, conditions, count):
    _, discriminator = networks(size, conditions=conditions)
    # what is read is no part of the logit
    held = [layer for layer in layers(discriminator) if layer is not discriminator.classifier]
    assert len(held) == count
    with torch.no_grad():
        for layer in held:
            layer.parametrizations.weight.original.mul_(5).add_(
                0.1 * torch.randn_like(layer.parametrizations.weight.original)
            )
        for seed in range(120):
            discriminator(
                noise(2, 3, size, size, seed=seed).float(), condition(2, conditions, seed)
            )
        discriminator.eval()
        for layer in held:
            assert torch.linalg.svdvals(layer.weight.flatten(1))[0].item() == pytest.approx(
                1, rel=0.02
            )


def test_a_discriminator_without_spectral_norm_has_free_layers():
    _, discriminator = networks(conditions=5, spectral=False)
    assert not any(parametrize.is_parametrized(module) for module in discriminator.modules())
    before = {name: weight.clone() for name, weight in discriminator.state_dict().items()}
    x, c = noise(3, 3, 16, 16).float(), condition(3, 5)
    zero = 0 * x
    with torch.no_grad():
        a = discriminator(x, c) - discriminator(zero, 0 * c)
        assert all(
            torch.equal(weight, before[name]) for name, weight in discriminator.state_dict().items()
        )
        discriminator.last.weight.mul_(1000)
        discriminator.embed.weight.mul_(1000)
        torch.testing.assert_close(
            discriminator(x, c) - discriminator(zero, 0 * c), 1000 * a, rtol=1e-3, atol=1e-3
        )


def test_the_auxiliary_classifier_loss_is_a_sum_of_coin_tosses_for_each_order():
    logits, c = (
        torch.randn(3, 5, dtype=torch.float64),
        torch.tensor([[1, 0, 0, 1, 0], [0, 1, 0, 0, 1], [0, 0, 1, 1, 0]], dtype=torch.float64),
    )
    by_hand = 0.0
    for n in range(3):
        for k in range(5):
            p = 1 / (1 + math.exp(-logits[n, k].item()))
            by_hand -= math.log(p) if c[n, k] else math.log(1 - p)
    assert gan.auxiliary_classifier_loss(logits, c).item() == pytest.approx(by_hand / 6)
    with pytest.raises(ValueError, match=r"got \[3, 5\] and \[3, 4\]"):
        gan.auxiliary_classifier_loss(logits, c[:, :4])


def test_a_detective_reads_only_where_there_is_something_to_read():
    plain, told, x = (
        gan.Discriminator(16, 3, 4),
        gan.Discriminator(16, 3, 4, conditions=3),
        torch.randn(2, 3, 16, 16),
    )
    assert plain(x).shape == (2,) and plain.classifier is None
    told.eval()
    a, read = told(x, torch.eye(3)[:2], classify=True)
    assert read.shape == (2, 3) and torch.equal(a, told(x, torch.eye(3)[:2]))
    # what is read does not depend on what was ordered
    assert torch.equal(told(x, torch.eye(3)[1:], classify=True)[1], read)


# ------------------------------------------------------------------ latents by level


def test_each_part_of_the_latent_reaches_its_level_and_those_behind():
    torch.manual_seed(0)
    G = gan.Generator(size=16, width=4, latent=9, by_level=True).eval()
    maps = []
    for norm in G.norms:
        norm.register_forward_hook(lambda _, __, out: maps.append(out))
    z = torch.randn(1, 9)
    for part in range(3):
        maps.clear()
        G(z)
        moved = z.clone()
        moved[:, 3 * part : 3 * part + 3] += 1
        G(moved)
        changed = [not torch.equal(a, b) for a, b in zip(maps[:2], maps[2:], strict=True)]
        assert changed == [k >= part - 1 for k in range(2)]


def test_levels_go_with_conditions_and_need_equal_parts():
    G = gan.Generator(size=16, width=4, latent=9, by_level=True, conditions=2)
    assert G(torch.randn(2, 9), torch.eye(2)).shape == (2, 3, 16, 16)
    with pytest.raises(ValueError, match="3 equal parts, got 8"):
        gan.Generator(size=16, width=4, latent=8, by_level=True)


def test_a_settled_generator_has_the_statistics_of_its_own_weights():
    torch.manual_seed(0)
    net = gan.Generator(size=16, channels=1, width=8)
    z = noise(600, 64).float()
    for _ in range(3):
        net(3 * z[:50])  # running statistics of something else
    before = copy.deepcopy(net.state_dict())
    settled = gan.settled(net, z)
    assert not settled.training and net.training
    assert all(torch.equal(v, before[k]) for k, v in net.state_dict().items())
    first = settled.norms[0].norm
    maps = net.first(z).view(-1, *net.shape)
    assert torch.allclose(first.running_mean, maps.mean((0, 2, 3)), atol=0.02)
    borrowed = copy.deepcopy(net).eval()
    live = net(z)  # in training mode: the statistics of this batch
    apart = [(copy_(z) - live).square().mean() for copy_ in (settled, borrowed)]
    assert apart[0] < 0.1 * apart[1]


def test_settling_takes_conditions_along():
    net = gan.Generator(size=16, channels=1, width=8, conditions=3)
    settled = gan.settled(net, noise(20, 64).float(), condition(20, 3))
    assert settled(noise(4, 64).float(), condition(4, 3)).shape == (4, 1, 16, 16)
