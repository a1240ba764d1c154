"""Notebook 62's networks that fill holes: in photographs, and in portraits by a flow."""

import torch

from genimg_lib import data, flow, metrics, pretrained, restore
from genimg_lib.data import photos, portraits
from genimg_lib.errors import unknown
from genimg_lib.recipes import Trained
from genimg_lib.training import Muon, others

SETTINGS = {
    "width": 32,
    "blocks": 2,
    "batch": 16,
    "size": 96,  # of the pieces, in pixels
    "thickest": 36,  # pixels of a hole
    "drawn": 0.05,  # the share of portraits among the pieces
    "lr": 2e-3,
    "ema_decay": 0.999,
}
NETWORK = ("width", "blocks")
OF_FLOW = {
    "batch": 32,
    "one_sided": 0.6,  # the share of holes that end in the middle of the face
    "thinnest": 6,  # pixels of a hole in a portrait
    "thickest": 22,
    "lr_muon": 5e-3,
    "lr_adam": 2e-3,
    "floor": 0.1,  # the least 1 - t in the loss
}
KINDS_OF_HOLES = ("scratches", "letters", "spots")


def train(run, minutes, images=16_000, **changes):
    """A `restore.Inpainter` for photographs; its average is what is stored.

    images: pieces to learn from, each with a hole of its own. changes: of SETTINGS.
    Raises ValueError for an unknown change, and for holes that are thicker than pieces.
    """
    settings = _settings(SETTINGS, changes, "inpainter")
    if settings["thickest"] > settings["size"]:
        raise ValueError(
            f"expected holes at most as thick as a piece, {settings['size']} pixels, got"
            f" {settings['thickest']}"
        )
    triples = learned_from(images, settings, run.seed)
    shape = {key: settings[key] for key in NETWORK}
    torch.manual_seed(run.seed)
    net = teach(run, restore.Inpainter(**shape), triples, minutes, settings)
    facts = {
        "data": f"{images:,} pieces of photographs of scikit-image, and portraits",
        "held_out": ", ".join(photos.HELD_OUT),
        "changes": changes,
        "network": shape,
    }
    return Trained(net, facts, measure)


def _settings(known, changes, of):
    for entry in changes:
        if entry not in known:
            raise unknown(f"setting of the {of}", entry, known)
    return known | changes


def learned_from(n, settings, seed=0):
    """Pieces, the same with their holes filled smoothly, and what is seen of them.

    uint8 [n, 3, size, size] twice, and bool [n, 1, size, size].
    """
    of_portraits, size = round(settings["drawn"] * n), settings["size"]
    pieces = photos.pieces(n - of_portraits, size, seed, photos.LEARNED)
    if of_portraits:
        faces = data.load("portraits", n=of_portraits, size=size, seed=seed).images
        pieces = torch.cat([pieces, faces])
    g = torch.Generator().manual_seed(seed)
    seen = restore.random_holes(n, size, 1, settings["thickest"], g)
    smooth = [
        data.to_uint8(restore.biharmonic(data.to_float(x), known))
        for x, known in zip(pieces.split(100), seen.split(100), strict=True)
    ]
    return pieces, torch.cat(smooth), seen


def teach(run, net, triples, minutes, settings):
    """Train an inpainter on what `learned_from` gives, for the minutes: its average.

    By the absolute error where nothing is seen, each hole as much as any other.
    """
    net = net.to(run.device, memory_format=torch.channels_last)
    muon = Muon(net, settings["lr"])
    books = {"ema": "net", "ema_decay": settings["ema_decay"], "net": net, "muon": muon}
    batches = run.batches(triples, settings["batch"])
    for x, smooth, seen in run.train(batches, minutes=minutes, label="inpainter", **books):
        run.anneal(muon, warmup=100)
        with run.autocast():
            x_hat = net(smooth, seen)
        loss = hole_error(x_hat, x, seen)
        muon.zero_grad()
        loss.backward()
        muon.step()
        run.log(loss=loss)
    return run.ema["net"].eval()


