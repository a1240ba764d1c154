"""The accuracy of the course's conditional GAN after a given time.

    genimg bench conditional_gan [--data portraits] [--minutes 5] [--seed 0] [--store]

The recipe is the hinge one of genimg_lib/recipes/gan.py. The conditions are all ten categorical
factors of portraits, the class of Fashion-MNIST. Accuracy is the share of images in which the
evaluator reads the condition; beside it the share on real images, which a generator may exceed:
it draws what the evaluator reads best. --store keeps the figures in data/results.
"""

import argparse

import torch.nn.functional as F

from genimg_lib import data, metrics, results
from genimg_lib.data import portraits
from genimg_lib.recipes import gan as gan_recipes
from genimg_lib.training import start


def load(name, split, n=None, seed=0):
    """(images, conditions [N, K], what the evaluator should read)."""
    s = data.load(name, split, n=n, seed=seed)
    if name == "portraits":
        return (
            s.images,
            portraits.one_hot(s.factors),
            {k: s.factors[k] for k in portraits.CATEGORICAL},
        )
    return s.images, F.one_hot(s.labels, len(s.names)).float(), {"label": s.labels}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", default="portraits", help="portraits or fashion_mnist")
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--images", type=int, default=5_000, help="to judge by")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--store", action="store_true")
    args = parser.parse_args()
    run = start(
        f"bench_conditional_gan_{args.data}",
        seed=args.seed,
        minutes=args.minutes,
        **gan_recipes.RECIPES["hinge"],
    )
    images, conditions, _ = load(args.data, "train")
    G = gan_recipes.train(run, images, args.minutes, conditions=conditions, kind="hinge")
    real, conditions, wanted = load(args.data, "test", args.images, seed=3)
    evaluator = metrics.Evaluator(args.data)
    made = gan_recipes.sample(G, len(conditions), conditions)
    made_right, real_right = (metrics.agreement(evaluator.read(x), wanted) for x in (made, real))
    found = {f"accuracy_{name}": share for name, share in made_right.items()} | {
        f"real_accuracy_{name}": share for name, share in real_right.items()
    }
    found |= {
        key: value for key, value in evaluator.report(made).items() if not key.startswith("kid")
    }
    run.report(steps=run.history["step"][-1] + 1, **found)
    if args.store:
        results.keep_benchmark(
            run, run.name, f"benchmarks/conditional_gan.py, {args.data}", args.minutes
        )


if __name__ == "__main__":
    main()
