"""The style-based generator's parts, against one set of weights for each image."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from genimg_lib import gan
from genimg_lib.gan import style


def numbers(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def own_weights(x, weight, s, demodulate):
    """The same, with the weights of each image written out."""
    outs = []
    for image, scales in zip(x, s, strict=True):
        scaled = weight * scales[None, :, None, None]
        if demodulate:
            scaled = scaled / (scaled.square().sum(dim=(1, 2, 3), keepdim=True) + 1e-8).sqrt()
        outs.append(F.conv2d(image[None], scaled, padding=weight.shape[-1] // 2))
    return torch.cat(outs)


# ------------------------------------------------------------------ modulated convolutions


@given(
    n=st.integers(1, 3),
    wide=st.integers(1, 4),
    out=st.integers(1, 4),
    k=st.sampled_from([1, 3, 5]),
    demodulate=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_scaling_the_maps_is_scaling_the_weights(n, wide, out, k, demodulate, seed):
    x, s = numbers(n, wide, 5, 6, seed=seed), numbers(n, wide, seed=seed + 1) + 1
    weight = numbers(out, wide, k, k, seed=seed + 2)
    ours = gan.modulated(x, weight, s, demodulate)
    assert torch.allclose(ours, own_weights(x, weight, s, demodulate))


def test_white_maps_leave_with_variance_one():
    x, s = numbers(40, 16, 24, 24), 3 * numbers(40, 16, seed=1)
    y = gan.modulated(x, numbers(8, 16, 3, 3, seed=2), s)
    inside = y[:, :, 1:-1, 1:-1]  # at the rim zeros come in
    assert inside.square().mean().item() == pytest.approx(1, rel=0.03)
    per_map = inside.square().mean(dim=(0, 2, 3))
    assert torch.allclose(per_map, torch.ones(8, dtype=torch.float64), rtol=0.03)
    without = gan.modulated(x, numbers(8, 16, 3, 3, seed=2), s, demodulate=False)
    assert without.square().mean() > 100


@given(factor=st.floats(0.01, 100), gain=st.floats(0.1, 3))
def test_only_the_shape_of_styles_and_weights_counts(factor, gain):
    x, s, weight = numbers(2, 3, 4, 4), numbers(2, 3, seed=1), numbers(5, 3, 3, 3, seed=2)
    plain = gan.modulated(x, weight, s)
    assert torch.allclose(gan.modulated(x, weight, factor * s), plain, rtol=1e-3)
    assert torch.allclose(gan.modulated(x, factor * weight, s), plain, rtol=1e-3)
    assert torch.allclose(gan.modulated(x, weight, s, gain=gain), gain * plain)


def test_styles_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"\[2, 3\]; got \[2, 4\]"):
        gan.modulated(numbers(2, 3, 4, 4), numbers(5, 3, 3, 3), numbers(2, 4))


def test_the_gain_keeps_a_normal_numbers_mean_square():
    x = numbers(200_000)
    after = style.GAIN * F.leaky_relu(x, style.SLOPE)
    assert after.square().mean().item() == pytest.approx(1, rel=0.02)


# ------------------------------------------------------------------ the mapping network


def test_a_latents_length_does_not_count():
    f, z = gan.Mapping(8, 6, 2), torch.randn(5, 8)
    assert f(z).shape == (5, 6)
    assert torch.allclose(f(z), f(7 * z), atol=1e-5)


def test_without_layers_the_style_is_the_scaled_latent():
    w = gan.Mapping(8, 8, 0)(torch.randn(5, 8))
    assert torch.allclose(w.square().mean(dim=1), torch.ones(5), atol=1e-5)
    with pytest.raises(ValueError, match="8 latents cannot become 6 styles"):
        gan.Mapping(8, 6, 0)


# ------------------------------------------------------------------ the generator


def small(**changes):
    torch.manual_seed(0)
    return gan.StyleGenerator(size=16, width=4, latent=8, styles=8, **changes).eval()


@pytest.mark.parametrize(("size", "sides"), [(16, 2), (28, 2), (32, 3), (48, 3), (64, 4)])
def test_sizes(size, sides):
    G = gan.StyleGenerator(size=size, width=4, latent=8, styles=8, channels=1)
    images = G(torch.randn(2, 8))
    assert images.shape == (2, 1, size, size)
    assert images.abs().max() <= 1
    assert len(G.convs) == sides and G.depth == sides + 1


def test_one_style_for_all_layers_is_the_same_style_in_each():
    G = small()
    noise, w = G.draw_noise(3), torch.randn(3, 8)
    each = w[:, None].expand(-1, G.depth, -1)
    assert torch.equal(G.synthesis(w, noise), G.synthesis(each, noise))


@pytest.mark.parametrize("layer", range(3))
def test_a_layers_style_reaches_that_layer_and_those_behind_it(layer):
    G = small()
    maps = []
    for conv in G.convs:
        conv.register_forward_hook(lambda _, __, out: maps.append(out))
    w, noise = torch.randn(1, G.depth, 8), G.draw_noise(1)
    before = G.synthesis(w, noise)
    w[:, layer] += 1
    after = G.synthesis(w, noise)
    changed = [not torch.equal(a, b) for a, b in zip(maps[:2], maps[2:], strict=True)]
    assert changed == [k >= layer for k in range(2)]
    assert not torch.equal(before, after)


def test_noise_that_is_given_is_used():
    G = small()
    with torch.no_grad():
        for conv in G.convs:
            conv.strength.fill_(0.5)
    z = torch.randn(2, 8)
    noise = G.draw_noise(2, torch.Generator().manual_seed(1))
    again = G.draw_noise(2, torch.Generator().manual_seed(1))
    assert torch.equal(G(z, noise), G(z, again))
    assert not torch.equal(G(z, noise), G(z))
    assert not torch.equal(noise[0][0], noise[0][1])


def test_a_generator_of_numbers_decides_all():
    G = small()
    first, second = (G.sample(3, torch.Generator().manual_seed(5)) for _ in range(2))
    assert first.shape == (3, 3, 16, 16)
    assert torch.equal(first, second)


# ------------------------------------------------------------------ styles


def test_mixed_takes_the_named_layers_from_the_second():
    w_a, w_b = torch.zeros(2, 8), torch.ones(2, 8)
    w = gan.mixed(w_a, w_b, layers=[1, 3], depth=4)
    assert w[:, :, 0].tolist() == [[0, 1, 0, 1]] * 2
    with pytest.raises(ValueError, match="0 to 3"):
        gan.mixed(w_a, w_b, layers=[4], depth=4)


def test_mixing_at_random_cuts_once():
    w_a, w_b = torch.zeros(500, 8), torch.ones(500, 8)
    w = gan.mixed_at_random(
        w_a, w_b, depth=4, share=0.5, generator=torch.Generator().manual_seed(0)
    )
    columns = w[:, :, 0]
    assert (columns.diff(dim=1) >= 0).all()  # the first layers from a, the others from b
    assert (columns[:, 0] == 0).all()
    mixed = columns.sum(dim=1) > 0
    assert 0.4 < mixed.double().mean() < 0.6
    assert set(columns[mixed].sum(dim=1).tolist()) == {1, 2, 3}


@settings(max_examples=20)
@given(psi=st.floats(-1, 1.5))
def test_truncation_goes_towards_the_mean(psi):
    w, mean = numbers(3, 8), numbers(8, seed=1)
    there = gan.truncated(w, mean, psi)
    assert torch.allclose(there - mean, psi * (w - mean))


def test_the_mean_style_is_the_mean():
    G = small()
    mean = G.mean_style(20_000, torch.Generator().manual_seed(1))
    with torch.no_grad():
        w = G.mapping(torch.randn(20_000, 8))
    assert torch.allclose(mean, w.mean(dim=0), atol=0.05)


def test_styles_and_noise_of_another_number_are_refused():
    G = gan.StyleGenerator(width=8)
    w = G.mapping(torch.randn(2, G.latent))
    with pytest.raises(ValueError, match=f"expected {G.depth} styles an image, got 3"):
        G.synthesis(w[:, None].expand(-1, 3, -1))
    for noise in (G.draw_noise(1), G.draw_noise(2)[:2]):
        with pytest.raises(ValueError, match="for 2 images"):
            G.synthesis(w, noise)
    both = gan.mixed(w, w, [0], 4)
    with pytest.raises(ValueError, match=r"expected styles \[N, styles\]"):
        gan.mixed(both, w, [1], 4)
    assert torch.equal(gan.mixed(w, -w, torch.tensor([0, 1]), 4), gan.mixed(w, -w, [0, 1], 4))
