#!/usr/bin/env bash
# torch 2.13.0, CPU: the deviation of each channel, x.std(dim=(2, 3)), as AdaIN and instance norm
# need it, takes several times as long as a mean and the mean of the squared rest, written out, which
# is as exact (var, var_mean and std_mean are as slow: they go over the numbers one by one). And
# instance_norm takes several times as long as group_norm with a group for each channel, which is
# the same. Ratios of one thread, the least of 30 runs of each, taken in turn.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet torch==2.13.0 numpy==2.4.6
cat > "$folder/time.py" <<'PY'
import sys
import time

import torch
import torch.nn.functional as F

torch.set_num_threads(1)
torch.set_grad_enabled(False)
x = torch.randn(1, 64, 128, 128, generator=torch.Generator().manual_seed(0)) * 3 + 5


def written_out(x):
    rest = x - x.mean(dim=(2, 3), keepdim=True)
    return rest.square().mean(dim=(2, 3)).sqrt()


PAIRS = {
    "std": (lambda x: x.std(dim=(2, 3), correction=0), written_out),
    "instance_norm": (F.instance_norm, lambda x: F.group_norm(x, x.shape[1])),
}
exact = x.double()
ratios, apart = {}, {}
for name, (slow, quick) in PAIRS.items():
    least = [float("inf")] * 2
    for _ in range(30):
        for k, function in enumerate((slow, quick)):
            began = time.perf_counter()
            function(x)
            least[k] = min(least[k], time.perf_counter() - began)
    ratios[name] = least[0] / least[1]
    true = slow(exact)
    apart[name] = [(function(x) - true).abs().max().item() for function in (slow, quick)]
print(f"seen: torch {torch.__version__}, {list(x.shape)}, one thread:")
for name, ratio in ratios.items():
    errors = " and ".join(f"{error:.0e}" for error in apart[name])
    print(f"      {name} takes {ratio:.1f} times as long; errors {errors}")
same = all(error < 1e-4 for errors in apart.values() for error in errors)
sys.exit(0 if same and min(ratios.values()) > 1.5 else "this has changed")
PY
"$folder/venv/bin/python" "$folder/time.py"
