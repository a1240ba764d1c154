"""Picture files of any kind, and folders of them."""

import os
import re
import socket
import warnings

import numpy as np
import pytest
import skimage.data
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms, features

from genimg_lib import data
from genimg_lib.data import folder, photos
from genimg_lib.errors import DataError
from genimg_lib.training import start


def random_images(*shape, seed=0):
    return torch.randint(
        0, 256, shape, generator=torch.Generator().manual_seed(seed), dtype=torch.uint8
    )


def plain(shade, size=(20, 16)):
    return Image.new("RGB", size, (shade, shade, shade))


def shades(found):
    return found.images[:, 0, 0, 0].tolist()


def test_photographs_come_without_a_network(monkeypatch):
    def refuse(*_):
        raise AssertionError("no network is needed for this")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    found = data.load("photos", size=32)
    assert (
        found.images.shape == (10, 3, 32, 32)
        and found.names == photos.NAMES
        and found.labels.tolist() == list(range(10))
    )
    assert (found.images.float().flatten(1).std(dim=1) > 5).all()
    few = data.load("photos", size=32, n=4, seed=1)
    assert torch.equal(few.images, found.images[few.labels])


def test_a_photograph_comes_at_its_full_size():
    found = photos.open_photo("chelsea")
    assert torch.equal(found, torch.from_numpy(skimage.data.chelsea()).permute(2, 0, 1))
    grey = photos.open_photo("coins")
    assert torch.equal(grey, torch.from_numpy(skimage.data.coins()).expand(3, -1, -1))


def test_there_is_no_unknown_photograph():
    with pytest.raises(
        ValueError, match="unknown photograph 'mona lisa'; known: astronaut, chelsea"
    ):
        photos.open_photo("mona lisa")


@given(h=st.integers(8, 60), w=st.integers(8, 60), size=st.integers(8, 60))
def test_the_middle_square_is_taken(h, w, size):
    row, column = torch.arange(h).expand(w, h).T, torch.arange(w).expand(h, w)
    # each pixel tells where it was
    found = (
        photos.square(
            4 * torch.stack([row, column, torch.zeros(h, w)]).to(torch.uint8), size
        ).double()
        / 4
    )
    side = min(h, w)
    along = (torch.arange(size).double() + 0.5) * side / size - 0.5
    assert (found[0] - ((h - side) / 2 + along)[:, None]).abs().max() < 0.8
    assert (found[1] - ((w - side) / 2 + along)).abs().max() < 0.8


def test_a_square_of_its_own_size_is_left_as_it_is():
    image = random_images(3, 20, 20)
    assert torch.equal(photos.square(image, 20), image)


def save(path, image, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, **options)
    return path


def from_tensor(image):
    return Image.fromarray(image.permute(1, 2, 0).numpy())


def test_pictures_are_turned_upright_as_their_exif_says(tmp_path):
    upright = random_images(3, 6, 9)
    for orientation, stored in (
        (3, upright.flip(1, 2)),
        (6, upright.rot90(1, (1, 2))),
        (8, upright.rot90(-1, (1, 2))),
        (2, upright.flip(2)),
    ):
        exif = Image.Exif()
        exif[0x0112] = orientation
        path = save(tmp_path / f"{orientation}.png", from_tensor(stored), exif=exif)
        assert torch.equal(photos.open_image(path), upright), orientation


def test_transparency_is_laid_on_white(tmp_path):
    rgba = np.zeros((1, 3, 4), dtype=np.uint8)
    rgba[0, :, 0] = 200
    rgba[0, :, 3] = (0, 51, 255)  # hidden, a fifth, whole
    wanted = torch.tensor([[255, 244, 200], [255, 204, 0], [255, 204, 0]])
    assert (
        photos.open_image(save(tmp_path / "rgba.png", Image.fromarray(rgba)))[:, 0].int() - wanted
    ).abs().max() <= 1
    grey = np.array([[[0, 0], [0, 255]]], dtype=np.uint8)
    assert photos.open_image(save(tmp_path / "la.png", Image.fromarray(grey, "LA")))[
        0, 0
    ].tolist() == [255, 0]
    palette = Image.new("P", (2, 1))
    palette.putpalette([0, 0, 0, 10, 20, 30])
    palette.putdata([0, 1])
    found = photos.open_image(save(tmp_path / "p.png", palette, transparency=0))
    assert found[:, 0].T.tolist() == [[255, 255, 255], [10, 20, 30]]


