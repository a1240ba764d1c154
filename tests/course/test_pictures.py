"""Stored pictures: smaller, and not visibly worse."""

import base64
import io

import nbformat
import numpy as np
import pytest
import skimage.data
from PIL import Image

from genimg_lib.course import pictures


def png(pixels):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def opened(content):
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB")).astype(int)


@pytest.fixture
def photograph():
    return np.ascontiguousarray(skimage.data.astronaut()[:, :, :3])


@pytest.fixture
def few_colours():
    rng = np.random.default_rng(0)
    palette = rng.integers(0, 256, (200, 3), dtype=np.uint8)
    return palette[rng.integers(0, 200, (300, 400))]


def test_a_photograph_is_stored_in_less_than_half_and_looks_the_same(photograph):
    content, kind = pictures.smaller(png(photograph))
    assert kind == "jpeg" and len(content) < 0.5 * len(png(photograph))
    error = opened(content) - photograph
    assert 10 * np.log10(255**2 / np.square(error).mean()) > 36  # decibels


def test_few_colours_lose_nothing(few_colours):
    content, kind = pictures.smaller(png(few_colours))
    assert kind == "png" and len(content) < len(png(few_colours))
    assert np.array_equal(opened(content), few_colours)


def test_a_small_picture_stays_as_it_is():
    small = png(np.zeros((8, 8, 3), np.uint8))
    assert pictures.smaller(small) == (small, "png")


def test_covers_are_webp(photograph, few_colours):
    for pixels in (photograph, few_colours):
        content = pictures.cover(png(pixels))
        assert Image.open(io.BytesIO(content)).format == "WEBP"
        assert len(content) < len(png(pixels))


def test_a_notebooks_pictures_keep_their_texts(photograph):
    data = {"image/png": base64.b64encode(png(photograph)).decode()}
    facts = {"image/png": {"alt": "an astronaut", "width": 512}}
    output = nbformat.v4.new_output("display_data", data=data, metadata=facts)
    cell = nbformat.v4.new_code_cell("show()", outputs=[output])
    notebook = nbformat.v4.new_notebook(cells=[cell])
    pictures.shrink(notebook)
    nbformat.validate(notebook)
    (stored,) = notebook.cells[0].outputs
    assert set(stored.data) == {"image/jpeg"}
    content, ending, found = pictures.of_output(stored)
    assert ending == "jpg" and found == {"alt": "an astronaut", "width": 512}
    assert opened(content).shape == photograph.shape


def test_a_notebook_of_many_photographs_stays_within_its_budget(photograph, monkeypatch):
    monkeypatch.setattr(pictures, "BUDGET", 250_000)
    monkeypatch.setattr(pictures, "LARGE", 50_000)
    data = {"image/png": base64.b64encode(png(photograph)).decode()}
    outputs = [
        nbformat.v4.new_output(
            "display_data", data=dict(data), metadata={"image/png": {"alt": "a", "width": 342}}
        )
        for _ in range(4)
    ]
    cell = nbformat.v4.new_code_cell("show()", outputs=outputs)
    notebook = nbformat.v4.new_notebook(cells=[cell])
    pictures.shrink(notebook)
    found = [pictures.of_output(output) for output in notebook.cells[0].outputs]
    assert sum(len(content) for content, _, _ in found) <= 250_000
    assert all(facts["width"] == 342 for _, _, facts in found)
    assert all(opened(content).shape[1] >= 342 for content, _, _ in found)
