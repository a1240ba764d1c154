#!/usr/bin/env bash
# scikit-image 0.26.0: inpaint_biharmonic cuts what it fills off at the least and the largest known
# value of the whole image, which its documentation does not say. So a ramp whose bright end is hidden
# is continued flat, at the last level that is seen; and one bright pixel far away, in another corner,
# changes what is put there: it lifts the limit, and the ramp goes on rising.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet numpy==2.4.6 scikit-image==0.26.0
cat > "$folder/ramp.py" <<'PY'
import sys

import numpy as np
from skimage.restoration import inpaint_biharmonic

ramp = np.tile(np.linspace(0, 0.6, 48), (24, 1))
hidden = np.zeros(ramp.shape, bool)
hidden[:, 36:] = True
last_seen = ramp[0, 35]
plain = inpaint_biharmonic(ramp, hidden)[:, 36:]
other = ramp.copy()
other[23, 0] = 1.0  # as far from the hole as can be
lifted = inpaint_biharmonic(other, hidden)[:, 36:]
print(f"seen: last level {last_seen:.3f}; filled {plain.min():.3f} to {plain.max():.3f};")
print(f"seen: with one bright pixel far away {lifted.min():.3f} to {lifted.max():.3f}")
flat = np.allclose(plain, last_seen)
sys.exit(0 if flat and lifted.max() > last_seen + 0.03 else "this has changed")
PY
"$folder/venv/bin/python" "$folder/ramp.py"
