"""Feature networks, style by optimisation and in one pass, films, the command."""

import json

import pytest
import torch
import torch.nn as nn
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from safetensors.torch import save_file

from genimg_lib import data, pretrained, style, weights
from genimg_lib.data import fetch, photos, styles
from genimg_lib.errors import DataError
from genimg_lib.files import shipped
from genimg_lib.style import fast, optimise, places
from genimg_lib.style import networks as feature_networks


def photo(name="coffee", size=32):
    return data.to_float(photos.square(photos.open_photo(name), size)[None])


# ------------------------------------------------------------------ features


@pytest.fixture(scope="session")
def published(tmp_path_factory):
    """Weights of the right keys and shapes, made by chance: {name: path}."""
    folder, paths = tmp_path_factory.mktemp("weights"), {}
    g = torch.Generator().manual_seed(0)
    for name, layers in (
        ("vgg19", feature_networks.vgg19_stages()),
        ("squeezenet1_1", feature_networks.squeezenet_stages()),
    ):
        made = {
            f"features.{key}.{kind}": 0.1 * torch.randn(v.shape, generator=g)
            for stage in layers
            for key, m in stage.items()
            for kind, v in m.state_dict().items()
        }
        paths[name] = folder / f"{name}.safetensors"
        save_file(made, paths[name])
    return paths


@pytest.mark.parametrize("name", ["embedded", "random", "squeezenet1_1", "vgg19"])
def test_every_network_has_maps_with_a_mean_of_one_on_photographs(name, published):
    net = pretrained.features(name, path=published.get(name))
    maps = net(data.to_float(photos.load(64)))
    assert len(maps) == 5 and all(
        m.mean().item() == pytest.approx(1, rel=1e-4) and m.min() >= 0 for m in maps
    )
    sides = [m.shape[-1] for m in maps]
    assert sides == sorted(sides, reverse=True) and sides[0] == 64 and sides[-1] >= 4
    assert torch.allclose(maps[0] * net.scale[0], data.to_float(photos.load(64)) + 1)
    assert not net.training and not any(p.requires_grad for p in net.parameters())
    assert len(net(torch.zeros(1, 3, 16, 20), 2)) == 3


@pytest.mark.parametrize("name", ["vgg19", "squeezenet1_1"])
def test_the_published_networks_are_torchvisions(name, real_data):
    """A convolution by hand with the published weights gives the same first maps."""
    if not pretrained.features_here(name):
        pytest.skip(
            f"the weights of {name} are not here: put them into weights/ below the folder that"
            " GENIMG_DATA names"
        )
    net, x = pretrained.features(name), photo(size=40)
    given = weights.open_file(pretrained._published(name))
    mean, std = (
        torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1),
        torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1),
    )
    padded = F.pad(((x + 1) / 2 - mean) / std, (1, 1, 1, 1), mode="reflect")
    wanted = F.relu(
        F.conv2d(
            padded,
            given["features.0.weight"],
            given["features.0.bias"],
            stride=2 if name != "vgg19" else 1,
        )
    )
    assert torch.allclose(net(x, 1)[1], wanted / net.scale[1], atol=1e-4)
    # layers that end a stage
    last = {"vgg19": (0, 5, 10, 19), "squeezenet1_1": (0, 4, 7, 10)}[name]
    assert len(net.stages) == sum(
        any(key.startswith(f"features.{k}.") for key in given) for k in last
    )


def test_weights_that_do_not_fit_are_refused(published, tmp_path):
    sound = weights.open_file(published["vgg19"])
    for change, message in (
        (
            {"features.0.weight": torch.zeros(64, 3, 5, 5)},
            r"features.0.weight.*\[64, 3, 3, 3\], got \[64, 3, 5, 5\]",
        ),
        ({"features.0.bias": None}, "lacks features.0.bias"),
        ({"features.5.bias": None}, "lacks features.5.bias"),
        (
            {"features.2.bias": torch.full((64,), float("nan"))},
            "features.2.bias holds values that are not finite",
        ),
    ):
        save_file(
            {k: v for k, v in (sound | change).items() if v is not None}, tmp_path / "w.safetensors"
        )
        with pytest.raises(DataError, match=message):
            pretrained.features("vgg19", path=tmp_path / "w.safetensors")
    first = {k: v for k, v in sound.items() if int(k.split(".")[1]) <= 5}
    save_file(first, tmp_path / "part.safetensors")
    assert len(pretrained.features("vgg19", path=tmp_path / "part.safetensors").stages) == 2
    with pytest.raises(
        ValueError, match="unknown network 'vgg16'; known: embedded, squeezenet1_1, vgg19"
    ):
        pretrained.features("vgg16")
    with pytest.raises(ValueError, match="unknown network 'vgg16'"):
        pretrained.features_here("vgg16")
    with pytest.raises(ValueError, match="path is for published weights"):
        pretrained.features("embedded", path="w")


