"""Train the network of notebook 00 for longer and write data/weights/first_generator.safetensors, with its results beside it.

    python data/weights/make_first_generator.py [--steps N] [--batch N] [--out FOLDER]

The same network, loss and data as in the notebook; more steps and more portraits.
"""

import argparse
import json
from pathlib import Path

import torch
from safetensors.torch import save_file

from genimg_lib import data, diffusion
from genimg_lib.metrics import Evaluator
from genimg_lib.pretrained import FIRST_GENERATOR
from genimg_lib.training import describe, start
from genimg_lib.unet import PatchUNet


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=10_000)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--out", type=Path, default=data.fetch.shipped() / "weights")
    args = parser.parse_args()
    run = start("first_generator", precision="auto", steps=args.steps, batch=args.batch)
    net = PatchUNet(**FIRST_GENERATOR).to(run.device)
    opt = torch.optim.AdamW(net.parameters(), lr=2e-3, betas=(0.9, 0.99), fused=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(opt, lambda k: min(1, (k + 1) / 100) * max(0.01, min(1, 2 * (1 - k / args.steps))))
    train = data.load("portraits", n=30_000)
    for x in run.train(run.batches(train, args.batch), args.steps, ema="net", ema_decay=0.999, net=net, opt=opt, schedule=schedule):
        with run.autocast():
            loss = diffusion.flow_matching_loss(net, x, torch.randn_like(x), diffusion.image_times(len(x), x.device))
        opt.zero_grad()
        loss.backward()
        opt.step()
        schedule.step()
        run.log(loss=loss)
    minutes = run._seconds["train"] / 60

    weights = {k: v.half().cpu().contiguous() for k, v in run.ema["net"].state_dict().items()}
    net.load_state_dict({k: v.float() for k, v in weights.items()})  # measured as they are stored
    evaluator, n = Evaluator("portraits"), 2_000
    noise = torch.randn(n, 3, 32, 32, generator=torch.Generator().manual_seed(1)).to(run.device)
    with torch.no_grad(), run.autocast():
        images = torch.cat([diffusion.flow_sample(net, part).float().cpu() for part in noise.split(250)])
    report = {k: round(v, 4) for k, v in evaluator.report(images).items()}
    facts = {
        "data": "portraits, 30,000 at 32x32", "steps": args.steps, "batch": args.batch, "seed": run.seed, "minutes": round(minutes, 1), "device": describe(run.device),
        "parameters": sum(p.numel() for p in net.parameters()), "sampler": "Heun, 24 steps", **report,
    }  # fmt: skip
    args.out.mkdir(parents=True, exist_ok=True)
    save_file(weights, args.out / "first_generator.safetensors")
    (args.out / "first_generator.json").write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(facts, indent=2))


if __name__ == "__main__":
    main()
