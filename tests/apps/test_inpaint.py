"""`genimg inpaint`: holes filled, and nothing else touched."""

import numpy as np
import pytest
import torch
from PIL import Image

from genimg_lib import restore
from genimg_lib.apps import inpaint, pictures
from genimg_lib.cli import main
from genimg_lib.data import photos, portraits
from genimg_lib.errors import DataError


def cat(height=90, width=100):
    """A piece of the cat: uint8 [height, width, 3]."""
    image = photos.open_photo("chelsea")[:, 90 : 90 + height, 120 : 120 + width]
    return image.permute(1, 2, 0).contiguous().numpy()


def scratch(height=90, width=100):
    mask = np.zeros((height, width), np.uint8)
    mask[8:11, 10:70] = 255
    return mask


def block(height=90, width=100, side=30):
    mask = np.zeros((height, width), np.uint8)
    mask[30 : 30 + side, 40 : 40 + side] = 255
    return mask


def saved(array, path, **more):
    Image.fromarray(array).save(path, **more)
    return path


def opened(path):
    return np.asarray(Image.open(path))


def say_nothing(_):
    pass


@pytest.fixture
def pair(tmp_path):
    return saved(cat(), tmp_path / "in.png"), saved(scratch(), tmp_path / "mask.png")


def test_the_hole_is_filled_near_to_what_was_there_and_the_rest_kept_to_the_bit(
    pair, tmp_path, capsys
):
    scratched = cat().copy()
    scratched[scratch() > 0] = (255, 0, 255)
    source, out = saved(scratched, tmp_path / "scratched.png"), tmp_path / "out.png"
    assert main(["inpaint", str(source), str(pair[1]), "-o", str(out)]) == 0
    assert str(out) in capsys.readouterr().out
    found, hidden = opened(out).astype(int), scratch() > 0
    assert np.array_equal(found[~hidden], cat()[~hidden])
    off = np.abs(found[hidden] - cat()[hidden])
    assert off.mean() < 12 and off.max() < 150


def test_a_mask_may_be_read_the_other_way_round_or_have_one_bit(pair, tmp_path):
    source, mask = pair
    first = inpaint.inpaint_file(source, mask, tmp_path / "a.png", say=say_nothing)
    turned = saved(255 - scratch(), tmp_path / "turned.png")
    second = inpaint.inpaint_file(
        source, turned, tmp_path / "b.png", keep_white=True, say=say_nothing
    )
    Image.fromarray(scratch()).convert("1").save(tmp_path / "bits.png")
    third = inpaint.inpaint_file(source, tmp_path / "bits.png", tmp_path / "c.png", say=say_nothing)
    assert np.array_equal(opened(first[0]), opened(second[0]))
    assert np.array_equal(opened(first[0]), opened(third[0]))


def test_samples_differ_where_patches_fill_and_are_numbered(pair, tmp_path):
    mask = saved(block(), tmp_path / "block.png")
    written = inpaint.inpaint_file(
        pair[0], mask, tmp_path / "out.png", samples=2, by="patches", say=say_nothing
    )
    assert [path.name for path in written] == ["out-1.png", "out-2.png"]
    one, other = map(opened, written)
    hidden = block() > 0
    assert np.array_equal(one[~hidden], other[~hidden])
    assert not np.array_equal(one[hidden], other[hidden])
    again = inpaint.inpaint_file(
        pair[0], mask, tmp_path / "again.png", by="patches", say=say_nothing
    )
    assert np.array_equal(opened(again[0]), one)


def test_auto_takes_patches_for_thick_holes_and_the_network_for_thin_ones(pair, tmp_path):
    both = np.maximum(block(), scratch())
    mask = saved(both, tmp_path / "both.png")
    found = {
        by: opened(
            inpaint.inpaint_file(pair[0], mask, tmp_path / f"{by}.png", by=by, say=say_nothing)[0]
        )
        for by in ("auto", "patches", "network")
    }
    thin, thick = (scratch() > 0) & (block() == 0), block() > 0
    assert not np.array_equal(found["auto"][thick], found["network"][thick])
    assert np.array_equal(found["auto"][thick], found["patches"][thick])
    assert not np.array_equal(found["auto"][thin], found["patches"][thin])
    off = np.abs(found["auto"][thin].astype(int) - found["network"][thin].astype(int))
    assert off.mean() < 2  # a hole nearby was filled otherwise


def test_a_scratch_over_several_tiles_has_no_seam(monkeypatch):
    pixels = photos.open_photo("coffee")[:, :250, :300]
    seen = torch.ones(250, 300, dtype=torch.bool)
    seen[120:123, 20:280] = False
    seen[10:240, 140:142] = False
    picture = pictures.Picture(pixels)
    whole = inpaint.Filler(picture, seen, "network")()
    monkeypatch.setattr(inpaint, "TILE", 104)
    pieces = inpaint.Filler(picture, seen, "network")()
    off = (whole.int() - pieces.int()).abs()
    assert off.max() <= 4 and off[:, ~seen].double().mean() < 0.2
    assert torch.equal(pieces[:, seen], pixels[:, seen])