def test_files_of_weights_are_read_without_running_them(tmp_path):
    torch.save({"a": torch.ones(2)}, tmp_path / "good.pth")
    assert torch.equal(weights.open_file(tmp_path / "good.pth")["a"], torch.ones(2))
    torch.save({"a": DataError}, tmp_path / "evil.pth")
    torch.save({"epoch": 3}, tmp_path / "other.pth")
    (tmp_path / "cut.safetensors").write_bytes(b"12")
    for name, message in (
        ("evil.pth", "cannot be read as weights"),
        ("other.pth", "something else than tensors"),
        ("cut.safetensors", "cannot be read"),
        ("no.pth", "there is no file"),
    ):
        with pytest.raises(DataError, match=message):
            weights.open_file(tmp_path / name)


def test_without_weights_and_network_the_embedded_one_is_offered(monkeypatch):
    import pooch

    def nowhere(*_, **__):
        raise OSError("no route to host")

    monkeypatch.setattr(pooch, "retrieve", nowhere)
    with pytest.raises(
        DataError,
        match=(
            r"(?s)no route to host.*By hand: put the file at .*The network that comes with the"
            r" course needs no download: style.features\('embedded'\)"
        ),
    ):
        pretrained.features("squeezenet1_1")


# ------------------------------------------------------------------ optimisation


def test_stylize_lowers_both_what_it_should_and_keeps_the_size():
    net, content, example = (
        pretrained.features("random"),
        photo(size=40)[..., :33],
        photo("brick", 36),
    )
    wanted = optimise.Wanted(net, style.recolor(content, example), [example], torch.ones(1))
    made = style.stylize(content, example, net, steps=12, levels=1)
    assert made.shape == content.shape and made.abs().max() <= 1
    assert wanted.loss(made) < 0.6 * wanted.loss(style.recolor(content, example))
    assert (
        wanted.losses(style.recolor(content, example))[0] == 0
        and wanted.losses(made)[1] < wanted.losses(content)[1]
    )
    assert torch.equal(made, style.stylize(content, example, net, steps=12, levels=1))
    assert not any(p.requires_grad for p in net.parameters())


def test_a_black_style_is_no_division_by_0():
    assert (
        style.stylize(photo(), -torch.ones(1, 3, 32, 32), pretrained.features("random"), steps=2)
        .isfinite()
        .all()
    )


def test_stylize_works_where_gradients_are_off():
    with torch.no_grad():
        assert style.stylize(
            photo(), photo("grass"), pretrained.features("random"), steps=2, mix=torch.ones(1)
        ).shape == (1, 3, 32, 32)


def test_strength_zero_leaves_the_content_and_more_moves_further():
    net, content, example = pretrained.features("random"), photo(), photo("grass")
    large = photo(size=64)
    assert torch.allclose(
        style.stylize(large, photo("grass", 64), net, steps=2, levels=2, strength=0.0),
        large,
        atol=1e-5,
    )
    assert torch.allclose(
        style.stylize(content, example, net, steps=3, levels=1, strength=0.0), content, atol=1e-6
    )
    away = [
        (style.stylize(content, example, net, steps=15, levels=1, strength=s) - content)
        .square()
        .mean()
        for s in (0.05, 2.0)
    ]
    assert 2 * away[0] < away[1]


def test_mixtures_average_gram_matrices():
    net, one, two = pretrained.features("random"), photo("grass"), photo("brick")
    alone = optimise.Wanted(net, one, [two], torch.ones(1)).grams[0][0]
    mixed = optimise.Wanted(net, one, [one, two], torch.tensor([0.25, 0.75])).grams[0][0]
    for m, a, own in zip(mixed, alone, net(one), strict=True):
        assert torch.allclose(m, 0.25 * style.gram(own) + 0.75 * a, atol=1e-5)


