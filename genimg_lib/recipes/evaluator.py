"""The evaluators: classifiers whose features sets of images are compared in.

Portraits: every batch is drawn afresh, so the network never sees a face twice. Fashion-MNIST: the
60,000 training images, moved by up to a pixel. A little noise of random strength makes the
networks forgiving towards generated images. The evaluators of larger images begin as the usual one
on averaged pixels, so that a few minutes are enough.
"""

import torch
import torch.nn.functional as F

from genimg_lib import data
from genimg_lib.data import portraits
from genimg_lib.data.sources import SOURCES
from genimg_lib.metrics import SPECS, Evaluator, EvaluatorNet, agreement
from genimg_lib.metrics.evaluator import weights_for
from genimg_lib.recipes import Trained

BATCH, LR = 128, 4e-3
DRAWN = 20_000  # images of another set that is drawn
FIRST_SEED = 10_000_000  # of the faces that it learns from, far from the seeds of load()
REFERENCE, TEST = 20_000, 10_000  # images


def train(run, minutes, name, size=None):
    """An EvaluatorNet for the images of a name: "portraits" or "fashion_mnist".

    size: one of SPECS[name].patches, the usual one if none is given.
    Raises ValueError for another name or size.
    """
    _, size = weights_for(name, size)
    if not SOURCES[name].draws_n:  # else there are as many as one likes
        for split, least in (("train", REFERENCE), ("test", TEST)):
            data.load(name, split, n=least)  # stops here where there are fewer
    torch.manual_seed(run.seed)
    net = EvaluatorNet(**SPECS[name].network(size))
    if size != next(iter(SPECS[name].patches)):
        begin_as(net, Evaluator(name).net)
    net = net.to(run.device)
    opt = torch.optim.AdamW(net.parameters(), lr=LR, weight_decay=0.02, fused=True)
    g = torch.Generator().manual_seed(run.seed)
    batches = _batches(name, size, g)
    for x, targets in run.train(batches, minutes=minutes, net=net, opt=opt, g=g):
        run.anneal(opt, warmup=100)
        with run.autocast():
            outputs = net(x.to(run.device))
        loss = _loss(outputs, {k: v.to(run.device) for k, v in targets.items()})
        opt.zero_grad()
        loss.backward()
        opt.step()
        run.log(loss=loss)
    facts = {"data": name, "size": size, "batch": BATCH, "reference_images": REFERENCE}

    def measure(net):
        return _measure(net, name, size)

    def extra(net):
        return _reference(net, name, size)

    return Trained(net, facts, measure, extra)


@torch.no_grad()
def begin_as(net, smaller):
    """Give an EvaluatorNet the weights of one for images that are k times smaller.

    It sees what the smaller one sees of averaged pixels, and besides how pixels differ from their
    average, by weights that begin at random: those that `net` has.
    """
    first, known = net.body[1], smaller.body[1].weight
    values = smaller.state_dict() | {"body.1.weight": first.weight}
    patch, small = (part.body[0].downscale_factor for part in (net, smaller))
    k, (out, inputs, h, w) = patch // small, known.shape
    shape = (out, inputs // small**2, small, 1, small, 1, h, w)  # k x k pixels for each
    fine = first.weight.view(*shape[:3], k, small, k, h, w)
    fine = fine - fine.mean(dim=(3, 5), keepdim=True) + known.view(shape) / k**2
    values["body.1.weight"] = fine.reshape(first.weight.shape)
    net.load_state_dict(values)


def _batches(name, size, g):
    """(x in [-1, 1], targets {head: [n]}) for ever, with noise of random strength."""
    train, seed = None, FIRST_SEED
    if name != "portraits":  # which are drawn anew for each batch
        train = data.load(name, n=DRAWN if SOURCES[name].draws_n else None, size=size)
    while True:
        if train is None:
            images, targets = portraits.render(BATCH, size, seed=seed)
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
def _measure(net, name, size):
    """Accuracies on held-out images, head by head."""
    net = net.cpu()
    test = data.load(name, "test", size=size, n=TEST, seed=98)
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
def _reference(net, name, size):
    """Mean and covariance of the features of training images, which `fd` compares with."""
    train = data.load(name, size=size, n=REFERENCE, seed=99)
    parts = [net.features(data.to_float(x)) for x in train.images.split(500)]
    features = torch.cat(parts).double()
    mean, cov = features.mean(dim=0), features.T.cov()
    return {"reference.mu": mean.float(), "reference.cov": cov.float()}
