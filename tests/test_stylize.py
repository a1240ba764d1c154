"""Networks of features, stylising by optimisation and in one pass, films, drawn styles, and the command's files."""

import json

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from safetensors.torch import save_file

from genimg_lib import cli, data, style, stylist
from genimg_lib.data import fetch, photos, styles, weights
from genimg_lib.style import networks as feature_networks
from genimg_lib.style import optimise


def photo(name="coffee", size=32):
    return data.to_float(photos.square(photos.open_photo(name), size)[None])


# ---------------------------------------------------------------------------------------------- features


@pytest.fixture(scope="session")
def published(tmp_path_factory):
    """Weights of the right keys and shapes, made by chance: {name: path}."""
    folder, paths = tmp_path_factory.mktemp("weights"), {}
    g = torch.Generator().manual_seed(0)
    for name, layers in (("vgg19", feature_networks._vgg19()), ("squeezenet1_1", feature_networks._squeezenet())):
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
    net = style.features(name, path=published.get(name))
    maps = net(data.to_float(photos.load(64)))
    assert len(maps) == 5 and all(m.mean().item() == pytest.approx(1, rel=1e-4) and m.min() >= 0 for m in maps)
    sides = [m.shape[-1] for m in maps]
    assert sides == sorted(sides, reverse=True) and sides[0] == 64 and sides[-1] >= 4
    assert torch.allclose(maps[0] * net.scale[0], data.to_float(photos.load(64)) + 1)
    assert not net.training and not any(p.requires_grad for p in net.parameters())
    assert len(net(torch.zeros(1, 3, 16, 20), 2)) == 3


def test_the_published_networks_are_torchvisions(real_data, published):
    """A convolution by hand with the published weights gives the same first maps."""
    for name in ("vgg19", "squeezenet1_1"):
        net, x = style.features(name), photo(size=40)
        path = next(p for p in (real_data / "weights").iterdir() if p.name.startswith(name))
        given = weights.open_file(path)
        mean, std = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1), torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)
        padded = F.pad(((x + 1) / 2 - mean) / std, (1, 1, 1, 1), mode="reflect")
        wanted = F.relu(F.conv2d(padded, given["features.0.weight"], given["features.0.bias"], stride=2 if name != "vgg19" else 1))
        assert torch.allclose(net(x, 1)[1], wanted / net.scale[1], atol=1e-4)
    assert len(style.features("vgg19").stages) == 3  # a file with the layers up to relu3_1


def test_weights_that_do_not_fit_are_refused(published, tmp_path):
    sound = weights.open_file(published["vgg19"])
    for change, message in (
        ({"features.0.weight": torch.zeros(64, 3, 5, 5)}, r"features.0.weight has the shape \[64, 3, 5, 5\], wanted is \[64, 3, 3, 3\]"),
        ({"features.0.bias": None}, "lacks features.0.bias"),
        ({"features.5.bias": None}, "lacks features.5.bias"),
        ({"features.2.bias": torch.full((64,), float("nan"))}, "features.2.bias holds values that are not finite"),
    ):
        save_file({k: v for k, v in (sound | change).items() if v is not None}, tmp_path / "w.safetensors")
        with pytest.raises(fetch.DataError, match=message):
            style.features("vgg19", path=tmp_path / "w.safetensors")
    first = {k: v for k, v in sound.items() if int(k.split(".")[1]) <= 5}
    save_file(first, tmp_path / "part.safetensors")
    assert len(style.features("vgg19", path=tmp_path / "part.safetensors").stages) == 2
    with pytest.raises(ValueError, match="unknown network 'vgg16'; known: embedded, squeezenet1_1, vgg19"):
        style.features("vgg16")
    with pytest.raises(ValueError, match="path is for published weights"):
        style.features("embedded", path="w")


