"""The evaluators: classifiers whose features sets of images are compared in.

Portraits: every batch is drawn afresh, so the network never sees a face twice. Fashion-MNIST: the
60,000 training images, moved by up to a pixel. A little noise of random strength makes the
networks forgiving towards generated images.
"""

import torch
import torch.nn.functional as F

from genimg_lib import data
from genimg_lib.data import portraits
from genimg_lib.data.sources import SOURCES
from genimg_lib.errors import unknown
from genimg_lib.metrics import SPECS, EvaluatorNet, agreement
from genimg_lib.recipes import Trained

BATCH, LR = 128, 4e-3
FIRST_SEED = 10_000_000  # of the faces that it learns from, far from the seeds of load()
REFERENCE, TEST = 20_000, 10_000  # images


def train(run, minutes, name):
    """An EvaluatorNet for the images of a name: "portraits" or "fashion_mnist"."""
    if name not in SPECS:
        raise unknown("data set with an evaluator", name, SPECS)
    if not SOURCES[name].draws_n:  # else there are as many as one likes
        for split, least in (("train", REFERENCE), ("test", TEST)):
            data.load(name, split, n=least)  # stops here where there are fewer
    torch.manual_seed(run.seed)
    net = EvaluatorNet(**SPECS[name]).to(run.device)
    opt = torch.optim.AdamW(net.parameters(), lr=LR, weight_decay=0.02, fused=True)
    g = torch.Generator().manual_seed(run.seed)
    batches = _batches(name, g)
    for x, targets in run.train(batches, minutes=minutes, net=net, opt=opt, g=g):
        run.anneal(opt, warmup=100)
        with run.autocast():
            outputs = net(x.to(run.device))
        loss = _loss(outputs, {k: v.to(run.device) for k, v in targets.items()})
        opt.zero_grad()
        loss.backward()
        opt.step()
        run.log(loss=loss)
    facts = {"data": name, "batch": BATCH, "reference_images": REFERENCE}

    def measure(net):
        return _measure(net, name)

    def extra(net):
        return _reference(net, name)

    return Trained(net, facts, measure, extra)


def _batches(name, g):
    """(x in [-1, 1], targets {head: [n]}) for ever, with noise of random strength."""
    train, seed = None if name == "portraits" else data.load(name), FIRST_SEED
    while True:
        if train is None:
            images, targets = portraits.render(BATCH, SPECS[name]["size"], seed=seed)
            seed += 1
        else:
            i = torch.randint(len(train), (BATCH,), generator=g)
            dx, dy = torch.randint(-1, 2, (2,), generator=g).tolist()
            images = train.images[i].roll((dy, dx), dims=(2, 3))
            targets = {"label": train.labels[i]}
        x = data.to_float(images)
        strength = 0.1 * torch.rand(BATCH, 1, 1, 1, generator=g)
        yield (x + strength * torch.randn(x.shape, generator=g)).clamp(-1, 1), targets


def _loss(outputs, targets):
    loss = 0.0
    for head, out in outputs.items():
        if head in portraits.CONTINUOUS:
            loss = loss + 4 * F.mse_loss(out[:, 0].float(), targets[head])
        else:
            loss = loss + F.cross_entropy(out.float(), targets[head], label_smoothing=0.02)
    return loss


@torch.no_grad()
def _measure(net, name):
    """Accuracies on held-out images, head by head."""
    net = net.cpu()
    test = data.load(name, "test", n=TEST, seed=98)
    outputs = [net(data.to_float(x)) for x in test.images.split(500)]
    read = {}
    for head in net.heads:
        out = torch.cat([o[head] for o in outputs])
        continuous = head in portraits.CONTINUOUS
        read[head] = out[:, 0].clamp(-1, 1) if continuous else out.argmax(dim=1)
    right = agreement(read, test.factors or {"label": test.labels})
    mean = sum(right.values()) / len(right)
    return {"test_images": len(test), "accuracy": mean, "accuracy_by_head": right}


@torch.no_grad()
def _reference(net, name):
    """Mean and covariance of the features of training images, which `fd` compares with."""
    train = data.load(name, n=REFERENCE, seed=99)
    parts = [net.features(data.to_float(x)) for x in train.images.split(500)]
    features = torch.cat(parts).double()
    mean, cov = features.mean(dim=0), features.T.cov()
    return {"reference.mu": mean.float(), "reference.cov": cov.float()}