@pytest.mark.parametrize("ending, byte_order", [("png", "<"), ("tif", "<"), ("tif", ">")])
def test_grey_pictures_of_16_bits_keep_their_shades(tmp_path, ending, byte_order):
    grey = (np.arange(0, 256, dtype=np.uint32) * 257).reshape(16, 16).astype(f"{byte_order}u2")
    path = save(tmp_path / f"grey.{ending}", Image.fromarray(grey))
    assert torch.equal(
        photos.open_image(path), torch.arange(256, dtype=torch.uint8).view(16, 16).expand(3, -1, -1)
    )


@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK", "YCbCr"])
def test_pictures_of_every_mode_become_rgb(tmp_path, mode):
    ending = "jpg" if mode in ("CMYK", "YCbCr") else "png"
    found = photos.open_image(
        save(tmp_path / f"picture.{ending}", Image.new("RGB", (16, 8), "white").convert(mode))
    )
    assert found.shape == (3, 8, 16) and found.dtype == torch.uint8 and found.float().mean() > 250


# ------------------------------------------------------------------ folders


def test_a_folder_s_pictures_are_read_in_the_order_of_their_names(tmp_path):
    for name, shade in (
        ("b.png", 20),
        ("a.JPG", 10),
        ("c.webp", 30),
        (".hidden.png", 99),
        ("d.bmp", 40),
    ):
        save(tmp_path / name, plain(shade), **({"lossless": True} if name.endswith("webp") else {}))
    (tmp_path / "notes.txt").write_text("not a picture")
    found = data.load(f"folder:{tmp_path}", size=12)
    assert found.images.shape == (4, 3, 12, 12) and shades(found) == [10, 20, 30, 40]
    assert found.labels is None and found.names == ()
    assert data.load(f"folder:{tmp_path}").images.shape[-2:] == (64, 64)
    assert sorted(shades(data.load(f"folder:{tmp_path}", n=2, size=8))) != [10, 20, 30, 40]
    with pytest.raises(ValueError, match=r"n is 5, but folder:.* has 4 images"):
        data.load(f"folder:{tmp_path}", n=5)


def test_pictures_are_in_the_order_of_their_folders_then_of_their_names(tmp_path):
    # "a b" and "a-b" come before "a/" by their letters, but after the folder a
    places = ("a/2.png", "a b/0.png", "a-b/1.png", "a/10.png", "b/0.png")
    for place in places:
        (tmp_path / place).parent.mkdir(exist_ok=True)
        save(tmp_path / place, plain(10))
    found = data.folder.FolderImages(tmp_path)
    in_order = [os.path.relpath(path, tmp_path).split(os.sep) for path in found.files]
    assert in_order == sorted(place.split("/") for place in places)
    assert found.names == ("a", "a b", "a-b", "b") and found.labels.tolist() == [0, 0, 1, 2, 3]


def test_subfolders_are_classes(tmp_path):
    for i, name in enumerate(("dogs/1.png", "cats/2.png", "cats/deep/3.png", "birds/1.png")):
        save(tmp_path / name, plain(10 * i))
    found = data.load(f"folder:{tmp_path}", size=8)
    assert found.names == ("birds", "cats", "dogs")
    assert dict(zip(shades(found), found.labels.tolist(), strict=True)) == {
        0: 2,
        10: 1,
        20: 1,
        30: 0,
    }


def test_a_picture_beside_the_class_folders_is_left_out_with_a_word(tmp_path, capsys):
    for i, name in enumerate(("dogs/1.png", "cats/2.png")):
        save(tmp_path / name, plain(10 * i))
    save(tmp_path / "folder.jpg", plain(90))
    found = data.load(f"folder:{tmp_path}", size=8)
    assert found.names == ("cats", "dogs") and sorted(shades(found)) == [0, 10]
    assert "1 beside the class folders left out: folder.jpg" in capsys.readouterr().out
    for k in range(3):
        save(tmp_path / f"{k}.png", plain(100 + k))
    found = data.load(f"folder:{tmp_path}", size=8)
    assert found.labels is None and found.names == () and len(found) == 6
    assert "no labels, as 4 pictures lie beside" in capsys.readouterr().out


def test_a_class_called_train_beside_others_is_asked_about(tmp_path):
    for i, name in enumerate(("train/1.png", "bus/1.png", "car/1.png")):
        save(tmp_path / name, plain(10 * i))
    with pytest.raises(DataError, match=r"splits \(train\) beside others \(bus, car\)"):
        data.load(f"folder:{tmp_path}")
    assert len(data.load(f"folder:{tmp_path / 'train'}", size=8)) == 1


