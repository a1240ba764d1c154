"""`genimg denoise`, and how pictures go in and out: nothing is lost without a word."""

import io
import struct
import zlib

import numpy as np
import pytest
import torch
from PIL import Image, ImageCms

from genimg_lib import data, metrics, pretrained, restore
from genimg_lib.apps import denoise, pictures
from genimg_lib.cli import main
from genimg_lib.data import photos
from genimg_lib.errors import DataError
from genimg_lib.restore import LEVEL


def noisy_cat(size=64, sigma=25):
    """A cat's middle with noise: uint8 [size, size, 3], and the same without."""
    x = photos.square(photos.open_photo("chelsea"), size)
    y = restore.noisy(data.to_float(x[None]), sigma * LEVEL, torch.Generator().manual_seed(0))
    return as_array(data.to_uint8(y.clamp(-1, 1))[0]), as_array(x)


def as_array(image):
    return image.permute(1, 2, 0).numpy()


def saved(image, path, **more):
    image.save(path, **more)
    return path


def psnr(a, b):
    a, b = (torch.from_numpy(np.asarray(v).astype(float)).permute(2, 0, 1)[None] for v in (a, b))
    return metrics.psnr(a, b, data_range=255.0).item()


def deep_png(levels):
    """uint16 [H, W, 3] as a PNG of 16 bits a channel, which Pillow reads and cannot write."""
    height, width, _ = levels.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in levels)
    head = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    packed = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


def say_nothing(_):
    pass


# ------------------------------------------------------------------ the command


def test_noise_is_taken_out_with_sigma_said_or_estimated(tmp_path):
    y, x = noisy_cat(128)
    source = saved(Image.fromarray(y), tmp_path / "in.png")
    for k, sigma in enumerate((25.0, None)):
        out = denoise.denoise_file(source, tmp_path / f"out{k}.png", sigma, say=say_nothing)
        assert psnr(Image.open(out), x) > psnr(y, x) + 6


def test_careful_is_nearer_to_what_was_there():
    y, x = noisy_cat(128)
    pixels = torch.from_numpy(y).permute(2, 0, 1)
    plain, careful = (as_array(denoise.denoised(pixels, 25, way)) for way in (False, True))
    assert psnr(careful, x) > psnr(plain, x)


def test_the_command_says_what_it_estimated(tmp_path, capsys):
    source = saved(Image.fromarray(noisy_cat()[0]), tmp_path / "in.png")
    assert main(["denoise", str(source), "-o", str(tmp_path / "out.png")]) == 0
    said = capsys.readouterr().out
    assert "grey levels" in said and "out.png" in said


def test_a_picture_without_noise_is_left_as_it_is(tmp_path):
    flat = np.full((40, 40, 3), 120, dtype=np.uint8)
    said = []
    source = saved(Image.fromarray(flat), tmp_path / "in.png")
    out = denoise.denoise_file(source, tmp_path / "out.png", say=said.append)
    assert np.array_equal(np.asarray(Image.open(out)), flat)
    assert any("hardly any noise" in line for line in said)


@pytest.mark.parametrize("clipped", [False, True])
def test_the_estimate_is_near_and_lower_where_noise_was_cut_off(clipped):
    x = torch.full((1, 3, 300, 300), -0.9 if clipped else 0.0)
    y = data.to_uint8(restore.noisy(x, 30 * LEVEL, torch.Generator().manual_seed(0)).clamp(-1, 1))
    found = denoise.estimated(y[0])
    assert (15 < found < 28) if clipped else found == pytest.approx(30, rel=0.03)


def test_tiles_leave_no_seam():
    g = torch.Generator().manual_seed(0)
    x = data.to_float(photos.grey(photos.square(photos.open_photo("camera"), 256))[None])
    y = data.to_uint8(restore.noisy(x, 25 * LEVEL, g).clamp(-1, 1))[0]
    whole = denoise.denoised(y, 25, size=256).int()
    pieces = denoise.denoised(y, 25, size=64).int()
    assert (whole - pieces).abs().max() <= 1


@pytest.mark.parametrize("sigma", [0, -1, 76, float("nan")])
def test_sigma_out_of_range_is_refused_before_the_picture_is_looked_for(tmp_path, sigma):
    with pytest.raises(ValueError, match="75"):
        denoise.denoise_file(tmp_path / "none.png", tmp_path / "out.png", sigma)


