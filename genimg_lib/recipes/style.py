"""The networks of notebook 42: one for five drawn styles, one for any style.

Both learn from pieces of the photographs that scikit-image installs, drawn materials and portraits,
judged by the course's embedded feature network or by a published one. What they are tried on was
kept from them: the photographs of UNSEEN, and for the decoder of any_style the drawn style
UNSEEN_STYLE (its encoder has seen that style, and brick).

The stored drawn_styles was trained in four goes: 40 minutes with keep=2, 24 with keep=0.8 and 5
with keep=0.7, for more of the styles, before the network had `enlarged` and `norm_by_place`, which
have no weights; and 14 with keep=0.7 since. All but the first with resume=True.
"""

import torch
import torch.nn.functional as F

from genimg_lib import data, pretrained, style, weights
from genimg_lib.data import photos, portraits, styles, textures
from genimg_lib.recipes import Trained
from genimg_lib.style.optimise import WEIGHTS

SIDE, BATCH, CANVAS = 128, 2, 16
LR = 2e-3
OUTSIDE = 10.0  # a charge for values outside [-1, 1]
UNSEEN, UNSEEN_STYLE = ("coffee", "chelsea", "brick"), "dots"
SEEN = tuple(name for name in photos.NAMES if name not in UNSEEN)


def train_drawn(run, minutes, judge="embedded", keep=1.0, resume=False):
    """A StyleNet for the five styles that genimg_lib.data.styles draws.

    judge: whose features the losses are taken in.
    keep: how many times more the content counts than in notebook 41.
    resume: train the stored weights further, at half the rate.
    """
    pictures = [data.to_float(styles.draw(name, 256)[None]) for name in styles.DRAWN]
    net = style.StyleNet(len(pictures), canvas=CANVAS, examples=pictures)
    known = {"network": {"styles": len(pictures), "canvas": CANVAS}, "styles": list(styles.DRAWN)}
    return _train(run, minutes, "drawn_styles", net, known, _drawn_losses, judge, keep, resume)


def train_any(run, minutes, judge="embedded", keep=1.0, resume=False):
    """The decoder of an AnyStyle; arguments as for `train_drawn`."""
    net = style.AnyStyle(pretrained.features())
    known = {"network": {}, "unseen_style": UNSEEN_STYLE}
    return _train(run, minutes, "any_style", net, known, _any_losses, judge, keep, resume)


def _train(run, minutes, name, net, known, losses_of, judge, keep, resume):
    before = weights.facts(name) if resume else {"minutes": 0.0, "keep": []}
    seed = run.seed + int(before["minutes"])  # other pieces, where it goes on
    torch.manual_seed(seed)
    g = torch.Generator().manual_seed(seed)
    eyes = pretrained.features(judge).to(memory_format=torch.channels_last)
    if resume:
        net.load_state_dict(weights.read(name))
    learned = [p for p in net.parameters() if p.requires_grad]
    rate = LR / 2 if resume else LR
    opt = torch.optim.Adam(learned, lr=rate, betas=(0.9, 0.99), fused=True)
    next_losses = losses_of(net, eyes, g, keep)
    for step in run.train(_steps(), minutes=minutes, net=net, opt=opt, g=g):
        run.anneal(opt, warmup=50)
        losses = next_losses(step)
        opt.zero_grad()
        sum(losses.values()).backward()
        opt.step()
        run.log(**losses)
    facts = known | {
        "data": "photographs, materials, portraits",
        "unseen": [*UNSEEN],
        "judge": judge,
        "batch": BATCH,
        "minutes_before": before["minutes"],
        "keep": [*before["keep"], keep],
    }
    return Trained(net, facts, measure)


def _steps():
    step = 0
    while True:
        yield step
        step += 1


def _drawn_losses(net, judge, g, keep):
    """A function of the step that gives the losses of a StyleNet on fresh contents."""
    canvases = contents()
    pictures = [data.to_float(styles.draw(name, 256)[None]) for name in styles.DRAWN]
    with torch.no_grad():
        grams = [_grams(pictures, judge, half) for half in (_same, _half)]

    def losses(_):
        x = _batch(canvases, g)
        which = torch.randint(len(pictures), (BATCH,), generator=g)
        mix = F.one_hot(which, len(pictures)).float()
        # all of the canvas is learned
        origin = (net.GRID * torch.randint(net.TILE, (2,), generator=g)).tolist()
        made = net(x, mix, origin=origin)
        with torch.no_grad():
            wanted = judge(net.recolored(x, mix), 3)[3]
        maps = [judge(made), judge(_half(made))]
        targets = [[layer[which] for layer in scale] for scale in grams]
        parts = [style.style_loss(m, t) for m, t in zip(maps, targets, strict=True)]
        return {
            "content": keep * WEIGHTS["content"] * style.content_loss(maps[0][3], wanted),
            "style": WEIGHTS["style"] * sum(parts) / 2,
            **_restless(made),
        }

    return losses


