"""The convolution matrix against torch's convolutions, at random shapes, in float64."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given
from hypothesis import strategies as st

from genimg_lib import flow, vae
from genimg_lib.layers import conv_matrix

sizes = st.integers(1, 7)


@given(
    H=sizes,
    W=sizes,
    h=st.integers(1, 4),
    w=st.integers(1, 4),
    stride=st.integers(1, 3),
    padding=st.integers(0, 2),
    seed=st.integers(0, 10**6),
)
def test_it_is_conv2d_and_its_transpose_the_transposed_convolution(
    H, W, h, w, stride, padding, seed
):
    assume(h <= H + 2 * padding and w <= W + 2 * padding)
    g = torch.Generator().manual_seed(seed)
    x, k = (
        torch.randn(H, W, generator=g, dtype=torch.float64),
        torch.randn(h, w, generator=g, dtype=torch.float64),
    )
    A = conv_matrix(k, (H, W), stride, padding)
    y = F.conv2d(x[None, None], k[None, None], stride=stride, padding=padding)
    assert torch.allclose(A @ x.flatten(), y.flatten(), atol=1e-12)
    back = torch.randn(y.shape, generator=g, dtype=torch.float64)
    rest = ((H + 2 * padding - h) % stride, (W + 2 * padding - w) % stride)
    # padding is cut by hand, so that any amount may be
    up = F.conv_transpose2d(back, k[None, None], stride=stride, output_padding=rest)[0, 0]
    up = up[padding : padding + H, padding : padding + W]
    assert torch.allclose((A.T @ back.flatten()).view(H, W), up, atol=1e-12)


def test_a_square_size_may_be_one_number():
    k = torch.arange(6.0).view(2, 3)
    assert torch.equal(conv_matrix(k, 5), conv_matrix(k, (5, 5)))


def test_it_keeps_the_kernels_precision():
    assert conv_matrix(torch.ones(2, 2, dtype=torch.float64), 3).dtype == torch.float64
    assert conv_matrix(torch.ones(2, 2), 3).dtype == torch.float32


@pytest.mark.parametrize(
    ("kernel", "size", "stride", "padding"),
    [
        (torch.ones(3), 4, 1, 0),
        (torch.ones(2, 2), 4, 0, 0),
        (torch.ones(2, 2), 4, 1, -1),
        (torch.ones(2, 2), 0, 1, 0),
    ],
)
def test_impossible_arguments_are_refused(kernel, size, stride, padding):
    with pytest.raises(ValueError, match="got kernel"):
        conv_matrix(kernel, size, stride, padding)


def test_a_kernel_that_does_not_fit_is_refused():
    with pytest.raises(
        ValueError, match="a kernel of 5x5 does not fit on an image of 3x3 with 0 rows"
    ):
        conv_matrix(torch.ones(5, 5), 3)


@pytest.mark.parametrize("width", [0, 15, 20, 16.0, (16, 48)])
@pytest.mark.parametrize("network", [vae.ConvVAE, vae.GridVAE, vae.ConvEncoder, flow.PatchUNet])
def test_a_width_that_cannot_be_normed_in_groups_is_refused(network, width):
    with pytest.raises(ValueError, match="multiple of 8"):
        network(width=width)


@pytest.mark.parametrize("sigma", [0.0, -1.0, float("nan")])
def test_a_standard_deviation_that_is_none_is_refused(sigma):
    with pytest.raises(ValueError, match="sigma above 0"):
        vae.ConvVAE(sigma=sigma)
