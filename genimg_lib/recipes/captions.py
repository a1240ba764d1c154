"""From portraits to sentences: a captioner, and a model that puts both into one space."""

import torch

from genimg_lib import data, text
from genimg_lib.data import photos, portraits, textures
from genimg_lib.metrics import area_under_curve, calibration_error, factor_f1
from genimg_lib.recipes import Trained
from genimg_lib.recipes.text_flow import CAPTIONS, one_of

IMAGE = {"channels": 3, "size": 32, "width": 96, "depth": 2}
SENTENCE = {"width": 64, "depth": 2}
LR, BATCH, TOGETHER = 2e-3, 64, 256  # TOGETHER: images that a contrastive batch tells apart
NOISE = 0.1  # the most that is added to an image, so that drawn ones are read, too
JUDGED = 2_000


def train(run, minutes, images=60_000):
    """A text.CaptionModel; the pairs of portraits.HELD_OUT never come in its training."""
    pixels, tokenizer, tokens = told_portraits(images, run.seed)
    torch.manual_seed(run.seed)
    network = {"words": tokenizer.words, "length": tokenizer.length, "image": IMAGE}
    model = text.CaptionModel(**network).to(run.device)
    opt = torch.optim.AdamW(model.parameters(), LR, betas=(0.9, 0.99), fused=True)
    batches = run.batches((pixels, tokens), BATCH)
    books = {"ema": "model", "label": "captions", "model": model, "opt": opt}
    for x, told in run.train(batches, minutes=minutes, **books):
        run.anneal(opt, warmup=100)
        with run.autocast():
            loss = text.caption_loss(model.captioner, noisy(x), one_of(told))
        step(opt, loss)
        run.log(loss=loss)
    model = run.ema["model"].eval()
    model.typical.fit(model.features(data.to_float(pixels[:20_000])))
    facts = {"data": f"portraits, {images:,} images, {CAPTIONS} captions each", "batch": BATCH}
    return Trained(model, facts | {"network": network}, measure)


def train_contrastive(run, minutes, images=60_000):
    """A text.ContrastiveModel of the same portraits and captions."""
    pixels, tokenizer, tokens = told_portraits(images, run.seed)
    torch.manual_seed(run.seed)
    network = {"words": len(tokenizer), "length": tokenizer.length}
    network |= {"image": IMAGE, "sentence": SENTENCE}
    model = text.ContrastiveModel(**network).to(run.device)
    opt = torch.optim.AdamW(model.parameters(), LR, betas=(0.9, 0.99), fused=True)
    batches = run.batches((pixels, tokens), TOGETHER)
    books = {"ema": "model", "label": "contrastive", "model": model, "opt": opt}
    for x, told in run.train(batches, minutes=minutes, **books):
        run.anneal(opt, warmup=100)
        with run.autocast():
            both = model.images(noisy(x)), model.sentences(one_of(told))
        loss = text.contrastive_loss(*both, model.log_scale.exp())
        step(opt, loss)
        run.log(loss=loss)
    facts = {"data": f"portraits, {images:,} images, {CAPTIONS} captions each", "batch": TOGETHER}
    facts |= {"network": network, "vocabulary": tokenizer.words}
    return Trained(run.ema["model"].eval(), facts, lambda model: matched(model, tokenizer))


def told_portraits(images, seed):
    """(uint8 [N, 3, 32, 32], tokenizer, int16 [N, captions, length]) without held-out pairs."""
    factors = portraits.sample_split(images, seed)
    columns = [portraits.caption(factors, k) for k in range(CAPTIONS)]
    tokenizer = text.Tokenizer.of([sentence for column in columns for sentence in column])
    tokens = torch.stack([tokenizer.encode(column) for column in columns], dim=1)
    return portraits.draw(factors, 32), tokenizer, tokens.short()


def noisy(x):
    """Images with noise of a random strength, up to NOISE."""
    strength = NOISE * torch.rand(len(x), 1, 1, 1, device=x.device)
    return x + strength * torch.randn_like(x)


def step(opt, loss):
    opt.zero_grad()
    loss.backward()
    opt.step()


def others(n=300):
    """Pictures that are no portraits, by kind: {kind: float [n, 3, 32, 32]}."""
    g = torch.Generator().manual_seed(5)
    drawn = textures.draw(n, 32, seed=5)[0]
    faces = portraits.render(n, 32, seed=6)[0]
    kinds = {"materials": drawn, "photographs": photo_crops(n, g), "upside down": faces.flip(2)}
    kinds["halves exchanged"] = faces.roll(16, dims=2)
    floats = {name: data.to_float(images) for name, images in kinds.items()}
    return floats | {"noise": 2 * torch.rand(n, 3, 32, 32, generator=g) - 1}


def photo_crops(n, generator):
    """Squares cut from photographs, each shrunk to 32x32: uint8 [n, 3, 32, 32]."""
    import torch.nn.functional as F

    images = [photos.open_photo(name) for name in ("astronaut", "coffee", "chelsea", "rocket")]
    cut = []
    for k in range(n):
        image = images[k % len(images)]
        top, left = (
            int(torch.randint(side - 128, (), generator=generator)) for side in image.shape[1:]
        )
        square = image[None, :, top : top + 128, left : left + 128].float()
        cut.append(F.avg_pool2d(square, 4).round().to(torch.uint8))
    return torch.cat(cut)


def measure(model, n=JUDGED):
    """F1 on combinations seen in training and on others, calibration, other pictures told."""
    found = {}
    for seen in (True, False):
        kind = "seen" if seen else "unseen"
        factors = portraits.sample_split(n, 2_000 + seen, seen)
        x = data.to_float(portraits.draw(factors, 32))
        f1, precision, recall = factor_f1(model.captions(x), factors)
        found |= {f"f1_{kind}": f1, f"precision_{kind}": precision, f"recall_{kind}": recall}
        few = {name: values[:500] for name, values in factors.items()}
        answers = model.factors(x[:500])
        right = {name: answers[name].argmax(dim=1) == few[name] for name in answers}
        confidence = torch.cat([answers[name].max(dim=1).values for name in answers])
        found[f"calibration_error_{kind}"] = calibration_error(
            confidence, torch.cat(list(right.values()))
        )
        found[f"read_{kind}"] = {name: r.double().mean().item() for name, r in right.items()}
        if seen:
            usual = model.unusual(x)
            found["other_pictures_auc"] = {
                name: area_under_curve(model.unusual(images), usual)
                for name, images in others().items()
            }
            found["within_limit"] = (usual <= model.typical.limit).double().mean().item()
    return found


def matched(model, tokenizer, n=JUDGED, among=100):
    """How often the right sentence of 100 is nearest to an image, and the right image to one."""
    found = {}
    for seen in (True, False):
        factors = portraits.sample_split(n, 2_000 + seen, seen)
        x = data.to_float(portraits.draw(factors, 32))
        tokens = tokenizer.encode(portraits.caption(factors, 97))
        with torch.no_grad():
            a = torch.cat([model.images(part) for part in x.split(250)])
            b = torch.cat([model.sentences(part) for part in tokens.split(250)])
        right = []
        for first, second in zip(a.split(among), b.split(among), strict=True):
            own = torch.arange(len(first))
            right.append(((first @ second.T).argmax(dim=1) == own).double().mean().item())
        found[f"matched_of_{among}_{'seen' if seen else 'unseen'}"] = sum(right) / len(right)
    return found