# ------------------------------------------------------------------ pictures in and out


def test_grey_stays_grey_and_a_palette_becomes_rgb(tmp_path):
    y, _ = noisy_cat(32)
    grey = saved(Image.fromarray(y).convert("L"), tmp_path / "grey.png")
    palette = saved(Image.fromarray(y).quantize(16), tmp_path / "palette.png")
    for source, mode in ((grey, "L"), (palette, "RGB")):
        out = denoise.denoise_file(source, tmp_path / f"{mode}.png", 10, say=say_nothing)
        with Image.open(out) as image:
            assert image.mode == mode and image.size == (32, 32)


def test_transparency_is_kept_as_it_was(tmp_path):
    y, _ = noisy_cat(32)
    alpha = np.tile(np.arange(0, 256, 8, dtype=np.uint8), (32, 1))
    source = saved(Image.fromarray(np.dstack([y, alpha])), tmp_path / "in.png")
    out = denoise.denoise_file(source, tmp_path / "out.png", 25, say=say_nothing)
    with Image.open(out) as image:
        assert image.mode == "RGBA"
        assert np.array_equal(np.asarray(image)[..., 3], alpha)


def test_where_the_format_has_no_transparency_it_is_said_and_laid_on_white(tmp_path):
    y, _ = noisy_cat(32)
    source = saved(Image.fromarray(np.dstack([y, 0 * y[..., 0]])), tmp_path / "in.png")
    said = []
    out = denoise.denoise_file(source, tmp_path / "out.bmp", 25, say=said.append)
    assert any("white" in line for line in said)
    assert (np.asarray(Image.open(out)) == 255).all()


def test_the_colour_profile_and_exif_are_kept_and_the_picture_is_turned_upright(tmp_path):
    y, _ = noisy_cat(32)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "A camera"  # to be turned by a quarter; who made it
    image = Image.fromarray(y[:, :24])
    source = saved(image, tmp_path / "in.jpg", exif=exif, icc_profile=profile, quality=95)
    out = denoise.denoise_file(source, tmp_path / "out.jpg", 10, say=say_nothing)
    with Image.open(out) as image:
        assert image.size == (32, 24)
        assert image.info["icc_profile"] == profile
        assert image.getexif()[0x010F] == "A camera" and 0x0112 not in image.getexif()


def test_cmyk_becomes_rgb(tmp_path):
    y, _ = noisy_cat(32)
    source = saved(Image.fromarray(y).convert("CMYK"), tmp_path / "in.tif")
    picture = pictures.read(source)
    assert picture.pixels.shape == (3, 32, 32) and picture.profile is None
    assert psnr(as_array(picture.pixels), y) > 30


@pytest.mark.parametrize("name", ["in.png", "in.tif"])
def test_16_bits_a_colour_are_said_though_pillow_opens_8(tmp_path, name):
    levels = np.random.default_rng(0).integers(0, 65_536, (16, 16, 3), dtype=np.uint16)
    if name.endswith("tif"):
        from skimage import io as skio

        skio.imsave(tmp_path / name, levels, check_contrast=False)
    else:
        (tmp_path / name).write_bytes(deep_png(levels))
    assert any("16 bits" in line for line in pictures.read(tmp_path / name).lost)


def test_colours_that_nobody_sees_do_not_bleed_into_those_that_are_seen(tmp_path):
    y, x = noisy_cat(96)
    alpha = np.full(y.shape[:2], 255, np.uint8)
    alpha[:, 48:] = 0
    hidden = y.copy()
    hidden[:, 48:] = (255, 0, 255)
    source = saved(Image.fromarray(np.dstack([hidden, alpha])), tmp_path / "in.png")
    found = np.asarray(
        Image.open(denoise.denoise_file(source, tmp_path / "out.png", 25, say=say_nothing))
    )
    assert (found[:, 48:, :3] == (255, 0, 255)).all()
    hidden[:, 48:] = (0, 255, 0)
    source = saved(Image.fromarray(np.dstack([hidden, alpha])), tmp_path / "other.png")
    other = denoise.denoise_file(source, tmp_path / "out2.png", 25, say=say_nothing)
    assert np.array_equal(np.asarray(Image.open(other))[:, :48], found[:, :48])
    assert psnr(found[:, :48, :3], x[:, :48]) > psnr(y[:, :48], x[:, :48]) + 5