def test_a_mask_confines_a_style():
    net, content = pretrained.features("random"), photo(size=32)
    left = torch.zeros(1, 1, 32, 32)
    left[..., :16] = 1
    wanted = optimise.Wanted(net, content, [photo("grass"), photo("brick")], None, [left, 1 - left])
    x = content.clone().requires_grad_()
    half = optimise.Wanted(net, content, [photo("grass")], None, [left])
    (slope,) = torch.autograd.grad(half.losses(x)[1], x)
    assert (
        slope[..., :12].abs().sum() > 20 * slope[..., 30:].abs().sum()
        and wanted.losses(content)[1] > 0
    )
    made = style.stylize(
        content, [photo("grass"), photo("brick")], net, steps=2, levels=1, masks=[left, 0 * left]
    )
    # under no mask it stays as it was
    assert made.isfinite().all() and torch.allclose(made[..., 28:], content[..., 28:], atol=0.1)
    everywhere = torch.ones(1, 1, 32, 32)
    whole = optimise.Wanted(net, content, [photo("grass")], None, [everywhere]).losses(content)[1]
    assert whole.item() == pytest.approx(
        optimise.Wanted(net, content, [photo("grass")], torch.ones(1)).losses(content)[1].item(),
        rel=1e-4,
    )


def test_color_is_kept_and_only_the_lightness_taken():
    content, other = photo() * 0.4, photo("brick") * 0.4
    kept = style.keep_color(other, content)

    def lightness(x):
        return 0.299 * x[:, 0] + 0.587 * x[:, 1] + 0.114 * x[:, 2]

    assert torch.allclose(lightness(kept), lightness(other), atol=1e-5)
    assert torch.allclose(kept[:, 0] - kept[:, 1], content[:, 0] - content[:, 1], atol=1e-5)
    assert torch.allclose(style.keep_color(content, content), content, atol=1e-6)
    with pytest.raises(ValueError, match="same shape"):
        style.keep_color(content, content[..., :8])


def test_recoloring_nearly_grey_pictures_does_not_blow_up_their_noise():
    g = torch.Generator().manual_seed(0)
    grey = photo().mean(dim=1, keepdim=True) * 0.5 + 1e-3 * torch.randn(1, 3, 32, 32, generator=g)
    made = style.recolor(grey, photo("astronaut"))
    smooth = style.recolor(grey.mean(dim=1, keepdim=True).expand(-1, 3, -1, -1), photo("astronaut"))
    assert (made - smooth).square().mean().sqrt() < 0.05
    film = torch.cat([photo(), 0.5 * photo() + 0.3])
    calm = style.recolor(film, photo("astronaut"), reference=film[:1])
    assert (
        torch.allclose(calm[:1], style.recolor(film[:1], photo("astronaut")), atol=1e-6)
        and (calm[1] - calm[0]).abs().mean() > 0.1
    )


def test_recoloring_takes_on_means_and_covariances_of_colors():
    content, example = 0.3 * photo(), 0.3 * photo("astronaut")
    made = style.recolor(content, example).flatten(2)[0]
    assert torch.allclose(made.mean(1), example[0].flatten(1).mean(1), atol=2e-3)
    wanted = example[0].flatten(1).cov(correction=0)
    assert (made.cov(correction=0) - wanted).norm() < 0.02 * wanted.norm()
    net = style.StyleNet(2, width=8, blocks=1, examples=[content, example])
    assert torch.allclose(
        net.recolored(content, torch.tensor([[0.0, 1.0]])),
        style.recolor(content, example),
        atol=1e-4,
    )
    flat = torch.full((1, 3, 32, 32), 0.2)
    assert (
        style.recolor(flat, example).isfinite().all()
        and style.stylize(flat, example, pretrained.features("random"), steps=1).isfinite().all()
    )


def test_pictures_may_lie_in_memory_with_channels_last():
    net = pretrained.features("random")
    content, example = photo(size=40), photo("chelsea", 40)
    apart = style.stylize(content, example, net, steps=18)
    last = {"memory_format": torch.channels_last}
    together = style.stylize(content.contiguous(**last), example.contiguous(**last), net, steps=18)
    assert together.is_contiguous()
    torch.testing.assert_close(together, apart, rtol=0, atol=0.02)


