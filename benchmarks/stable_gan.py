"""Losses and penalties compared: same networks, data and minutes, several seeds.

    genimg bench stable_gan [--minutes 1] [--seeds 3] [--store]

Every row has its own learning rate, the best of three, sought with a seed of its own in as many
minutes; else all share one recipe: one step of either player a round, Adam without momentum,
averaged weights. The papers of the Wasserstein rows take five steps of the critic, and with
clipping RMSProp and 0.01 instead of 0.03; the relativistic row has R1 without R2. Penalties are
computed at every fourth round, four times as heavy, but for the row that has its own at every
round. So the table says what a change of loss or penalty brings here, not what each paper's own
recipe would.

Every row plays on portraits of 32x32 with gan.Generator and gan.Discriminator. Beside the Fréchet
distance stand precision and recall, how many of the 864 combinations of hair style, hat, glasses,
beard and mouth occur among the samples, and how many rounds the minutes held. --store keeps means
and spreads in data/results.
"""

import argparse
import math
import statistics

import torch

from genimg_lib import data, gan, metrics, results
from genimg_lib.data import portraits
from genimg_lib.recipes import gan as gan_recipes
from genimg_lib.training import TrainingError, start

KINDS = ("hair", "hat", "glasses", "beard", "mouth")
ROWS = {  # name: (the losses, what holds the slope, its weight, at every how many rounds)
    "non-saturating, nothing": ("nonsaturating", None, 0.0, 0),
    "non-saturating, R1": ("nonsaturating", "r1", 1.0, 4),
    "hinge, nothing": ("hinge", None, 0.0, 0),
    "hinge, spectral norm": ("hinge", "spectral", 0.0, 0),
    "Wasserstein, clipping": ("wasserstein", "clip", 0.03, 1),
    "Wasserstein, lazy gradient penalty": ("wasserstein", "gp", 10.0, 4),
    "Wasserstein, gradient penalty": ("wasserstein", "gp", 10.0, 1),
    "relativistic, R1": ("relativistic", "r1", 1.0, 4),
}
RATES = (3e-4, 1e-3, 3e-3)
SEARCH_SEED = 100
LOSSES = {
    "nonsaturating": (gan.minimax_d_loss, lambda real, fake: gan.nonsaturating_g_loss(fake)),
    "hinge": (gan.hinge_d_loss, lambda real, fake: gan.hinge_g_loss(fake)),
    "wasserstein": (gan.wasserstein_d_loss, lambda real, fake: gan.wasserstein_g_loss(fake)),
    "relativistic": (gan.relativistic_d_loss, gan.relativistic_g_loss),
}


def train(run, images, name, minutes, lr):
    """The averaged generator of one row; None where its training broke down.

    A penalty at every k-th round is k times as heavy ("lazy", Karras et al. 2020,
    arXiv:1912.04958).
    """
    loss, holds, weight, every = ROWS[name]
    d_loss, g_loss = LOSSES[loss]
    torch.manual_seed(run.seed)
    G, D = (
        gan.Generator(width=run.width).to(run.device),
        gan.Discriminator(width=run.width, spectral=holds == "spectral").to(run.device),
    )
    opt_G, opt_D = (
        torch.optim.Adam(net.parameters(), lr=lr, betas=(0.0, 0.99), fused=True) for net in (G, D)
    )
    label = f"{name}_{lr:g}_{run.seed}".replace(", ", "_").replace(" ", "_")
    try:
        for x in run.train(
            run.batches(images, run.batch),
            minutes=minutes,
            label=label,
            ema="G",
            ema_decay=0.995,
            G=G,
            D=D,
            opt_G=opt_G,
            opt_D=opt_D,
        ):
            for opt in (opt_G, opt_D):
                opt.param_groups[0]["lr"] = lr * min(1.0, 2 * (1 - run.progress))
            fake = G(torch.randn(len(x), G.latent, device=run.device))
            a_real, a_fake = D(torch.cat([x, fake.detach()])).chunk(2)
            loss_D = d_loss(a_real, a_fake)
            is_due = every and len(run.history.get("step", [])) % every == 0
            if holds == "r1" and is_due:
                loss_D = loss_D + every * weight / 2 * gan.r1_penalty(D, x)
            if holds == "gp" and is_due:
                loss_D = loss_D + every * weight * gan.gradient_penalty(D, x, fake)
            opt_D.zero_grad(), loss_D.backward(), opt_D.step()
            if holds == "clip":
                with torch.no_grad():
                    for p in D.parameters():
                        p.clamp_(-weight, weight)
            D.requires_grad_(False)
            loss_G = g_loss(a_real.detach(), D(fake))
            opt_G.zero_grad(), loss_G.backward(), opt_G.step()
            D.requires_grad_(True)
            run.log(loss_D=loss_D, loss_G=loss_G)
    except TrainingError as error:
        print(f"{name}: {error}")
        return None
    return gan_recipes.settled(run.ema["G"])


