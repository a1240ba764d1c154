"""Train a generator that comes with the course and write data/weights/NAME.safetensors, with its results beside it.

    python data/weights/make_gan.py gan_portraits | stable_gan_portraits | conditional_gan_portraits [--minutes 10] [--train 30000] [--size 32] [--change width=32 ...] [--out FOLDER]

The rounds of notebooks 22 (hinge, spectral norm), 23 (relativistic, R1) and 24 (hinge, with orders), for longer. Other sizes add it to the name.
"""

import argparse
import json
from pathlib import Path

from safetensors.torch import save

from genimg_lib import data, games, metrics
from genimg_lib.checkpoints import write_atomically
from genimg_lib.data import portraits
from genimg_lib.gan import Generator
from genimg_lib.training import describe, start

KINDS = {"gan_portraits": "hinge", "stable_gan_portraits": "relativistic", "conditional_gan_portraits": "hinge"}


def judge(made, factors):
    """The figures of 32x32 portraits."""
    evaluator = metrics.Evaluator("portraits")
    read = evaluator.read(made)
    variation, produced = metrics.coverage(read)
    found = evaluator.report(made) | {"worst_variation": max(variation.values()), "values_produced": produced}
    if factors is not None:
        found |= {f"obeyed_{name}": share for name, share in metrics.agreement(read, {k: factors[k] for k in portraits.CATEGORICAL}).items()}
    return {key: round(value, 4) for key, value in found.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=KINDS)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument(
        "--train", type=int, default=30_000, help="images to learn from: more for longer trainings, so that D does not learn them by heart"
    )
    parser.add_argument("--size", type=int, default=32)
    parser.add_argument(
        "--change", nargs="*", default=[], metavar="NAME=NUMBER", help="entries of the recipe (genimg_lib/games.py), such as width=32"
    )
    parser.add_argument("--images", type=int, default=5_000, help="to judge by")
    parser.add_argument("--out", type=Path, default=data.fetch.shipped() / "weights")
    args = parser.parse_args()
    kind = KINDS[args.name]
    changes = {entry: json.loads(number) for entry, number in (change.split("=") for change in args.change)}
    name = args.name if args.size == 32 else f"{args.name}_{args.size}"
    run = start(name, precision="auto", minutes=args.minutes)
    train = data.load("portraits", n=args.train, size=args.size)
    obeys = args.name.startswith("conditional")
    conditions = portraits.one_hot(train.factors) if obeys else None
    G = games.train(run, train.images, args.minutes, conditions=conditions, kind=kind, **changes)
    recipe = games.RECIPES[kind] | changes

    weights = {k: (v.half() if v.is_floating_point() else v).cpu().contiguous() for k, v in G.state_dict().items()}
    shape = {"size": args.size, "channels": 3, "latent": G.latent, "width": recipe["width"], "conditions": G.conditions}
    stored = Generator(**shape)  # measured as it is stored
    stored.load_state_dict({k: v.float() if v.is_floating_point() else v for k, v in weights.items()})
    facts = {
        "data": f"portraits, {args.train:,} at {args.size}x{args.size}", "kind": kind, "changes": changes, "network": shape, "steps": run.history["step"][-1] + 1, "batch": recipe["batch"], "seed": run.seed,
        "minutes": args.minutes, "device": describe(run.device), "parameters": sum(p.numel() for p in stored.parameters()),
    }  # fmt: skip
    if args.size == 32:
        orders = data.load("portraits", "test", n=args.images, seed=3).factors if obeys else None
        made = games.draw(stored.eval(), args.images, portraits.one_hot(orders) if obeys else None)
        facts |= judge(made, orders)
    args.out.mkdir(parents=True, exist_ok=True)
    write_atomically(args.out / f"{name}.safetensors", save(weights))
    write_atomically(args.out / f"{name}.json", (json.dumps(facts, indent=2) + "\n").encode())
    print(json.dumps(facts, indent=2))


if __name__ == "__main__":
    main()