def test_watching_may_stop():
    seen = []
    made = style.stylize(
        photo(),
        photo("grass"),
        pretrained.features("random"),
        steps=20,
        levels=1,
        watch=lambda k, n, loss, x: seen.append((k, n, loss)) or k == 4,
    )
    assert (
        [k for k, _, _ in seen] == [1, 2, 3, 4]
        and seen[0][1] == 20
        and made.shape == (1, 3, 32, 32)
    )


def test_minimise_returns_from_a_leap():
    """A loss with a cliff: the best image is returned, not the last."""
    calls = []

    def loss_of(x):
        calls.append(None)
        return x.square().mean() * (1 if len(calls) < 20 else 1e6)

    best, _ = style.minimise(loss_of, torch.full((1, 3, 4, 4), 0.5), 25)
    assert best.square().mean() < 0.25 and best.isfinite().all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"content": torch.zeros(1, 3, 1, 1)},
            (
                r"content: expected one colour image .* sides of 32 pixels or more, got \[1, 3,"
                r" 1, 1\]"
            ),
        ),
        ({"content": torch.zeros(1, 1, 32, 32)}, r"got \[1, 1, 32, 32\]"),
        (
            {"content": torch.full((1, 3, 32, 32), 200.0)},
            "finite float32 numbers in .-1, 1.",
        ),
        (
            {"styles": torch.full((1, 3, 32, 32), float("nan"))},
            "style: expected finite float32 numbers",
        ),
        ({"strength": -1}, "strength is -1; 0 or more"),
        ({"mix": [1.0, 2.0]}, "1 weights of 0 or more are expected"),
        ({"masks": [torch.zeros(1, 1, 8, 8)]}, r"one mask \[1, 1, 32, 32\]"),
        ({"steps": 0}, "steps is 0"),
        ({"init": "black"}, "'content', 'noise' or an image"),
        ({"optimizer": "sgd"}, "unknown optimizer 'sgd'; known: lbfgs, adam"),
        ({"content_stage": 9}, "stages 0 to 4"),
        ({"levels": 0}, "levels is 0; 1 for the full size only"),
        (
            {"init": torch.full((1, 3, 32, 32), float("nan"))},
            "init: expected finite float32 numbers",
        ),
    ],
)
def test_what_cannot_be_stylised_is_named(change, message):
    call = {
        "content": photo(),
        "styles": photo("grass"),
        "net": pretrained.features("random"),
        "steps": 1,
    } | change
    with pytest.raises(ValueError, match=message):
        style.stylize(**call)


# ------------------------------------------------------------------ one pass


@given(h=st.integers(16, 40), w=st.integers(16, 40), n=st.integers(1, 2))
def test_one_pass_networks_keep_every_size(h, w, n):
    x = torch.rand(n, 3, h, w) * 2 - 1
    torch.manual_seed(0)
    assert style.StyleNet(2, width=8, blocks=1)(x, 1).shape == x.shape
    assert style.AnyStyle(_encoder())(x, photo("grass")).shape == x.shape


_made = {}


def _encoder():
    return _made.setdefault("encoder", pretrained.features("random"))


def test_styles_differ_by_their_norms_alone_and_mix_between():
    torch.manual_seed(0)
    net, x = style.StyleNet(3, width=8, blocks=1).eval(), photo()
    assert torch.equal(net(x, 0), x)  # as it begins
    with torch.no_grad():
        net.last.weight.normal_(std=0.3)
        assert (
            torch.allclose(net(x, 0), net(x, 2))
            and net(x).abs().max() <= 1 < net.train()(x).abs().max()
        )
        net.eval()
        for name, p in net.named_parameters():
            if name.endswith("scale"):
                p[2] += 0.5
    assert not torch.allclose(net(x, 0), net(x, 2), atol=1e-3)
    assert torch.allclose(net(x, torch.tensor([[0.0, 0.0, 1.0]])), net(x, 2), atol=1e-6)
    for wrong, message in (
        (3, "styles 0 to 2"),
        (torch.ones(1, 2), "weights of 3 styles"),
        (True, "style is True; this network has"),
    ):
        with pytest.raises(ValueError, match=message):
            net(x, wrong)
    with pytest.raises(ValueError, match=r"1 or more blocks.*got 0"):
        style.StyleNet(blocks=0)
    with pytest.raises(ValueError, match="got 1 for 3"):
        style.StyleNet(3, examples=[x])