def test_files_of_weights_are_read_without_running_them(tmp_path):
    torch.save({"a": torch.ones(2)}, tmp_path / "good.pth")
    assert torch.equal(weights.open_file(tmp_path / "good.pth")["a"], torch.ones(2))
    torch.save({"a": fetch.DataError}, tmp_path / "evil.pth")
    torch.save({"epoch": 3}, tmp_path / "other.pth")
    (tmp_path / "cut.safetensors").write_bytes(b"12")
    for name, message in (
        ("evil.pth", "cannot be read as weights"),
        ("other.pth", "something else than tensors"),
        ("cut.safetensors", "cannot be read"),
        ("no.pth", "there is no file"),
    ):
        with pytest.raises(fetch.DataError, match=message):
            weights.open_file(tmp_path / name)


def test_without_weights_and_network_the_embedded_one_is_offered(monkeypatch):
    import pooch

    def nowhere(*_, **__):
        raise OSError("no route to host")

    monkeypatch.setattr(pooch, "retrieve", nowhere)
    with pytest.raises(
        fetch.DataError,
        match=r"(?s)no route to host.*By hand: put the file at .*The network that comes with the course needs no download: style.features\('embedded'\)",
    ):
        style.features("squeezenet1_1")


# ---------------------------------------------------------------------------------------------- by optimisation


def test_stylize_lowers_both_what_it_should_and_keeps_the_size():
    net, content, example = style.features("random"), photo(size=40)[..., :33], photo("brick", 36)
    wanted = optimise.Wanted(net, style.recolor(content, example), [example], torch.ones(1))
    made = style.stylize(content, example, net, steps=12, levels=1)
    assert made.shape == content.shape and made.abs().max() <= 1
    assert wanted.loss(made) < 0.6 * wanted.loss(style.recolor(content, example))
    assert wanted.losses(style.recolor(content, example))[0] == 0 and wanted.losses(made)[1] < wanted.losses(content)[1]
    assert torch.equal(made, style.stylize(content, example, net, steps=12, levels=1))
    assert not any(p.requires_grad for p in net.parameters())


def test_strength_zero_leaves_the_content_and_more_moves_further():
    net, content, example = style.features("random"), photo(), photo("grass")
    large = photo(size=64)
    assert torch.allclose(style.stylize(large, photo("grass", 64), net, steps=2, levels=2, strength=0.0), large, atol=1e-5)
    assert torch.allclose(style.stylize(content, example, net, steps=3, levels=1, strength=0.0), content, atol=1e-6)
    away = [(style.stylize(content, example, net, steps=15, levels=1, strength=s) - content).square().mean() for s in (0.05, 2.0)]
    assert 2 * away[0] < away[1]


def test_mixtures_average_gram_matrices():
    net, one, two = style.features("random"), photo("grass"), photo("brick")
    alone = optimise.Wanted(net, one, [two], torch.ones(1)).grams[0][0]
    mixed = optimise.Wanted(net, one, [one, two], torch.tensor([0.25, 0.75])).grams[0][0]
    for m, a, own in zip(mixed, alone, net(one), strict=True):
        assert torch.allclose(m, 0.25 * style.gram(own) + 0.75 * a, atol=1e-5)


def test_a_mask_confines_a_style():
    net, content = style.features("random"), photo(size=32)
    left = torch.zeros(1, 1, 32, 32)
    left[..., :16] = 1
    wanted = optimise.Wanted(net, content, [photo("grass"), photo("brick")], None, [left, 1 - left])
    x = content.clone().requires_grad_()
    half = optimise.Wanted(net, content, [photo("grass")], None, [left])
    (slope,) = torch.autograd.grad(half.losses(x)[1], x)
    assert slope[..., :12].abs().sum() > 20 * slope[..., 30:].abs().sum() and wanted.losses(content)[1] > 0
    made = style.stylize(content, [photo("grass"), photo("brick")], net, steps=2, levels=1, masks=[left, 0 * left])
    assert made.isfinite().all() and torch.allclose(made[..., 28:], content[..., 28:], atol=0.1)  # under no mask it stays as it was
    everywhere = torch.ones(1, 1, 32, 32)
    whole = optimise.Wanted(net, content, [photo("grass")], None, [everywhere]).losses(content)[1]
    assert whole.item() == pytest.approx(optimise.Wanted(net, content, [photo("grass")], torch.ones(1)).losses(content)[1].item(), rel=1e-4)