def _any_losses(net, judge, g, keep):
    """A function of the step that gives the losses of an AnyStyle's decoder."""
    canvases, examples = contents(), style_canvases()

    def losses(step):
        x, s = _batch(canvases, g), _batch(examples, g)
        s = in_another_light(s, g) if step % 2 else s
        with torch.no_grad():
            x, wanted = style.recolor(x, s), judge(s)
            maps = net.encode(x)[-1]
            target = style.adain(maps, net.encode(s)[-1])
        made = net.decode(x, maps, target)
        parts = [_moments_apart(m, w) for m, w in zip(judge(made), wanted, strict=True)]
        return {
            "content": keep * style.content_loss(net.encode(made)[-1], target),
            "style": 30.0 * sum(parts) / len(parts),
            **_restless(made),
        }

    return losses


def _restless(made):
    outside = (made - made.clamp(-1, 1)).square().mean()
    variation = WEIGHTS["variation"] * style.total_variation(made)
    return {"variation": variation, "outside": OUTSIDE * outside}


def _moments_apart(maps, wanted):
    """The squared difference of means and deviations, as a share of the wanted ones."""
    target = _moments(wanted)
    return (_moments(maps) - target).square().mean() / target.square().mean()


def _moments(maps):
    spread = (maps.var(dim=(2, 3)) + 1e-5).sqrt()
    return torch.stack([maps.mean(dim=(2, 3)), spread])


def _grams(pictures, judge, scaled):
    """[layer: [styles, C, C]] of the pictures at a scale."""
    by_style = [[style.gram(maps) for maps in judge(scaled(p))] for p in pictures]
    return [torch.cat(layer) for layer in zip(*by_style, strict=True)]


def _same(x):
    return x


def _half(x):
    return F.avg_pool2d(x, 2)


def _batch(images, g):
    return data.to_float(images[torch.randint(len(images), (BATCH,), generator=g)])


def contents(n=1_200, seed=0):
    """What is to be painted: uint8 [n, 3, SIDE, SIDE], two thirds of them photographs."""
    parts = [
        photos.crops(2 * n // 3, SIDE, seed, SEEN),
        textures.draw(n // 6, SIDE, seed)[0],
        portraits.render(n // 6, SIDE, seed=seed)[0],
    ]
    return torch.cat(parts)


def style_canvases(seed=1):
    """What to learn styles from: uint8 [n, 3, SIDE, SIDE].

    The drawn ones from many seeds, materials and photographs.
    """
    seen = [name for name in styles.DRAWN if name != UNSEEN_STYLE]
    drawn = torch.stack([styles.draw(name, SIDE, k) for k in range(1, 41) for name in seen])
    materials = textures.draw(600, SIDE, seed)[0]
    return torch.cat([drawn, drawn, drawn, materials, photos.crops(400, SIDE, seed, SEEN)])


def in_another_light(x, g):
    """Images in another light: their colours turned, mixed and stretched, each in its own way."""
    mix = torch.eye(3) + 0.35 * torch.randn(len(x), 3, 3, generator=g)
    mix = mix / mix.abs().sum(2, keepdim=True).clamp(min=1.0)
    turned = torch.einsum("nij,njhw->nihw", mix, x)
    return (turned + 0.15 * torch.randn(len(x), 3, 1, 1, generator=g)).clamp(-1, 1)


@torch.no_grad()
def measure(net):
    """Mean losses of the unseen photographs at 256x256 in the five drawn styles.

    In the embedded features, weighted as in notebook 41.
    """
    judge, found = pretrained.features(), []
    for name in UNSEEN:
        content = data.to_float(photos.square(photos.open_photo(name), 256)[None])
        for k, kind in enumerate(styles.DRAWN):
            example = data.to_float(styles.draw(kind, 256)[None])
            wanted = style.Wanted(judge, style.recolor(content, example), [example])
            is_drawn = isinstance(net, style.StyleNet)
            made = net(content, k) if is_drawn else net(content, example)
            found.append([loss.item() for loss in wanted.losses(made)[:2]])
    content_loss, style_loss = torch.tensor(found).mean(dim=0).tolist()
    return {"content_loss": content_loss, "style_loss": style_loss}