def test_any_style_hands_the_decoder_the_styles_statistics():
    net, x, s = style.AnyStyle(_encoder()).eval(), photo(), photo("grass", 48)
    assert torch.allclose(net(x, s, 0.0), x, atol=1e-6) and not torch.allclose(
        net(x, s), x, atol=1e-2
    )
    handed = {}
    net.decode = lambda picture, _, wanted: handed.update(maps=wanted) or picture
    net(x, s)
    wanted = net.encode(s)[-1]
    assert torch.allclose(handed["maps"].mean((2, 3)), wanted.mean((2, 3)), atol=1e-4)
    net(x, s, 0.0)
    assert torch.allclose(handed["maps"], net.encode(x)[-1], atol=1e-6)
    net(x, [s, x], [0.5, 0.5])
    colored = 0.5 * style.recolor(x, s) + 0.5 * style.recolor(x, x)
    maps = net.encode(colored)[-1]
    assert torch.allclose(
        handed["maps"],
        0.5 * style.adain(maps, wanted) + 0.5 * style.adain(maps, net.encode(x)[-1]),
        atol=1e-3,
    )
    for weights_ in ([1.0], 1.0):
        with pytest.raises(ValueError, match="one weight for each of 2 styles"):
            net(x, [s, s], weights_)
    assert not any(key.startswith("encoder") for key in net.state_dict())


def test_a_canvas_lies_over_the_scene_one_for_each_style():
    torch.manual_seed(0)
    net, grey = style.StyleNet(3, width=8, blocks=1, canvas=2).eval(), torch.zeros(1, 3, 64, 48)
    nn.init.normal_(net.last.weight, std=0.3)
    canvas, last = net.canvas.detach(), torch.tensor([[0.0, 0.0, 1.0]])
    assert canvas.shape == (3, 2, 64, 64) and torch.equal(
        net.texture(last, (0, 0), (64, 64))[0], canvas[2]
    )
    # repeated
    assert torch.equal(
        net.texture(last, (-4, 9), (5, 70))[0],
        canvas[2].roll((1, -2), (1, 2))[:, :5, [*range(64), *range(6)]],
    )
    # of the line before
    assert torch.equal(
        net.texture(last, (-3, -9), (2, 2))[0], canvas[2].roll((1, 3), (1, 2))[:, :2, :2]
    )
    assert torch.allclose(
        net.texture(torch.tensor([[0.5, 0.5, 0.0]]), (0, 0), (64, 64))[0],
        (canvas[0] + canvas[1]) / 2,
    )
    with torch.no_grad():
        assert net(grey, 0).std() > 0.01 and not torch.allclose(
            net(grey, 0), net(grey, 1), atol=1e-3
        )
        assert torch.allclose(
            net(grey, 0), net(grey, 0, origin=(256, -512)), atol=1e-6
        ) and not torch.allclose(net(grey, 0), net(grey, 0, origin=(64, 0)), atol=1e-3)
        both = net(torch.cat([grey, grey]), torch.eye(3)[:2])
        assert torch.allclose(both[1:], net(grey, 1), atol=1e-5)


@given(
    h=st.integers(16, 40),
    w=st.integers(16, 40),
    origin=st.tuples(st.integers(-50, 50), st.integers(-50, 50)),
    grid=st.sampled_from((4, 8)),
)
def test_a_picture_is_laid_on_the_scenes_grid(h, w, origin, grid):
    x = torch.rand(1, 3, h, w)
    framed, inside = places.on_grid(x, grid, origin)
    assert torch.equal(framed[inside], x) and not any(n % grid for n in framed.shape[2:])
    # the frame begins on a line
    assert [(place - s.start) % grid for place, s in zip(origin, inside[1:], strict=True)] == [0, 0]


