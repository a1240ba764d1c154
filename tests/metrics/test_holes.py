"""Decibels in the hole, and the step at its edge, against loops."""

import math

import pytest
import torch

from genimg_lib.metrics import psnr, psnr_in_hole, seam


def pair(seed=0):
    g = torch.Generator().manual_seed(seed)
    x = 2 * torch.rand(2, 3, 6, 7, generator=g) - 1
    return (x + 0.2 * torch.randn(x.shape, generator=g)), x, torch.rand(6, 7, generator=g) < 0.5


def test_decibels_count_hidden_pixels_only():
    x_hat, x, seen = pair()
    found = psnr_in_hole(x_hat, x, seen)
    for k in range(2):
        squares = [
            (x_hat[k, c, i, j].clamp(-1, 1) - x[k, c, i, j]).item() ** 2
            for c in range(3)
            for i, j in (~seen).nonzero().tolist()
        ]
        wanted = 10 * math.log10(4 / (sum(squares) / len(squares)))
        assert found[k].item() == pytest.approx(wanted, rel=1e-6)
    everywhere = psnr_in_hole(x_hat, x, torch.zeros(6, 7, dtype=torch.bool))
    assert torch.allclose(everywhere, psnr(x_hat.clamp(-1, 1), x))
    assert psnr_in_hole(x, x, seen).isinf().all()


def test_steps_are_counted_where_hidden_meets_seen():
    _, x, seen = pair(1)
    found = seam(x, seen)
    for k in range(2):
        steps = []
        for i in range(6):
            for j in range(7):
                for a, b in ((i + 1, j), (i, j + 1)):
                    if a < 6 and b < 7 and seen[i, j] != seen[a, b]:
                        steps += (x[k, :, i, j] - x[k, :, a, b]).abs().tolist()
        assert found[k].item() == pytest.approx(127.5 * sum(steps) / len(steps), rel=1e-5)


def test_masks_of_each_image_and_such_as_hide_nothing():
    x_hat, x, seen = pair()
    each = torch.stack([seen, ~seen])[:, None]
    apart = torch.cat([psnr_in_hole(x_hat[:1], x[:1], seen), psnr_in_hole(x_hat[1:], x[1:], ~seen)])
    assert torch.equal(psnr_in_hole(x_hat, x, each), apart)
    with pytest.raises(ValueError, match="nothing is hidden"):
        psnr_in_hole(x_hat, x, torch.ones(6, 7, dtype=torch.bool))
    with pytest.raises(ValueError, match="edge"):
        seam(x, torch.zeros(6, 7, dtype=torch.bool))
    with pytest.raises(TypeError, match="bool"):
        seam(x, seen.float())
