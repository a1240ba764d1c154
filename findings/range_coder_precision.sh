#!/usr/bin/env bash
# constriction 0.5.0: a stream coded with `perfect=True` (what Categorical does if nothing is said)
# and decoded with `perfect=False` gives other symbols and no error: the two quantise the same
# probabilities to other tables. And symbols have to be int32: torch's and numpy's default int64
# is refused. So name `perfect` on both sides, and keep a checksum beside the stream.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet constriction==0.5.0 numpy==2.4.6
cat > "$folder/code.py" <<'PY'
import sys
import warnings
from importlib.metadata import version

import constriction
import numpy as np

warnings.simplefilter("ignore")
queue, model = constriction.stream.queue, constriction.stream.model
rng = np.random.default_rng(0)
p = rng.dirichlet(np.full(300, 0.3)).astype(np.float64)
symbols = rng.choice(300, size=2_000, p=p).astype(np.int32)


def coded(**how):
    encoder = queue.RangeEncoder()
    encoder.encode(symbols, model.Categorical(p, **how))
    return encoder.get_compressed()


def wrong(words, **how):
    found = queue.RangeDecoder(words).decode(model.Categorical(p, **how), len(symbols))
    return float((found != symbols).mean())


alike = wrong(coded(perfect=False), perfect=False)
unlike = wrong(coded(perfect=True), perfect=False)
by_default = wrong(coded(), perfect=True)
try:
    queue.RangeEncoder().encode(symbols.astype(np.int64), model.Categorical(p, perfect=False))
    refused = False
except (TypeError, ValueError):
    refused = True
print(
    f"seen: constriction {version('constriction')}: wrong symbols, named alike {alike:.0%}, "
    f"True then False {unlike:.0%}, nothing then True {by_default:.0%}; int64 refused: {refused}"
)
as_said = alike == 0 and unlike > 0.3 and by_default == 0 and refused
sys.exit(0 if as_said else "this has changed")
PY
"$folder/venv/bin/python" "$folder/code.py"