def hole_error(x_hat, x, seen):
    """The mean absolute error in each hole, and the mean of these: a scalar."""
    hidden = ~seen
    error = ((x_hat.float() - x).abs() * hidden).sum(dim=(1, 2, 3))
    return (error / (x.shape[1] * hidden.sum(dim=(1, 2, 3)))).mean()


def hole_of(kind, size=256, seed=3):
    """What is seen beside a hole of a kind: bool [size, size].

    kind: of KINDS_OF_HOLES, 12 lines of 1 to 4 pixels, small letters all over, or two ellipses.
    """
    from PIL import Image, ImageDraw, ImageFont

    picture = Image.new("L", (size, size), 255)
    pen = ImageDraw.Draw(picture)
    if kind == "scratches":
        g = torch.Generator().manual_seed(seed)
        for width in (1, 2, 3, 4) * 3:
            ends = torch.randint(size, (4,), generator=g).tolist()
            pen.line(ends, fill=0, width=width)
    elif kind == "letters":
        font = ImageFont.load_default(16)
        for top in range(0, size, 24):
            pen.text((4, top), "what was written over this picture?", fill=0, font=font)
    elif kind == "spots":
        pen.ellipse((90, 100, 130, 140), fill=0)
        pen.ellipse((170, 60, 194, 84), fill=0)
    else:
        raise unknown("kind of hole", kind, KINDS_OF_HOLES)
    return photos.to_tensor(picture)[0] > 127


def held_out(name, size=256):
    """A held-out photograph: its middle square as floats [1, 3, size, size]."""
    return data.to_float(photos.square(photos.open_photo(name), size)[None])


@torch.no_grad()
def measure(net):
    """PSNR in decibels in holes of held-out photographs, and that of the smooth filling."""
    net = net.cpu()
    found = {}
    for kind in KINDS_OF_HOLES:
        seen = hole_of(kind)
        of_net, of_smooth = [], []
        for name in photos.HELD_OUT:
            x = held_out(name)
            smooth = restore.biharmonic(x, seen)
            of_smooth.append(metrics.psnr_in_hole(smooth, x, seen).item())
            of_net.append(metrics.psnr_in_hole(net(smooth, seen[None, None]), x, seen).item())
        found[f"psnr_{kind}"] = sum(of_net) / len(of_net)
        found[f"psnr_biharmonic_{kind}"] = sum(of_smooth) / len(of_smooth)
    return found


# ------------------------------------------------------------------ portraits


def train_flow(run, minutes, images=60_000, **changes):
    """A flow that fills holes in portraits: flow_portraits, taught to look at what is seen.

    images: portraits to learn from. changes: of OF_FLOW.
    Raises ValueError for an unknown change.
    """
    settings = _settings(OF_FLOW, changes, "flow")
    faces = data.load("portraits", n=images).images
    torch.manual_seed(run.seed)
    net = teach_flow(run, shown_more("flow_portraits"), faces, minutes, settings)
    facts = {
        "data": f"portraits, {len(faces):,} images",
        "from": "flow_portraits",
        "changes": changes,
        "network": pretrained.facts("flow_portraits")["network"] | {"shown": 1},
    }
    return Trained(net, facts, measure_flow)


def shown_more(name, shown=1):
    """A stored flow that is shown so many maps more, of which it knows nothing yet."""
    old = pretrained.load_flow(name)
    net = flow.PatchUNet(**pretrained.facts(name)["network"], shown=shown)
    weights = net.state_dict()
    for key, value in old.state_dict().items():
        if weights[key].shape == value.shape:
            weights[key].copy_(value)
        else:  # the new maps come last
            weights[key].zero_()
            weights[key][:, : value.shape[1]] = value
    net.load_state_dict(weights)
    return net


