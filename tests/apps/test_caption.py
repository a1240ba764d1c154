"""`genimg caption`: portraits are described, other pictures are not."""

import numpy as np
import pytest
import torch
from PIL import Image

from genimg_lib.apps import caption
from genimg_lib.cli import main
from genimg_lib.data import photos, portraits
from genimg_lib.errors import DataError

RED = {"hair": "long", "hair_color": "red", "glasses": "round", "mouth": "smile", "hat": "none"}


def saved(pixels, path, scale=1):
    """uint8 [3, H, W] as a file."""
    large = pixels.repeat_interleave(scale, 1).repeat_interleave(scale, 2)
    Image.fromarray(large.permute(1, 2, 0).contiguous().numpy()).save(path)
    return path


@pytest.mark.parametrize("scale", [1, 4])
def test_a_portrait_is_described_at_any_multiple_of_its_size(tmp_path, scale, capsys):
    path = saved(portraits.draw(RED, 32)[0], tmp_path / "face.png", scale)
    assert main(["caption", str(path)]) == 0
    said = capsys.readouterr().out
    assert "long red hair" in said and "round glasses" in said
    assert "hair long 100%" in said


def test_many_portraits_of_64_pixels_too(tmp_path):
    images, factors = portraits.render(12, 64, seed=77)
    paths = [saved(image, tmp_path / f"{k}.png") for k, image in enumerate(images)]
    found = caption.caption_files(paths, say=lambda _: None)
    assert list(found) == paths
    right = sum(
        sentence is not None and portraits.factors_of(sentence)["hair"] == factors["hair"][k].item()
        for k, sentence in enumerate(found.values())
    )
    assert right >= 11


def test_what_is_no_portrait_is_said_to_be_none(tmp_path, capsys):
    cat = photos.open_photo("chelsea")[:, 50:178, 100:228]
    path = saved(cat, tmp_path / "cat.png")
    assert main(["caption", str(path)]) == 1
    said = capsys.readouterr().out
    assert "no portrait" in said and "hair" not in said


def refused(tmp_path, array, name="x.png"):
    path = tmp_path / name
    Image.fromarray(array).save(path)
    return path


@pytest.mark.parametrize(
    ("shape", "value"),
    [((32, 33, 3), "33x32"), ((48, 48, 3), "48x48"), ((32, 32), "grey"), ((32, 32, 4), "transp")],
)
def test_other_pictures_are_refused_before_anything_is_said(tmp_path, shape, value, capsys):
    good = saved(portraits.draw(RED, 32)[0], tmp_path / "face.png")
    bad = refused(tmp_path, np.zeros(shape, np.uint8))
    with pytest.raises(ValueError, match=value):
        caption.caption_files([good, bad])
    assert capsys.readouterr().out == ""
    with pytest.raises(DataError):
        caption.caption_files([good, tmp_path / "nothing.png"])


def test_an_image_as_it_is_seen(tmp_path):
    pixels = portraits.draw(RED, 32)[0]
    x = caption.portrait(saved(pixels, tmp_path / "face.png", 3))
    assert x.shape == (1, 3, 32, 32)
    assert torch.allclose(x[0], pixels.float() / 127.5 - 1, atol=1e-5)