def combinations(read):
    """How many different combinations of KINDS occur among read factors."""
    code = torch.zeros(len(read["hair"]), dtype=torch.int64)
    for kind in KINDS:
        code = code * len(portraits.FACTORS[kind]) + read[kind]
    return len(code.unique())


def judge(evaluator, G, n):
    images = gan_recipes.sample(G, n)
    return evaluator.report(images) | {"combinations": combinations(evaluator.read(images))}


def best_rate(run, images, name, args, evaluator):
    """(the rate of RATES with the lowest Fréchet distance, {rate: distance})."""
    run.seed, found = SEARCH_SEED, {}
    for lr in RATES:
        G = train(run, images, name, args.minutes, lr)
        found[lr] = evaluator.fd(gan_recipes.sample(G, args.images)) if G else math.inf
    print(f"{name:<36} rates:", {k: round(v, 2) for k, v in found.items()}, flush=True)
    return min(found, key=found.get), found


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--minutes", type=float, default=1.0, help="of training, for each row and seed"
    )
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--images", type=int, default=2_000, help="to judge each training by")
    parser.add_argument("--store", action="store_true")
    args = parser.parse_args()
    run = start("bench_stable_gan", minutes=args.minutes, width=24, batch=32)
    images, evaluator = data.load("portraits", n=20_000).images, metrics.Evaluator("portraits")
    table, rates = {name: [] for name in ROWS}, {}
    for name in ROWS:
        rates[name] = best_rate(run, images, name, args, evaluator)
    for seed in range(args.seeds):
        run.seed = seed
        for name in ROWS:
            G = train(run, images, name, args.minutes, rates[name][0])
            found = judge(evaluator, G, args.images) if G else {"fd": math.inf}
            found["steps"] = run.history["step"][-1] + 1
            table[name].append(found)
            print(
                f"{name:<36} seed {seed}:",
                {
                    k: round(v, 3)
                    for k, v in found.items()
                    if k in ("fd", "precision", "recall", "combinations")
                },
                flush=True,
            )
    metrics_found = {"seeds": args.seeds, "minutes_each": args.minutes, "n": args.images}
    metrics_found |= {
        key: found[key] for key in ("fd_floor", "precision_floor", "recall_floor") if key in found
    }
    metrics_found["combinations_real"] = combinations(
        evaluator.read(evaluator.real(args.images, seed=7).images)
    )
    for name, rows in table.items():
        sound = [row for row in rows if math.isfinite(row["fd"])]
        short = name.replace(", ", "_").replace(" ", "_").replace("-", "_").lower()
        metrics_found[f"{short}_failed"] = len(rows) - len(sound)
        metrics_found[f"{short}_rate"], tried = rates[name]
        metrics_found |= {f"{short}_rate_{lr:g}_fd": fd for lr, fd in tried.items()}
        for key in ("fd", "precision", "recall", "combinations", "steps") if sound else ():
            values = [float(row[key]) for row in sound]
            metrics_found[f"{short}_{key}"] = statistics.mean(values)
            metrics_found |= {
                f"{short}_{key}_least": min(values),
                f"{short}_{key}_most": max(values),
            }
    run.seed = 0
    run.report(**metrics_found)
    if args.store:
        results.keep_benchmark(
            run,
            run.name,
            "benchmarks/stable_gan.py",
            args.minutes * (args.seeds + len(RATES)) * len(ROWS),
        )


if __name__ == "__main__":
    main()
