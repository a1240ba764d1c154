"""Images from everywhere: what is loaded is right, what is wrong is refused."""

import gzip
import hashlib
import http.server
import math
import re
import struct
import threading

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from genimg_lib import data
from genimg_lib.data import convert, fetch, idx, pseudo_labels, sources, toy
from genimg_lib.errors import DataError


def random_images(*shape, seed=0):
    return torch.randint(
        0, 256, shape, generator=torch.Generator().manual_seed(seed), dtype=torch.uint8
    )


# ------------------------------------------------------------------ uint8 and float


def test_every_pixel_value_survives_the_way_to_float_and_back():
    every = torch.arange(256, dtype=torch.uint8)
    x = data.to_float(every)
    assert x.dtype == torch.float32 and x[0] == -1 and x[-1] == 1
    torch.testing.assert_close(
        x.double(), torch.linspace(-1, 1, 256, dtype=torch.float64), rtol=0, atol=1e-6
    )
    assert torch.equal(data.to_uint8(x), every)


@given(shape=st.lists(st.integers(0, 5), min_size=1, max_size=4), seed=st.integers(0, 10**6))
def test_to_uint8_rounds_to_the_nearest_and_clamps(shape, seed):
    x = (torch.rand(shape, generator=torch.Generator().manual_seed(seed)) - 0.5) * 4  # in [-2, 2]
    y = data.to_uint8(x)
    assert y.shape == x.shape and y.dtype == torch.uint8
    assert ((data.to_float(y) - x.clamp(-1, 1)).abs() <= 1 / 255 + 1e-6).all()
    assert torch.equal(data.to_uint8(x.double()), y)


def test_to_uint8_takes_images_that_still_have_a_gradient():
    assert data.to_uint8(torch.zeros(2, requires_grad=True)).tolist() == [128, 128]


@pytest.mark.parametrize(
    "wrong", [torch.zeros(2), torch.zeros(2, dtype=torch.int64), torch.zeros(2, dtype=torch.bool)]
)
def test_to_float_takes_nothing_but_uint8(wrong):
    with pytest.raises(TypeError, match=r"to_float takes uint8 images.*not torch"):
        data.to_float(wrong)


def test_to_uint8_takes_nothing_but_floats():
    with pytest.raises(TypeError, match=r"to_uint8 takes float images.*not torch.uint8"):
        data.to_uint8(random_images(3))


@pytest.mark.parametrize("value", [2.5, 255.0, -3.0, math.nan, math.inf, -math.inf])
def test_to_uint8_refuses_what_was_meant_for_another_range(value):
    with pytest.raises(
        ValueError, match=r"these images lie between .* models' images lie in \[-1, 1\]"
    ):
        data.to_uint8(torch.tensor([0.0, value]))


@pytest.mark.parametrize(
    "value, fits", [(1.0, True), (-1.0005, True), (1.01, False), (-1.01, False), (math.nan, False)]
)
def test_check_range_allows_rounding_errors_only(value, fits):
    if fits:
        convert.check_range(torch.tensor([0.0, value]))
    else:
        with pytest.raises(ValueError, match="these images lie between"):
            convert.check_range(torch.tensor([0.0, value]))


# ------------------------------------------------------------------ ImageSet, and what load refuses


def test_an_image_set_is_sliced_with_all_that_is_known_of_its_images():
    whole = data.load("portraits", n=10, size=8)
    whole.labels, whole.names = torch.arange(10), tuple("abcdefghij")
    for key in (
        slice(2, 7, 2),
        torch.tensor([2, 4, 6]),
        torch.arange(10).remainder(2).eq(0) & torch.arange(10).sub(4).abs().lt(3),
    ):
        part = whole[key]
        assert (
            len(part) == 3
            and torch.equal(part.images, whole.images[[2, 4, 6]])
            and part.labels.tolist() == [2, 4, 6]
        )
        assert part.captions == [whole.captions[i] for i in (2, 4, 6)]
        assert all(torch.equal(v, whole.factors[k][[2, 4, 6]]) for k, v in part.factors.items())
        assert part.names == whole.names and part.title == whole.title
    assert len(whole[3]) == 1 and torch.equal(whole[-1].images, whole.images[9:])
    assert (
        repr(whole)
        == "ImageSet(portraits, train: 10 images of 3x8x8, 10 classes, 14 factors, captions)"
    )
    with pytest.raises(IndexError):
        whole[10]


