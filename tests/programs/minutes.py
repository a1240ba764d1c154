"""A training by the clock, in which the second process is always a little late."""

import time

import torch
from launch import deadly
from torch import nn

from genimg_lib.training import start

run = start("minutes")
net = nn.Linear(2, 1)
opt = torch.optim.SGD(net.parameters(), lr=0.1)
progress = []
for x in deadly(run.train(run.batches(torch.ones(8, 2), 2), minutes=1 / 60, net=net, opt=opt)):
    loss = net(x).square().mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    progress.append(run.progress)
    time.sleep(0.05 * run.state.process_index)
torch.save(progress, run.folder / f"rank_{run.state.process_index}.pt")
