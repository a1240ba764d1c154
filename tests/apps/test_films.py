"""Pictures and films in files, and what the command `genimg stylize` makes of them."""

import signal

import pytest
import torch
from PIL import Image, features

from genimg_lib import cli, data, pretrained, style
from genimg_lib.apps import films, stylize
from genimg_lib.data import photos
from genimg_lib.errors import DataError


def photo(name="coffee", size=32):
    return data.to_float(photos.square(photos.open_photo(name), size)[None])


def picture(x):
    return Image.fromarray(data.to_uint8(x).permute(1, 2, 0).numpy())


def plain(*colors, size=(40, 36)):
    return [Image.new("RGB", size, color) for color in colors]


def save(path, pages, **more):
    pages[0].save(path, save_all=True, append_images=pages[1:], **more)
    return path


# ------------------------------------------------------------------ reading


@pytest.mark.parametrize("ending", ["gif", "png", "webp"])
def test_every_frame_keeps_its_time(tmp_path, ending):
    lossless = {"lossless": True} if ending == "webp" else {}
    film = films.read(
        save(
            tmp_path / f"a.{ending}",
            plain("red", "lime", "blue"),
            duration=[2000, 70, 100],
            **lossless,
        )
    )
    assert film.delays == [2000, 70, 100]
    assert [
        [round(v) for v in frame.float().mean(dim=(1, 2)).tolist()] for frame in film.frames
    ] == [[255, 0, 0], [0, 255, 0], [0, 0, 255]]


def test_a_poster_is_no_frame(tmp_path):
    film = films.read(
        save(tmp_path / "a.png", plain("red", "lime", "blue"), default_image=True, duration=90)
    )
    assert len(film.frames) == 2 and film.frames[0][0].max() == 0


def test_a_frame_that_changes_a_part_is_shown_whole(tmp_path):
    """GIFs store what changes, and say what is to become of it afterwards."""
    small = plain("lime")[0]
    small.paste("red", (5, 5, 15, 15))
    for disposal in (1, 2):
        film = films.read(
            save(tmp_path / "a.gif", [plain("lime")[0], small, plain("lime")[0]], disposal=disposal)
        )
        assert (
            len(film.frames) == 3
            and film.frames[1][:, 10, 10].tolist() == [255, 0, 0]
            and film.frames[1][:, 30, 30].tolist() == [0, 255, 0]
        )


def test_a_picture_of_several_pages_is_no_film(tmp_path):
    film = films.read(save(tmp_path / "pages.tiff", plain("red", "blue")))
    assert len(film.frames) == 1 and film.delays is None and film.frames[0][0].min() == 255
    assert films.read("coffee").delays is None


def test_a_folder_is_a_film_in_the_order_of_its_numbers(tmp_path):
    for k, value in ((10, 200), (2, 100), (1, 50)):
        Image.new("RGB", (40, 36), (value,) * 3).save(tmp_path / f"frame{k}.png")
    (tmp_path / "._frame1.png").write_bytes(b"a shadow that macOS leaves")
    film = films.read(tmp_path)
    assert [int(f.float().mean()) for f in film.frames] == [50, 100, 200] and film.delays == [
        80
    ] * 3
    Image.new("RGB", (40, 30)).save(tmp_path / "frame3.png")
    with pytest.raises(DataError, match=r"several sizes .40x30, 40x36.; one film has one size"):
        films.read(tmp_path)