@pytest.mark.parametrize(
    "arguments, message",
    [
        (
            {"name": "imagenet"},
            f"unknown data set 'imagenet'; known: {', '.join(sources.names())}",
        ),
        (
            {"name": "portraits", "split": "validation"},
            "unknown split 'validation'; known: train, test",
        ),
        ({"name": "portraits", "size": 7}, "size is 7; give a whole number of pixels, 8 or more"),
        ({"name": "portraits", "size": 32.0}, "size is 32.0; give a whole number"),
        ({"name": "photos", "size": "64"}, "size is '64'; give a whole number"),
        ({"name": "portraits", "n": 0}, "n is 0; give a whole number of images, 1 or more"),
        ({"name": "photos", "n": -1}, "n is -1; give a whole number of images"),
        ({"name": "photos", "n": 2.5}, "n is 2.5; give a whole number of images"),
        ({"name": "photos", "size": 8, "n": 11}, "n is 11, but photos has 10 images"),
    ],
)
def test_load_refuses_what_it_cannot_give(arguments, message):
    with pytest.raises(ValueError, match=message):
        data.load(**arguments)


# ------------------------------------------------------------------ files


def idx_bytes(array):
    return (
        bytes([0, 0, 8, array.dim()])
        + struct.pack(f">{array.dim()}I", *array.shape)
        + array.numpy().tobytes()
    )


@given(
    shape=st.lists(st.integers(0, 6), min_size=1, max_size=4),
    packed=st.booleans(),
    seed=st.integers(0, 10**6),
)
def test_idx_files_are_read_as_they_were_written(tmp_path_factory, shape, packed, seed):
    array, path = random_images(*shape, seed=seed), tmp_path_factory.mktemp("idx") / "file"
    path.write_bytes(gzip.compress(idx_bytes(array)) if packed else idx_bytes(array))
    assert torch.equal(idx.read_idx(path), array)


PIXELS = idx_bytes(random_images(3, 4, 5))
DAMAGED = {
    "empty": (b"", "is no IDX file of unsigned bytes: it begins with nothing"),
    "wrong magic": (
        b"\x01" + PIXELS[1:],
        "is no IDX file of unsigned bytes: it begins with 01 00 08 03",
    ),
    "floats": (
        PIXELS[:2] + b"\x0d" + PIXELS[3:],
        "is no IDX file of unsigned bytes: it begins with 00 00 0d 03",
    ),
    "no axes": (PIXELS[:3] + b"\x00" + PIXELS[4:], "is no IDX file of unsigned bytes"),
    "half a header": (PIXELS[:10], "is no IDX file of unsigned bytes"),
    "truncated": (PIXELS[:-7], "is truncated: 53 bytes where its header promises 3x4x5 = 60"),
    "too long": (PIXELS + b"abc", "is too long: 63 bytes where its header promises 3x4x5 = 60"),
    "truncated gzip": (gzip.compress(PIXELS)[:-12], "cannot be read .*truncated or damaged"),
    "damaged gzip": (
        gzip.compress(PIXELS)[:20] + b"\xff" * 8 + gzip.compress(PIXELS)[28:],
        "cannot be read .*truncated or damaged",
    ),
    "no gzip at all": (
        gzip.compress(PIXELS)[:10] + b"\xff" * 40,
        "cannot be read .*truncated or damaged",
    ),
    "truncated, then packed": (gzip.compress(PIXELS[:-7]), "is truncated: 53 bytes"),
    "a web page": (b"<html>404", "is no IDX file of unsigned bytes: it begins with 3c 68 74 6d"),
}


@pytest.mark.parametrize("kind", DAMAGED)
def test_damaged_idx_files_are_refused_with_a_reason(tmp_path, kind):
    content, message = DAMAGED[kind]
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(DataError, match=re.escape(str(tmp_path / "file")) + " " + message):
        idx.read_idx(tmp_path / "file")