@pytest.mark.parametrize("step", [(1, 3), (4, 5), (7, 0)])
@pytest.mark.parametrize("kind", ["StyleNet", "AnyStyle"])
def test_a_grid_held_to_the_scene_paints_the_same_strokes_wherever_the_camera_looks(
    kind, step, monkeypatch
):
    # statistics of the whole frame change with what is in sight; places alone are tried here
    monkeypatch.setattr(fast, "norm_by_place", lambda x, cell: x)
    torch.manual_seed(0)
    image, example = photo("astronaut", 208), photo("grass", 48)
    if kind == "StyleNet":
        net = style.StyleNet(2, width=32, blocks=1, canvas=3).eval()
        nn.init.normal_(net.last.weight, std=0.05)  # few pixels are cut at -1 or 1

        def paint(x, origin):
            return net(x, 1, origin=origin)
    else:
        net = style.AnyStyle(_encoder())

        def paint(x, origin):
            return net(
                x, example, transform=lambda maps, _: 3 * maps, reference=image, origin=origin
            )

    (film, _), dy, dx = style.pan(image[0], (192, 192), 2, step, noise=0.0), *step
    with torch.no_grad():
        first, held, loose = paint(film[:1], (0, 0)), paint(film[1:], step), paint(film[1:], (0, 0))

    def middle(before, after):
        return [v[..., 64:-64, 64:-64] for v in style.overlap(before, after, (dy, dx))]

    assert (
        torch.allclose(*middle(first, held), atol=1e-5) and (first.abs() < 1).float().mean() > 0.5
    )
    assert (middle(first, loose)[0] - middle(first, loose)[1]).abs().mean() > 1e-4


def test_one_pass_networks_refuse_what_is_too_small_or_grey():
    nets = style.StyleNet(1, width=8, blocks=1), style.AnyStyle(_encoder())
    for x in (torch.zeros(1, 3, 15, 40), torch.zeros(1, 1, 40, 40), torch.zeros(3, 40, 40)):
        for call in (
            lambda x: nets[0](x),
            lambda x: nets[1](x, photo()),
            lambda x: nets[1](photo(), x),
        ):
            with pytest.raises(ValueError, match="sides of 16 pixels or more, got"):
                call(x)


def test_any_style_takes_an_encoder_of_the_right_width_along(published):
    with pytest.raises(
        ValueError, match=r"an encoder with 128 channels at stage 3.*got one with 256"
    ):
        style.AnyStyle(pretrained.features("vgg19", path=published["vgg19"]))
    net = style.AnyStyle(pretrained.features("random")).double()
    assert net(photo().double(), photo("grass").double()).dtype == torch.float64


def test_the_trained_networks_paint_nearer_to_the_style_and_keep_the_picture():
    content, judge = photo("coffee", 160), pretrained.features()
    nets = pretrained.load_drawn_styles(), pretrained.load_any_style()
    for k, name in enumerate(styles.DRAWN):
        example = data.to_float(styles.draw(name, 256)[None])
        wanted = style.Wanted(judge, style.recolor(content, example), [example])
        before = wanted.losses(style.recolor(content, example))[1]
        for made, share in ((nets[0](content, k), 0.25), (nets[1](content, example), 0.75)):
            kept, styled, _ = wanted.losses(made)
            assert styled < share * before and kept < 6, name
    assert torch.allclose(nets[1](content, example, 0.0), content, atol=1e-5)


# ------------------------------------------------------------------ films


def test_a_panned_film_moves_as_it_says():
    image = photo(size=64)[0]
    film, step = style.pan(image, (40, 32), frames=6, step=(2, 3), noise=0.0)
    assert (
        film.shape == (6, 3, 40, 32)
        and style.flicker(film, step) == 0
        and style.flicker(film, (0, 0)) > 1e-3
    )
    noisy, _ = style.pan(image, (40, 32), frames=6, step=(2, 3), noise=0.05)
    assert style.flicker(noisy, step) == pytest.approx(2 * 0.05**2, rel=0.2)
    with pytest.raises(ValueError, match="need an image of 52x92; got"):
        style.pan(image, (40, 32), frames=7, step=(2, 10))
    with pytest.raises(ValueError, match="two frames or more"):
        style.flicker(film[:1], step)
    for wrong in ((-1, 0), (0, 32)):
        with pytest.raises(
            ValueError, match="rows from 0 to 39 and columns from 0 to 31 are possible"
        ):
            style.flicker(film, wrong)