@pytest.mark.parametrize("ending", ["gif", "webp", "png"])
def test_a_film_cut_off_anywhere_is_read_or_refused(tmp_path, ending):
    whole = save(
        tmp_path / f"whole.{ending}",
        [picture(photo(name)[0]) for name in ("coffee", "chelsea", "grass")],
        duration=50,
    ).read_bytes()
    cut, read = tmp_path / f"cut.{ending}", 0
    for length in range(0, len(whole) - 1, max(1, len(whole) // 150)):
        cut.write_bytes(whole[:length])
        try:
            read += bool(films.read(cut).frames)
        except DataError as error:
            assert "cannot be read as a picture" in str(
                error
            ) or "breaks off in the middle of the film" in str(error)
    assert read < 150


def test_real_numbers_are_refused_and_16_bits_stay_16_bits_before_their_transparency(tmp_path):
    Image.new("F", (40, 36), 0.5).save(tmp_path / "f.tiff")
    with pytest.raises(DataError, match="its pixels are real numbers"):
        photos.open_image(tmp_path / "f.tiff")
    Image.new("I;16", (40, 36), 128 * 257).save(tmp_path / "g.png", transparency=5)
    assert photos.open_image(tmp_path / "g.png").unique().tolist() == [128]


# ------------------------------------------------------------------ places to write to


def test_a_side_too_long_for_the_format_is_refused_before_the_work(tmp_path, monkeypatch):
    monkeypatch.setattr(pretrained, "load_drawn_styles", None)  # what the work begins with
    wide = tmp_path / "wide.png"
    Image.new("RGB", (16_400, 64)).save(wide)
    with pytest.raises(ValueError, match="16,383"):
        stylize.stylize_file(str(wide), "strokes", tmp_path / "o.webp", fast=True, size=0)


def test_a_place_that_cannot_hold_it_is_refused_before_the_work(tmp_path):
    full, file, empty = tmp_path / "full", tmp_path / "file", tmp_path / "film.v2"
    full.mkdir(), empty.mkdir(), file.write_text("text")
    Image.new("RGB", (40, 36)).save(full / "0000.png")
    for place, is_film, message in (
        (full, True, "holds pictures already"),
        (file, True, "is a file; give a .gif, or a folder"),
        (tmp_path / "a.png", True, "cannot hold a film"),
        (tmp_path / "a.txt", False, "is no picture file"),
        (full, False, "is no picture file"),
    ):
        with pytest.raises(ValueError, match=message):
            films.check_place(place, is_film)
    for place, is_film in (
        (empty, True),
        (tmp_path / "new", True),
        (tmp_path / "a.gif", True),
        (tmp_path / "a.gif", False),
        (tmp_path / "a.webp", False),
    ):
        films.check_place(place, is_film)


@pytest.mark.parametrize("name", ["a.png", "a.gif"])
def test_what_is_there_is_written_over_on_request_only(tmp_path, name):
    (tmp_path / name).write_text("mine")
    call = ["stylize", "coffee", "mosaic", "--fast", "--size", "32", "-o", str(tmp_path / name)]
    assert cli.main(call) == 1 and (tmp_path / name).read_text() == "mine"
    assert cli.main([*call, "--overwrite"]) == 0 and Image.open(tmp_path / name).size == (32, 21)


@pytest.mark.parametrize("option", [["--net", "vgg19"], ["--steps", "3"]])
def test_what_fast_does_not_use_is_refused(tmp_path, option, capsys):
    call = ["stylize", "coffee", "mosaic", "--fast", "-o", str(tmp_path / "a.png"), *option]
    assert cli.main(call) == 1 and not any(tmp_path.iterdir())
    assert f"{option[0]} is for painting without --fast" in capsys.readouterr().err


def test_frames_are_written_as_they_come_and_read_again(tmp_path):
    def frames():
        for k in range(3):
            # what was made before is kept, whatever happens next
            assert len(list(tmp_path.glob("film/*.png"))) == k
            yield torch.full((3, 36, 40), 40 * k, dtype=torch.uint8)

    paths = films.write(frames(), tmp_path / "film", [80] * 3)
    assert [p.name for p in paths] == ["0000.png", "0001.png", "0002.png"]
    assert [int(f.float().mean()) for f in films.read(tmp_path / "film").frames] == [0, 40, 80]


# ------------------------------------------------------------------ command


def test_frames_are_fitted_and_that_is_said():
    said = []

    def fit(w, h, size, usual):
        return stylize.fit([torch.zeros(3, h, w, dtype=torch.uint8)], size, usual, 32, said.append)[
            0
        ]

    assert (
        fit(2000, 40, 256, 256).shape == (3, 32, 1600)
        and "2000x40 is made smaller, 1600x32" in said[0]
    )
    assert (
        fit(2000, 40, 0, 256).shape == (3, 40, 2000)
        and fit(2000, 32, 256, 256).shape == (3, 32, 2000)
        and len(said) == 1
    )
    assert fit(300, 90, None, 100).shape == (3, 32, 107)
    with pytest.raises(ValueError, match="the picture has 300x20 pixels; 32 or more"):
        fit(300, 20, None, 100)


def painted_with(monkeypatch, frames, way):
    """What `paint` is given for each frame, where the camera goes `way` a frame."""
    monkeypatch.setattr(
        style,
        "motion",
        lambda before, after: torch.tensor(way).view(2, 1, 1).expand(2, *after.shape[1:]),
    )
    given = []

    def paint(x, begin, place):
        given.append((begin, place))
        return -x

    list(stylize._painted(frames, paint, keep_color=False, steady=0.0))
    return given


def test_parts_of_pixels_add_up_along_the_film(monkeypatch):
    frames = [torch.zeros(3, 32, 32, dtype=torch.uint8)] * 6
    places = [place for _, place in painted_with(monkeypatch, frames, (0.4, -1.2))]
    moved = torch.tensor(places) - stylize.OFF
    assert moved.allclose(torch.arange(6.0)[:, None] * torch.tensor([0.4, -1.2]), atol=1e-5)


def test_the_optimiser_begins_from_the_last_painting_moved_along(monkeypatch):
    film, _ = style.pan(photo(size=48)[0], (36, 36), frames=2, step=(2, 3), noise=0.0)
    (first, _), (second, _) = painted_with(
        monkeypatch, [data.to_uint8(f) for f in film], (2.0, 3.0)
    )
    assert first is None and torch.allclose(
        second[0][:, :-2, :-3], -film[1][:, :-2, :-3], atol=0.02
    )


def test_the_command_paints_a_picture(tmp_path, capsys):
    exif = picture(photo(size=48)[0]).getexif()
    exif[0x0112] = 6  # turned by a quarter
    picture(photo(size=48)[0][:, :, :36]).save(tmp_path / "in.jpg", exif=exif)
    out = tmp_path / "deep" / "out.png"
    assert (
        cli.main(["stylize", str(tmp_path / "in.jpg"), "mosaic", "-o", str(out), "--steps", "3"])
        == 0
    )
    assert Image.open(out).size == (48, 36) and str(out) in capsys.readouterr().out
    assert (
        cli.main(
            [
                "stylize",
                "chelsea",
                "hatching",
                "-o",
                str(tmp_path / "fast.jpg"),
                "--fast",
                "--size",
                "64",
                "--keep-color",
            ]
        )
        == 0
    )
    assert (
        Image.open(tmp_path / "fast.jpg").size == (64, 43)
        and "451x300 is made smaller, 64x43; --size 0 leaves" in capsys.readouterr().out
    )


def interrupted(monkeypatch, at):
    """Makes the optimiser press Ctrl-C after some step of its first run; counts all its steps."""
    real, seen = style.stylize, []

    def stylized(*args, watch, **more):
        def pressed(step, *rest):
            seen.append(step)
            if len(seen) == at:
                signal.raise_signal(signal.SIGINT)
            return watch(step, *rest)

        return real(*args, watch=pressed, **more)

    monkeypatch.setattr(style, "stylize", stylized)
    return seen


def test_a_first_interrupt_keeps_what_was_painted(tmp_path, monkeypatch, capsys):
    usual, seen = signal.getsignal(signal.SIGINT), interrupted(monkeypatch, at=4)
    out = tmp_path / "out.png"
    assert cli.main(["stylize", "coffee", "dots", "-o", str(out), "--size", "48"]) == 130
    assert len(seen) == 4 and signal.getsignal(signal.SIGINT) is usual
    printed = capsys.readouterr()
    assert max(Image.open(out).size) == 48
    assert f"{out} holds what was painted so far" in printed.out
    assert printed.err.splitlines()[-1] == "genimg: stopped"


@pytest.mark.parametrize("name", ["out.gif", "frames"])
def test_a_film_that_is_interrupted_ends_early(tmp_path, monkeypatch, name):
    film, _ = style.pan(photo(size=48)[0], (32, 32), frames=4)
    source = save(tmp_path / "in.gif", [picture(f) for f in film], duration=[90] * 4)
    interrupted(monkeypatch, at=5)  # two steps a frame
    with pytest.raises(KeyboardInterrupt):
        stylize.stylize_file(source, "dots", tmp_path / name, steps=2)
    assert len(films.read(tmp_path / name).frames) == 3


def test_the_command_paints_in_a_picture_of_ones_own(tmp_path):
    picture(photo("grass", 64)[0]).save(tmp_path / "own.png")
    picture(photo("coffee", 20)[0]).save(tmp_path / "small.png")
    assert (
        cli.main(
            [
                "stylize",
                str(tmp_path / "small.png"),
                str(tmp_path / "own.png"),
                "-o",
                str(tmp_path / "o.webp"),
                "--fast",
            ]
        )
        == 0
    )
    assert photos.open_image(tmp_path / "o.webp").shape == (3, 20, 20)


def test_the_command_paints_films(tmp_path, capsys):
    film, _ = style.pan(photo(size=48)[0], (32, 32), frames=3)
    source = save(tmp_path / "in.gif", [picture(f) for f in film], duration=[120, 50, 120])
    assert (
        cli.main(["stylize", str(source), "dots", "-o", str(tmp_path / "out.gif"), "--fast"]) == 0
    )
    assert films.read(tmp_path / "out.gif").delays == [120, 50, 120]
    assert (
        cli.main(
            ["stylize", str(source), "dots", "-o", str(tmp_path / "frames.v2"), "--steps", "2"]
        )
        == 0
    )
    assert sorted(p.name for p in (tmp_path / "frames.v2").iterdir()) == [
        "0000.png",
        "0001.png",
        "0002.png",
    ]
    assert (
        cli.main(
            [
                "stylize",
                str(tmp_path / "frames.v2"),
                "dots",
                "-o",
                str(tmp_path / "again.gif"),
                "--fast",
                "--steady",
                "0",
            ]
        )
        == 0
    )
    assert (
        cli.main(
            [
                "stylize",
                str(tmp_path / "frames.v2"),
                "dots",
                "-o",
                str(tmp_path / "frames.v2"),
                "--fast",
            ]
        )
        == 1
    )
    assert (
        cli.main(["stylize", str(source), "dots", "-o", str(tmp_path / "out.png"), "--fast"]) == 1
    )
    assert "cannot hold a film; give a .gif, or a folder" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            ["NO.png", "mosaic", "-o", "o.png"],
            "there is no picture 'NO.png': neither a file or folder, nor a photograph",
        ),
        (["TEXT", "mosaic", "-o", "o.png"], "cannot be read as a picture"),
        (
            ["DOT", "mosaic", "-o", "o.png"],
            "the picture has 1x1 pixels; 32 or more on each side are expected",
        ),
        (
            ["coffee", "DOT", "-o", "o.png"],
            "the style has 1x1 pixels; 32 or more on each side are expected",
        ),
        (["coffee", "NO.png", "-o", "o.png"], "there is no style 'NO.png'"),
        (["coffee", "TEXT", "-o", "o.png"], "cannot be read as a picture"),
        (
            ["coffee", "mosaic", "-o", "o.txt"],
            "o.txt is no picture file; its ending should be one of .png",
        ),
        (["coffee", "mosaic", "-o", "o.png", "--size", "4"], "size is 4; 32 pixels or more"),
        (
            ["coffee", "mosaic", "-o", "o.png", "--fast", "--strength", "2"],
            "strength is 2.0; 0 to 1 is expected with a trained network",
        ),
        (["coffee", "mosaic", "-o", "o.png", "--net", "alexnet"], "unknown network 'alexnet'"),
        (["EMPTY", "mosaic", "-o", "o.png"], "there are no pictures in"),
    ],
)
def test_bad_calls_of_the_command_are_explained_and_write_nothing(
    call, message, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "TEXT").write_text("no picture")
    (tmp_path / "EMPTY").mkdir()
    Image.new("RGB", (1, 1)).save(tmp_path / "DOT", "PNG")
    assert cli.main(["stylize", *call]) == 1
    error = capsys.readouterr().err
    assert message in error and "Traceback" not in error and not list(tmp_path.glob("o.*"))