def test_color_is_kept_and_only_the_lightness_taken():
    content, other = photo() * 0.4, photo("brick") * 0.4
    kept = style.keep_color(other, content)
    lightness = lambda x: 0.299 * x[:, 0] + 0.587 * x[:, 1] + 0.114 * x[:, 2]
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
    assert torch.allclose(calm[:1], style.recolor(film[:1], photo("astronaut")), atol=1e-6) and (calm[1] - calm[0]).abs().mean() > 0.1


def test_recoloring_takes_on_means_and_covariances_of_colors():
    content, example = 0.3 * photo(), 0.3 * photo("astronaut")
    made = style.recolor(content, example).flatten(2)[0]
    assert torch.allclose(made.mean(1), example[0].flatten(1).mean(1), atol=2e-3)
    wanted = example[0].flatten(1).cov(correction=0)
    assert (made.cov(correction=0) - wanted).norm() < 0.02 * wanted.norm()
    net = style.StyleNet(2, width=8, blocks=1, examples=[content, example])
    assert torch.allclose(net.recolored(content, torch.tensor([[0.0, 1.0]])), style.recolor(content, example), atol=1e-4)
    flat = torch.full((1, 3, 32, 32), 0.2)
    assert style.recolor(flat, example).isfinite().all() and style.stylize(flat, example, style.features("random"), steps=1).isfinite().all()


def test_watching_may_stop():
    seen = []
    made = style.stylize(
        photo(), photo("grass"), style.features("random"), steps=20, levels=1, watch=lambda k, n, loss, x: seen.append((k, n, loss)) or k == 4
    )
    assert [k for k, _, _ in seen] == [1, 2, 3, 4] and seen[0][1] == 20 and made.shape == (1, 3, 32, 32)


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
        ({"content": torch.zeros(1, 3, 1, 1)}, r"content: one colour image .* sides of 32 pixels or more is wanted; given \[1, 3, 1, 1\]"),
        ({"content": torch.zeros(1, 1, 32, 32)}, r"given \[1, 1, 32, 32\]"),
        ({"content": torch.full((1, 3, 32, 32), 200.0)}, "finite numbers in .-1, 1. are wanted"),
        ({"styles": torch.full((1, 3, 32, 32), float("nan"))}, "style: finite numbers"),
        ({"strength": -1}, "strength is -1; 0 or more"),
        ({"mix": [1.0, 2.0]}, "1 weights of 0 or more are wanted"),
        ({"masks": [torch.zeros(1, 1, 8, 8)]}, r"one mask \[1, 1, 32, 32\]"),
        ({"steps": 0}, "steps is 0"),
        ({"init": "black"}, "'content', 'noise' or an image"),
        ({"optimizer": "sgd"}, "unknown optimizer 'sgd'; known: lbfgs, adam"),
        ({"content_stage": 9}, "stages 0 to 4"),
        ({"levels": 0}, "levels is 0; 1 for the full size only"),
        ({"init": torch.full((1, 3, 32, 32), float("nan"))}, "init: finite numbers"),
    ],
)
def test_what_cannot_be_stylised_is_named(change, message):
    call = {"content": photo(), "styles": photo("grass"), "net": style.features("random"), "steps": 1} | change
    with pytest.raises(ValueError, match=message):
        style.stylize(**call)


# ---------------------------------------------------------------------------------------------- in one pass


@given(h=st.integers(16, 40), w=st.integers(16, 40), n=st.integers(1, 2))
def test_one_pass_networks_keep_every_size(h, w, n):
    x = torch.rand(n, 3, h, w) * 2 - 1
    torch.manual_seed(0)
    assert style.StyleNet(2, width=8, blocks=1)(x, 1).shape == x.shape
    assert style.AnyStyle(_encoder())(x, photo("grass")).shape == x.shape


