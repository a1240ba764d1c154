#!/usr/bin/env bash
# Pillow 13.0.0: a sound picture of noise, saved as JPEG with optimize=True at quality 95 and colours at
# full resolution into memory, ends with OSError: the buffer that is set aside for the whole file
# is smaller than what the file needs. Without optimize the same picture is saved.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet pillow==13.0.0
cat > "$folder/save.py" <<'PY'
import io
import random
import sys

from PIL import Image, __version__

picture = Image.frombytes("RGB", (640, 480), random.Random(0).randbytes(640 * 480 * 3))
found = {}
for optimize in (False, True):
    try:
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", quality=95, subsampling=0, optimize=optimize)
        found[optimize] = "saved"
    except OSError as error:
        found[optimize] = f"OSError: {error}"
print(f"seen: Pillow {__version__}: plain {found[False]!r}, with optimize {found[True]!r}")
sys.exit(0 if found[False] == "saved" and found[True] != "saved" else "this has changed")
PY
"$folder/venv/bin/python" "$folder/save.py"
