#!/usr/bin/env bash
# torch 2.13.0, CPU, two threads: the gradient of table[tokens] is summed in another order each
# time, so the same inputs give other bits from call to call; F.embedding(tokens, table), the same
# function, gives the same bits each time. A vector quantiser written with table[tokens] does not
# repeat itself, whatever the seed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet torch==2.13.0 numpy==2.4.6
cat > "$folder/repeat.py" <<'PY'
import sys

import torch
import torch.nn.functional as F

torch.set_num_threads(2)
torch.manual_seed(0)
table = torch.randn(875, 16, requires_grad=True)
tokens, wanted = torch.randint(875, (64, 8, 8)), torch.randn(64, 8, 8, 16)


def others(look_up):
    """How many of 20 gradients differ from the first."""
    found = []
    for _ in range(21):
        table.grad = None
        look_up().backward(wanted)
        found.append(table.grad.clone())
    return sum(not torch.equal(found[0], gradient) for gradient in found[1:])


assert torch.equal(table[tokens], F.embedding(tokens, table))
indexed = others(lambda: table[tokens])
embedded = others(lambda: F.embedding(tokens, table))
print(f"seen: of 20 repetitions {indexed} differ with table[tokens], {embedded} with F.embedding")
if not indexed or embedded:
    sys.exit("this has changed")
PY
"$folder/venv/bin/python" "$folder/repeat.py"
