"""Gram matrices: against einsum, their invariances, and the feature network."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from genimg_lib import divergences, pretrained, style
from genimg_lib.data import textures

shapes = st.tuples(st.integers(1, 3), st.integers(1, 6), st.integers(1, 6), st.integers(1, 6))


def features(shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@given(shape=shapes, seed=st.integers(0, 10**6))
def test_gram_is_the_sum_over_places(shape, seed):
    f = features(shape, seed)
    assert torch.allclose(
        style.gram(f),
        torch.einsum("nihw,njhw->nij", f, f) / (shape[1] * shape[2] * shape[3]),
        atol=1e-13,
    )


@given(shape=shapes, seed=st.integers(0, 10**6))
def test_gram_knows_no_places_and_no_neighbours_in_the_batch(shape, seed):
    f = features(shape, seed)
    order = torch.randperm(shape[2] * shape[3], generator=torch.Generator().manual_seed(seed))
    shuffled = f.flatten(2)[:, :, order].view_as(f)
    assert torch.allclose(style.gram(shuffled), style.gram(f), atol=1e-13)
    assert torch.allclose(style.gram(f)[:1], style.gram(f[:1]), atol=1e-13)
    assert torch.allclose(style.gram(f.repeat(1, 1, 2, 3)), style.gram(f), atol=1e-13)
    assert torch.linalg.eigvalsh(style.gram(f)).min() > -1e-12


def test_gram_takes_tensors_that_are_not_contiguous():
    f = features((2, 5, 4, 3))
    assert torch.allclose(style.gram(f.permute(0, 1, 3, 2)), style.gram(f), atol=1e-13)


def test_matching_grams_is_an_mmd_with_a_polynomial_kernel():
    one, two = features((1, 4, 5, 6)), features((1, 4, 3, 7), 1)
    mmd = divergences.mmd(one[0].flatten(1).T, two[0].flatten(1).T, divergences.polynomial_kernel)
    assert torch.allclose((style.gram(one) - style.gram(two)).square().sum(), mmd / 16)


def test_a_missing_batch_axis_is_named():
    with pytest.raises(ValueError, match=r"got \[3, 8, 8\]: add a batch axis"):
        style.gram(torch.zeros(3, 8, 8))
    with pytest.raises(ValueError, match=r"got \[8, 8\]$"):
        style.gram(torch.zeros(8, 8))


def test_the_feature_networks_maps():
    net = style.FeatureNet()
    maps = net(torch.zeros(2, 3, 32, 48))
    assert [list(m.shape) for m in maps] == [
        [2, 32, 32, 48],
        [2, 64, 16, 24],
        [2, 128, 8, 12],
        [2, 128, 4, 6],
    ]
    assert all(m.min() >= 0 for m in maps) and len(net(torch.zeros(1, 3, 8, 8), stages=2)) == 2


def test_trained_features_tell_materials_apart():
    net = pretrained.load_material_features()
    x = textures.draw(12, 96, seed=123)[0].float() / 127.5 - 1
    maps = [
        torch.nn.functional.normalize(m.mean(dim=(2, 3)), dim=1)
        for m in net(torch.cat([x[..., :48, :48], x[..., 48:, 48:]]))
    ]
    pooled = torch.cat(maps, dim=1)
    likeness = (pooled[:12] @ pooled[12:].T).argmax(dim=1)
    assert (likeness == torch.arange(12)).sum() >= 9  # opposite corners of the same material
    assert not any(p.requires_grad for p in net.parameters()) and not net.training


def test_textures_come_from_their_seed_and_fill_the_range():
    one, kinds = textures.draw(20, 32, seed=4)
    assert (
        one.dtype == torch.uint8
        and one.shape == (20, 3, 32, 32)
        and len(kinds) == 20
        and set(kinds) <= set(textures.KINDS)
    )
    assert torch.equal(one, textures.draw(20, 32, seed=4)[0]) and not torch.equal(
        one, textures.draw(20, 32, seed=5)[0]
    )
    assert torch.equal(one[:5], textures.draw(5, 32, seed=4)[0])
    assert one.float().std(dim=(1, 2, 3)).min() > 3
    for kind in textures.KINDS:
        assert textures.draw(2, 16, seed=1, kinds=(kind,))[1] == [kind, kind]
    with pytest.raises(ValueError, match="unknown kind 'wool'; known: clouds"):
        textures.draw(1, kinds=("wool",))


# -------------------------------------------------- losses and transfers of statistics

float64 = {"dtype": torch.float64}


def maps_of(*shape, seed=0):
    """Feature maps whose channels are correlated and not centred."""
    g = torch.Generator().manual_seed(seed)
    n, c, h, w = shape
    return torch.einsum(
        "dc,nchw->ndhw",
        torch.randn(c, c, generator=g, **float64),
        torch.randn(n, c, h, w, generator=g, **float64),
    ) + torch.randn(c, 1, 1, generator=g, **float64)


def covariance(features):
    """[N, C, C], by a loop over channels."""
    flat = features.flatten(2) - features.flatten(2).mean(dim=2, keepdim=True)
    c = flat.shape[1]
    return torch.stack(
        [
            torch.stack([torch.stack([(x[i] * x[j]).mean() for j in range(c)]) for i in range(c)])
            for x in flat
        ]
    )


def test_the_content_loss_is_a_mean_of_squares_place_by_place():
    a, b = maps_of(2, 3, 4, 5), maps_of(2, 3, 4, 5, seed=1)
    assert style.content_loss(a, b).item() == pytest.approx(
        sum((p - q) ** 2 for p, q in zip(a.flatten().tolist(), b.flatten().tolist(), strict=True))
        / 120
    )
    assert style.content_loss(a, a.flip(3)) > 0.1 and style.content_loss(a, a.clone()) == 0
    with pytest.raises(ValueError, match=r"got \[2, 3, 4, 5\] and \[1, 3, 4, 5\]"):
        style.content_loss(a, b[:1])


def test_the_style_loss_forgets_places_and_counts_every_layer_alike():
    one, two = maps_of(2, 3, 4, 6), maps_of(2, 5, 2, 3, seed=1)
    grams = [style.gram(one.flip(2, 3)), style.gram(two.roll(1, dims=3))]
    assert style.style_loss([one, two], grams) < 1e-20
    assert style.style_loss([0 * one, 0 * two], grams).item() == pytest.approx(1)
    half = style.style_loss([one, 0 * two], grams).item()
    assert half == pytest.approx(0.5) and style.style_loss(
        [1e3 * one, 0 * two], [1e6 * grams[0], grams[1]]
    ).item() == pytest.approx(half)
    wanted = style.gram(two[:1])
    by_hand = [((style.gram(x[None]) - wanted) ** 2).sum() / (wanted**2).sum() for x in two]
    assert style.style_loss([two], [wanted]).item() == pytest.approx((sum(by_hand) / 2).item())


def test_losses_of_style_hardly_depend_on_the_size_of_a_tiled_image():
    net, image = (
        pretrained.load_material_features(),
        textures.draw(2, 64, seed=3)[0].float() / 127.5 - 1,
    )
    tiled = image.repeat(1, 1, 2, 2)
    small, large = (net(x)[:3] for x in (image, tiled))
    of_small = style.style_loss([m[:1] for m in small], [style.gram(m[1:]) for m in small])
    of_large = style.style_loss([m[:1] for m in large], [style.gram(m[1:]) for m in large])
    assert of_large.item() == pytest.approx(of_small.item(), rel=0.1)
    assert style.total_variation(tiled).item() == pytest.approx(
        style.total_variation(image).item(), rel=0.1
    )


@pytest.mark.parametrize(("maps", "grams"), [(2, 1), (1, 2)])
def test_layers_and_wanted_matrices_have_to_match(maps, grams):
    with pytest.raises(ValueError, match=f"got {maps} layers and {grams} matrices"):
        style.style_loss([maps_of(1, 3, 4, 4)] * maps, [style.gram(maps_of(1, 3, 4, 4))] * grams)
    with pytest.raises(ValueError, match=r"Gram matrices \[2, 3, 3\]; wanted are \[1, 4, 4\]"):
        style.style_loss([maps_of(2, 3, 4, 4)], [style.gram(maps_of(1, 4, 4, 4))])


def test_total_variation_is_a_loop_over_neighbours():
    x = maps_of(1, 2, 3, 4)
    right = [
        abs(x[0, c, i, j + 1] - x[0, c, i, j]).item()
        for c in range(2)
        for i in range(3)
        for j in range(3)
    ]
    down = [
        abs(x[0, c, i + 1, j] - x[0, c, i, j]).item()
        for c in range(2)
        for i in range(2)
        for j in range(4)
    ]
    assert style.total_variation(x).item() == pytest.approx(
        sum(right) / len(right) + sum(down) / len(down)
    )
    assert (
        style.total_variation(torch.ones(1, 3, 5, 5)) == 0
        and style.total_variation(torch.tensor([[[[0.0, 1.0]]]])) == 1
    )


@pytest.mark.parametrize("loss", ["content", "style", "variation", "adain", "whiten_color"])
def test_gradients_agree_with_finite_differences(loss):
    target = maps_of(1, 3, 3, 4, seed=5)
    functions = {
        "content": lambda x: style.content_loss(x, target),
        "style": lambda x: style.style_loss([x], [style.gram(target)]),
        "variation": style.total_variation,
        "adain": lambda x: style.adain(x, target),
        "whiten_color": lambda x: style.whiten_color(x, target),
    }
    assert torch.autograd.gradcheck(
        functions[loss], maps_of(1, 3, 3, 4, seed=6).requires_grad_(), atol=1e-5, rtol=1e-3
    )


@given(scale=st.floats(0.1, 10), shift=st.floats(-5, 5), seed=st.integers(0, 1000))
def test_adain_takes_the_styles_mean_and_deviation_and_knows_no_contrast_of_the_content(
    scale, shift, seed
):
    content, other = maps_of(2, 3, 5, 4, seed=seed), maps_of(1, 3, 6, 3, seed=seed + 1)
    made = style.adain(content, other, eps=0.0)
    torch.testing.assert_close(made.mean(dim=(2, 3)), other.mean(dim=(2, 3)).expand(2, -1))
    torch.testing.assert_close(
        made.std(dim=(2, 3), correction=0), other.std(dim=(2, 3), correction=0).expand(2, -1)
    )
    torch.testing.assert_close(style.adain(scale * content + shift, other, eps=0.0), made)
    torch.testing.assert_close(style.adain(content, content), content)


def test_a_flat_channel_becomes_the_styles_mean_and_nothing_is_divided_by_0():
    content, other = torch.zeros(1, 2, 4, 4), maps_of(1, 2, 5, 5).float()
    made = style.adain(content, other)
    torch.testing.assert_close(made, other.mean(dim=(2, 3), keepdim=True).expand_as(made))
    assert style.whiten_color(content, other).isfinite().all()


@given(seed=st.integers(0, 1000))
def test_whitening_leaves_the_identity_as_covariance_and_colouring_the_styles(seed):
    content, other = maps_of(2, 3, 6, 7, seed=seed), maps_of(1, 3, 5, 8, seed=seed + 1)
    white, made = style.whiten(content), style.whiten_color(content, other)
    assert (covariance(white) - torch.eye(3, **float64)).abs().max() < 1e-4 and white.mean(
        dim=(2, 3)
    ).abs().max() < 1e-9
    torch.testing.assert_close(
        covariance(made), covariance(other).expand(2, -1, -1), rtol=1e-6, atol=1e-8
    )
    torch.testing.assert_close(made.mean(dim=(2, 3)), other.mean(dim=(2, 3)).expand(2, -1))
    torch.testing.assert_close(style.whiten_color(content, content), content)


def test_features_with_fewer_places_than_channels_are_whitened_where_they_vary():
    white = style.whiten(maps_of(1, 6, 2, 2))  # four places: covariance of rank 3
    values = torch.linalg.eigvalsh(covariance(white)[0])
    torch.testing.assert_close(
        values, torch.tensor([0.0, 0, 0, 1, 1, 1], **float64), rtol=0, atol=1e-6
    )


@pytest.mark.parametrize("transfer", [style.adain, style.whiten_color])
def test_content_and_style_of_unlike_channels_are_refused(transfer):
    for other in (maps_of(1, 4, 3, 3), maps_of(3, 3, 3, 3), maps_of(1, 3, 3, 3)[0]):
        with pytest.raises(
            ValueError, match=r"content \[N, C, H, W\] and style \[N or 1, C, H', W'\]"
        ):
            transfer(maps_of(2, 3, 4, 4), other)
    with pytest.raises(ValueError, match=r"got \[3, 4, 4\] and \[1, 4, 5, 5\]"):
        transfer(maps_of(1, 3, 4, 4)[0], maps_of(1, 4, 5, 5))


WHOLE = torch.full((1, 3, 64, 64), 200, dtype=torch.uint8)
PLAIN = torch.zeros(1, 3, 64, 64)


@pytest.mark.parametrize(
    "use",
    [
        lambda: style.gram(WHOLE),
        lambda: style.recolor(WHOLE, PLAIN),
        lambda: style.recolor(PLAIN, WHOLE),
        lambda: style.recolor(PLAIN, PLAIN, reference=WHOLE),
        lambda: style.whiten_color(WHOLE, PLAIN),
        lambda: style.StyleNet(width=8)(WHOLE),
        lambda: style.pan(WHOLE[0], (32, 32), 2, (1, 1)),
        lambda: pretrained.features("embedded")(WHOLE),
    ],
)
def test_whole_numbers_are_no_pictures(use):
    with pytest.raises(TypeError, match="uint8"):
        use()


def test_an_unknown_optimizer_and_no_style_are_refused():
    with pytest.raises(ValueError, match="Adam"):
        style.minimise(lambda x: x.square().mean(), PLAIN, 2, optimizer="Adam")
    with pytest.raises(ValueError, match="got -4"):
        style.minimise(lambda x: x.square().mean(), PLAIN, -4)
    with pytest.raises(ValueError, match="one style or more"):
        style.stylize(PLAIN, [], pretrained.features("embedded"))
    with pytest.raises(ValueError, match="0 layers"):
        style.style_loss([], [])


def test_films_go_forwards_and_leave_something_to_compare():
    with pytest.raises(ValueError, match="step of 0 or more"):
        style.pan(PLAIN[0], (32, 32), 2, (-1, 0))
    with pytest.raises(ValueError, match="one frame or more"):
        style.pan(PLAIN[0], (32, 32), 0, (1, 0))
    film = torch.zeros(2, 3, 48, 40)
    with pytest.raises(ValueError, match="leaves nothing"):
        style.flicker(film, (40.5, 0.5))
    with pytest.raises(ValueError, match="whole pixels"):
        style.blend(film, (0.5, 0))
