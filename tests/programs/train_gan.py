"""A GAN on tiny portraits: two optimisers, batch norm, a noise source, streamed images."""

import os

import torch
import torch.nn.functional as F
from launch import deadly
from torch import nn

from genimg_lib import data
from genimg_lib.training import start


class Streamed(torch.utils.data.Dataset):
    def __init__(self, images):
        self.images = images

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        return self.images[i]


run = start("train_gan", steps=int(os.environ.get("STEPS", 30)), batch=16)
batches = run.batches(Streamed(data.load("portraits", n=100, size=8).images), run.batch)
G = nn.Sequential(
    nn.Linear(4, 32),
    nn.BatchNorm1d(32),
    nn.ReLU(),
    nn.Linear(32, 192),
    nn.Tanh(),
    nn.Unflatten(1, (3, 8, 8)),
)
D = nn.Sequential(
    nn.Flatten(), nn.Linear(192, 32), nn.LeakyReLU(0.2), nn.Dropout(0.3), nn.Linear(32, 1)
)
opt_g, opt_d = (
    torch.optim.Adam(G.parameters(), lr=2e-3, betas=(0.5, 0.9)),
    torch.optim.RMSprop(D.parameters(), lr=1e-3),
)
noise = torch.Generator().manual_seed(run.seed)


def dream():
    return run.ema["G"](torch.randn(4, 4))


for x in deadly(
    run.train(
        batches,
        run.steps,
        ema="G",
        preview=dream,
        preview_every=20,
        checkpoint_every=5,
        G=G,
        D=D,
        opt_g=opt_g,
        opt_d=opt_d,
        noise=noise,
    )
):
    fake = G(torch.randn(len(x), 4, generator=noise))
    loss_d = F.softplus(D(fake.detach())).mean() + F.softplus(-D(x)).mean()
    opt_d.zero_grad()
    loss_d.backward()
    opt_d.step()
    loss_g = F.softplus(-D(fake)).mean()
    opt_g.zero_grad()
    loss_g.backward()
    opt_g.step()
    run.log(loss_d=loss_d, loss_g=loss_g)
run.report(logged=run.history["step"], losses=run.history["loss_g"])
