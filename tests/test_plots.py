"""Figures and controls: what is drawn, what is refused, what a reader sees."""

import base64
import io
import math

import matplotlib
import nbformat
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from nbclient import NotebookClient
from PIL import Image

from genimg_lib import plots, widgets
from genimg_lib.training import start
from genimg_lib.widgets import explore


def pixels(fig):
    """A figure as numpy [H, W, 3]."""
    return np.asarray(Image.open(io.BytesIO(plots.png(fig))).convert("RGB"))


def colors(fig):
    """The colours that cover a good part of a figure, beside its white."""
    found, counts = np.unique(pixels(fig).reshape(-1, 3), axis=0, return_counts=True)
    return {tuple(c) for c, n in zip(found.tolist(), counts, strict=True) if n > 1000} - {
        (255, 255, 255)
    }


def plain(*values, channels=1, side=8):
    """Images of one value each."""
    return torch.tensor(values)[:, None, None, None].expand(-1, channels, side, side)


# ------------------------------------------------------------------ grids


def test_a_grid_shows_bytes_and_floats_in_the_same_colors():
    grey = plots.grid(plain(0, 51, 204).to(torch.uint8))
    assert colors(grey) == {(0, 0, 0), (51, 51, 51), (204, 204, 204)}
    assert np.array_equal(pixels(grey), pixels(plots.grid(plain(-1.0, -0.6, 0.6))))
    assert np.array_equal(
        pixels(grey), pixels(plots.grid(plain(0, 51, 204, channels=3).to(torch.uint8)))
    )


