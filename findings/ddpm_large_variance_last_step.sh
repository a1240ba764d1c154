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
"$work/venv/bin/pip" install -q torch==2.13.0 diffusers==0.42.1 numpy==2.4.6
"$work/venv/bin/python" - <<'PY'
import sys

import diffusers
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
seen = {", ".join(key): round(value, 4) for key, value in found.items()}
print(f"seen: diffusers {diffusers.__version__}: standard deviation around the image: {seen}")
noisy = found.pop(("trailing", "fixed_large"))
sys.exit(0 if 0.25 < noisy < 0.4 and max(found.values()) < 0.01 else "this has changed")
PY
