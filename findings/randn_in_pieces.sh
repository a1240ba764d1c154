#!/usr/bin/env bash
# torch 2.13.0 on a CPU: the same seed gives other normal numbers when they are drawn in pieces,
# unless each piece is a multiple of 16 long; and drawn as float64 and cast, they are not those of
# float32 from 16 numbers on. So "the same noise, in batches" holds for some batch sizes only.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet torch==2.13.0 numpy==2.4.6
cat > "$folder/draw.py" <<'PY'
import sys

import torch


def drawn(pieces, dtype=torch.float32):
    torch.manual_seed(0)
    return torch.cat([torch.randn(n, dtype=dtype) for n in pieces]).float()


same = {
    "32 + 32": torch.equal(drawn([64]), drawn([32, 32])),
    "40 + 24": torch.equal(drawn([64]), drawn([40, 24])),
    "float64, 15": torch.allclose(drawn([15]), drawn([15], torch.float64), atol=1e-5),
    "float64, 16": torch.allclose(drawn([16]), drawn([16], torch.float64), atol=1e-5),
}
print(f"seen: torch {torch.__version__}: equal to one draw in float32: {same}")
sys.exit(0 if list(same.values()) == [True, False, True, False] else "this has changed")
PY
"$folder/venv/bin/python" "$folder/draw.py"
