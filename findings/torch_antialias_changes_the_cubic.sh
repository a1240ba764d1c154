#!/usr/bin/env bash
# torch 2.13.0: F.interpolate(mode="bicubic", antialias=True) is another cubic, not only a wider one.
# Making an image LARGER needs no antialiasing, and yet the flag changes every pixel: without it the
# cubic has a = -0.75 (as OpenCV's), with it a = -0.5 (as Pillow's and MATLAB's). A bicubic baseline
# of super-resolution is one or the other, depending on a flag that should not matter there.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet torch==2.13.0 numpy==2.4.6 pillow==13.0.0
cat > "$folder/cubic.py" <<'PY'
import sys

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image


def keys(a):
    """One row, twice as long, by Keys' cubic with this a; far from the edges."""

    def weight(d):
        d = abs(d)
        if d < 1:
            return (a + 2) * d**3 - (a + 3) * d**2 + 1
        return a * (d**3 - 5 * d**2 + 8 * d - 4) if d < 2 else 0.0

    middles = [(k + 0.5) / 2 - 0.5 for k in range(2 * len(row))]
    return [sum(weight(m - j) * float(v) for j, v in enumerate(row)) for m in middles]


g = torch.Generator().manual_seed(0)
row = torch.rand(32, generator=g, dtype=torch.float64)
image = row.expand(1, 1, 8, 32)
inner = slice(16, 48)
seen = {}
for antialias in (False, True):
    large = F.interpolate(image, scale_factor=2, mode="bicubic", antialias=antialias)[0, 0, 8]
    far = {a: np.abs(large[inner].numpy() - np.array(keys(a))[inner]).max() for a in (-0.75, -0.5)}
    seen[antialias] = min(far, key=far.get) if min(far.values()) < 1e-6 else None
small = Image.fromarray(image[0, 0].float().numpy())
pillow = np.asarray(small.resize((64, 16), Image.Resampling.BICUBIC))[8, inner]
of_pillow = np.abs(pillow - np.array(keys(-0.5))[inner]).max() < 1e-6
print(f"seen: torch {torch.__version__}: a of antialias False and True {seen}; Pillow -0.5: {of_pillow}")
sys.exit(0 if seen == {False: -0.75, True: -0.5} and of_pillow else "this has changed")
PY
"$folder/venv/bin/python" "$folder/cubic.py"
