#!/usr/bin/env bash
# torch 2.13.0, DistributedDataParallel with its defaults, two processes on a CPU (gloo).
# A discriminator's step written as two forward passes, then a backward for each loss, is averaged
# wrongly without a word: each process ends with other weights. The same losses summed, with one
# backward, are averaged rightly. GAN code is often written in the first way.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet torch==2.13.0 numpy==2.4.6
cat > "$folder/step.py" <<'PY'
import os
import sys

import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

distributed.init_process_group("gloo")
rank = distributed.get_rank()
ends = {}
for way in ("summed", "apart"):
    torch.manual_seed(0)
    net = nn.Linear(4, 1)
    wrapped = DistributedDataParallel(net)
    opt = torch.optim.SGD(net.parameters(), lr=0.1)
    g = torch.Generator().manual_seed(rank)
    for _ in range(3):
        real, fake = torch.randn(2, 8, 4, generator=g)
        losses = nn.functional.softplus(-wrapped(real)).mean(), nn.functional.softplus(wrapped(fake)).mean()
        opt.zero_grad()
        for loss in [sum(losses)] if way == "summed" else losses:
            loss.backward()
        opt.step()
    both = [torch.zeros_like(net.weight) for _ in range(2)]
    distributed.all_gather(both, net.weight.detach())
    ends[way] = (both[0] - both[1]).abs().max().item()
if rank == 0:
    print(f"seen: torch {torch.__version__}; weights of two processes apart by at most")
    print(f"seen: {ends['summed']:.1e} with the losses summed, {ends['apart']:.1e} with a backward for each")
    sys.stdout.flush()
    if ends["summed"] != 0 or ends["apart"] < 1e-3:
        print("this has changed")
        os._exit(1)
distributed.barrier()
distributed.destroy_process_group()
PY
OMP_NUM_THREADS=1 "$folder/venv/bin/python" -m torch.distributed.run --nproc_per_node=2 --master_port="${PORT:-29611}" "$folder/step.py"
