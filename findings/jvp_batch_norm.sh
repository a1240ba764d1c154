#!/usr/bin/env bash
# torch 2.13.0 (CPU): a forward-mode derivative through BatchNorm2d in training raises by
# torch.func.jvp, and works by torch.autograd.forward_ad, the interface below it.
#
# torch.func.jvp refuses the in-place step of the layer's counter of batches, which carries no
# derivative; under forward_ad.dual_level the same layer, in the same mode, gives a tangent that
# agrees with a finite difference. One would expect the two to differ in convenience only. Of the
# layers tried, fused attention, cdist and grid_sample have no forward-mode derivative by either;
# attention written out as softmax(q k^T) v has one.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q torch==2.13.0 numpy==2.4.6
"$work/venv/bin/python" - <<'PY'
import sys
import warnings

import torch
import torch.nn.functional as F
from torch.autograd import forward_ad

warnings.simplefilter("ignore")
x, way = torch.randn(2, 2, 4, 6, 6, generator=torch.Generator().manual_seed(0)).double()
LAYERS = {
    "BatchNorm2d, training": lambda: torch.nn.BatchNorm2d(4).double(),
    "scaled_dot_product_attention": lambda: lambda x: F.scaled_dot_product_attention(x, x, x),
    "softmax(q k^T) v": lambda: lambda x: torch.softmax(x @ x.mT, dim=-1) @ x,
    "cdist": lambda: lambda x: torch.cdist(x, x + 1),
    "grid_sample": lambda: lambda x: F.grid_sample(
        x, torch.zeros(2, 3, 3, 2).double(), align_corners=False
    ),
}


def by_func(layer):
    return torch.func.jvp(layer, (x,), (way,))[1]


def by_duals(layer):
    with forward_ad.dual_level():
        return forward_ad.unpack_dual(layer(forward_ad.make_dual(x, way))).tangent


def tried(how, layer):
    try:
        return how(layer), "works"
    except (RuntimeError, NotImplementedError) as error:
        return None, type(error).__name__


found = {}
for name, make in LAYERS.items():
    found[name] = tuple(tried(how, make())[1] for how in (by_func, by_duals))
    print(f"seen: torch {torch.__version__}: {name}: func.jvp {found[name][0]}, "
          f"forward_ad {found[name][1]}")
tangent, _ = tried(by_duals, LAYERS["BatchNorm2d, training"]())
h = 1e-6
difference = torch.zeros_like(x)
for sign in (1, -1):
    difference += sign * LAYERS["BatchNorm2d, training"]()(x + sign * h * way) / (2 * h)
agrees = torch.allclose(tangent, difference, atol=1e-6)
print(f"seen: BatchNorm2d's tangent agrees with a finite difference: {agrees}")
as_said = (
    found["BatchNorm2d, training"][0] != "works"
    and found["BatchNorm2d, training"][1] == "works"
    and found["softmax(q k^T) v"] == ("works", "works")
    and all("works" not in found[k] for k in list(LAYERS)[1:] if k != "softmax(q k^T) v")
)
sys.exit(0 if as_said and agrees else "this has changed")
PY