_made = {}


def _encoder():
    return _made.setdefault("encoder", style.features("random"))


def test_styles_differ_by_their_norms_alone_and_mix_between():
    torch.manual_seed(0)
    net, x = style.StyleNet(3, width=8, blocks=1).eval(), photo()
    assert torch.equal(net(x, 0), x)  # as it begins
    with torch.no_grad():
        net.last.weight.normal_(std=0.3)
        assert torch.allclose(net(x, 0), net(x, 2)) and net(x).abs().max() <= 1 < net.train()(x).abs().max()
        net.eval()
        for name, p in net.named_parameters():
            if name.endswith("scale"):
                p[2] += 0.5
    assert not torch.allclose(net(x, 0), net(x, 2), atol=1e-3)
    assert torch.allclose(net(x, torch.tensor([[0.0, 0.0, 1.0]])), net(x, 2), atol=1e-6)
    for wrong, message in ((3, "styles 0 to 2"), (torch.ones(1, 2), "weights of 3 styles"), (True, None)):
        if message:
            with pytest.raises(ValueError, match=message):
                net(x, wrong)


def test_any_style_hands_the_decoder_the_styles_statistics():
    net, x, s = style.AnyStyle(_encoder()), photo(), photo("grass", 48)
    handed = {}
    net.decode = lambda maps: handed.update(maps=maps) or torch.zeros(len(maps), 3, 32, 32)
    net(x, s)
    wanted = net.encode(s)[-1]
    assert torch.allclose(handed["maps"].mean((2, 3)), wanted.mean((2, 3)), atol=1e-4)
    net(x, s, 0.0)
    assert torch.allclose(handed["maps"], net.encode(x)[-1], atol=1e-6)
    net(x, [s, x], [0.5, 0.5])
    colored = 0.5 * style.recolor(x, s) + 0.5 * style.recolor(x, x)
    maps = net.encode(colored)[-1]
    assert torch.allclose(handed["maps"], 0.5 * style.adain(maps, wanted) + 0.5 * style.adain(maps, net.encode(x)[-1]), atol=1e-3)
    with pytest.raises(ValueError, match="2 styles and 1 weights"):
        net(x, [s, s], [1.0])
    assert not any(key.startswith("encoder") for key in net.state_dict())


# ---------------------------------------------------------------------------------------------- films


def test_a_panned_film_moves_as_it_says():
    image = photo(size=64)[0]
    film, step = style.pan(image, (40, 32), frames=6, step=(2, 3), noise=0.0)
    assert film.shape == (6, 3, 40, 32) and style.flicker(film, step) == 0 and style.flicker(film, (0, 0)) > 1e-3
    noisy, _ = style.pan(image, (40, 32), frames=6, step=(2, 3), noise=0.05)
    assert style.flicker(noisy, step) == pytest.approx(2 * 0.05**2, rel=0.2)
    with pytest.raises(ValueError, match="need an image of 52x92; given"):
        style.pan(image, (40, 32), frames=7, step=(2, 10))
    with pytest.raises(ValueError, match="two frames or more"):
        style.flicker(film[:1], step)


def test_blending_steadies_what_moves_and_keeps_what_is_new():
    film, step = style.pan(photo(size=64)[0], (40, 32), frames=8, step=(1, 2), noise=0.1)
    calm = style.blend(film, step, keep=0.6)
    assert style.flicker(calm, step) < 0.5 * style.flicker(film, step)
    assert torch.equal(calm[3][:, -1:], film[3][:, -1:]) and torch.equal(calm[0], film[0]) and torch.equal(style.blend(film, step, 0.0), film)
    by_hand = 0.6 * film[0][:, 1:, 2:] + 0.4 * film[1][:, :-1, :-2]
    assert torch.allclose(calm[1][:, :-1, :-2], by_hand, atol=1e-6)
    with pytest.raises(ValueError, match=r"keep is 1\.5"):
        style.blend(film, step, 1.5)