def test_grey_stays_grey_and_transparency_is_kept(pair, tmp_path):
    grey = saved(cat()[..., 0], tmp_path / "grey.png")
    out = inpaint.inpaint_file(grey, pair[1], tmp_path / "g.png", say=say_nothing)[0]
    assert Image.open(out).mode == "L"
    alpha = np.full((90, 100), 255, np.uint8)
    alpha[:, 80:] = 0
    found = []
    for colour in ((255, 0, 255), (0, 255, 0)):
        image = cat().copy()
        image[:, 80:] = colour
        source = saved(np.dstack([image, alpha]), tmp_path / f"{colour[0]}.png")
        out = inpaint.inpaint_file(source, pair[1], tmp_path / f"a{colour[0]}.png", say=say_nothing)
        found.append(opened(out[0]))
        assert np.array_equal(found[-1][..., 3], alpha)
    hidden = scratch() > 0
    assert np.array_equal(found[0][hidden], found[1][hidden])


def test_a_portrait_is_filled_by_the_flow(tmp_path):
    image = portraits.draw(portraits.sample(1, seed=3), 32)[0].permute(1, 2, 0).numpy()
    mask = np.zeros((32, 32), np.uint8)
    mask[20:28, 8:24] = 255
    source, mask_file = saved(image, tmp_path / "in.png"), saved(mask, tmp_path / "mask.png")
    written = inpaint.inpaint_file(
        source, mask_file, tmp_path / "out.png", samples=2, by="portrait", say=say_nothing
    )
    one, other = map(opened, written)
    assert np.array_equal(one[mask == 0], image[mask == 0])
    assert not np.array_equal(one, other)
    with pytest.raises(ValueError, match="32x32"):
        inpaint.inpaint_file(
            saved(cat(), tmp_path / "large.png"),
            saved(scratch(), tmp_path / "m.png"),
            tmp_path / "no.png",
            by="portrait",
        )


