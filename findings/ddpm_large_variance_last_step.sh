#!/usr/bin/env bash
# diffusers 0.42.1, DDPMScheduler with variance_type="fixed_large" and timestep_spacing="trailing",
# 10 of 1,000 steps: the last step adds noise to the image that it returns.
#
# The scheduler leaves the noise out at timestep 0. With trailing spacing the last of ten timesteps
# is 99, so noise of the last step's whole variance, 1 - alpha_bar, is added to the finished image:
# a network that knows the image, and says it at every step, gets it back with a standard deviation
# of about 0.32. With the default spacing ("leading") the last timestep is 0, and the image comes
# back as it is; so it does with the default variance ("fixed_small"), which is 0 at the last step.
# A good engineer would expect that the last step, not a timestep's number, decides.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q torch==2.13.0 diffusers==0.42.1 numpy
"$work/venv/bin/python" - <<'PY'
import torch
from diffusers import DDPMScheduler

image = torch.full((1, 1, 64, 64), 0.5)
found = {}
for spacing in ("leading", "trailing"):
    for variance in ("fixed_small", "fixed_large"):
        scheduler = DDPMScheduler(
            prediction_type="sample",
            timestep_spacing=spacing,
            variance_type=variance,
            clip_sample=False,
        )
        scheduler.set_timesteps(10)
        generator = torch.Generator().manual_seed(0)
        x = torch.randn(image.shape, generator=generator)
        for t in scheduler.timesteps:
            x = scheduler.step(image, t, x, generator=generator).prev_sample
        found[spacing, variance] = (x - image).std().item()
        print(f"{spacing}, {variance}: last timestep {t.item()}, off by {found[spacing, variance]:.4f}")
assert 0.25 < found.pop(("trailing", "fixed_large")) < 0.4
assert max(found.values()) < 0.01
PY
echo "as described"