def test_a_grid_keeps_colors_and_order_row_by_row():
    images = torch.zeros(3, 3, 8, 8, dtype=torch.uint8)
    for k in range(3):
        images[k, k] = 255  # red, green, blue
    picture = pixels(plots.grid(images, cols=2))
    h, w, _ = picture.shape
    assert picture[h // 4, w // 4].tolist() == [255, 0, 0]
    assert picture[h // 4, 3 * w // 4].tolist() == [0, 255, 0]
    assert picture[3 * h // 4, w // 4].tolist() == [0, 0, 255]
    assert picture[3 * h // 4, 3 * w // 4].tolist() == [255, 255, 255]


def test_a_grid_shows_every_pixel_as_a_square():
    fig = plots.grid(torch.tensor([[[[0, 50], [100, 150]]]], dtype=torch.uint8))
    picture = pixels(fig)[..., 0]
    h, w = picture.shape
    assert [picture[i * h // 4, j * w // 4].item() for i in (1, 3) for j in (1, 3)] == [
        0,
        50,
        100,
        150,
    ]
    assert colors(fig) == {(v, v, v) for v in (0, 50, 100, 150)}


def test_a_grid_of_named_rows_has_a_block_for_each():
    fig = plots.grid({"real": plain(0, 0, 0).to(torch.uint8), "made": plain(-0.6, -0.6)})
    assert [axis.get_title(loc="left") for axis in fig.axes] == ["real", "made"]
    assert colors(fig) == {(0, 0, 0), (51, 51, 51)}


def test_a_grid_has_its_labels_and_title():
    fig = plots.grid(plain(0.0, 0.1, 0.2), labels=["a", "b", "c"], title="Three greys")
    texts = [
        text.get_text() for axis in fig.axes for inner in axis.child_axes for text in inner.texts
    ]
    assert texts == ["a", "b", "c"]
    assert fig.get_suptitle() == "Three greys"
    assert len(colors(fig)) == 3


@given(
    st.integers(1, 13),
    st.sampled_from([1, 3]),
    st.integers(1, 40),
    st.integers(1, 40),
    st.integers(1, 12) | st.none(),
)
def test_a_grid_takes_any_number_of_images_of_any_size(n, channels, height, width, cols):
    fig = plots.grid(torch.zeros(n, channels, height, width), cols=cols)
    grey = np.asarray(fig.axes[0].images[0].get_array())[..., 0] == 128
    first = int(np.argmin(np.append(grey[0], False)))  # the first image's width on the sheet
    scale = first // width
    assert first == scale * width >= width
    assert grey.sum() == n * height * width * scale**2
    assert fig.get_figwidth() == 8


@pytest.mark.parametrize(
    "images",
    [
        torch.zeros(8, 8),
        torch.zeros(3, 8, 8),
        torch.zeros(2, 2, 8, 8),
        torch.zeros(2, 8, 8, 3),
        torch.zeros(1, 2, 3, 8, 8),
        {"a": torch.zeros(2, 1, 8, 8), "b": torch.zeros(1, 8, 8)},
    ],
)
def test_images_of_a_wrong_shape_are_refused(images):
    with pytest.raises(ValueError, match=r"\[N, 1 or 3, H, W\]"):
        plots.grid(images)


@pytest.mark.parametrize("value", [2.5, -3.0, 255.0, math.nan, math.inf])
def test_floats_out_of_range_are_refused(value):
    with pytest.raises(ValueError, match=r"\[-1, 1\]"):
        plots.grid(plain(0.0, value))


@pytest.mark.parametrize("dtype", [torch.bool, torch.int64])
def test_pixels_that_are_neither_bytes_nor_floats_are_refused(dtype):
    with pytest.raises((ValueError, TypeError), match="uint8"):
        plots.grid(torch.ones(2, 1, 8, 8, dtype=dtype))


def test_no_images_are_refused_in_words():
    with pytest.raises(ValueError, match="image"):
        plots.grid(torch.zeros(0, 1, 8, 8))


@pytest.mark.parametrize("labels", [["a"], ["a", "b", "c"]])
def test_labels_of_another_number_are_refused(labels):
    with pytest.raises(ValueError, match=f"2 images, but {len(labels)} labels"):
        plots.grid(plain(0.0, 0.0), labels=labels)


# ------------------------------------------------------------------ curves

HISTORY = {
    "step": [0, 1, 2, 3, 4],
    "loss": [4.0, 2.0, 3.0, 1.0, 0.0],
    "rare": [math.nan, 5.0, math.nan, 6.0],
}


def test_curves_draw_a_panel_a_metric_against_its_steps():
    fig = plots.curves(HISTORY, title="Training")
    assert [axis.get_title() or axis.get_title(loc="left") for axis in fig.axes] == ["loss", "rare"]
    (line,) = fig.axes[0].lines
    assert line.get_xydata().tolist() == [[0, 4], [1, 2], [2, 3], [3, 1], [4, 0]]
    assert len(plots.curves(HISTORY, "loss").axes) == 1
    assert fig.get_suptitle() == "Training"


@pytest.mark.parametrize("smooth", [0.0, 0.5])
def test_a_metric_of_some_steps_only_has_a_curve_through_them(smooth):
    fig = plots.curves(HISTORY, "rare", smooth=smooth)
    lines = [line.get_xydata() for line in fig.axes[0].lines]
    assert len(lines) == 1 + (smooth > 0)
    assert lines[0].tolist() == [[1, 5], [3, 6]]
    assert np.isfinite(lines[-1]).all()


def test_smoothing_is_a_mean_whose_start_is_corrected():
    values = plots.curves(HISTORY, "loss", smooth=0.5).axes[0].lines[1].get_ydata()
    by_hand = [
        sum(0.5 ** (k - i) * HISTORY["loss"][i] for i in range(k + 1))
        / sum(0.5 ** (k - i) for i in range(k + 1))
        for k in range(5)
    ]
    np.testing.assert_allclose(values, by_hand)


def test_curves_of_what_was_not_logged_are_refused_with_what_was():
    with pytest.raises(ValueError, match=r"'kl' was not logged; logged: loss, rare"):
        plots.curves(HISTORY, "loss", "kl")
    with pytest.raises(ValueError, match="logged"):
        plots.curves({})


# ------------------------------------------------------------------ show, in a program


def test_a_figure_without_an_alternative_text_is_refused():
    fig, _ = plots.figure()
    for alt in ("", "  "):
        with pytest.raises(ValueError, match="alternative text"):
            plots.show(fig, alt=alt)


def test_a_program_saves_its_figures_in_the_runs_folder_one_after_the_other(capsys):
    run = start("a")
    for alt in ("Four faces: a smile!", "Four faces: a smile!", "Loss, falling"):
        plots.show(plots.grid(plain(0.0)), alt=alt, caption="Look.")
    names = ["01_four_faces_a_smile.png", "02_four_faces_a_smile.png", "03_loss_falling.png"]
    assert sorted(p.name for p in (run.folder / "figures").iterdir()) == names
    assert [line.split("/")[-1] for line in capsys.readouterr().out.splitlines()] == names
    assert Image.open(run.folder / "figures" / names[0]).width == 1200


def test_only_the_main_process_saves_figures(tmp_path):
    plots.output(tmp_path / "run", main=False)
    plots.show(plots.grid(plain(0.0)), alt="Nothing.")
    assert not (tmp_path / "run").exists()


def test_a_cover_is_kept_in_the_runs_folder():
    run = start("a")
    plots.cover(plots.grid(plain(0.0)))
    assert Image.open(run.folder / "cover.png").width == 1200


# ------------------------------------------------------------------ explore, in a program


def test_explore_draws_the_default_figure_and_no_other():
    run, calls = start("a"), []

    def fig(**values):
        calls.append(values)
        return plots.grid(plain(0.0))

    explore(fig, "Greys.", count=(1, 9, 4), rate=(0.0, 1.0, 0.5), kind=["a", "b"], on=False)
    assert calls == [{"count": 4, "rate": 0.5, "kind": "a", "on": False}]
    assert [p.name for p in (run.folder / "figures").iterdir()] == ["01_greys.png"]


def test_errors_of_the_default_figure_are_the_callers_to_see():
    with pytest.raises(ZeroDivisionError):
        explore(lambda count: count / 0, "Nothing.", count=(1, 9, 4))


@pytest.mark.parametrize(
    "control",
    [
        (1, 9),
        (1, 9, 10),
        (1, 9, 0),
        (9, 1, 4),
        [],
        4,
        0.5,
        "abc",
        None,
        (1, 2, 3, 4),
        ("a", "c", "b"),
        {"a": 1},
    ],
)
def test_a_control_of_another_form_is_refused_before_anything_is_drawn(control):
    with pytest.raises(ValueError, match=r"control knob=.*\(low, high, default\)"):
        explore(lambda **_: pytest.fail("drawn"), "Nothing.", fine=True, knob=control)


# ------------------------------------------------------------------ a notebook

CELLS = (
    """
import base64, torch
from torch import nn
from genimg_lib import plots
from genimg_lib.training import start
from genimg_lib.widgets import explore

def fig(grey, deep=False):
    if grey == 9:
        raise RuntimeError("nine is not drawn")
    return plots.grid(torch.full((1, 1, 8, 8), grey / 10))

assert plots.in_notebook()
run = start("a")
explore(fig, "A grey square.", "Move it.", grey=(0, 9, 4), deep=False)
""",
    """
plots.show(fig(2), "A darker square.", "See.")
""",
    """
import ipywidgets
kept = getattr(ipywidgets.Widget, "widgets", None) or ipywidgets.widget._instances
widgets = list(kept.values())
(slider,) = [w for w in widgets if isinstance(w, ipywidgets.IntSlider)]
(switch,) = [w for w in widgets if isinstance(w, ipywidgets.Checkbox)]
(problem,) = [w for w in widgets if isinstance(w, ipywidgets.HTML)]
assert (slider.value, slider.min, slider.max, switch.value) == (4, 0, 9, False)
slider.value = 7
print(base64.b64encode(plots.png(fig(7))).decode())
""",
    """
slider.value = 9
print(problem.value)
slider.value = 7
print("now:", problem.value)
""",
    """
net = nn.Linear(2, 2)
preview = {"preview": lambda: torch.zeros(1, 1, 8, 8), "preview_every": 1}
for x in run.train(run.batches(torch.ones(8, 2), 2), 4, net=net, **preview):
    run.log(loss=1.5)
""",
)


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """The outputs of a notebook's cells after all of them have run."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENIMG_OUT", str(tmp_path_factory.mktemp("notebook")))
        NotebookClient(notebook, timeout=60, kernel_name="python3").execute()
    return [cell.outputs for cell in notebook.cells]


def images(outputs):
    return [o for o in outputs if "image/png" in o.get("data", {})]


def text(outputs):
    return "".join(o.text for o in outputs if o.output_type == "stream" and o.name == "stdout")


def test_explore_shows_one_picture_with_its_text_the_caption_and_the_controls(executed):
    (picture,) = images(executed[0])
    assert picture.metadata["image/png"] == {"width": 800, "alt": "A grey square."}
    others = [o.data for o in executed[0] if o is not picture and "data" in o]
    assert [list(data)[-1] for data in others] == [
        "text/markdown",
        "application/vnd.jupyter.widget-view+json",
    ]
    assert others[0]["text/markdown"] == "*Move it.*"


@pytest.mark.parametrize("height", [3.0, 1.2])
def test_a_redrawn_figure_keeps_its_layout_only_at_its_size_and_is_never_cut_off(height):
    def drawn(height, top):
        fig, axis = plots.figure(width=4.0, height=height)
        # wider numbers beside the axis ask for another layout
        axis.set(title="a title", xlabel="x", ylim=(0, top))
        return fig, axis

    first, _ = drawn(3.0, 1)
    plots.png(first)
    fig, axis = drawn(height, 10_000)
    plots.quick_png(widgets.keep_places(fig, widgets.layout(first)))
    for text in (axis.title, axis.xaxis.label):
        box = text.get_window_extent()
        assert box.y0 >= 0 and box.y1 <= fig.bbox.height
    assert (
        axis.get_position(original=True).bounds == first.axes[0].get_position(original=True).bounds
    ) == (height == 3.0)


def test_a_moved_control_draws_the_same_picture_anew(executed):
    (picture,) = images(executed[0])
    shown, wanted = (
        np.asarray(Image.open(io.BytesIO(base64.b64decode(code))).convert("RGB"))
        for code in (picture.data["image/png"], text(executed[2]))
    )
    assert np.array_equal(shown, wanted)
    assert not images(executed[2])


def test_an_error_while_a_control_moves_is_shown_until_it_is_over(executed):
    assert text(executed[3]) == "<b>RuntimeError</b>: nine is not drawn\nnow: \n"


def test_show_in_a_notebook_gives_a_picture_with_its_text_and_caption(executed):
    (picture,) = images(executed[1])
    assert picture.metadata["image/png"] == {"width": 800, "alt": "A darker square."}
    assert [o.data["text/markdown"] for o in executed[1] if "text/markdown" in o.data] == ["*See.*"]


def test_a_training_in_a_notebook_has_one_line_and_one_picture(executed):
    (picture,) = images(executed[4])
    assert picture.metadata["image/png"]["alt"] == "train, after step 4"
    (line,) = [o for o in executed[4] if o is not picture]
    assert "4/4" in line.data["text/plain"]
    assert "loss=1.5" in line.data["text/plain"]


def test_a_readers_matplotlibrc_changes_no_figure_and_a_dollar_no_title():
    images = torch.zeros(2, 3, 4, 4)

    def drawn():
        plots._place["styled"] = False  # as in a program that begins
        return plots.png(plots.grid({"a$b$^{": images}, title="c$^{$", labels=["a", "b$^{$"]))

    plain = drawn()
    matplotlib.rcParams.update({"text.color": "red", "axes.titlecolor": "red", "font.size": 30})
    assert drawn() == plain
