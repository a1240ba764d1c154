#!/usr/bin/env bash
# torch 2.13.0: a network that was moved to channels last, as torch's own guide advises for speed,
# cannot be optimised by torch.optim.LBFGS, nor flattened by torch.nn.utils.parameters_to_vector:
# both ask for a view of each tensor as one line, which a 4-D tensor with channels last has not.
# SGD and Adam take the same network. What helps: contiguous weights, or a contiguous copy of a
# picture that is to be the variable, before the optimiser is made.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet torch==2.13.0 numpy==2.4.6
cat > "$folder/step.py" <<'PY'
import sys

import torch

OPTIMISERS = {
    "SGD": lambda p: torch.optim.SGD(p, lr=0.01),
    "Adam": lambda p: torch.optim.Adam(p),
    "LBFGS": lambda p: torch.optim.LBFGS(p),
}
x = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))


def outcome(attempt):
    try:
        attempt()
    except RuntimeError as error:
        return str(error).split(" (")[0]
    return "works"


def stepped(make, order):
    net = torch.nn.Conv2d(3, 4, 3).to(memory_format=order)

    def closure():
        net.zero_grad()
        loss = net(x).square().mean()
        loss.backward()
        return loss

    opt = make(list(net.parameters()))
    return outcome(lambda: opt.step(closure))


seen = {}
for name, make in OPTIMISERS.items():
    seen[name] = stepped(make, torch.channels_last)
net = torch.nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last)
vector = torch.nn.utils.parameters_to_vector
seen["parameters_to_vector"] = outcome(lambda: vector(net.parameters()))
seen["LBFGS, contiguous"] = stepped(OPTIMISERS["LBFGS"], torch.contiguous_format)
print(f"seen: torch {torch.__version__}, a convolution with channels last:")
for name, what in seen.items():
    print(f"      {name}: {what}")
wrong = "view size is not compatible with input tensor's size and stride"
expected = {name: "works" for name in ("SGD", "Adam", "LBFGS, contiguous")}
expected |= {"LBFGS": wrong, "parameters_to_vector": wrong}
sys.exit(0 if seen == expected else "this has changed")
PY
"$folder/venv/bin/python" "$folder/step.py"