def test_films_hold_still_where_the_scene_does(tmp_path):
    film, step = style.pan(photo("coffee", 160)[0], (128, 128), frames=6, step=(1, 3))
    (tmp_path / "in").mkdir()
    for k, frame in enumerate(film):
        picture(frame).save(tmp_path / "in" / f"{k}.png")
    net = pretrained.load_drawn_styles()
    with torch.no_grad():
        loose = style.flicker(torch.cat([net(frame[None], 1, film[:1]) for frame in film]), step)
    found = []
    for steady in ("0", "0.4"):
        out = tmp_path / f"out {steady}"
        assert (
            cli.main(
                [
                    "stylize",
                    str(tmp_path / "in"),
                    "mosaic",
                    "-o",
                    str(out),
                    "--fast",
                    "--steady",
                    steady,
                ]
            )
            == 0
        )
        found.append(
            style.flicker(torch.stack([data.to_float(f) for f in films.read(out).frames]), step)
        )
    assert found[1] < found[0] < loose / 4


@pytest.mark.parametrize("way", [["--fast"], ["--steps", "5"]])
def test_a_film_that_begins_in_the_dark_keeps_its_later_colors(tmp_path, way):
    (tmp_path / "in").mkdir()
    for k, x in enumerate([-torch.ones(3, 40, 40), *[photo(size=40)[0]] * 3]):
        picture(x).save(tmp_path / "in" / f"{k}.png")
    assert (
        cli.main(["stylize", str(tmp_path / "in"), "strokes", "-o", str(tmp_path / "out"), *way])
        == 0
    )
    last = films.read(tmp_path / "out").frames[-1]
    assert ((last == 0) | (last == 255)).float().mean() < 0.3


