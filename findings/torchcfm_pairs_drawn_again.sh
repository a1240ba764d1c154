#!/usr/bin/env bash
# torchcfm 1.0.7: OTPlanSampler.sample_plan draws its pairs from the exact plan with replacement.
# The plan of two batches of n points is a permutation, each point once; the pairs that come out
# leave more than a third of the points out and use others several times. They are drawn by numpy's
# global generator, so torch.manual_seed does not repeat them.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
pip=("$folder/venv/bin/python" -m pip install --quiet)
"${pip[@]}" torch==2.13.0 numpy==2.4.6 scipy==1.17.1 POT==0.9.6.post1
"${pip[@]}" --no-deps torchcfm==1.0.7
cat > "$folder/pairs.py" <<'PY'
import sys

import torch
from torchcfm.optimal_transport import OTPlanSampler

n, rows = 256, torch.arange(256.0)[:, None]
sampler = OTPlanSampler(method="exact")
g = torch.Generator().manual_seed(0)
left_out, most, same = [], [], []
for _ in range(5):
    x0, x1 = torch.randn(n, 2, generator=g), torch.randn(n, 2, generator=g)
    plan = sampler.get_map(x0, x1)
    permutation = ((plan > 0).sum(axis=0) == 1).all() and ((plan > 0).sum(axis=1) == 1).all()
    drawn = []
    for _ in range(2):
        torch.manual_seed(0)
        first, _ = sampler.sample_plan(x0, x1)
        drawn.append(first)
    counts = torch.unique(drawn[0], dim=0, return_counts=True)[1]
    left_out.append(1 - len(counts) / n)
    most.append(int(counts.max()))
    same.append(torch.equal(*drawn))
shares = [round(share, 2) for share in left_out]
print(f"seen: the plan is a permutation: {bool(permutation)}; left out {shares}, used most {most}")
print(f"      the same after torch.manual_seed(0): {same}")
fine = permutation and min(left_out) > 0.3 and min(most) >= 3 and not any(same)
sys.exit(0 if fine else "this has changed")
PY
"$folder/venv/bin/python" "$folder/pairs.py"
