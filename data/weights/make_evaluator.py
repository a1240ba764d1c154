"""Train an evaluator and write data/weights/evaluator_NAME.safetensors with its reference statistics, and its results beside it.

    python data/weights/make_evaluator.py portraits | fashion_mnist [--steps N] [--out FOLDER]

Portraits: every batch is drawn afresh, so the network never sees a face twice. Fashion-MNIST: the 60,000 training images, moved by up to a pixel.
A little noise of random strength makes the networks forgiving towards generated images.
"""

import argparse
import json
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

from genimg_lib import data
from genimg_lib.data import portraits
from genimg_lib.metrics import SPECS, EvaluatorNet, agreement


def batches(name, n, steps, seed):
    """(x in [-1, 1], targets {head: [n]}) for ever."""
    g = torch.Generator().manual_seed(seed)
    train = None if name == "portraits" else data.load(name)
    for step in range(steps):
        if train is None:
            images, targets = portraits.render(n, SPECS[name]["size"], seed=10_000_000 + step)  # far from the seeds of load()
        else:
            i = torch.randint(len(train), (n,), generator=g)
            dx, dy = torch.randint(-1, 2, (2,), generator=g).tolist()
            images, targets = train.images[i].roll((dy, dx), dims=(2, 3)), {"label": train.labels[i]}
        x = data.to_float(images)
        yield (x + 0.1 * torch.rand(n, 1, 1, 1, generator=g) * torch.randn(x.shape, generator=g)).clamp(-1, 1), targets


def loss_of(outputs, targets):
    loss = 0.0
    for head, out in outputs.items():
        if head in portraits.CONTINUOUS:
            loss = loss + 4 * F.mse_loss(out[:, 0].float(), targets[head])
        else:
            loss = loss + F.cross_entropy(out.float(), targets[head], label_smoothing=0.02)
    return loss


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=SPECS)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--out", type=Path, default=data.fetch.shipped() / "weights")
    args = parser.parse_args()
    steps, batch, seed = args.steps or {"portraits": 4_500, "fashion_mnist": 4_000}[args.name], 128, 0
    torch.manual_seed(seed)
    net = EvaluatorNet(**SPECS[args.name])
    opt = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=0.02, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(opt, max_lr=4e-3, total_steps=steps, pct_start=0.1)
    started = time.perf_counter()
    for step, (x, targets) in enumerate(batches(args.name, batch, steps, seed)):
        with torch.autocast("cpu", torch.bfloat16):
            loss = loss_of(net(x), targets)
        opt.zero_grad()
        loss.backward()
        opt.step()
        schedule.step()
        if step % 250 == 0 or step == steps - 1:
            print(f"step {step:5d}  loss {loss.item():.3f}  {time.perf_counter() - started:5.0f} s", flush=True)
    minutes = (time.perf_counter() - started) / 60

    net.eval()
    weights = {k: v.half() for k, v in net.state_dict().items() if v.is_floating_point()}
    net.load_state_dict({k: v.float() for k, v in weights.items()}, strict=False)  # measured as they are stored
    with torch.no_grad():
        train, test = data.load(args.name, n=20_000, seed=99), data.load(args.name, "test", n=10_000, seed=98)
        features = torch.cat([net.features(data.to_float(x)) for x in train.images.split(500)]).double()
        outputs = [net(data.to_float(x)) for x in test.images.split(500)]
    read = {h: torch.cat([o[h] for o in outputs]) for h in net.heads}
    read = {h: v[:, 0].clamp(-1, 1) if h in portraits.CONTINUOUS else v.argmax(dim=1) for h, v in read.items()}
    right = agreement(read, test.factors or {"label": test.labels})
    facts = {
        "data": args.name, "steps": steps, "batch": batch, "seed": seed, "minutes": round(minutes, 2), "device": "cpu, 2 threads",
        "parameters": sum(p.numel() for p in net.parameters()), "test_images": len(test), "reference_images": len(train),
        "accuracy": round(sum(right.values()) / len(right), 4), "accuracy_by_head": {k: round(v, 4) for k, v in right.items()},
    }  # fmt: skip
    weights |= {"reference.mu": features.mean(dim=0).float(), "reference.cov": features.T.cov().float()}
    args.out.mkdir(parents=True, exist_ok=True)
    save_file(weights, args.out / f"evaluator_{args.name}.safetensors", {"facts": json.dumps(facts)})
    (args.out / f"evaluator_{args.name}.json").write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(facts, indent=2))


if __name__ == "__main__":
    main()
