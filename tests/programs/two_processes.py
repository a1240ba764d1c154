"""What several processes share and what they do not.

Every process writes what it saw and what it has in the end to its own file.
"""

import os

import torch
from launch import deadly
from torch import nn

from genimg_lib import plots
from genimg_lib.training import start

run = start("two_processes", steps=int(os.environ.get("STEPS", 12)))
rank = run.state.process_index
images = torch.arange(48.0)[:, None].expand(-1, 6) / 48
net = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.Dropout(0.2), nn.Linear(8, 6))
nn.init.constant_(net[0].bias, rank)  # weights that differ at first
opt = torch.optim.Adam(net.parameters(), lr=1e-2)
seen, noise = [], []
for x in deadly(
    run.train(
        run.batches(images, 4),
        run.steps,
        ema="net",
        ema_decay=0.5,
        checkpoint_every=3,
        net=net,
        opt=opt,
    )
):
    seen += (x[:, 0] * 48).round().int().tolist()
    noise.append(torch.randn(()).item())
    loss = (net(x + 0.1 * noise[-1]) - x).square().mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    run.log(loss=loss, rank=rank)
run.report(loss=run.history["loss"][-1])
fig, axis = plots.figure()
axis.plot(run.history["loss"])
plots.show(fig, alt="The loss.")
mine = {
    "seen": seen,
    "noise": noise,
    "ranks": run.history["rank"],
    "net": net.state_dict(),
    "ema": run.ema["net"].state_dict(),
}
torch.save(mine, run.folder / f"rank_{rank}.pt")
