"""`genimg upscale`: any picture, larger, and nothing lost without a word."""

import numpy as np
import pytest
import torch
from PIL import ExifTags, Image, ImageCms

from genimg_lib import restore
from genimg_lib.apps import pictures, upscale
from genimg_lib.cli import main
from genimg_lib.data import photos
from genimg_lib.errors import DataError


def cat(height=40, width=56):
    """A piece of the cat: uint8 [height, width, 3]."""
    image = photos.open_photo("chelsea")[:, 90 : 90 + height, 120 : 120 + width]
    return image.permute(1, 2, 0).contiguous().numpy()


def saved(array, path, **more):
    Image.fromarray(array).save(path, **more)
    return path


def say_nothing(_):
    pass


@pytest.mark.parametrize("scale", [2, 4])
def test_a_picture_comes_out_so_many_times_as_large(tmp_path, scale, capsys):
    source, out = saved(cat(), tmp_path / "in.png"), tmp_path / "out.png"
    assert main(["upscale", str(source), "-o", str(out), "--scale", str(scale)]) == 0
    assert str(out) in capsys.readouterr().out
    with Image.open(out) as image:
        assert image.size == (56 * scale, 40 * scale) and image.mode == "RGB"
        back = image.resize((56, 40), Image.Resampling.BICUBIC)
    off = np.abs(np.asarray(back).astype(int) - cat().astype(int))
    assert off.mean() < 1.5  # made small again, it is what it was


@pytest.mark.parametrize("scale", [2, 4])
@pytest.mark.parametrize("size", [(1, 1), (2, 9), (5, 1)])
def test_pictures_smaller_than_what_the_network_sees(tmp_path, scale, size):
    source = saved(cat(*size), tmp_path / "in.png")
    out = upscale.upscale_file(source, tmp_path / "out.png", scale, say=say_nothing)
    assert Image.open(out).size == (size[1] * scale, size[0] * scale)


def test_grey_stays_grey_and_transparency_grows_with_the_rest(tmp_path):
    source = saved(cat()[..., 0], tmp_path / "grey.png")
    out = upscale.upscale_file(source, tmp_path / "grey2.png", say=say_nothing)
    assert Image.open(out).mode == "L"
    alpha = np.zeros((40, 56), np.uint8)
    alpha[:, :28] = 255
    source = saved(np.dstack([cat(), alpha]), tmp_path / "half.png")
    out = upscale.upscale_file(source, tmp_path / "half2.png", say=say_nothing)
    found = np.asarray(Image.open(out))[..., 3]
    assert (found[:, :52] == 255).all() and (found[:, 60:] == 0).all()


def test_colours_that_nobody_sees_do_not_bleed_into_those_that_are_seen(tmp_path):
    alpha = np.zeros((40, 56), np.uint8)
    alpha[:, :28] = 255
    seen = []
    for colour in ((255, 0, 255), (0, 255, 0)):
        picture = cat().copy()
        picture[:, 28:] = colour
        name = f"{colour[0]}.png"
        source = saved(np.dstack([picture, alpha]), tmp_path / name)
        out = upscale.upscale_file(source, tmp_path / f"out{name}", say=say_nothing)
        seen.append(np.asarray(Image.open(out))[:, :56])
    assert np.array_equal(*seen)


def test_profile_and_exif_are_kept_and_exif_says_the_new_size(tmp_path):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "A camera"
    exif[ExifTags.Base.ImageWidth], exif[ExifTags.Base.ImageLength] = 999, 999
    exif.get_ifd(ExifTags.IFD.Exif).update(
        {ExifTags.Base.ExifImageWidth: 56, ExifTags.Base.ExifImageHeight: 40}
    )
    source = saved(cat(), tmp_path / "in.jpg", exif=exif, icc_profile=profile, quality=95)
    out = upscale.upscale_file(source, tmp_path / "out.jpg", 2, say=say_nothing)
    with Image.open(out) as image:
        assert image.info["icc_profile"] == profile
        found = image.getexif()
        assert found[ExifTags.Base.Make] == "A camera"
        assert (found[ExifTags.Base.ImageWidth], found[ExifTags.Base.ImageLength]) == (112, 80)
        of_photo = found.get_ifd(ExifTags.IFD.Exif)
        assert of_photo[ExifTags.Base.ExifImageWidth] == 112
        assert of_photo[ExifTags.Base.ExifImageHeight] == 80


@pytest.mark.parametrize("careful", [False, True])
def test_tiles_leave_no_seam(careful):
    pixels = photos.open_photo("coffee")[:, 100:196, 100:200]
    whole = upscale.upscaled(pixels, 2, careful, size=256).int()
    pieces = upscale.upscaled(pixels, 2, careful, size=48).int()
    assert (whole - pieces).abs().max() <= 1


def test_careful_is_another_answer_and_nearer_to_the_photograph():
    x = photos.open_photo("coffee")[:, 100:228, 100:260]
    y = restore.shrunk(x[None], 2)[0]
    found = [upscale.upscaled(y, 2, careful) for careful in (False, True)]
    off = [(image.int() - x.int()).square().float().mean() for image in found]
    assert off[1] < off[0]


@pytest.mark.parametrize("scale", [0, 1, 3, 8, -2])
def test_other_scales_are_refused_before_the_picture_is_looked_for(tmp_path, scale):
    with pytest.raises(ValueError, match="scale"):
        upscale.upscale_file(tmp_path / "none.png", tmp_path / "out.png", scale)


def test_what_would_be_too_large_is_refused_with_the_numbers(tmp_path):
    source = tmp_path / "in.png"
    Image.new("L", (2_600, 2_500)).save(source)
    with pytest.raises(ValueError, match=r"104\.0 megapixels.*--scale 2"):
        upscale.upscale_file(source, tmp_path / "out.png", 4)
    Image.new("L", (5_000, 20)).save(source)
    with pytest.raises(ValueError, match="16,383"):
        upscale.upscale_file(source, tmp_path / "out.webp", 4)
    assert [path.name for path in tmp_path.iterdir()] == ["in.png"]


def test_places_and_inputs_are_looked_at_before_any_work(tmp_path):
    source = saved(cat(8, 8), tmp_path / "in.png")
    for out, words in (("in.png", "is the input"), ("out.gif", "out"), ("no/out.png", "folder")):
        with pytest.raises(ValueError, match=words):
            upscale.upscale_file(source, tmp_path / out, overwrite=True)
    (tmp_path / "text.png").write_text("no picture")
    for name in ("text.png", "missing.png"):
        with pytest.raises(DataError, match=name):
            upscale.upscale_file(tmp_path / name, tmp_path / "out.png")
    assert not (tmp_path / "out.png").exists()


def test_exif_without_a_size_is_left_to_the_byte(tmp_path):
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "A camera"
    pixels = torch.zeros(3, 6, 8, dtype=torch.uint8)
    picture = pictures.Picture(pixels, exif=exif.tobytes())
    pictures.write(picture, tmp_path / "out.png")
    assert pictures.read(tmp_path / "out.png").exif == exif.tobytes()
