#!/usr/bin/env bash
# torchcfm 1.0.7, OTPlanSampler("exact").sample_plan on a batch of 256: more than a third of the
# batch is not used, and torch.manual_seed does not repeat the pairs.
#
# Between two batches of one size the exact plan is a permutation: each noise has one partner. But
# pairs are drawn from the plan with replacement, as many as the batch has, by numpy's global
# generator: about 1 - 1/e = 63 % of the data come, some of them several times, and who seeds torch
# alone gets other pairs each time. One would expect that a permutation is applied as it is, and
# that a library of torch draws with torch's generator. Pairs by scipy's linear_sum_assignment use
# every point once and draw nothing.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q torch==2.13.0 numpy==2.4.6 scipy==1.16.3 POT==0.9.6
"$work/venv/bin/pip" install -q --no-deps torchcfm==1.0.7
"$work/venv/bin/python" - <<'PY'
import importlib.metadata
import importlib.util
import sys
import types

# the package's own __init__ also imports models that need further libraries
spec = importlib.util.find_spec("torchcfm")
package = types.ModuleType("torchcfm")
package.__path__ = list(spec.submodule_search_locations)
sys.modules["torchcfm"] = package

import torch
from torchcfm.optimal_transport import OTPlanSampler

g = torch.Generator().manual_seed(0)
noise, data = torch.randn(256, 2, generator=g), torch.randn(256, 2, generator=g) + 3
sampler = OTPlanSampler("exact")
plan = torch.as_tensor(sampler.get_map(noise, data))
permutation = bool(((plan > 1e-6).sum(dim=0) == 1).all() and ((plan > 1e-6).sum(dim=1) == 1).all())
found = []
for _ in range(2):
    torch.manual_seed(0)
    _, paired = sampler.sample_plan(noise, data)
    found.append(paired)
used = len(found[0].unique(dim=0)) / 256
same = torch.equal(*found)
print(f"seen: torchcfm {importlib.metadata.version('torchcfm')}: the plan is a permutation: "
      f"{permutation}; data used in a batch: {used:.0%}; same seed of torch, same pairs: {same}")
sys.exit(0 if permutation and 0.55 < used < 0.7 and not same else "this has changed")
PY
