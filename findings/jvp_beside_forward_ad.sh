#!/usr/bin/env bash
# torch 2.13.0 on a CPU: two ways to the same forward-mode derivative, and only one of them works.
# torch.func.jvp raises through a BatchNorm2d in training, whose counter of batches is stepped in
# place; forward_ad.dual_level gives the derivative, which agrees with a finite difference.
# And fused attention has no forward mode at all: scaled_dot_product_attention raises by its fused
# kernel and works by the math one, to which torch does not fall back by itself.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet torch==2.13.0 numpy==2.4.6
cat > "$folder/derivative.py" <<'PY'
import sys

import torch
import torch.autograd.forward_ad as fwd
import torch.nn.functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel


def by_func(f, x, v):
    return torch.func.jvp(f, (x,), (v,))[1]


def by_dual(f, x, v):
    with fwd.dual_level():
        return fwd.unpack_dual(f(fwd.make_dual(x, v))).tangent


def attention(x):
    return F.scaled_dot_product_attention(x, x, x)


def outcome(way, f, x, v):
    try:
        found = way(f, x, v)
    except (RuntimeError, NotImplementedError) as error:
        return type(error).__name__
    h = 1e-6
    return "right" if torch.allclose(found, (f(x + h * v) - f(x - h * v)) / (2 * h), atol=1e-6) else "wrong"


torch.manual_seed(0)
norm = torch.nn.BatchNorm2d(4).double().train()
images, tokens = torch.randn(2, 8, 4, 5, 5).double(), torch.randn(2, 2, 3, 6, 8).double()
seen = {
    "batch norm, func.jvp": outcome(by_func, norm, *images),
    "batch norm, dual_level": outcome(by_dual, norm, *images),
    "attention, func.jvp": outcome(by_func, attention, *tokens),
    "attention, dual_level": outcome(by_dual, attention, *tokens),
}
with sdpa_kernel(SDPBackend.MATH):
    seen["attention by the math kernel, func.jvp"] = outcome(by_func, attention, *tokens)
print(f"seen: torch {torch.__version__}: {seen}")
right = [name for name, what in seen.items() if what == "right"]
wanted = ["batch norm, dual_level", "attention by the math kernel, func.jvp"]
sys.exit(0 if right == wanted and "wrong" not in seen.values() else "this has changed")
PY
"$folder/venv/bin/python" "$folder/derivative.py"
