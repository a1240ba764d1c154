"""`genimg texture`: more of a material, and nothing half-written."""

import time

import numpy as np
import pytest
from PIL import Image

from genimg_lib.apps import texture
from genimg_lib.cli import main
from genimg_lib.data import textures
from genimg_lib.errors import DataError


def material(path, size=96, kind="leaves"):
    pixels = textures.draw(1, size, 5, (kind,))[0][0]
    Image.fromarray(pixels.permute(1, 2, 0).contiguous().numpy()).save(path)
    return path


def quiet(_):
    pass


def test_more_of_a_material_by_the_command(tmp_path, capsys):
    source, out = material(tmp_path / "in.png"), tmp_path / "out.png"
    assert main(["texture", str(source), "-o", str(out), "--size", "200"]) == 0
    assert str(out) in capsys.readouterr().out
    with Image.open(out) as image:
        assert image.size == (200, 200)


def test_a_tile_has_a_size_that_fits_and_says_so(tmp_path):
    said = []
    source = material(tmp_path / "in.png")
    out = texture.texture_file(source, tmp_path / "t.png", 100, tile=True, say=said.append)
    with Image.open(out) as image:
        assert image.size == (96, 96)
        array = np.asarray(image).astype(float)
    assert any("96 pixels instead of 100" in line for line in said)
    plain = texture.texture_file(source, tmp_path / "p.png", 96, say=quiet)
    piece = np.asarray(Image.open(plain)).astype(float)
    across, cut = (np.abs(a[:, 0] - a[:, -1]).mean() for a in (array, piece))
    assert across < 0.6 * cut


def test_grey_stays_grey_and_the_seed_decides(tmp_path):
    source = tmp_path / "grey.png"
    Image.open(material(tmp_path / "in.png")).convert("L").save(source)
    outs = [
        texture.texture_file(source, tmp_path / f"{k}.png", 80, seed=seed, say=quiet)
        for k, seed in enumerate((1, 1, 2))
    ]
    first, again, other = (path.read_bytes() for path in outs)
    assert first == again != other
    assert Image.open(outs[0]).mode == "L"


def test_512_from_128_in_seconds(tmp_path):
    source = material(tmp_path / "in.png", 128)
    began = time.perf_counter()
    texture.texture_file(source, tmp_path / "out.png", 512, say=quiet)
    assert time.perf_counter() - began < 20  # about 1 to 3 on an idle machine


@pytest.mark.parametrize(
    ("more", "value"),
    [
        ({"size": 5_000}, "5,000"),
        ({"size": 10}, "10"),
        ({"patch": 200}, "200"),
        ({"patch": 2}, "2"),
    ],
)
def test_sizes_that_cannot_be_are_refused_before_any_work(tmp_path, more, value):
    out = tmp_path / "out.png"
    with pytest.raises(ValueError, match=value):
        texture.texture_file(material(tmp_path / "in.png"), out, **more)
    assert not out.exists()


def test_pictures_that_are_no_material_are_refused(tmp_path):
    out = tmp_path / "out.png"
    clear = tmp_path / "clear.png"
    Image.fromarray(np.zeros((40, 40, 4), np.uint8)).save(clear)
    with pytest.raises(ValueError, match="transparency"):
        texture.texture_file(clear, out)
    large = tmp_path / "large.png"
    Image.fromarray(np.zeros((20, 1_100), np.uint8)).save(large)
    with pytest.raises(ValueError, match="1,100"):
        texture.texture_file(large, out)
    with pytest.raises(DataError):
        texture.texture_file(tmp_path / "none.png", out)
    source = material(tmp_path / "in.png")
    with pytest.raises(ValueError, match="is the input"):
        texture.texture_file(source, source, overwrite=True)
    assert not out.exists()