def test_a_validation_split_is_no_class(tmp_path):
    for i, name in enumerate(("train/cats/1.png", "test/cats/1.png", "val/cats/1.png")):
        save(tmp_path / name, plain(10 * i))
    assert shades(data.load(f"folder:{tmp_path}", "test", size=8)) == [10]


def test_linked_folders_are_followed_and_circles_end(tmp_path):
    save(tmp_path / "elsewhere" / "1.png", plain(10))
    save(tmp_path / "here" / "dogs" / "2.png", plain(20))
    (tmp_path / "here" / "cats").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "here" / "more_cats").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "loop").symlink_to(tmp_path / "here")
    found = data.load(f"folder:{tmp_path / 'here'}", size=8)
    assert found.names == ("cats", "dogs", "more_cats")
    assert sorted(shades(found)) == [10, 10, 20]


def test_a_link_to_itself_and_a_folder_of_notes_beside_splits_are_passed_over(tmp_path):
    for name in ("train/cats/1.png", "test/cats/2.png"):
        save(tmp_path / name, plain(10))
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "labels.csv").touch()
    (tmp_path / "train" / "itself").symlink_to(tmp_path / "train" / "itself")
    assert len(data.load(f"folder:{tmp_path}", size=8)) == 1


def test_many_pictures_beside_one_folder_are_no_strays(tmp_path, capsys):
    for k in range(5):
        save(tmp_path / f"{k}.png", plain(10 * k))
        save(tmp_path / "raw" / f"{k}.png", plain(10 * k))
    assert len(data.load(f"folder:{tmp_path}", size=8)) == 10
    assert "no labels" in capsys.readouterr().out


def test_what_is_not_taken_is_counted_by_its_ending(tmp_path, capsys):
    kinds = {"jfif": "JPEG", "jpe": "JPEG", "png": "PNG"}
    kinds |= {"avif": "AVIF"} if features.check("avif") else {}
    for ending, kind in kinds.items():
        plain(10).save(tmp_path / f"a.{ending}", kind)
    for name in ("b.HEIC", "c.heic", "notes.txt", ".DS_Store"):
        (tmp_path / name).write_text("no picture")
    assert len(data.load(f"folder:{tmp_path}", size=8)) == len(kinds)
    said = capsys.readouterr().out
    assert "not taken 2 .heic (a telephone's HEIC can be saved as JPEG or PNG), 1 .txt" in said


def test_all_broken_pictures_are_named_at_once(tmp_path):
    save(tmp_path / "good.png", plain(10))
    for k in range(12):
        (tmp_path / f"broken{k:02}.png").write_text("no picture")
    with pytest.raises(DataError) as caught:
        data.load(f"folder:{tmp_path}", size=8)
    said = str(caught.value)
    assert "12 of 13 pictures cannot be read" in said and "and 2 more" in said
    assert "broken09.png" in said and "broken10.png" not in said


def test_only_the_pictures_that_are_asked_for_are_read(tmp_path, monkeypatch):
    for k in range(20):
        save(tmp_path / f"{k:02}.png", plain(10 * k))
    everything = data.load(f"folder:{tmp_path}", size=8)
    opened = []
    monkeypatch.setattr(
        photos, "open_image", lambda p, f=photos.open_image: opened.append(p) or f(p)
    )
    few = data.load(f"folder:{tmp_path}", size=8, n=3, seed=4)
    assert len(opened) == 3
    order = torch.randperm(20, generator=torch.Generator().manual_seed(4))[:3]
    assert torch.equal(few.images, everything.images[order])


def test_a_broken_picture_that_is_streamed_is_named_without_a_traceback(tmp_path):
    (tmp_path / "broken.png").write_text("no picture")
    run = start("streamed")
    batches = run.batches(folder.FolderImages(tmp_path, size=8), 1)
    with pytest.raises(DataError, match=r"^\S*broken.png cannot be read") as caught:
        next(batches)
    assert "Traceback" not in str(caught.value)


# ------------------------------------------------------------------ colour profiles


