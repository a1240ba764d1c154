"""A linear model under SGD, twelve images a step however many processes share them."""

import torch
from launch import deadly
from torch import nn

from genimg_lib.training import start

run = start("linear", steps=10)
x = torch.linspace(-1, 1, 48 * 5, dtype=torch.float64).view(48, 5).sin()
y = x @ torch.arange(5.0, dtype=torch.float64)[:, None]
torch.manual_seed(3)
net = nn.Linear(5, 1).double()
opt = torch.optim.SGD(net.parameters(), lr=0.1)
for a, b in deadly(
    run.train(run.batches((x, y), 12 // run.processes), run.steps, net=net, opt=opt)
):
    loss = (net(a) - b).square().mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    run.log(loss=loss)
run.report(losses=run.history["loss"])