def face_holes(n, size, settings, generator):
    """What is seen of n faces: bool [n, 1, size, size], beside strokes and boxes anywhere.

    A share are boxes that end in the middle, so that one eye is hidden and the other seen: to make
    both alike is hard to learn, and by chance such holes are rare.
    """
    one_sided = round(settings["one_sided"] * n)
    thick = settings["thinnest"], settings["thickest"]
    anywhere = restore.random_holes(n - one_sided, size, *thick, generator)

    def uniform(low, high):
        return low + (high - low) * torch.rand(one_sided, 1, 1, generator=generator)

    pixel = (torch.arange(size) + 0.5) / size
    from_middle = pixel - uniform(0.44, 0.56)
    is_left = uniform(0, 1) < 0.5
    from_middle = torch.where(is_left, -from_middle, from_middle)
    across = (from_middle > 0) & (from_middle < uniform(0.22, 0.38))
    down = (pixel[:, None] - uniform(0.47, 0.63)).abs() < uniform(0.1, 0.19)
    return torch.cat([anywhere, ~(across & down)[:, None]])


@torch.no_grad()
def measure_flow(net, n=1_000, calls=24):
    """Of n unseen faces with a hole over the left eye: shares, decibels, a Fréchet distance.

    kept: of hidden eyes that got the colour of the other one. psnr: in the hole. fd: of the faces,
    and fd_true that of the true ones.
    """
    unseen = data.load("portraits", "test", n=n, seed=5)
    x = data.to_float(unseen.images)
    iris, seen = left_eye(unseen.factors)
    noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(1))
    guess = flow.denoiser(flow.filling(net.cpu(), x, seen))
    x_hat = flow.last(flow.ddim(guess, noise, flow.times(calls))).clamp(-1, 1)
    eyes = data.to_float(portraits.variants(unseen.factors, "eyes").images)
    off = ((eyes - x_hat).square() * iris).sum(dim=(2, 3, 4))
    evaluator = metrics.Evaluator("portraits")
    return {
        "kept": (off.argmin(dim=0) == unseen.factors["eyes"]).double().mean().item(),
        "psnr": metrics.psnr_in_hole(x_hat, x, seen).mean().item(),
        "fd": evaluator.fd(x_hat),
        "fd_true": evaluator.fd(x),
    }


def left_eye(factors):
    """The iris on the left, and what is seen beside a hole over it: bool [N, 1, 32, 32] each."""
    irises = portraits.painted_by(factors, "eyes")
    pixel = torch.arange(irises.shape[-1])
    between = (irises * pixel).sum(dim=(1, 2)) / irises.sum(dim=(1, 2))
    iris = irises & (pixel < between[:, None, None])
    count = iris.sum(dim=(1, 2))
    row = ((iris * pixel[:, None]).sum(dim=(1, 2)) / count)[:, None, None]
    column = ((iris * pixel).sum(dim=(1, 2)) / count)[:, None, None]
    hidden = (pixel[:, None] - row).abs() <= 5
    hidden = hidden & (pixel >= column - 9) & (pixel <= column + 2.6)
    return iris[:, None], ~hidden[:, None]


def teach_flow(run, net, faces, minutes, settings):
    """Train on uint8 faces with random holes, for the minutes: the average, in eval mode."""
    net = net.to(run.device)
    size = faces.shape[-1]
    g = torch.Generator().manual_seed(run.seed)
    masks = face_holes(10_000, size, settings, g).to(run.device)
    muon = Muon(net, settings["lr_muon"])
    adam = torch.optim.AdamW(others(net), settings["lr_adam"], betas=(0.9, 0.99), fused=True)
    books = {"ema": "net", "label": "flow", "net": net, "muon": muon, "adam": adam}
    for x in run.train(run.batches(faces, settings["batch"]), minutes=minutes, **books):
        run.anneal(muon, adam, warmup=100)
        seen = masks[torch.randint(len(masks), (len(x),), device=x.device)]
        eps, t = torch.randn_like(x), flow.random_times(len(x), x.device)
        with run.autocast():
            loss = flow.filling_loss(net, x, seen, eps, t, settings["floor"])
        muon.zero_grad()
        adam.zero_grad()
        loss.backward()
        muon.step()
        adam.step()
        run.log(loss=loss)
    return run.ema["net"].eval()