def test_a_missing_idx_file_is_a_data_error(tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        idx.read_idx(tmp_path / "nothing")


# ------------------------------------------------------------------ fetching


class Mirror(http.server.ThreadingHTTPServer):
    """A web server on this machine with the given files; `asked` lists what was asked for."""

    def __init__(self, files):
        mirror = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                mirror.asked.append(self.path)
                found = files.get(self.path.lstrip("/"))
                self.send_response(404 if found is None else 200)
                self.send_header("Content-Length", str(len(found or b"")))
                self.end_headers()
                self.wfile.write(found or b"")

            def log_message(self, *_):
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        self.asked, self.url = [], f"http://127.0.0.1:{self.server_port}/"
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()


@pytest.fixture
def mirror(monkeypatch):
    """A function that opens a `Mirror`; all are closed in the end."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    opened = []

    def open_mirror(files):
        opened.append(Mirror(files))
        return opened[-1]

    yield open_mirror
    for server in opened:
        server.shutdown()
        server.server_close()


NOWHERE = "http://127.0.0.1:9/"  # nothing listens there
DIGITS, CLOTHES = random_images(20, 28, 28, seed=1), random_images(20, 28, 28, seed=2)
LABELS = torch.arange(20, dtype=torch.uint8) % 10


def family(images):
    """{file name: bytes} of a small relative of MNIST."""
    return {
        f"{split}-{kind}-ubyte.gz": gzip.compress(idx_bytes(content))
        for split, rows in (("train", slice(20)), ("t10k", slice(5)))
        for kind, content in (("images-idx3", images[rows]), ("labels-idx1", LABELS[rows]))
    }


FILES = {"mnist": family(DIGITS), "fashion_mnist": family(CLOTHES)}


@pytest.fixture
def small_registry(monkeypatch):
    """Small stand-ins for MNIST and Fashion-MNIST, known but not on this machine.

    What `fetch.registry` then returns.
    """
    known = {
        name: {
            "about": "",
            "licence": "",
            "folder": f"the-{name}",
            "mirrors": [NOWHERE],
            "instead": "Portraits need no download: load('portraits')",
            "files": {
                file: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
                for file, content in files.items()
            },
        }
        for name, files in FILES.items()
    }
    monkeypatch.setattr(fetch, "registry", lambda: known)
    return known


def put(path, files):
    path.mkdir(parents=True, exist_ok=True)
    for file, content in files.items():
        (path / file).write_bytes(content)
    return path


def test_files_are_found_in_the_folder_that_genimg_data_names(
    small_registry, monkeypatch, tmp_path
):
    subfolder = "the-mnist"
    assert not fetch.here("mnist") and set(fetch.find("mnist").values()) == {None}
    put(tmp_path / "class" / subfolder, FILES["mnist"])
    monkeypatch.setenv("GENIMG_DATA", str(tmp_path / "class"))
    assert fetch.here("mnist")
    assert fetch.fetch("mnist") == {
        file: tmp_path / "class" / subfolder / file for file in FILES["mnist"]
    }
    assert not (tmp_path / "cache").exists()


def test_files_in_the_cache_are_used_without_a_download(small_registry, tmp_path):
    put(tmp_path / "cache" / "the-mnist", FILES["mnist"])
    assert fetch.here("mnist") and not fetch.here("fashion_mnist")
    assert fetch.fetch("mnist").keys() == FILES["mnist"].keys()


def test_the_reader_s_folder_goes_before_the_cache(small_registry, monkeypatch, tmp_path):
    put(tmp_path / "cache" / "the-mnist", FILES["mnist"])
    put(tmp_path / "class" / "the-mnist", FILES["mnist"])
    monkeypatch.setenv("GENIMG_DATA", str(tmp_path / "class"))
    assert {p.parent for p in fetch.fetch("mnist").values()} == {tmp_path / "class" / "the-mnist"}


def test_only_the_files_asked_for_are_fetched(small_registry, mirror, tmp_path):
    server, wanted = mirror(FILES["mnist"]), "t10k-labels-idx1-ubyte.gz"
    small_registry["mnist"]["mirrors"] = [server.url]
    assert fetch.fetch("mnist", only=(wanted,), progress=False).keys() == {wanted}
    assert server.asked == ["/" + wanted]


@pytest.mark.parametrize(
    "way", ["unpacked", "dotted", "torchvision", "packed again", "unpacked under its old name"]
)
def test_files_that_others_have_in_another_form_are_used(
    small_registry, monkeypatch, tmp_path, way
):
    files, base = small_registry["mnist"]["files"], tmp_path / "class" / "the-mnist"
    for name, content in FILES["mnist"].items():
        plain = gzip.decompress(content)
        files[name]["content_sha256"] = hashlib.sha256(plain).hexdigest()
        bare = name.removesuffix(".gz")
        there = {
            "unpacked": {bare: plain},
            "dotted": {bare.replace("-idx", ".idx"): plain},
            "torchvision": {f"MNIST/raw/{bare}": plain},
            "packed again": {name: gzip.compress(plain, 1, mtime=7)},
            "unpacked under its old name": {name: plain},
        }[way]
        for path, what in there.items():
            (base / path).parent.mkdir(parents=True, exist_ok=True)
            (base / path).write_bytes(what)
    monkeypatch.setenv("GENIMG_DATA", str(tmp_path / "class"))
    assert fetch.here("mnist") and not fetch.damaged("mnist")
    assert set(fetch.fetch("mnist")) == set(files)
    first = next(path for path in fetch.find("mnist").values())
    sound = first.read_bytes()
    middle = len(sound) // 2
    flipped = sound[:middle] + bytes([sound[middle] ^ 255]) + sound[middle + 1 :]
    for wrong in (sound[:-1], flipped):
        first.write_bytes(wrong)
        assert fetch.damaged("mnist") == [first]
        with pytest.raises(DataError, match="is damaged"):
            fetch.fetch("mnist")


def test_a_cache_that_cannot_be_written_is_named_and_no_mirror_is_asked(
    small_registry, monkeypatch, tmp_path
):
    (tmp_path / "file").touch()
    monkeypatch.setenv("GENIMG_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(DataError, match=r"the cache has no place for it.*GENIMG_CACHE") as caught:
        fetch.fetch("mnist")
    assert NOWHERE not in str(caught.value)


def test_a_damaged_file_in_the_reader_s_folder_is_refused_and_named(
    small_registry, monkeypatch, tmp_path
):
    file = "train-labels-idx1-ubyte.gz"
    folder = put(
        tmp_path / "class" / "the-mnist", FILES["mnist"] | {file: b"x" * len(FILES["mnist"][file])}
    )
    monkeypatch.setenv("GENIMG_DATA", str(tmp_path / "class"))
    with pytest.raises(
        DataError,
        match=re.escape(str(folder / file))
        + r" is damaged: .* It was not used. Put a sound copy there",
    ):
        data.load("mnist")
    assert (folder / file).is_file()  # what the reader put there stays


def test_a_folder_of_digits_does_not_stand_in_the_way_of_clothes(
    small_registry, monkeypatch, tmp_path
):
    put(tmp_path / "cache" / "the-fashion_mnist", FILES["fashion_mnist"])
    # the two sets' files have the same names
    monkeypatch.setenv("GENIMG_DATA", str(put(tmp_path / "digits", FILES["mnist"])))
    assert torch.equal(data.load("fashion_mnist").images[:, 0], CLOTHES)


def test_a_download_is_checked_kept_and_not_repeated(small_registry, mirror, tmp_path):
    server = mirror(FILES["mnist"])
    small_registry["mnist"]["mirrors"] = [server.url]
    files = fetch.fetch("mnist", progress=False)
    assert {file: path.read_bytes() for file, path in files.items()} == FILES["mnist"]
    assert {path.parent for path in files.values()} == {tmp_path / "cache" / "the-mnist"}
    assert fetch.fetch("mnist", progress=False) == files and len(server.asked) == 4


def test_the_second_mirror_is_used_when_the_first_fails(small_registry, mirror):
    empty, server = mirror({}), mirror(FILES["mnist"])
    for first in (NOWHERE, empty.url):
        small_registry["mnist"]["mirrors"] = [first, server.url]
        assert torch.equal(
            data.load("mnist", "train" if first == NOWHERE else "test").images[:5, 0], DIGITS[:5]
        )
    assert len(empty.asked) == 2 and len(server.asked) == 4


def test_a_mirror_that_serves_damaged_bytes_is_refused(small_registry, mirror, tmp_path):
    bad, good = (
        mirror({file: content[:-1] + b"?" for file, content in FILES["mnist"].items()}),
        mirror(FILES["mnist"]),
    )
    small_registry["mnist"]["mirrors"] = [bad.url]
    with pytest.raises(
        DataError,
        match=(
            r"could not be downloaded. Tried:\n  http://127.0.0.1:\d+/train-images-idx3-ubyte.gz:"
            r" .*hash"
        ),
    ):
        fetch.fetch("mnist", progress=False)
    assert not [p for p in (tmp_path / "cache").rglob("*") if p.is_file()]
    small_registry["mnist"]["mirrors"] = [bad.url, good.url]
    assert {
        file: path.read_bytes() for file, path in fetch.fetch("mnist", progress=False).items()
    } == FILES["mnist"]


def test_a_failed_download_says_what_was_tried_and_what_to_do_by_hand(
    small_registry, mirror, tmp_path
):
    empty, file = mirror({}), "train-images-idx3-ubyte.gz"
    small_registry["mnist"]["mirrors"] = [NOWHERE, empty.url]
    with pytest.raises(DataError) as caught:
        data.load("mnist")
    message = str(caught.value)
    assert (
        f"mnist needs {file}" in message
        and "is not on this machine and could not be downloaded" in message
    )
    assert f"  {NOWHERE}{file}: " in message and re.search(f"  {empty.url}{file}: .*404", message)
    assert (
        f"put the file at {tmp_path / 'cache' / 'the-mnist' / file}" in message
        and "folder the-mnist/ below the one that GENIMG_DATA names" in message
    )
    assert "load('portraits')" in message


def test_what_the_message_says_to_do_by_hand_works(small_registry, tmp_path):
    with pytest.raises(DataError) as caught:
        data.load("mnist", "test")
    places = [re.search(r"put the file at (\S+),", str(caught.value)).group(1)]
    assert places == [str(tmp_path / "cache" / "the-mnist" / "t10k-images-idx3-ubyte.gz")]
    put(tmp_path / "cache" / "the-mnist", FILES["mnist"])
    assert len(data.load("mnist", "test")) == 5


def test_a_damaged_file_in_the_cache_is_never_used(small_registry, mirror, tmp_path):
    cache = put(
        tmp_path / "cache" / "the-mnist",
        {file: gzip.compress(idx_bytes(LABELS)) for file in FILES["mnist"]},
    )
    with pytest.raises(
        DataError, match=r"which is damaged \(it was not used\) and could not be downloaded"
    ):
        data.load("mnist")
    small_registry["mnist"]["mirrors"] = [mirror(FILES["mnist"]).url]
    assert torch.equal(data.load("mnist").images[:, 0], DIGITS)
    assert (cache / "train-images-idx3-ubyte.gz").read_bytes() == FILES["mnist"][
        "train-images-idx3-ubyte.gz"
    ]


def test_nothing_unknown_is_fetched():
    for use in (fetch.fetch, fetch.find, fetch.here):
        with pytest.raises(
            ValueError, match="nothing known to fetch under 'imagenet'; known: mnist, fashion_mnist"
        ):
            use("imagenet")


def test_the_registry_says_all_that_a_download_needs():
    for name, entry in fetch.registry().items():
        assert entry["about"] and entry["licence"] and entry["folder"] and entry["instead"], name
        assert len(entry["mirrors"]) >= (
            2 if name in idx.CLASSES else 0 if name == "paintings" else 1
        )
        assert all(url.startswith("http") and url.endswith("/") for url in entry["mirrors"])
        for facts in entry["files"].values():
            assert facts["bytes"] > 0 and re.fullmatch("[0-9a-f]{64}", facts["sha256"])
    assert idx.CLASSES.keys() <= fetch.registry().keys()


# ------------------------------------------------------------------ MNIST family


@pytest.fixture
def small_mnist(small_registry, tmp_path):
    put(tmp_path / "cache" / "the-mnist", FILES["mnist"])
    put(tmp_path / "cache" / "the-fashion_mnist", FILES["fashion_mnist"])


def test_images_and_labels_belong_together(small_mnist):
    for name, images in (("mnist", DIGITS), ("fashion_mnist", CLOTHES)):
        for split, n in (("train", 20), ("test", 5)):
            found = data.load(name, split)
            assert (
                found.images.shape == (n, 1, 28, 28)
                and found.images.dtype == torch.uint8
                and found.labels.dtype == torch.int64
            )
            assert torch.equal(found.images[:, 0], images[:n]) and torch.equal(
                found.labels, LABELS[:n].long()
            )
            assert len(found.names) == 10 and found.title == f"{name}, {split}"


@given(n=st.integers(1, 20), seed=st.integers(0, 1000))
def test_n_images_are_drawn_without_replacement(n, seed):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(idx, "load", lambda name, split: (DIGITS[:, None], torch.arange(20)))
        found, again = data.load("mnist", n=n, seed=seed), data.load("mnist", n=n, seed=seed)
    assert len(found) == n == len(set(found.labels.tolist()))
    assert torch.equal(found.images[:, 0], DIGITS[found.labels]) and torch.equal(
        found.labels, again.labels
    )


def test_another_seed_draws_other_images(small_mnist):
    drawn = [data.load("mnist", n=10, seed=seed).images for seed in range(3)]
    assert not torch.equal(drawn[0], drawn[1]) and not torch.equal(drawn[1], drawn[2])
    with pytest.raises(ValueError, match="n is 21, but mnist, train has 20 images"):
        data.load("mnist", n=21)


@given(size=st.integers(28, 50))
def test_growing_lays_a_black_frame_about_the_middle(size):
    images, edge = DIGITS[:3, None].clamp(min=1), (size - 28) // 2
    found = sources._resized(data.ImageSet(images), size).images
    assert found.shape == (3, 1, size, size)
    assert torch.equal(found[..., edge : edge + 28, edge : edge + 28], images)
    assert found.count_nonzero() == images.numel()


@given(size=st.integers(8, 27), channels=st.sampled_from([1, 3]))
def test_shrinking_averages_as_pillow_does(size, channels):
    images = random_images(2, channels, 28, 28, seed=size)
    found = sources._resized(data.ImageSet(images), size).images
    assert found.shape == (2, channels, size, size) and found.dtype == torch.uint8
    for image, small in zip(images.flatten(0, 1), found.flatten(0, 1), strict=True):
        wanted = np.asarray(
            Image.fromarray(image.numpy()).resize((size, size), Image.Resampling.BILINEAR)
        )
        assert np.abs(small.numpy().astype(int) - wanted).max() <= 2


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_the_real_sets_have_the_shapes_and_counts_of_their_papers(real_data, name):
    train, test = data.load(name), data.load(name, "test")
    assert train.images.shape == (60_000, 1, 28, 28) and test.images.shape == (10_000, 1, 28, 28)
    counts = {
        "mnist": (
            [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949],
            [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009],
        ),
        "fashion_mnist": ([6000] * 10, [1000] * 10),
    }[name]
    assert (train.labels.bincount().tolist(), test.labels.bincount().tolist()) == counts
    # the figures by which everyone normalises them
    mean = {"mnist": 0.1307, "fashion_mnist": 0.2860}[name]
    assert (train.images.double().mean() / 255).item() == pytest.approx(mean, abs=1e-4)
    assert train.names[9] == {"mnist": "9", "fashion_mnist": "ankle boot"}[name]


def test_the_real_mnist_is_framed_and_shrunk(real_data):
    plain, large, small = (data.load("mnist", "test", size=size, n=50) for size in (None, 32, 14))
    assert (
        plain.images.shape[1:] == (1, 28, 28)
        and large.images.shape[1:] == (1, 32, 32)
        and small.images.shape[1:] == (1, 14, 14)
    )
    assert (
        torch.equal(large.images[..., 2:30, 2:30], plain.images)
        and large.images.sum() == plain.images.sum()
    )
    assert small.images.double().mean().item() == pytest.approx(
        plain.images.double().mean().item(), rel=0.02
    )
    assert torch.equal(plain.labels, large.labels) and torch.equal(plain.labels, small.labels)


# ------------------------------------------------------------------ distributions in the plane

TOYS = (toy.ring, toy.grid, toy.moons, toy.spirals, toy.checkerboard)


@pytest.mark.parametrize("draw", TOYS)
def test_points_are_drawn_by_their_seed_and_stay_in_view(draw):
    points = draw(5_000)
    assert points.shape == (5_000, 2) and points.dtype == torch.float32
    assert points.abs().max() < 3.2 and points.std(dim=0).min() > 0.5
    assert torch.equal(points, draw(5_000, seed=0)) and not torch.equal(points, draw(5_000, seed=1))
    assert points.mean(dim=0).abs().max() < 0.15


@pytest.mark.parametrize(
    "draw, centres", [(toy.ring, toy.ring_centres()), (toy.grid, toy.grid_centres())]
)
def test_the_modes_are_gaussians_of_the_same_weight_about_their_centres(draw, centres):
    points = draw(50_000)
    nearest = torch.cdist(points, centres).argmin(dim=1)
    share = nearest.bincount(minlength=len(centres)) / 50_000
    assert (share * len(centres) - 1).abs().max() < 0.1
    off = points - centres[nearest]
    assert (
        off.std(dim=0).tolist() == pytest.approx([0.05, 0.05], rel=0.02)
        and off.mean(dim=0).abs().max() < 0.002
    )


def test_the_centres_lie_where_they_should():
    assert torch.allclose(
        toy.ring_centres(4, 1.5),
        torch.tensor([[1.5, 0], [0, 1.5], [-1.5, 0], [0, -1.5]]),
        atol=1e-6,
    )
    assert sorted(toy.grid_centres(3, 2.0).tolist()) == [
        [x, y] for x in (-2.0, 0.0, 2.0) for y in (-2.0, 0.0, 2.0)
    ]


def test_the_moons_are_two_half_circles_that_interlock():
    points = toy.moons(4_000, std=0.0) / 1.5
    upper = (points - torch.tensor([-0.5, -0.25])).norm(dim=1).sub(1).abs() < 1e-5
    lower = (points - torch.tensor([0.5, 0.25])).norm(dim=1).sub(1).abs() < 1e-5
    assert (upper | lower).all() and 0.45 < upper.double().mean() < 0.55
    assert (points[upper & ~lower, 1] >= -0.25 - 1e-5).all() and (
        points[lower & ~upper, 1] <= 0.25 + 1e-5
    ).all()


def test_spirals_wind_outwards_along_their_arms():
    points = toy.spirals(20_000, std=0.0, arms=2, turns=1.5)
    radius, angle = points.norm(dim=1), torch.atan2(points[:, 1], points[:, 0])
    ahead = (angle - 2 * math.pi * 1.5 * radius / 2.5) % math.pi  # of the nearest arm
    assert torch.minimum(ahead, math.pi - ahead).max() < 1e-3 and radius.max() <= 2.5


def test_the_square_of_a_spiral_s_radius_is_uniform_as_it_says():
    radius = (toy.spirals(20_000, std=0.0).norm(dim=1) / 2.5) ** 2
    assert radius.quantile(torch.tensor([0.25, 0.5, 0.75])).tolist() == pytest.approx(
        [0.25, 0.5, 0.75], abs=0.02
    )


def test_the_checkerboard_covers_its_dark_squares_evenly():
    points = toy.checkerboard(20_000)
    square = (points + 2).floor().long()
    assert square.min() >= 0 and square.max() <= 3 and (square.sum(dim=1) % 2 == 0).all()
    share = (4 * square[:, 0] + square[:, 1]).bincount() / 20_000
    assert (share[share > 0] * 8 - 1).abs().max() < 0.1 and (share > 0).sum() == 8
    assert ((points % 1).mean(dim=0) - 0.5).abs().max() < 0.02


def test_groups_put_together_what_looks_alike():
    g = torch.Generator().manual_seed(0)
    dark, light = (
        torch.randint(low, low + 40, (30, 1, 8, 8), generator=g, dtype=torch.uint8)
        for low in (0, 200)
    )
    images = torch.cat([dark, light])[torch.randperm(60, generator=g)]
    found = pseudo_labels.cluster(images, 2, seed=3)
    bright = images.float().mean(dim=(1, 2, 3)) > 128
    assert found.dtype == torch.int64 and (found == found[0]).eq(bright == bright[0]).all()
    assert torch.equal(found, pseudo_labels.cluster(images, 2, seed=3))
    with pytest.raises(ValueError, match="from 1 to 60 groups are possible for 60 images; got 61"):
        pseudo_labels.cluster(images, 61)


def _differing(n, channels, *changes):
    """n images of grey 100 plus a random multiple of each change, and the multiples.

    Images [n, channels, 8, 8], changes [channels, 8, 8], multiples [n] each.
    """
    g = torch.Generator().manual_seed(0)
    amounts = [torch.randint(-10, 11, (n,), generator=g) for _ in changes]
    return (
        100
        + sum(a[:, None, None, None] * change for a, change in zip(amounts, changes, strict=True))
    ).to(torch.uint8), amounts


def _correlation(a, b):
    return torch.corrcoef(torch.stack([a.double(), b.double()]))[0, 1]


def test_components_are_coordinates_along_the_directions_in_which_images_differ():
    left, corner, checks = torch.zeros(3, 1, 8, 8, dtype=torch.int64)
    left[:, :, :4], corner[:, :4, 4:] = 3, -3
    corner[:, :1, 4:5] = 5  # the largest entry is the sign's, though the others outweigh it
    corner[:, 1:2, 4:5] = corner[:, :1, 5:6] = corner[:, 1:2, 5:6] = 5
    checks[:, ::2, ::2], checks[:, 1::2, 1::2] = 4, 4
    checks[:, 1::2, ::2], checks[:, ::2, 1::2] = -4, -4  # at half the size, nobody sees them
    images, amounts = _differing(300, 1, left, corner, checks)
    found = pseudo_labels.principal_components(images, 2, spread=0.25)
    assert found.dtype == torch.float32 and found.shape == (300, 2)
    assert found.mean(dim=0).abs().max() < 1e-6 and torch.allclose(
        found.std(dim=0, correction=0), torch.tensor(0.25), atol=1e-6
    )
    assert found.T.cov()[0, 1].abs() < 1e-6
    for column, amount in zip(found.T, amounts, strict=False):  # the larger difference first
        assert _correlation(column, amount) > 0.98
    assert torch.allclose(
        found[:, :1], pseudo_labels.principal_components(images, 1, spread=0.25), atol=1e-6
    )
    # the spread is 0.5 unless said
    assert torch.allclose(2 * found, pseudo_labels.principal_components(images, 2), atol=1e-6)
    for wrong in (0, 3):
        with pytest.raises(ValueError, match=f"at most 2, and 1 or more; got {wrong}"):
            pseudo_labels.principal_components(images, wrong)
    with pytest.raises(ValueError, match="at most 0"):
        pseudo_labels.principal_components(images[:1].repeat(5, 1, 1, 1), 1)
    with pytest.raises(TypeError, match="uint8"):
        pseudo_labels.principal_components(data.to_float(images), 1)


def test_components_see_colours_and_odd_sides():
    blue = torch.zeros(3, 8, 8, dtype=torch.int64)
    blue[2] = 3
    images, (amount,) = _differing(50, 3, blue)
    assert _correlation(pseudo_labels.principal_components(images, 1)[:, 0], amount) > 0.99
    last = torch.zeros(1, 8, 8, dtype=torch.int64)
    last[:, 6] = 3
    images, (amount,) = _differing(50, 1, last)
    assert (
        _correlation(pseudo_labels.principal_components(images[..., :7, :7], 1)[:, 0], amount)
        > 0.99
    )


def test_other_images_are_placed_among_the_first_ones():
    g = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (60, 1, 8, 8), generator=g, dtype=torch.uint8)
    images[:30] //= 4
    for place in (
        lambda **how: pseudo_labels.principal_components(images, 3, **how),
        lambda **how: pseudo_labels.cluster(images, 2, seed=3, **how),
    ):
        assert torch.allclose(place(of=images[5:25]), place()[5:25], atol=1e-6)
        assert len(place(of=images[:1])) == 1


# ------------------------------------------------------------------ every set that is drawn

DRAWN = [
    name for name, source in sources.SOURCES.items() if source.draws_n and not source.takes_path
]


@pytest.mark.parametrize("name", DRAWN)
def test_a_set_that_is_drawn_does_what_is_asked(name):
    some = data.load(name, n=6, size=32, seed=3)
    assert some.images.dtype == torch.uint8
    assert some.images.shape[0] == 6 and some.images.shape[2:] == (32, 32)
    assert data.load(name, n=2, size=64).images.shape[2:] == (64, 64)
    again, other = (data.load(name, n=6, size=32, seed=seed) for seed in (3, 4))
    assert torch.equal(some.images, again.images)
    assert not torch.equal(some.images, other.images)
    for seed in (1, 2, 3, 6, 7):  # of the test images: none is a training seed's
        unseen = data.load(name, "test", n=6, size=32, seed=seed)
        assert not torch.equal(some.images, unseen.images)
    if some.labels is not None:
        assert some.labels.min() >= 0 and some.labels.max() < len(some.names)