def test_a_drawing_has_no_noise_and_keeps_every_pixel(tmp_path):
    from PIL import ImageDraw

    image = Image.new("RGB", (256, 128), "black")
    draw = ImageDraw.Draw(image)
    for k in range(0, 128, 12):  # as a terminal shows it
        draw.text((5, k), "the quick brown fox jumps over 0123456789", fill="white")
    source = saved(image, tmp_path / "in.png")
    out = denoise.denoise_file(source, tmp_path / "out.png", say=say_nothing)
    assert np.array_equal(np.asarray(Image.open(out)), np.asarray(image))


def test_more_noise_than_the_network_knows_is_said(tmp_path):
    y = 128 + 120 * np.random.default_rng(0).standard_normal((96, 96, 3))
    source = saved(Image.fromarray(y.clip(0, 255).astype(np.uint8)), tmp_path / "in.png")
    said = []
    denoise.denoise_file(source, tmp_path / "out.png", say=said.append)
    assert any("up to 75" in line for line in said)


def test_16_bits_are_brought_down_to_8_and_that_is_said(tmp_path):
    levels = np.linspace(0, 65_535, 1_024).reshape(32, 32).round().astype(np.uint16)
    source = saved(Image.fromarray(levels), tmp_path / "in.png")
    said = []
    denoise.denoise_file(source, tmp_path / "out.png", 5, say=said.append)
    assert any("16 bits" in line for line in said)
    found = pictures.read(source).pixels[0].numpy()
    assert np.abs(found - levels / 257).max() <= 0.5


def test_films_and_pages_are_refused(tmp_path):
    frames = [Image.fromarray(noisy_cat(16, sigma)[0]) for sigma in (5, 50)]
    for name in ("film.gif", "film.webp", "pages.tif"):
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:])
        with pytest.raises(DataError, match="2"):
            denoise.denoise_file(tmp_path / name, tmp_path / "out.png", 25)
    assert not (tmp_path / "out.png").exists()


@pytest.mark.parametrize("content", [b"", b"no picture", None])
def test_what_is_no_picture_is_named(tmp_path, content):
    source = tmp_path / "in.png"
    if content is not None:
        source.write_bytes(content)
    with pytest.raises(DataError, match=r"in\.png"):
        denoise.denoise_file(source, tmp_path / "out.png", 25)


def test_a_picture_that_breaks_off_is_refused(tmp_path):
    stream = io.BytesIO()
    Image.fromarray(noisy_cat()[0]).save(stream, "PNG")
    (tmp_path / "in.png").write_bytes(stream.getvalue()[:-3_000])
    with pytest.raises(DataError, match=r"in\.png"):
        denoise.denoise_file(tmp_path / "in.png", tmp_path / "out.png", 25)


def test_no_place_is_taken_without_leave_and_the_input_never(tmp_path):
    source = saved(Image.fromarray(noisy_cat(16)[0]), tmp_path / "in.png")
    taken = saved(Image.new("L", (4, 4)), tmp_path / "out.png")
    before = taken.read_bytes()
    with pytest.raises(ValueError, match="overwrite"):
        denoise.denoise_file(source, taken, 25, say=say_nothing)
    with pytest.raises(ValueError, match="is the input"):
        denoise.denoise_file(source, source, 25, overwrite=True, say=say_nothing)
    assert taken.read_bytes() == before
    denoise.denoise_file(source, taken, 25, overwrite=True, say=say_nothing)
    assert taken.read_bytes() != before


@pytest.mark.parametrize("name", ["out.mp4", "out", "out/out.png", "out.gif"])
def test_places_that_cannot_be_are_refused_before_any_work(tmp_path, name):
    source = saved(Image.fromarray(noisy_cat(16)[0]), tmp_path / "in.png")
    with pytest.raises(ValueError, match="out"):
        denoise.denoise_file(source, tmp_path / name, 25)
    assert [path.name for path in tmp_path.iterdir()] == ["in.png"]


