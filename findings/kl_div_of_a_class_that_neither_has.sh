#!/usr/bin/env bash
# torch 2.13.0, scipy 1.17.1: two distributions that both give a class the probability 0, as a class
# that is masked out by a logit of minus infinity. The divergence is that of the other classes, since
# 0 log 0 counts as 0. torch.distributions.kl_divergence and scipy.special.rel_entr say so; F.kl_div
# gives NaN, and so does F.cross_entropy with probabilities as targets. Their gradient by the logits
# is finite and right all the same: a training goes on as it should while its log shows NaN, and a
# guard that stops at a NaN loss stops it for nothing. With log_target=True F.kl_div gives NaN
# wherever the target alone has a 0, although without it the same divergence is finite. What helps:
# torch.xlogy(p, p) - torch.xlogy(p, q), or leaving masked classes out of the sum.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet torch==2.13.0 numpy==2.4.6 scipy==1.17.1
cat > "$folder/kl.py" <<'PY'
import sys

import scipy.special
import torch
import torch.nn.functional as F
from torch.distributions import Categorical, kl_divergence


def every_way(p, q):
    return {
        "F.kl_div": F.kl_div(q.log(), p, reduction="sum"),
        "F.kl_div, log_target": F.kl_div(q.log(), p.log(), reduction="sum", log_target=True),
        "torch.distributions": kl_divergence(Categorical(probs=p), Categorical(probs=q)),
        "scipy.special.rel_entr": scipy.special.rel_entr(p.numpy(), q.numpy()).sum(),
        "xlogy(p, p) - xlogy(p, q)": (torch.xlogy(p, p) - torch.xlogy(p, q)).sum(),
    }


p = torch.tensor([0.5, 0.5, 0.0])
neither = every_way(p, torch.tensor([0.9, 0.1, 0.0]))
target = every_way(p, torch.tensor([0.4, 0.4, 0.2]))
found = {name: [round(float(way[name]), 4) for way in (neither, target)] for name in neither}
for name, values in found.items():
    print(f"seen: {name}: a class that neither has {values[0]}, one that p has not {values[1]}")

losses, gradients = {}, {}
for name, loss_of in (
    ("F.kl_div", lambda logits: F.kl_div(F.log_softmax(logits, 0), p, reduction="sum")),
    ("F.cross_entropy", lambda logits: F.cross_entropy(logits[None], p[None])),
):
    logits = torch.tensor([1.0, 2.0, -torch.inf], requires_grad=True)
    loss = loss_of(logits)
    loss.backward()
    losses[name], gradients[name] = loss.item(), logits.grad
    print(f"seen: {name} with a masked class: loss {loss.item()}, gradient {logits.grad.tolist()}")

nan = [{name for name, values in found.items() if values[k] != values[k]} for k in (0, 1)]
wanted = torch.softmax(torch.tensor([1.0, 2.0, -torch.inf]), 0) - p
sys.exit(
    not (
        nan == [{"F.kl_div", "F.kl_div, log_target"}, {"F.kl_div, log_target"}]
        and all(values[0] == 0.5108 for name, values in found.items() if name not in nan[0])
        and all(values[1] == 0.2231 for name, values in found.items() if name not in nan[1])
        and all(loss != loss for loss in losses.values())
        and all(torch.allclose(g, wanted, atol=1e-6) for g in gradients.values())
    )
)
PY
OMP_NUM_THREADS=1 "$folder/venv/bin/python" "$folder/kl.py"
