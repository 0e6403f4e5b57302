"""Writes a file with the safetensors package: python tensors.py OUTPUT"""

import sys

from common import need, np

need("safetensors", "safetensors from PyPI into .souk/venv")
from safetensors.numpy import save_file

random = np.arange(24, dtype=np.float32)
save_file({"a": random.reshape(4, 6) / 7, "b.c": np.array([1.5, -2.25], dtype=np.float64),
           "empty": np.zeros((0, 3), dtype=np.float32), "scalar": np.array(3.5, dtype=np.float32)},
          sys.argv[1], metadata={"format": "np"})