# ------------------------------------------------------------------ what people try


@pytest.mark.parametrize("name", ["film.mp4", "film.webm", "film.avif"])
def test_a_film_goes_to_no_other_ending_and_makes_no_folder_of_it(tmp_path, name):
    with pytest.raises(
        ValueError, match=r"give a \.gif, or a folder for the frames, of which ffmpeg"
    ):
        films.check_place(tmp_path / name, is_film=True)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["a.heic", "a.mp4"])
def test_what_pillow_does_not_open_is_refused_with_what_to_do(tmp_path, name):
    (tmp_path / name).write_bytes(b"ftyp of another kind")
    with pytest.raises(DataError, match=r"can be saved as JPEG|ffmpeg -i"):
        films.read(tmp_path / name)


@pytest.mark.parametrize("linked", [False, True])
def test_the_result_never_goes_over_the_input(tmp_path, linked):
    content = save(tmp_path / "a.png", plain("red"))
    before, out = content.read_bytes(), content
    if linked:
        out = tmp_path / "b.png"
        out.symlink_to(content)
    with pytest.raises(ValueError, match="the input; give the result a name of its own"):
        stylize.stylize_file(content, "mosaic", out)
    with pytest.raises(ValueError, match="the input; give the result a name of its own"):
        stylize.stylize_file("coffee", content, out)
    assert content.read_bytes() == before