def test_masks_that_are_none_are_refused_before_any_work(pair, tmp_path):
    grey = scratch().copy()
    grey[0, :5] = 128
    cases = [
        (grey, DataError, r"5 pixels.*neither black nor white"),
        (scratch(90, 99), DataError, "99x90.*100x90"),
        (scratch().T.copy(), DataError, "90x100.*100x90.*on its side"),
        (scratch() // 255, DataError, "no value above 1.*0 and 255"),
        (np.zeros((90, 100), np.uint8), ValueError, "no white"),
        (np.full((90, 100), 255, np.uint8), ValueError, "all white"),
        (np.dstack([scratch()] * 3 + [scratch()]), DataError, "transparent"),
    ]
    for k, (mask, error, words) in enumerate(cases):
        path = saved(mask, tmp_path / f"wrong{k}.png")
        with pytest.raises(error, match=words):
            inpaint.inpaint_file(pair[0], path, tmp_path / "out.png", say=say_nothing)
    assert not (tmp_path / "out.png").exists()


def test_wishes_that_make_no_sense_are_refused(pair, tmp_path):
    source, mask = pair
    for more, words in (
        ({"by": "magic"}, "magic"),
        ({"samples": 0}, "samples"),
        ({"samples": 3}, "one answer"),
        ({"samples": 2, "by": "network"}, "one answer"),
    ):
        with pytest.raises(ValueError, match=words):
            inpaint.inpaint_file(source, mask, tmp_path / "out.png", say=say_nothing, **more)
    with pytest.raises(ValueError, match="is the input"):
        inpaint.inpaint_file(source, mask, mask, overwrite=True)
    (tmp_path / "out-2.png").write_text("taken")
    with pytest.raises(ValueError, match=r"out-2\.png is there already"):
        inpaint.inpaint_file(source, mask, tmp_path / "out.png", samples=2, by="patches")
    assert not (tmp_path / "out-1.png").exists()


def test_a_jpeg_is_said_to_change_what_is_kept(pair, tmp_path):
    said = []
    inpaint.inpaint_file(*pair, tmp_path / "out.jpg", say=said.append)
    assert any("JPEG" in sentence and ".png" in sentence for sentence in said)


def test_holes_are_cut_with_what_is_around_them():
    seen = torch.ones(400, 500, dtype=torch.bool)
    seen[10:14, 20:90] = False
    seen[200:260, 300:360] = False
    thin, thick = inpaint.holes(seen)
    assert thin.depth == 2 and thick.depth == 30
    for hole in (thin, thick):
        part = torch.zeros_like(seen)
        part[hole.rows, hole.columns] = hole.hidden
        assert (part & seen).sum() == 0
    assert thin.hidden.sum() == 4 * 70 and thick.hidden.sum() == 60 * 60
    assert thin.rows.start == 0 and thick.columns.start < 300 - 150


def test_at_the_edge_of_the_picture_a_hole_is_as_deep_as_it_is_far_from_what_is_known():
    seen = torch.ones(100, 100, dtype=torch.bool)
    seen[76:] = False
    assert inpaint.holes(seen)[0].depth == 24


def test_what_a_way_cannot_fill_is_refused_before_any_work(tmp_path):
    frame = np.zeros((40, 40), np.uint8)
    frame[5:35, 5:35] = 255
    source, mask = saved(cat(40, 40), tmp_path / "in.png"), saved(frame, tmp_path / "mask.png")
    with pytest.raises(ValueError, match="nothing to copy"):
        inpaint.inpaint_file(source, mask, tmp_path / "out.png", by="patches", say=say_nothing)
    inpaint.inpaint_file(source, mask, tmp_path / "out.png", say=say_nothing)  # by the network
    wide = np.zeros((300, 300), np.uint8)
    wide[50:250, 50:250] = 255
    source = saved(np.zeros((300, 300, 3), np.uint8), tmp_path / "wide.png")
    mask = saved(wide, tmp_path / "wide_mask.png")
    with pytest.raises(ValueError, match="--by patches"):
        inpaint.inpaint_file(source, mask, tmp_path / "no.png", by="network", say=say_nothing)
    assert not (tmp_path / "no.png").exists()


def test_a_fine_grid_is_more_to_copy_than_its_pixels(monkeypatch):
    seen = torch.ones(120, 120, dtype=torch.bool)
    seen[10:100:10, 10:100], seen[10:100, 10:100:10] = False, False
    picture = pictures.Picture(torch.zeros(3, 120, 120, dtype=torch.uint8))
    touched = restore.patches.targets(seen)
    assert touched > 3 * int((~seen).sum())
    monkeypatch.setattr(inpaint, "MOST_BY_PATCHES", touched - 1)
    with pytest.raises(ValueError, match=f"{touched:,} patches"):
        inpaint.Filler(picture, seen, "patches")


@pytest.mark.parametrize("size", [(6, 50), (3, 3), (1, 2)])
def test_very_small_pictures(tmp_path, size):
    mask = np.zeros(size, np.uint8)
    mask[0, 0] = 255
    source, mask = saved(cat(*size), tmp_path / "in.png"), saved(mask, tmp_path / "mask.png")
    out = inpaint.inpaint_file(source, mask, tmp_path / "out.png", say=say_nothing)[0]
    assert opened(out).shape == (*size, 3)


def test_what_was_transparent_and_is_filled_is_seen(pair, tmp_path):
    alpha, said = 255 - scratch(), []
    source = saved(np.dstack([cat(), alpha]), tmp_path / "rubbed.png")
    out = inpaint.inpaint_file(source, pair[1], tmp_path / "out.png", say=said.append)[0]
    found = opened(out)
    assert (found[..., 3] == 255).all()
    assert any("transparent" in sentence for sentence in said)
    hidden = scratch() > 0
    off = np.abs(found[hidden][:, :3].astype(int) - cat()[hidden])
    assert off.mean() < 12


def test_which_way_round_the_mask_is_read_is_said_as_it_is_read(pair, tmp_path):
    for value, keep, words in (
        (0, False, "no white"),
        (255, False, "all white"),
        (255, True, "no black"),
        (0, True, "all black"),
    ):
        mask = saved(np.full((90, 100), value, np.uint8), tmp_path / f"{value}{keep}.png")
        with pytest.raises(ValueError, match=words):
            inpaint.inpaint_file(pair[0], mask, tmp_path / "out.png", keep_white=keep)


def test_a_mask_that_hides_most_of_the_picture_is_spoken_of(pair, tmp_path):
    said = []
    mask = saved(255 - block(), tmp_path / "turned.png")
    inpaint.inpaint_file(pair[0], mask, tmp_path / "a.png", by="network", say=said.append)
    assert any("90% of the picture is filled; --keep-white" in sentence for sentence in said)
    said.clear()
    inpaint.inpaint_file(*pair, tmp_path / "b.png", say=said.append)
    assert not any("is filled" in sentence for sentence in said)


@pytest.mark.parametrize("seed", [-1, 2**63 - 1, 2**64])
def test_seeds_that_are_none(pair, tmp_path, seed):
    with pytest.raises(ValueError, match="seed"):
        inpaint.inpaint_file(*pair, tmp_path / "out.png", by="patches", samples=2, seed=seed)
