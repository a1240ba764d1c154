"""A VAE on tiny portraits: dropout, averaged weights, a schedule, a random preview."""

import itertools
import os

import torch
import torch.nn.functional as F
from launch import deadly

from genimg_lib import data, vae
from genimg_lib.training import start

run = start("train_vae", steps=int(os.environ.get("STEPS", 30)), batch=16)
batches = run.batches(data.load("portraits", n=100, size=8), run.batch)
encoder, decoder = (
    vae.Encoder(3 * 8 * 8, 4, hidden=(32,)),
    vae.GaussianDecoder((3, 8, 8), 4, hidden=(32,)),
)
opt = torch.optim.Adam(itertools.chain(encoder.parameters(), decoder.parameters()), lr=1e-2)
schedule = torch.optim.lr_scheduler.OneCycleLR(opt, max_lr=1e-2, total_steps=run.steps)


def dream():
    return decoder(torch.randn(4, 4)).mean


for x in deadly(
    run.train(
        batches,
        run.steps,
        ema=("encoder", "decoder"),
        preview=dream,
        preview_every=20,
        checkpoint_every=5,
        encoder=encoder,
        decoder=decoder,
        opt=opt,
        schedule=schedule,
    )
):
    loss = -vae.elbo(F.dropout(x, 0.2), encoder, decoder).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    schedule.step()
    run.log(loss=loss)
run.report(logged=run.history["step"], losses=run.history["loss"])