def with_swapped_colours():
    """The bytes of a profile like sRGB's in which red and green have changed places."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = int.from_bytes(profile[128:132], "big")
    places = {bytes(profile[132 + 12 * k : 136 + 12 * k]): 136 + 12 * k for k in range(count)}
    red, green = places[b"rXYZ"], places[b"gXYZ"]
    profile[red : red + 8], profile[green : green + 8] = (
        profile[green : green + 8],
        profile[red : red + 8],
    )
    return bytes(profile).replace(b"s\0R\0G\0B", b"o\0t\0h\0r").replace(b"sRGB", b"othr")


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
def test_colours_of_another_profile_become_srgb(tmp_path, mode):
    red = Image.new("RGB", (12, 12), (255, 0, 0)).convert(mode)
    path = save(tmp_path / "a.png", red, icc_profile=with_swapped_colours())
    found = photos.open_image(path)[:, 0, 0].tolist()
    assert found[1] > 250 and max(found[0], found[2]) < 5


def test_a_usual_or_broken_profile_changes_no_byte(tmp_path):
    picture = from_tensor(random_images(3, 12, 12))
    plain_pixels = photos.open_image(save(tmp_path / "a.png", picture))
    usual = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for name, profile in (("b", usual), ("c", b"broken")):
        path = save(tmp_path / f"{name}.png", picture, icc_profile=profile)
        assert torch.equal(photos.open_image(path), plain_pixels)


def test_very_large_pictures_are_opened_quietly_or_refused_with_a_number(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    save(tmp_path / "large.png", plain(10, size=(12, 12)))
    save(tmp_path / "huge.png", plain(10, size=(20, 20)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert photos.open_image(tmp_path / "large.png").shape == (3, 12, 12)
    with pytest.raises(DataError, match="megapixels, the most that is read; make it smaller"):
        photos.open_image(tmp_path / "huge.png")


def test_subfolders_train_and_test_are_splits(tmp_path):
    for i, name in enumerate(
        ("train/cats/1.png", "train/dogs/1.png", "test/cats/1.png", "test/dogs/1.png")
    ):
        save(tmp_path / name, plain(10 * i))
    for split, wanted in (("train", [0, 10]), ("test", [20, 30])):
        found = data.load(f"folder:{tmp_path}", split, size=8)
        assert (
            shades(found) == wanted
            and found.names == ("cats", "dogs")
            and found.labels.tolist() == [0, 1]
        )


def test_a_folder_with_one_split_has_not_the_other(tmp_path):
    save(tmp_path / "train" / "1.png", plain(1))
    with pytest.raises(DataError, match="has no subfolder test/, though it has the other split's"):
        data.load(f"folder:{tmp_path}", "test")


@pytest.mark.parametrize("given", ["nothing", "./nothing", "{here}/nothing"])
def test_a_missing_folder_is_named_by_its_whole_path(given, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    whole = re.escape(str(tmp_path / "nothing"))
    with pytest.raises(DataError, match=f"there is no folder {whole}"):
        data.load(f"folder:{given.format(here=tmp_path)}")


def test_a_folder_without_pictures_says_what_was_looked_for(tmp_path):
    (tmp_path / "notes.txt").write_text("not a picture")
    with pytest.raises(
        DataError, match=r"there are no pictures in .*looked for files ending in .*\.jpg"
    ):
        data.load(f"folder:{tmp_path}")


@pytest.mark.parametrize("content", ["text", "truncated"])
def test_one_broken_picture_is_named(tmp_path, content):
    save(tmp_path / "a.png", plain(1))
    save(tmp_path / "b.png", from_tensor(random_images(3, 40, 40)))
    (tmp_path / "b.png").write_bytes(
        b"no picture" if content == "text" else (tmp_path / "b.png").read_bytes()[:-2000]
    )
    with pytest.raises(
        DataError, match=re.escape(str(tmp_path / "b.png")) + " cannot be read as a picture"
    ):
        data.load(f"folder:{tmp_path}")


def test_a_folder_too_large_for_the_memory_is_refused_with_a_way_out(tmp_path, monkeypatch):
    import psutil

    save(tmp_path / "a.png", plain(7))
    monkeypatch.setattr(
        psutil, "virtual_memory", lambda: type("Memory", (), {"available": 2 * 3 * 64 * 64 - 1})
    )
    with pytest.raises(DataError, match=r"more than half of the .* or stream them: .*FolderImages"):
        data.load(f"folder:{tmp_path}")
    assert len(data.load(f"folder:{tmp_path}", size=32)) == 1


def test_folder_images_stream_what_load_reads(tmp_path):
    for i in range(5):
        save(tmp_path / f"class{i % 2}" / f"{i}.png", from_tensor(random_images(3, 30, 20, seed=i)))
    streamed, read = (
        folder.FolderImages(tmp_path, size=16),
        data.load(f"folder:{tmp_path}", size=16),
    )
    assert len(streamed) == 5 and torch.equal(
        torch.stack([streamed[i] for i in range(5)]), read.images
    )
    assert torch.equal(streamed.labels, read.labels) and streamed.names == read.names
    assert next(iter(torch.utils.data.DataLoader(streamed, batch_size=3))).shape == (3, 3, 16, 16)
