"""Masks, blur, shrinking: adjoint, and as Pillow and torch do it."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from genimg_lib import restore


def normal(*shape, seed=0):
    g = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=g, dtype=torch.float64)


OPERATORS = {
    "mask": restore.Mask(normal(12, 18) > 0),
    "mask for each": restore.Mask(normal(2, 1, 12, 18) > 0),
    "blur": restore.Blur(normal(5, 5)),
    **{
        f"shrink {scale} {kernel} {antialias}": restore.Shrink((12, 18), scale, kernel, antialias)
        for scale in (1, 2, 3)
        for kernel in ("box", "bilinear", "bicubic", "lanczos")
        for antialias in (True, False)
    },
}


@pytest.mark.parametrize("name", list(OPERATORS))
@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 1_000))
def test_the_adjoint_is_the_transpose(name, seed):
    operator, x = OPERATORS[name], normal(2, 3, 12, 18, seed=seed)
    seen = operator.measure(x)
    y = normal(*seen.shape, seed=seed + 1)
    assert (seen * y).sum().item() == pytest.approx(
        (x * operator.adjoint(y)).sum().item(), abs=1e-9
    )


@pytest.mark.parametrize("kernel", ["box", "bilinear", "bicubic", "lanczos"])
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_shrinking_is_what_pillow_does_to_real_numbers(kernel, scale):
    x = normal(1, 1, 24, 36)
    found = restore.Shrink((24, 36), scale, kernel).measure(x)[0, 0]
    image = Image.fromarray(x[0, 0].float().numpy(), mode=None)
    how = {"lanczos": "LANCZOS", "bicubic": "BICUBIC", "bilinear": "BILINEAR", "box": "BOX"}
    wanted = image.resize((36 // scale, 24 // scale), getattr(Image.Resampling, how[kernel]))
    assert np.abs(np.asarray(wanted) - found.numpy()).max() < 1e-5


@pytest.mark.parametrize("kernel", ["bilinear", "bicubic"])
def test_and_what_torch_does_with_antialias(kernel):
    x = normal(2, 3, 24, 36)
    found = restore.Shrink((24, 36), 4, kernel).measure(x)
    wanted = F.interpolate(x, scale_factor=0.25, mode=kernel, antialias=True)
    assert torch.allclose(found, wanted, atol=1e-6)


def test_without_antialias_a_pattern_that_is_too_fine_comes_back_as_another():
    stripes = torch.tensor([1.0, -1.0] * 12).double().expand(1, 1, 24, 24)
    smooth = restore.Shrink((24, 24), 3, "bilinear").measure(stripes)
    aliased = restore.Shrink((24, 24), 3, "bilinear", antialias=False).measure(stripes)
    assert smooth.abs().max() < 0.2 and aliased.abs().min() > 0.9


def test_shrinking_keeps_what_is_flat_and_refuses_what_does_not_fit():
    flat = torch.full((1, 1, 8, 8), 0.3).double()
    for kernel in ("box", "bilinear", "bicubic", "lanczos"):
        assert torch.allclose(restore.Shrink((8, 8), 2, kernel).measure(flat), flat[..., :4, :4])
    with pytest.raises(ValueError, match="multiples of 3"):
        restore.Shrink((8, 9), 3)
    with pytest.raises(ValueError, match="sinc"):
        restore.Shrink((8, 8), 2, "sinc")


def test_a_blur_is_the_convolution_wrapped_around():
    kernel, x = normal(3, 3), normal(1, 2, 6, 7)
    around = F.pad(x, (1, 1, 1, 1), mode="circular")
    turned = kernel.flip(0, 1)[None, None].expand(2, 1, 3, 3)  # torch correlates
    wanted = F.conv2d(around, turned, groups=2)
    assert torch.allclose(restore.Blur(kernel).measure(x), wanted)


@pytest.mark.parametrize("shape", [(3, 5), (4, 4), (3,)])
def test_other_kernels_are_refused(shape):
    with pytest.raises(ValueError, match="odd"):
        restore.Blur(torch.ones(shape))


def test_images_smaller_than_the_kernel_are_refused():
    with pytest.raises(ValueError, match="5x5"):
        restore.Blur(torch.ones(5, 5)).measure(torch.zeros(1, 1, 4, 8))


def test_a_mask_has_to_say_true_or_false():
    with pytest.raises(TypeError, match="bool"):
        restore.Mask(torch.ones(4, 4))


def matrix(operator):
    """A of an operator for images [12, 18], by what it sees of each pixel alone: [m, 216]."""
    x = torch.eye(12 * 18, dtype=torch.float64).view(-1, 1, 12, 18)
    return operator.measure(x).flatten(1).T


SINGLE = [name for name in OPERATORS if "each" not in name]


@pytest.mark.parametrize("name", SINGLE)
def test_solving_is_what_the_matrix_says(name):
    operator = OPERATORS[name]
    A = matrix(operator)
    y = operator.measure(normal(3, 1, 12, 18))
    wanted = torch.linalg.solve(
        0.7 * A @ A.T + 0.3**2 * torch.eye(len(A), dtype=A.dtype), y.flatten(1).T
    ).T
    found = operator.solve(y, 0.7, 0.3)
    if name.startswith("mask"):  # of what is not seen, nothing is said
        found, wanted = operator.measure(found), operator.measure(wanted.view_as(y)).flatten(1)
    assert torch.allclose(found.flatten(1), wanted, atol=1e-9)


@pytest.mark.parametrize("name", list(OPERATORS))
def test_the_nearest_image_that_fits_fits_and_is_nearest(name):
    operator, x = OPERATORS[name], normal(2, 3, 12, 18)
    y = operator.measure(normal(2, 3, 12, 18, seed=1))
    found = operator.fit(x, y)
    assert torch.allclose(operator.measure(found), y, atol=1e-7)
    # the way there is at right angles to all that nobody sees
    other = normal(2, 3, 12, 18, seed=2)
    unseen = operator.fit(other, torch.zeros_like(y))
    assert abs(((found - x) * unseen).sum().item()) < 1e-6