def test_motion_is_found_and_undone():
    film, (dy, dx) = style.pan(photo("astronaut", 128)[0], (96, 96), frames=2, step=(1, 2), noise=0.0)
    flow = style.motion(film[0], film[1])
    middle = flow[:, 24:-24, 24:-24].flatten(1).median(dim=1).values
    assert middle.tolist() == pytest.approx([dy, dx], abs=0.3)
    exact = torch.tensor([dy, dx]).view(2, 1, 1).expand(2, 96, 96).float()
    assert torch.allclose(style.move(film[0], exact)[:, :-1, :-2], film[1][:, :-1, :-2], atol=1e-5)
    still = style.steady(-film[1], -film[0], film[1], film[0], keep=0.6)
    assert torch.allclose(still[:, 24:-24, 24:-24], -film[1][:, 24:-24, 24:-24], atol=0.3)


# ---------------------------------------------------------------------------------------------- drawn styles, files, the command


@pytest.mark.parametrize("name", styles.DRAWN)
def test_drawn_styles_come_from_their_seed(name):
    one = styles.draw(name, 64, seed=3)
    assert one.dtype == torch.uint8 and one.shape == (3, 64, 64) and one.float().std() > 15
    assert torch.equal(one, styles.draw(name, 64, seed=3)) and not torch.equal(one, styles.draw(name, 64, seed=4))


def test_styles_are_found_by_name_or_file(tmp_path, real_data):
    assert styles.open_style("mosaic", 48).shape == (3, 48, 48)
    assert styles.open_style("starry_night").shape == (3, 1014, 1280)
    Image.new("RGB", (40, 30), "red").save(tmp_path / "own.png")
    assert styles.open_style(str(tmp_path / "own.png")).shape == (3, 30, 40)
    with pytest.raises(fetch.DataError, match="neither a picture file, nor drawn"):
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


def test_the_command_paints_a_picture(tmp_path, capsys):
    picture = Image.fromarray(photos.square(photos.open_photo("coffee"), 48).permute(1, 2, 0).numpy()).crop((0, 0, 48, 36))
    exif = picture.getexif()
    exif[0x0112] = 6  # turned by a quarter
    picture.save(tmp_path / "in.jpg", exif=exif)
    out = tmp_path / "deep" / "out.png"
    assert cli.main(["stylize", str(tmp_path / "in.jpg"), "mosaic", "-o", str(out), "--steps", "3"]) == 0
    assert Image.open(out).size == (36, 48) and str(out) in capsys.readouterr().out
    assert cli.main(["stylize", "chelsea", "hatching", "-o", str(tmp_path / "fast.jpg"), "--fast", "--size", "64", "--keep-color"]) == 0
    assert Image.open(tmp_path / "fast.jpg").size == (64, 43) and "451x300 is made smaller, 64x43; --size 0 leaves" in capsys.readouterr().out