def test_a_place_below_a_file_is_refused_before_the_work(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match="file is a file; nothing can be written below it"):
        films.check_place(tmp_path / "file" / "out.png", is_film=False)


@pytest.mark.parametrize(("given", "kept"), [({}, None), ({"loop": 0}, 0), ({"loop": 3}, 3)])
def test_a_film_repeats_as_often_as_before(tmp_path, given, kept):
    film = films.read(save(tmp_path / "a.gif", plain("red", "lime"), duration=90, **given))
    assert film.loop == kept
    films.write(film.frames, tmp_path / "b.gif", film.delays, film.loop)
    with Image.open(tmp_path / "b.gif") as image:
        assert image.info.get("loop") == kept


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow has no AVIF")
def test_an_animated_avif_is_a_film(tmp_path):
    film = films.read(save(tmp_path / "a.avif", plain("red", "lime", "blue"), duration=90))
    assert len(film.frames) == 3 and film.delays == [90] * 3


def test_a_second_frame_that_claims_to_be_enormous_is_refused_by_name(tmp_path):
    path = save(tmp_path / "a.gif", plain("red", "lime"), duration=90)
    content = bytearray(path.read_bytes())
    second = content.index(b"\x2c", content.index(b"\x2c") + 1)  # the descriptor of an image
    content[second + 5 : second + 9] = b"\xff\xff\xff\xff"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"a\.gif"):
        films.read(path)


def test_transparency_that_is_lost_is_said(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(stylize, "_slow", lambda *_: lambda x, *_: x)
    glass = Image.new("RGBA", (64, 64), (255, 0, 0, 100))
    glass.save(tmp_path / "glass.png")
    stylize.stylize_file(tmp_path / "glass.png", "mosaic", tmp_path / "out.png")
    assert "glass.png: its transparency is laid on white" in capsys.readouterr().out


def test_a_file_with_a_built_in_name_is_spoken_of(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(stylize, "_slow", lambda *_: lambda x, *_: x)
    monkeypatch.chdir(tmp_path)
    stylize.stylize_file("coffee", "mosaic", tmp_path / "one.png")
    assert "./coffee" not in capsys.readouterr().out
    save(tmp_path / "coffee.png", plain("red", size=(64, 64))).rename(tmp_path / "coffee")
    stylize.stylize_file("coffee", "mosaic", tmp_path / "two.png")
    assert "coffee: the course's own is taken; for the file beside you give ./coffee" in (
        capsys.readouterr().out
    )
