"""An interrupted training ends as an uninterrupted one does, whatever interrupts it."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
import torch
from programs.launch import launch
from test_files import FullAt
from torch import nn

from genimg_lib import files, plots
from genimg_lib.errors import TrainingError
from genimg_lib.training import Muon, others, saving, start


def train(
    stop_at=None, run=None, seed=0, lr=0.01, batch=4, steps=20, ema="net", net=None, every=5, **look
):
    """A small training with everything random in it; Ctrl-C is pressed in step `stop_at`."""
    run = run or start("small", seed=seed, lr=lr, batch=batch)
    net = net or nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.Dropout(0.3), nn.Linear(8, 3))
    opt = torch.optim.Adam(net.parameters(), lr=lr)
    noise = torch.Generator().manual_seed(seed)
    x_all = torch.randn(24, 3, generator=torch.Generator().manual_seed(1))
    objects = {
        "net": net,
        "opt": opt,
        "noise": noise,
        "schedule": torch.optim.lr_scheduler.MultiStepLR(opt, [4, 11]),
    }
    try:
        for x in run.train(
            run.batches(x_all, run.batch), steps, ema=ema, checkpoint_every=every, **look, **objects
        ):
            loss = (net(x + 0.1 * torch.randn(x.shape, generator=noise)) - x).square().mean()
            run.log(loss=loss)
            if run.history["step"][-1] == stop_at:
                raise KeyboardInterrupt
            opt.zero_grad()
            loss.backward()
            opt.step()
            objects["schedule"].step()
    except KeyboardInterrupt:
        pass
    return run


def weights(run, label="train"):
    return (run.folder / f"{label}.safetensors").read_bytes()


@pytest.fixture
def whole(monkeypatch, tmp_path):
    """The weights and the history of the training that nothing interrupted."""
    with monkeypatch.context() as patch:
        patch.setenv("GENIMG_OUT", str(tmp_path / "whole"))
        run = train()
    return weights(run), run.history


# ------------------------------------------------------------------ SIGKILL


@pytest.mark.parametrize("program", ["train_vae", "train_gan"])
def test_a_training_killed_at_any_step_or_in_a_save_ends_bit_identical(program, tmp_path):
    background = ThreadPoolExecutor()
    whole = background.submit(launch, program, tmp_path / "whole")
    draw = random.Random(program)
    # 13 steps at most, twice, leave some for the last; of the files of a save, the second save's
    # last two are 6 and 7
    for death in (
        {"KILL_AT": draw.randint(6, 13)},
        {"KILL_AT_FILE": draw.randint(4, 7)},
        {"KILL_AT": draw.randint(1, 7)},
    ):
        killed = launch(program, tmp_path / "killed", **death)
        assert killed.returncode == -signal.SIGKILL, killed.stderr
    ended = launch(program, tmp_path / "killed")
    assert ended.returncode == 0, ended.stderr
    assert "goes on from step" in ended.stdout
    assert whole.result().returncode == 0, whole.result().stderr
    results = []
    for out in ("whole", "killed"):
        (folder,) = (tmp_path / out / program).iterdir()
        results.append(
            (
                (folder / "train.safetensors").read_bytes(),
                json.loads((folder / "results.json").read_text())["metrics"],
            )
        )
    assert results[0] == results[1]
    assert results[0][1]["logged"] == list(range(30))


# ------------------------------------------------------------------ interrupts


def game(run, G, D, stop_at=None):
    """Two steps of a GAN's kind, in which D is kept from learning while G learns."""
    opts = {"opt_G": torch.optim.SGD(G.parameters(), 0.1)}
    opts["opt_D"] = torch.optim.SGD(D.parameters(), 0.1)
    for x in run.train(run.batches(torch.ones(4, 3), 2), 6, ema="G", G=G, D=D, **opts):
        run.log(loss=0.0)
        opts["opt_D"].zero_grad()
        D(x).mean().backward()
        opts["opt_D"].step()
        D.requires_grad_(False)
        if run.history["step"][-1] == stop_at:
            raise KeyboardInterrupt
        opts["opt_G"].zero_grad()
        D(G(x)).mean().backward()
        opts["opt_G"].step()
        D.requires_grad_(True)