def test_blending_steadies_what_moves_and_keeps_what_is_new():
    film, step = style.pan(photo(size=64)[0], (40, 32), frames=8, step=(1, 2), noise=0.1)
    calm = style.blend(film, step, keep=0.6)
    assert style.flicker(calm, step) < 0.5 * style.flicker(film, step)
    assert (
        torch.equal(calm[3][:, -1:], film[3][:, -1:])
        and torch.equal(calm[0], film[0])
        and torch.equal(style.blend(film, step, 0.0), film)
    )
    by_hand = 0.6 * film[0][:, 1:, 2:] + 0.4 * film[1][:, :-1, :-2]
    assert torch.allclose(calm[1][:, :-1, :-2], by_hand, atol=1e-6)
    with pytest.raises(ValueError, match=r"keep is 1\.5"):
        style.blend(film, step, 1.5)


def test_motion_is_found_and_undone():
    film, (dy, dx) = style.pan(
        photo("astronaut", 128)[0], (96, 96), frames=2, step=(1, 2), noise=0.0
    )
    flow = style.motion(film[0], film[1])
    middle = flow[:, 24:-24, 24:-24].flatten(1).median(dim=1).values
    assert middle.tolist() == pytest.approx([dy, dx], abs=0.3)
    exact = torch.tensor([dy, dx]).view(2, 1, 1).expand(2, 96, 96).float()
    assert torch.allclose(style.move(film[0], exact)[:, :-1, :-2], film[1][:, :-1, :-2], atol=1e-5)
    assert style.camera(flow) == pytest.approx((dy, dx), abs=0.3)
    still = style.steady(-film[1], -film[0], film[1], film[0], flow, keep=0.6)
    assert torch.allclose(still[:, 24:-24, 24:-24], -film[1][:, 24:-24, 24:-24], atol=0.3)


# -------------------------------------------------- drawn styles, files, the command


@pytest.mark.parametrize("name", styles.DRAWN)
def test_drawn_styles_come_from_their_seed(name):
    one = styles.draw(name, 64, seed=3)
    assert one.dtype == torch.uint8 and one.shape == (3, 64, 64) and one.float().std() > 15
    assert torch.equal(one, styles.draw(name, 64, seed=3)) and not torch.equal(
        one, styles.draw(name, 64, seed=4)
    )


def test_styles_are_found_by_name_or_file(tmp_path, real_data):
    assert styles.open_style("mosaic", 48).shape == (3, 48, 48)
    if fetch.here("paintings"):
        assert styles.open_style("starry_night").shape == (3, 1014, 1280)
    Image.new("RGB", (40, 30), "red").save(tmp_path / "own.png")
    assert styles.open_style(str(tmp_path / "own.png")).shape == (3, 30, 40)
    with pytest.raises(DataError, match="neither a picture file, nor drawn"):
        styles.open_style("cubism")
    for call, message in ((("cubism",), "unknown style"), (("mosaic", 8), "size is 8")):
        with pytest.raises(ValueError, match=message):
            styles.draw(*call)


def test_crops_are_pieces_of_the_photographs():
    one = photos.crops(12, 24, seed=1)
    assert one.shape == (12, 3, 24, 24) and one.dtype == torch.uint8
    assert (
        torch.equal(one, photos.crops(12, 24, seed=1))
        and not torch.equal(one, photos.crops(12, 24, seed=2))
        and torch.equal(one[:4], photos.crops(4, 24, seed=1))
    )


def test_the_weights_of_the_styles_say_how_they_were_made():
    for name in ("drawn_styles", "any_style"):
        facts = json.loads((shipped() / "weights" / f"{name}.json").read_text())
        assert {"steps", "minutes", "device", "seed", "data"} <= set(facts)


def test_what_is_here_needs_no_download(tmp_path, monkeypatch, published):
    assert (
        pretrained.features_here("embedded")
        and pretrained.features_here("random")
        and not pretrained.features_here("vgg19")
    )
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "vgg19_part.safetensors").write_bytes(published["vgg19"].read_bytes())
    monkeypatch.setenv("GENIMG_DATA", str(tmp_path))
    assert (
        pretrained.features_here("vgg19")
        and not pretrained.features_here("squeezenet1_1")
        and len(pretrained.features("vgg19").stages) == 4
    )
