#!/usr/bin/env bash
# torch 2.13.0: a sentence of which nothing may be looked at, told to nn.MultiheadAttention, comes
# out as NaN or as the output layer's bias, and what decides is whether the weights are asked for.
#
# Expected from memory: that need_weights changes what is returned beside the result, not the
# result; and that a softmax over nothing is NaN either way.
# Seen: with need_weights=True (the default) all outputs of that sentence are NaN; with
# need_weights=False, where scaled_dot_product_attention does the work, a row without a key gives
# zeros, so the output is the bias of the last layer. The other sentence of the batch is the same
# both times. scaled_dot_product_attention gives zeros for a mask of False and for one of -inf.
#
# A captionless image, or classifier-free guidance whose "no text" is a row of padding, meets this.
# What to do: keep one token that is always there, and let it be learned.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet torch==2.13.0 numpy==2.4.6
cat > "$folder/look.py" <<'PYTHON'
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(0)
layer = nn.MultiheadAttention(4, 1, batch_first=True).eval()
nn.init.constant_(layer.out_proj.bias, 0.5)
x = torch.randn(2, 3, 4)
padding = torch.tensor([[False, True, True], [True, True, True]])  # the second says nothing
with torch.no_grad():
    asked, _ = layer(x, x, x, key_padding_mask=padding)
    unasked, _ = layer(x, x, x, key_padding_mask=padding, need_weights=False)
print("seen: torch", torch.__version__)
print("seen: need_weights=True, nothing to look at: ", asked[1, 0].tolist())
print("seen: need_weights=False, nothing to look at:", unasked[1, 0].tolist())
assert torch.allclose(asked[0], unasked[0], atol=1e-6)
assert asked[1].isnan().all()
assert torch.equal(unasked[1], torch.full((3, 4), 0.5))

q, k, v = (torch.randn(1, 1, n, 4) for n in (1, 3, 3))
for mask in (torch.zeros(1, 3, dtype=torch.bool), torch.full((1, 3), -torch.inf)):
    found = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    print("seen: scaled_dot_product_attention,", mask.dtype, "mask:", found.flatten().tolist())
    assert (found == 0).all()
PYTHON
"$folder/venv/bin/python" "$folder/look.py"
