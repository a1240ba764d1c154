"""Words obeyed, at equal minutes: sentences, a bag of words, factors; and captions' factors.

    genimg bench text [--minutes 5] [--images 2000] [--store]

transformer, bag: the recipe of genimg_lib/recipes/text_flow.py with either encoder; its minutes are
those of the words and of the flow together. factors: notebook 53's flow, told all ten factors of
each image, or of a tenth nothing; its images have none of the held-out pairs either. shipped: the
weights that come with the course, text_flow_portraits.
All draw portraits with none of the pairs of portraits.HELD_OUT (seen) and with one or more
(unseen), in ten calls, guidance 1 and 2. obeyed: the mean over ten factors of the share of images
that show what is named, or, for factors, asked; worst: of the least one. strayed: the share of
sentences with two colours of which one is seen on the other's thing. fd: of portraits as they come,
without guidance.
captions_f1, captions_shipped_f1: the F1 of what captions name, after these minutes (genimg_lib/
recipes/captions.py), and of the shipped weights.
--store keeps the figures in data/results.
"""

import argparse

import torch

from genimg_lib import data, flow, pretrained, results
from genimg_lib.data import portraits
from genimg_lib.metrics import Evaluator, factor_f1, named, obeyed, strayed
from genimg_lib.recipes import captions, text_flow
from genimg_lib.recipes import flow as flow_recipe
from genimg_lib.training import start

WEIGHTS = (1.0, 2.0)
IMAGES = 60_000


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=5.0, help="of each training")
    parser.add_argument("--images", type=int, default=2_000, help="to draw for each figure")
    parser.add_argument("--store", action="store_true")
    args = parser.parse_args()
    options = {"minutes": args.minutes, "images": args.images}
    run = start("bench_text", precision="auto", **options)
    evaluator, found = Evaluator("portraits"), {}
    for way, (net, told) in ways(run, args.minutes).items():
        figures = judged(evaluator, net, told, args.images)
        found |= {f"{way}_{key}": value for key, value in figures.items()}
        print(way, {key: round(value, 3) for key, value in figures.items()}, flush=True)
    found |= of_captions(run, args.minutes, args.images)
    run.report(**found)
    if args.store:
        minutes = sum(run.minutes_trained.values())
        results.keep_benchmark(run, "bench_text", "benchmarks/text.py", minutes)


def ways(run, minutes):
    """{name: (network, what it is told of factors)}."""
    found = {"shipped": (pretrained.load_text_flow(), by_sentences)}
    for encoder in ("transformer", "bag"):
        net = text_flow.train(run, minutes, IMAGES, encoder).net
        found[encoder] = net.cpu(), by_sentences
    factors = portraits.sample_split(IMAGES, run.seed)
    pixels, c = portraits.draw(factors, 32), portraits.one_hot(factors)
    net = flow_recipe.fit(run, pixels, minutes, flow_recipe.SETTINGS, c, "factors")
    return found | {"factors": (net.cpu(), by_factors)}


def by_sentences(net, factors, seed):
    """(conditions, what they ask for) of captions."""
    sentences = portraits.caption(factors, seed)
    return net.encode(sentences), named(sentences)


def by_factors(_, factors, __):
    """(conditions, what they ask for) of one-hot factors."""
    return portraits.one_hot(factors), {name: factors[name] for name in portraits.CATEGORICAL}


def judged(evaluator, net, told, n):
    """The figures of one flow."""
    found = {}
    for kind in ("seen", "unseen"):
        c, asked = told(net, portraits.sample_split(n, 1_000, kind == "seen"), 99)
        for w in WEIGHTS:
            read = evaluator.read(drawn(net, c, w))
            shares, (wrong, counts) = obeyed(read, asked), strayed(read, asked)
            end = f"{kind}_w{w:g}"
            found[f"obeyed_{end}"] = sum(shares.values()) / len(shares)
            found[f"worst_{end}"] = min(shares.values())
            found[f"strayed_{end}"] = wrong[counts].double().mean().item()
    c, _ = told(net, portraits.sample(n, 1_002), 98)
    found["fd"] = evaluator.fd(drawn(net, c, 1.0))
    return found | {"fd_floor": evaluator.floor(n)}


def drawn(net, c, w):
    """An image for each condition."""
    noise = torch.randn(len(c), 3, 32, 32, generator=torch.Generator().manual_seed(1))

    def way(eps, told):
        denoise = flow.classifier_free(net, told, w)
        return flow.last(flow.multistep(denoise, eps, flow.times(10))).clamp(-1, 1)

    return flow.in_parts(way, net, noise, c)


def of_captions(run, minutes, n):
    """The F1 of captioners."""
    models = {"captions": captions.train(run, minutes, IMAGES).net.cpu()}
    models["captions_shipped"] = pretrained.load_captions()
    found = {}
    for kind in ("seen", "unseen"):
        factors = portraits.sample_split(n, 2_000, kind == "seen")
        x = data.to_float(portraits.draw(factors, 32))
        for name, model in models.items():
            found[f"{name}_f1_{kind}"] = factor_f1(model.captions(x), factors)[0]
    print(found, flush=True)
    return found


if __name__ == "__main__":
    main()