def test_the_command_paints_films(tmp_path, capsys):
    film, _ = style.pan(photo(size=48)[0], (32, 32), frames=3)
    frames = [Image.fromarray(data.to_uint8(f).permute(1, 2, 0).numpy()) for f in film]
    frames[0].save(tmp_path / "in.gif", save_all=True, append_images=frames[1:], duration=120)
    assert cli.main(["stylize", str(tmp_path / "in.gif"), "dots", "-o", str(tmp_path / "out.gif"), "--fast"]) == 0
    with Image.open(tmp_path / "out.gif") as made:
        assert made.n_frames == 3 and made.size == (32, 32) and made.info["duration"] == 120
    assert cli.main(["stylize", str(tmp_path / "in.gif"), "dots", "-o", str(tmp_path / "frames"), "--steps", "2"]) == 0
    assert sorted(p.name for p in (tmp_path / "frames").iterdir()) == ["0000.png", "0001.png", "0002.png"]
    assert cli.main(["stylize", str(tmp_path / "frames"), "dots", "-o", str(tmp_path / "again.gif"), "--fast", "--steady", "0"]) == 0
    assert cli.main(["stylize", str(tmp_path / "in.gif"), "dots", "-o", str(tmp_path / "out.png"), "--fast"]) == 1
    assert "cannot hold a film; give a .gif, or a folder" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (["NO.png", "mosaic", "-o", "o.png"], "there is no picture 'NO.png': neither a file or folder, nor a photograph"),
        (["TEXT", "mosaic", "-o", "o.png"], "cannot be read as a picture"),
        (["DOT", "mosaic", "-o", "o.png"], "the picture has 1x1 pixels; 32 or more on each side are wanted"),
        (["coffee", "NO.png", "-o", "o.png"], "there is no style 'NO.png'"),
        (["coffee", "TEXT", "-o", "o.png"], "cannot be read as a picture"),
        (["coffee", "mosaic", "-o", "o.txt"], "o.txt is no picture file; its ending should be one of .png"),
        (["coffee", "mosaic", "-o", "o.png", "--size", "4"], "size is 4; 32 pixels or more"),
        (["coffee", "mosaic", "-o", "o.png", "--fast", "--strength", "2"], "strength is 2.0; 0 to 1 is wanted with a trained network"),
        (["coffee", "mosaic", "-o", "o.png", "--net", "alexnet"], "unknown network 'alexnet'"),
        (["EMPTY", "mosaic", "-o", "o.png"], "there are no pictures in"),
    ],
)
def test_bad_calls_of_the_command_are_explained_and_write_nothing(call, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "TEXT").write_text("no picture")
    (tmp_path / "EMPTY").mkdir()
    Image.new("RGB", (1, 1)).save(tmp_path / "DOT", "PNG")
    assert cli.main(["stylize", *call]) == 1
    error = capsys.readouterr().err
    assert message in error and "Traceback" not in error and not list(tmp_path.glob("o.*"))


def test_the_weights_of_the_styles_say_how_they_were_made():
    for name in ("drawn_styles", "any_style"):
        facts = json.loads((fetch.shipped() / "weights" / f"{name}.json").read_text())
        assert {"steps", "minutes", "device", "seed", "data"} <= set(facts)


def test_a_picture_of_several_pages_is_no_film(tmp_path):
    pages = [Image.new("RGB", (40, 36), color) for color in ("red", "blue")]
    pages[0].save(tmp_path / "pages.tiff", save_all=True, append_images=pages[1:])
    frames, _ = stylist.read(tmp_path / "pages.tiff")
    assert len(frames) == 1 and frames[0][0].min() == 255
    pages[0].save(tmp_path / "a.gif", save_all=True, append_images=pages[1:], duration=70)
    assert len(stylist.read(tmp_path / "a.gif")[0]) == 2 and stylist.read(tmp_path / "a.gif")[1] == 70


def test_frames_are_fitted_and_that_is_said():
    said = []
    (wide,) = stylist.fit([torch.zeros(3, 40, 2000, dtype=torch.uint8)], 256, 256, said.append)
    assert wide.shape == (3, 32, 1600) and "2000x40 is made smaller, 1600x32" in said[0]
    own = [torch.zeros(3, 40, 2000, dtype=torch.uint8)]
    assert stylist.fit(own, 0, 256, said.append) is own and len(said) == 1
    assert stylist.fit([torch.zeros(3, 90, 300, dtype=torch.uint8)], None, 100, said.append)[0].shape == (3, 32, 107)


def test_what_is_here_needs_no_download(tmp_path, monkeypatch, published):
    assert style.here("embedded") and style.here("random") and not style.here("vgg19")
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "vgg19_part.safetensors").write_bytes(published["vgg19"].read_bytes())
    monkeypatch.setenv("GENIMG_DATA", str(tmp_path))
    assert style.here("vgg19") and not style.here("squeezenet1_1") and len(style.features("vgg19").stages) == 4
