#!/usr/bin/env bash
# torch 2.13.0: torch.optim.Muon makes its matrices orthogonal in bfloat16, whatever the weights are
# and on every device: a float64 weight's step is right to about two digits. On a CPU without
# instructions for bfloat16 those products are emulated. The printed times are of one step for 20
# matrices of 80 x 720, by torch, and of the same polynomial in float32.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet torch==2.13.0 numpy==2.4.6
cat > "$folder/step.py" <<'PY'
import sys
import time

import torch

A, B, C = 3.4445, -4.7750, 2.0315


def polynomial(g):
    x = g / g.norm()
    for _ in range(5):
        gram = x @ x.T
        x = A * x + (B * gram + C * gram @ gram) @ x
    return x


def stepped(gradient):
    """What one step with the rate 1 takes away, over its own scale."""
    weight = torch.nn.Parameter(torch.zeros_like(gradient))
    weight.grad = gradient.clone()
    opt = torch.optim.Muon([weight], lr=1.0, weight_decay=0.0, momentum=0.0, nesterov=False)
    opt.step()
    return -weight.detach()


g = torch.randn(40, 90, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
exact, theirs = polynomial(g), stepped(g)
theirs = theirs * (exact * theirs).sum() / theirs.square().sum()  # torch's scale of the rate
far = ((theirs - exact).norm() / exact.norm()).item()

many = [torch.nn.Parameter(torch.randn(80, 720)) for _ in range(20)]
for weight in many:
    weight.grad = torch.randn_like(weight)
opt = torch.optim.Muon(many, lr=1e-3)
took = {}
for name, step in (
    ("torch", opt.step),
    ("float32", lambda: [polynomial(weight.grad) for weight in many]),
):
    step()
    began = time.perf_counter()
    step()
    took[name] = round(1_000 * (time.perf_counter() - began), 1)
print(f"seen: torch {torch.__version__}: a float64 step is {far:.4f} off")
print(f"      ms for 20 matrices: {took}")
sys.exit(0 if 1e-3 < far < 0.1 else "this has changed")
PY
"$folder/venv/bin/python" "$folder/step.py"