def test_a_side_too_long_for_the_format_is_refused(tmp_path):
    wide = pictures.Picture(torch.zeros(1, 1, 16_384, dtype=torch.uint8))
    with pytest.raises(ValueError, match="16,383"):
        pictures.check_fits(wide, tmp_path / "out.webp")
    assert pictures.check_fits(wide, tmp_path / "out.png") == []


@pytest.mark.parametrize("name", ["out.png", "out.webp", "out.tif", "out.bmp"])
def test_formats_without_loss_give_back_every_pixel(tmp_path, name):
    y, _ = noisy_cat(20)
    picture = pictures.Picture(torch.from_numpy(y).permute(2, 0, 1))
    pictures.write(picture, tmp_path / name)
    assert torch.equal(pictures.read(tmp_path / name).pixels, picture.pixels)


# ------------------------------------------------------------------ what files say beside pixels


def test_who_made_a_tiff_is_kept_and_what_it_is_called(tmp_path):
    tags = {270: "A cat", 315: "Someone", 33_432: "Theirs"}
    source = saved(Image.fromarray(noisy_cat(16)[0]), tmp_path / "in.tif", tiffinfo=tags)
    for name in ("out.tif", "out.jpg"):
        out = denoise.denoise_file(source, tmp_path / name, 10, say=say_nothing)
        with Image.open(out) as image:
            assert {tag: image.getexif()[tag] for tag in tags} == tags


def test_texts_comments_and_another_gamma_are_said_to_be_lost(tmp_path):
    from PIL.PngImagePlugin import PngInfo

    image, texts = Image.fromarray(noisy_cat(16)[0]), PngInfo()
    texts.add_text("Author", "Someone")
    texts.add(b"gAMA", struct.pack(">I", 100_000))
    said = pictures.read(saved(image, tmp_path / "in.png", pnginfo=texts)).lost
    assert any("texts" in line for line in said) and any("gamma (1.000)" in line for line in said)
    said = pictures.read(saved(image, tmp_path / "in.jpg", comment=b"hello")).lost
    assert any("comments" in line for line in said)
    assert pictures.read(saved(image, tmp_path / "plain.png")).lost == ()


def test_dpi_is_kept_or_its_loss_said_and_none_is_invented(tmp_path):
    image = Image.fromarray(noisy_cat(16)[0])
    source = saved(image, tmp_path / "in.png", dpi=(300, 300))
    picture, said = pictures.read(source), []
    assert [round(value) for value in picture.dpi] == [300, 300]
    said = pictures.check_fits(picture, tmp_path / "out.webp")
    assert any("dpi" in line for line in said)
    assert pictures.read(saved(image, tmp_path / "in.tif")).dpi is None


def test_a_folder_is_called_a_folder(tmp_path):
    (tmp_path / "album.png").mkdir()
    (tmp_path / "in").mkdir()
    with pytest.raises(DataError, match="folder"):
        denoise.denoise_file(tmp_path / "in", tmp_path / "out.png", 25)
    with pytest.raises(ValueError, match="folder"):
        pictures.check_place(tmp_path / "in")


def test_a_stop_from_the_keyboard_is_no_traceback(tmp_path, monkeypatch, capsys):
    def stopped(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(denoise, "denoise_file", stopped)
    assert main(["denoise", "in.png", "-o", "out.png"]) == 130
    assert "stopped" in capsys.readouterr().err


# ------------------------------------------------------------------ the shipped networks


@pytest.mark.parametrize("name", ["denoiser_grey", "denoiser_colour"])
def test_the_shipped_denoisers_reach_what_their_facts_say(name):
    from genimg_lib.recipes import denoise as recipe

    facts, net = pretrained.facts(name), pretrained.load_denoiser(name)
    x = recipe.held_out("chelsea", net.channels)
    with torch.no_grad():
        x_hat = net(recipe.with_noise(x, 25), 25 * LEVEL).clamp(-1, 1)
    assert metrics.psnr(x_hat, x).item() == pytest.approx(facts["psnr_chelsea_25"], abs=0.02)


def test_another_denoiser_is_named():
    with pytest.raises(ValueError, match="denoiser_sepia"):
        pretrained.load_denoiser("denoiser_sepia")