def test_an_interrupt_while_a_network_is_kept_from_learning_does_not_last():
    torch.manual_seed(0)
    run, G, D = start("game"), nn.Linear(3, 3), nn.Linear(3, 1)
    with pytest.raises(KeyboardInterrupt):
        game(run, G, D, stop_at=3)
    assert not D.weight.requires_grad
    game(run, G, D)  # the same cell again
    assert run.history["step"] == list(range(6))


def test_an_average_is_not_trained_on_by_mistake():
    run = start("game")
    game(run, nn.Linear(3, 3), nn.Linear(3, 1))
    with pytest.raises(TrainingError, match="G learns nothing"):
        game(run, run.ema["G"], nn.Linear(3, 1))
    assert not list(run.folder.rglob("step_*"))  # which a later training would go on from


# ------------------------------------------------------------------ damage


def cut(name):
    def do(folder):
        os.truncate(folder / name, (folder / name).stat().st_size // 2)

    return do


def flip(name):
    def do(folder):
        content = bytearray((folder / name).read_bytes())
        content[-3] ^= 1
        (folder / name).write_bytes(content)

    return do


DAMAGE = {
    "weights cut short": cut("weights.safetensors"),
    "state cut short": cut("state.pt"),
    "sums cut short": cut("sums.json"),
    "a bit of the weights flipped": flip("weights.safetensors"),
    "a bit of the state flipped": flip("state.pt"),
    "no sums": lambda folder: (folder / "sums.json").unlink(),
    "no weights": lambda folder: (folder / "weights.safetensors").unlink(),
    "empty folder": lambda folder: [p.unlink() for p in folder.iterdir()],
    "sums of nothing": lambda folder: (folder / "sums.json").write_text("{}"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_checkpoint_is_passed_over_for_the_one_before(damage, whole, capsys):
    run = train(stop_at=13)
    DAMAGE[damage](run.folder / "checkpoints" / "train" / "step_000000010")
    capsys.readouterr()
    run = train()
    said = capsys.readouterr().out
    assert "step_000000010 passed over" in said
    assert "goes on from step 5" in said
    assert (weights(run), run.history) == whole


def test_where_all_checkpoints_are_damaged_the_training_starts_afresh(whole, capsys):
    run = train(stop_at=13)
    for folder in (run.folder / "checkpoints" / "train").iterdir():
        DAMAGE["weights cut short"](folder)
    run = train()
    assert capsys.readouterr().out.count("passed over") == 2
    assert (weights(run), run.history) == whole


def test_what_a_killed_save_left_is_never_used(whole, capsys):
    run = train(stop_at=8)
    folder = run.folder / "checkpoints" / "train"
    for name in (".step_000000015.4242", ".step_000000005.4242"):
        shutil.copytree(folder / "step_000000005", folder / name)
        DAMAGE["state cut short"](folder / name)
    run = train()
    said = capsys.readouterr().out
    assert "goes on from step 5" in said
    assert "passed over" not in said
    assert (weights(run), run.history) == whole
    assert not folder.exists()


def test_a_checkpoint_that_was_never_moved_to_its_place_is_none(whole, capsys):
    folder = train(stop_at=8).folder / "checkpoints" / "train"
    (folder / "step_000000005").rename(folder / ".step_000000005.4242")
    run = train()
    assert "goes on from step 5" not in capsys.readouterr().out
    assert (weights(run), run.history) == whole


def test_two_checkpoints_are_kept_and_the_newest_comes_first(tmp_path):
    for step in (7, 8, 1_000_000_000):
        saving.save(tmp_path, step, {"w": torch.tensor([float(step)])}, {"step": step})
    found = [
        (path.name, weights["w"].item(), state["step"])
        for path, weights, state in saving.sound(tmp_path)
    ]
    assert found == [("step_1000000000", 1e9, 1_000_000_000), ("step_000000008", 8.0, 8)]
    assert saving.newest(tmp_path).name == "step_1000000000"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["step_000000008", "step_1000000000"]


def test_a_checkpoint_saved_twice_is_the_second_one(tmp_path):
    for value in (1.0, 2.0):
        saving.save(tmp_path, 3, {"w": torch.tensor([value])}, {"step": 3})
    ((_, weights, _),) = saving.sound(tmp_path)
    assert weights["w"].item() == 2.0


# ------------------------------------------------------------------ which checkpoint is whose

OTHERS = {
    "another learning rate": {"lr": 0.02},
    "another seed": {"seed": 1},
    "another batch": {"batch": 3},
    "more steps": {"steps": 21},
    "a wider network": {"net": nn.Sequential(nn.Linear(3, 9), nn.BatchNorm1d(9), nn.Linear(9, 3))},
    "other names of the same shapes": {"net": nn.ModuleDict({"a": nn.Linear(3, 3)})},
}


@pytest.mark.parametrize("other", OTHERS)
def test_checkpoints_of_a_run_with_other_settings_are_not_resumed(other, capsys):
    first = {"net": nn.Sequential(nn.Linear(3, 3))} if "same shapes" in other else {}
    changes = OTHERS[other]
    if "same shapes" in other:
        changes["net"].forward = changes["net"]["a"].forward
    train(stop_at=13, **first)
    capsys.readouterr()
    run = train(**changes)
    said = capsys.readouterr().out
    assert "other settings" in said
    assert "goes on from" not in said
    assert run.history["step"] == list(range(changes.get("steps", 20)))


def test_an_average_that_is_new_starts_afresh(capsys):
    train(stop_at=13, ema=())
    run = train()
    assert "other settings" in capsys.readouterr().out
    assert run.history["step"] == list(range(20))


@pytest.mark.parametrize(
    "other",
    [
        {"images": torch.zeros(6, 2)},
        {"images": torch.ones(40, 2)},
        {"size": 3},
        {"rate": 0.2},
        {"decay": 0.9},
    ],
)
def test_another_training_starts_afresh_though_no_setting_says_so(other, capsys):
    def fit(stop, images=None, size=2, rate=0.1, decay=0.999):
        run, net = start("images"), nn.Linear(2, 2)
        images = torch.zeros(40, 2) if images is None else images
        opt = torch.optim.SGD(net.parameters(), lr=rate)
        for _ in run.train(
            run.batches(images, size),
            10,
            checkpoint_every=2,
            ema="net",
            ema_decay=decay,
            net=net,
            opt=opt,
        ):
            run.log(loss=0.0)
            if run.history["step"][-1] == stop:
                raise KeyboardInterrupt
        return run

    with pytest.raises(KeyboardInterrupt):
        fit(stop=5)
    run = fit(stop=None, **other)
    assert "other settings" in capsys.readouterr().out
    assert run.history["step"] == list(range(10))


def test_after_its_end_a_training_has_weights_and_no_checkpoints(capsys):
    run = train()
    assert not (run.folder / "checkpoints" / "train").exists()
    assert sorted(p.name for p in run.folder.iterdir() if p.is_file()) == ["train.safetensors"]
    train()
    assert "goes on from" not in capsys.readouterr().out


def test_a_second_training_of_a_run_has_a_label_of_its_own():
    run = train()
    before = weights(run)
    train(run=run)
    train(run=run)
    assert weights(run) == before
    assert len({weights(run, label) for label in ("train", "train_2", "train_3")}) == 3


def test_the_second_of_two_trainings_goes_on_where_it_was_interrupted(
    tmp_path, monkeypatch, capsys
):
    run = train()
    train(run=run)
    expected = weights(run, "train_2")
    monkeypatch.setenv("GENIMG_OUT", str(tmp_path / "interrupted"))
    train(run=train(), stop_at=13)
    capsys.readouterr()
    run = train()
    train(run=run)
    assert "goes on from step 10" in capsys.readouterr().out
    assert weights(run, "train_2") == expected


def test_ctrl_c_and_the_same_cell_again_goes_on_in_the_same_run(whole, capsys):
    run = train(stop_at=13)
    assert "goes on" not in capsys.readouterr().out
    train(run=run, stop_at=17)
    assert "goes on from step 10" in capsys.readouterr().out
    train(run=run)
    assert "goes on from step 15" in capsys.readouterr().out
    assert (weights(run), run.history) == whole
    assert not (run.folder / "train_2.safetensors").exists()


def test_ctrl_c_before_the_first_checkpoint_and_the_same_cell_again_begins_where_it_began(whole):
    run = train(stop_at=3)
    train(run=run)
    assert (weights(run), run.history) == whole


def test_a_training_that_sets_its_own_learning_rate_goes_on_in_the_same_run(capsys):
    run, net = start("rates"), nn.Linear(2, 2)
    opt = torch.optim.SGD(net.parameters(), lr=0.1)

    def cell(stop_at):
        for _ in run.train(
            run.batches(torch.ones(8, 2), 2), 20, checkpoint_every=5, net=net, opt=opt
        ):
            opt.param_groups[0]["lr"] = 0.1 * (1 - run.progress)
            run.log(rate=opt.param_groups[0]["lr"])
            if run.history["step"][-1] == stop_at:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cell(stop_at=13)
    cell(stop_at=None)
    said = capsys.readouterr().out
    assert "goes on from step 10" in said
    assert "other settings" not in said


def test_weights_saved_at_the_end_are_the_modules_and_their_averages():
    from safetensors.torch import load

    net = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.Linear(8, 3))
    run = train(net=net)
    found = load(weights(run))
    expected = {f"net.{k}": v for k, v in net.state_dict().items()} | {
        f"ema_net.{k}": v for k, v in run.ema["net"].state_dict().items()
    }
    torch.testing.assert_close(found, expected, rtol=0, atol=0)


SCHEDULES = {
    "lambda": lambda opt: torch.optim.lr_scheduler.LambdaLR(opt, lambda k: 1 / (1 + k)),
    "one cycle": lambda opt: torch.optim.lr_scheduler.OneCycleLR(opt, max_lr=0.1, total_steps=20),
    "cosine": lambda opt: torch.optim.lr_scheduler.CosineAnnealingLR(opt, 20),
    "warm-up, then cosine": lambda opt: torch.optim.lr_scheduler.SequentialLR(
        opt,
        [
            torch.optim.lr_scheduler.LinearLR(opt),
            torch.optim.lr_scheduler.CosineAnnealingLR(opt, 15),
        ],
        [5],
    ),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules_and_optimisers_are_resumed(name):
    def rates(stop):
        run = start("schedules")
        net = nn.Linear(1, 1)
        opt = torch.optim.AdamW(net.parameters(), lr=0.1)
        schedule, seen = SCHEDULES[name](opt), []
        for x in run.train(
            run.batches(torch.ones(4, 1), 2),
            20,
            checkpoint_every=4,
            net=net,
            opt=opt,
            schedule=schedule,
        ):
            seen.append((opt.param_groups[0]["lr"], net.weight.item()))
            if len(seen) == stop:
                raise KeyboardInterrupt
            opt.zero_grad()
            net(x).square().mean().backward()
            opt.step()
            schedule.step()
        return seen

    expected = rates(None)
    with pytest.raises(KeyboardInterrupt):
        rates(10)
    assert rates(None) == expected[8:]


# ------------------------------------------------------------------ what a reader edits


class Net(nn.Module):
    def __init__(self, middle):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(3, 4), middle, nn.Linear(4, 3))

    def forward(self, x):
        return self.body(x)


def edited(stop_at=None, middle=None, twice=False):
    """A training whose layer or loop may be another one."""
    torch.manual_seed(0)
    run = start("edited")
    net = Net(middle or nn.ReLU())
    opt = torch.optim.SGD(net.parameters(), lr=0.1)
    data = torch.randn(8, 3, generator=torch.Generator().manual_seed(1))
    try:
        if twice:
            for x in run.train(run.batches(data, 4), 10, checkpoint_every=1, net=net, opt=opt):
                run.log(loss=2 * (net(x) - x).square().mean())
        else:
            for x in run.train(run.batches(data, 4), 10, checkpoint_every=1, net=net, opt=opt):
                run.log(loss=(net(x) - x).square().mean())
                if run.history["step"][-1] == stop_at:
                    raise KeyboardInterrupt
    except KeyboardInterrupt:
        pass
    return run


@pytest.mark.parametrize(
    ("change", "said"), [({"middle": nn.Tanh()}, "networks"), ({"twice": True}, "loop")]
)
def test_an_edited_layer_or_loss_starts_afresh_and_says_why(change, said, capsys):
    edited(stop_at=5)
    run = edited(**change)
    assert (
        f"belongs to a run with other settings ({said}): starting afresh" in capsys.readouterr().out
    )
    assert list((run.folder / "checkpoints" / "train.old").glob("step_*"))  # not thrown away
    assert run.history["step"] == list(range(10))


def test_the_same_cell_again_goes_on(capsys):
    edited(stop_at=5)
    edited()
    assert "goes on from step" in capsys.readouterr().out


# ------------------------------------------------------------------ two at once, and a full disk


def test_a_second_process_does_not_touch_the_firsts_checkpoints(tmp_path):
    folder = tmp_path / "checkpoints" / "train"
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        saving.lock(folder)
        path = tmp_path / "checkpoints" / "train.lock"
        holder = json.loads(path.read_text())
        began = psutil.Process(other.pid).create_time()
        path.write_text(json.dumps(holder | {"pid": other.pid, "began": began}))
        with pytest.raises(TrainingError, match=f"process {other.pid} is training here"):
            saving.lock(folder)
        other.communicate(b"\n")
    assert saving.lock(folder) == path  # it is dead: taken over
    assert json.loads(path.read_text())["pid"] == os.getpid()


def test_a_training_leaves_no_lock(tmp_path):
    run = train(stop_at=5)
    run = train()
    assert not list(run.folder.rglob("*.lock"))


def test_a_full_disk_costs_a_checkpoint_and_not_the_training(whole, monkeypatch, capsys):
    sync, calls = os.fsync, []

    def full(file):
        calls.append(file)
        if 4 <= len(calls) <= 8:  # the first file of each checkpoint from the second on
            raise OSError(28, "No space left on device")
        sync(file)

    monkeypatch.setattr(os, "fsync", full)
    run = train(every=4)
    said = capsys.readouterr().out
    assert "no checkpoint at step" in said and "No space left on device" in said
    assert weights(run) == whole[0]
    assert not list(run.folder.rglob(".step_*"))


def test_a_disk_that_is_full_at_any_write_of_a_run(whole, monkeypatch, capsys, tmp_path):
    number, lost = 0, "the first"
    while lost:
        monkeypatch.setenv("GENIMG_OUT", str(tmp_path / f"out_{number}"))
        with monkeypatch.context() as patch:
            patch.setattr(files, "open", disk := FullAt(number), raising=False)
            said = looked_at_and_reported()
        lost = next(iter(disk.written[number:]), None)
        said += capsys.readouterr().out
        assert ("KiB were to be written" in said) == (lost is not None)
        meanwhile = lost and ("/previews/" in lost or "/checkpoints/" in lost)
        assert ("the training goes on" in said) == bool(meanwhile)
        assert not [path for path in files.out_folder().rglob(".*") if path.is_file()]
        assert weights(train(every=10)) == whole[0]
        number += 1
    kinds = {Path(path).parent.name.lstrip(".").split("_")[0] for path in disk.written}
    assert kinds == {"step", "previews", "figures", "quick"}


def looked_at_and_reported():
    """A training with previews, a figure and a results file; what an error of the disk says."""
    try:
        run = train(every=10, preview=lambda: torch.zeros(1, 1, 8, 8), preview_every=10)
        plots.show(plots.grid(torch.zeros(1, 1, 8, 8)), alt="a black image")
        run.report(loss=1.0)
    except OSError as error:
        return str(error)
    return ""


def test_an_optimiser_of_other_networks_is_refused():
    old, net = nn.Linear(2, 2), nn.Linear(2, 2)
    run = start("other_optimiser")
    opt = torch.optim.SGD(old.parameters(), lr=0.1)
    with pytest.raises(TrainingError, match="opt holds no weight of net"):
        next(iter(run.train(run.batches((torch.zeros(4, 2),), 2), 3, net=net, opt=opt)))


def test_muon_is_known_as_the_optimiser_of_its_network():
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.Flatten(), nn.LazyLinear(1))
    net(torch.zeros(1, 3, 4, 4))
    run = start("muon")
    opts = {"muon": Muon(net), "adam": torch.optim.Adam(others(net))}
    batches = run.batches((torch.zeros(4, 3, 4, 4),), 2)
    assert len(list(run.train(batches, 3, ema="net", net=net, **opts))) == 3
