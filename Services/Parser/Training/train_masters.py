#!/usr/bin/python3
"""The model of masters: which rows of a chain are which products. Reads pairs that `souk-bench masters`
wrote, one file for each chain, and learns from rows whose GTIN says what is right."""

import argparse
import base64
import datetime
import hashlib
import json
import os
import sys

import numpy as np
import xgboost

KEPT = 3
"""Candidates of a row that the second trees look at: as RowDecision.kept in Swift."""
NEAR = 8
"""Candidates of a row that are always learnt from."""
SURE, LEAST_SURE = 0.5, 20
"""Pairs that say how dear a chain is: as in RowDecision in Swift."""
LEAST, DOUBT = 0.01, 2
"""Pairs that say whose products the rows with a word are, and how many such rows are needed: as in MakersOfWords in
Swift."""
PARTS = 3
"""Of the chains: what the second trees learn of each comes from first trees that have not seen it."""
PRICE_RATIO, UNPRICED = 27, -8
"""Place of the logarithm of a pair's prices among its features: as PairFeature.priceRatio in Swift."""

LEVEL = 12
"""Place of how dear the chain is among the features of the second trees: as RowDecision.contested writes them."""

PAIRS = {"objective": "binary:logistic", "max_depth": 6, "eta": 0.1, "subsample": 0.8, "colsample_bytree": 0.6,
         "min_child_weight": 4, "tree_method": "hist", "max_bin": 64}
ROWS = {"objective": "binary:logistic", "max_depth": 5, "eta": 0.1, "subsample": 0.8, "colsample_bytree": 0.5,
        "min_child_weight": 6, "tree_method": "hist", "max_bin": 64}


class Chain:
    """The pairs of one chain: rows in the order of their candidates, the nearest first."""

    def __init__(self, path):
        with open(path, "rb") as file:
            width = int(np.frombuffer(file.read(4), dtype="<i4")[0])
            table = np.frombuffer(file.read(), dtype="<f4").reshape(-1, width)
        self.name = os.path.basename(path)[:-len(".pairs")]
        self.rows = table[:, 0].astype(np.int64)
        self.masters = table[:, 1].astype(np.int64)
        self.labels = table[:, 2] > 0
        self.known = table[:, 3] > 0
        """Whether the row's product is among the masters at all."""
        self.makers = table[:, 4].astype(np.int64)
        """Of the masters; 0 for none."""
        self.features = table[:, 5:]
        self.word_rows, self.words = np.fromfile(path[:-len("pairs")] + "words", dtype="<i4").reshape(-1, 2).T
        """The words of the rows, one after the other, and whose they are."""
        self.known_rows = len(np.unique(self.rows[self.known]))
        self.new_rows = len(np.unique(self.rows[~self.known]))

        _, starts, counts = np.unique(self.rows, return_index=True, return_counts=True)
        self.places = np.arange(len(self.rows)) - np.repeat(starts, counts)
        """Of the pair among those of its row."""

    def sample(self, count, seed):
        """Pairs to learn from, and what each counts for: of the far candidates, which are easily told, one in three."""
        random = np.random.default_rng(seed)
        rows = np.unique(self.rows)
        if len(rows) > count:
            rows = random.choice(rows, count, replace=False)
        near = self.labels | (self.places < NEAR)
        keep = np.isin(self.rows, rows) & (near | (random.integers(0, 3, len(near)) == 0))
        return keep, np.where(near, 1, 3)[keep]


def matrix_of(features, arguments, **more):
    return xgboost.DMatrix(features, nthread=arguments.threads, **more)


def answers_of(model, features, arguments):
    model.set_param({"nthread": arguments.threads})
    return model.predict(matrix_of(features, arguments))


def fit(parameters, features, labels, rounds, arguments, weights=None):
    parameters = {**parameters, "nthread": arguments.threads, "seed": arguments.seed}
    if arguments.depth:
        parameters["max_depth"] = arguments.depth
    return xgboost.train(parameters, matrix_of(features, arguments, label=labels, weight=weights), rounds)


def fit_pairs(chains, arguments):
    chosen = [chain.sample(arguments.rows, arguments.seed) for chain in chains]
    return fit(PAIRS, np.concatenate([chain.features[keep] for chain, (keep, _) in zip(chains, chosen)]),
               np.concatenate([chain.labels[keep] for chain, (keep, _) in zip(chains, chosen)]), arguments.pair_rounds,
               arguments, np.concatenate([weights for _, weights in chosen]))


def makers_of_words(chain, p, kept):
    """Whose products the chain's other rows with the words of a row are, for these pairs: what MakersOfWords in Swift
    says."""
    p = np.where(p >= LEAST, p, 0).astype(np.float64)
    # Each pair as often as its row has words.
    starts = np.searchsorted(chain.word_rows, chain.rows)
    counts = np.searchsorted(chain.word_rows, chain.rows, side="right") - starts
    places = np.repeat(np.arange(len(p)), counts)
    words = chain.words[np.arange(len(places)) + np.repeat(starts - np.cumsum(counts) + counts, counts)]
    makers, rows = chain.makers[places], chain.rows[places]

    def total(keys):
        _, numbers = np.unique(keys, return_inverse=True)
        return np.bincount(numbers, p[places])[numbers]
    pair, most = words * np.int64(chain.makers.max() + 1) + makers, np.int64(rows.max() + 1)
    of_maker = np.maximum(0, total(pair) - total(pair * most + rows))
    of_all = np.maximum(0, total(words) - total(words * most + rows))
    priors = np.bincount(chain.makers, p)[chain.makers] / max(p.sum(), 1e-300)
    prior = np.maximum(priors[places], 1e-300)
    found = (of_maker + DOUBT * prior) / (of_all + DOUBT)
    lift = np.log(found / prior)
    columns = np.zeros((len(p), 3))
    np.maximum.at(columns[:, 0], places, found)
    np.maximum.at(columns[:, 1], places, lift)
    np.add.at(columns[:, 2], places, lift)
    columns[(chain.makers == 0) | (priors == 0)] = 0
    return columns[kept].astype(np.float32)


def late(chain, p):
    """The best pairs of each row, and their features: what RowDecision.contested makes in Swift."""
    order = np.lexsort((np.arange(len(p)), -p, chain.rows))
    rows, starts, counts = np.unique(chain.rows[order], return_index=True, return_counts=True)
    rank = np.arange(len(order)) - np.repeat(starts, counts)
    total = np.repeat(np.add.reduceat(p[order], starts), counts)
    first = np.repeat(order[starts], counts)
    second = np.repeat(np.where(counts > 1, order[np.minimum(starts + 1, len(order) - 1)], -1), counts)
    other = np.where(rank == 0, second, first)

    # Who claims the master: the strongest and the second of all rows.
    by_master = np.lexsort((np.arange(len(p)), -p, chain.masters))
    _, heads, sizes = np.unique(chain.masters[by_master], return_index=True, return_counts=True)
    best, runner, sums = np.empty(len(p), int), np.full(len(p), -1), np.empty(len(p), np.float32)
    best[by_master] = np.repeat(by_master[heads], sizes)
    runner[by_master] = np.repeat(np.where(sizes > 1, by_master[np.minimum(heads + 1, len(p) - 1)], -1), sizes)
    sums[by_master] = np.repeat(np.add.reduceat(p[by_master], heads), sizes)

    # How dear the chain is.
    ratios = chain.features[order[starts], PRICE_RATIO]
    ratios = np.sort(ratios[(p[order[starts]] > SURE) & (ratios > UNPRICED)])
    level = ratios[len(ratios) // 2] if len(ratios) >= LEAST_SURE else np.float32(0)

    # What the row of a pair has beside that pair.
    elsewhere = np.empty(len(p), np.float32)
    top, next_ = p[first], np.where(second >= 0, p[second], 0)
    elsewhere[order] = np.where(rank == 0, next_, top)

    everyone = np.arange(len(p))
    rival = np.where(best == everyone, runner, best)
    rival_p = np.where(rival >= 0, p[rival], 0).astype(np.float32)
    kept = rank < min(KEPT, len(p))
    pairs = order[kept]
    other, total, rank = other[kept], total[kept], rank[kept]
    own, opponent, features = p[pairs], rival_p[pairs], chain.features[pairs]
    price = np.where(features[:, PRICE_RATIO] > UNPRICED, features[:, PRICE_RATIO] - level, features[:, PRICE_RATIO])
    matrix = np.column_stack([
        own, rank, np.where(other >= 0, p[other], 0), np.where(other >= 0, rival_p[other], 0), total, opponent,
        np.where(rival[pairs] >= 0, elsewhere[rival[pairs]], 0), sums[pairs] - own,
        own / (own + opponent + 0.02), own / (total + 0.02), price, np.abs(price),
        np.full(len(pairs), level), makers_of_words(chain, p, pairs), features,
        np.where(other[:, None] >= 0, features - chain.features[other], 0)]).astype(np.float32)
    return pairs, matrix


def train(chains, arguments):
    """Both models, learnt from these chains. The second learns from what the first says of chains it has not seen. A
    chain with more pairs counts for more there, but not as much as it has: the next chain is another one."""
    parts = [chains[number::PARTS] for number in range(PARTS)]
    matrices, labels, weights = [], [], []
    for part in parts:
        rest = [chain for chain in chains if chain not in part]
        if not part or not rest:
            continue
        model = fit_pairs(rest, arguments)
        for chain in part:
            pairs, matrix = late(chain, answers_of(model, chain.features, arguments))
            # The same in all rows of a chain, it would say which chain this is, and what is right there.
            matrix[:, LEVEL] = 0
            matrices.append(matrix)
            labels.append(chain.labels[pairs])
            weights.append(np.full(len(pairs), len(pairs) ** -0.5))
    weights = np.concatenate(weights)
    second = fit(ROWS, np.concatenate(matrices), np.concatenate(labels), arguments.row_rounds, arguments,
                 weights / weights.mean())
    return fit_pairs(chains, arguments), second


def judged(chain, first, second, arguments):
    """The best answer for each row: (probability, whether it is right, whether the product is among the masters)."""
    pairs, matrix = late(chain, answers_of(first, chain.features, arguments))
    found = answers_of(second, matrix, arguments)
    answers, taken = {}, set()
    for place in np.lexsort((pairs, -found)):
        pair = pairs[place]
        row, master = chain.rows[pair], chain.masters[pair]
        if row not in answers and master not in taken:
            answers[row] = (float(found[place]), bool(chain.labels[pair]), bool(chain.known[pair]))
            taken.add(master)
    return list(answers.values())


def threshold(answers, known, precision, most=None):
    """The least probability at which so many of the answers to known products are right, and their recall.

    `answers` are (probability, right, known) of all rows; at most `most` of those that are new may have one."""
    right = wrong = attached = 0
    best = (1.0, 0.0)
    for probability, is_right, is_known in sorted(answers, reverse=True):
        if is_known:
            right += is_right
            wrong += not is_right
            if right / (right + wrong) >= precision and (most is None or attached <= most):
                best = (float(probability), right / max(1, known))
        else:
            attached += 1
    return best


def packed(first, second, chain, version, same, perhaps, arguments):
    pairs, matrix = late(chain, answers_of(first, chain.features, arguments))
    probes = {"pairs": chain.features[:5].tolist(), "rows": matrix[:5].tolist(),
              "pairAnswers": answers_of(first, chain.features[:5], arguments).tolist(),
              "rowAnswers": answers_of(second, matrix[:5], arguments).tolist()}
    return {"format": 1, "version": version, "features": int(chain.features.shape[1]), "same": round(same, 4),
            "perhaps": round(perhaps, 4), "probes": probes,
            "pairs": base64.b64encode(bytes(first.save_raw(raw_format="ubj"))).decode(),
            "rows": base64.b64encode(bytes(second.save_raw(raw_format="ubj"))).decode()}


def write(path, content):
    """Whole or not at all."""
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    with open(path + ".part", "w", encoding="utf-8") as file:
        json.dump(content, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(path + ".part", path)


def leave_out(chains, arguments):
    """Models for groups of chains, learnt from the other chains; prints what each chain's finds, and keeps the models
    when asked to."""
    answers = []
    groups = min(arguments.groups or len(chains), len(chains))
    for number in range(groups):
        group = chains[number::groups]
        first, second = train([chain for chain in chains if chain not in group], arguments)
        for chain in group:
            found = judged(chain, first, second, arguments)
            answers.append((found, chain.known_rows, chain.new_rows))
            if arguments.folds:
                write(os.path.join(arguments.folds, chain.name + ".json"),
                      packed(first, second, chain, "without-" + chain.name, arguments.same or 0.7, arguments.perhaps,
                             arguments))
            at, recall = threshold(found, chain.known_rows, arguments.precision)
            print(f"  {chain.name}: precision {arguments.precision} from {at:.2f} on, recall {recall:.3f}", flush=True)
    return answers


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pairs", help="folder of the pairs, a file <chain>.pairs for each chain")
    parser.add_argument("registry", nargs="?", help="folder that holds models/, made when it is missing")
    parser.add_argument("--name", default="masters", help="of the model (default: %(default)s)")
    parser.add_argument("--version", help="default: the time now")
    parser.add_argument("--folds", help="also write a model for each chain, learnt without it, into this folder")
    parser.add_argument("--groups", type=int, default=4, help="leave so many groups of chains out, one after the "
                        "other; 0 for every chain by itself (default: %(default)s)")
    parser.add_argument("--rows", type=int, default=4000, help="of each chain to learn from (default: %(default)s)")
    parser.add_argument("--pair-rounds", type=int, default=200, help="trees over pairs (default: %(default)s)")
    parser.add_argument("--row-rounds", type=int, default=120, help="trees over rows (default: %(default)s)")
    parser.add_argument("--precision", type=float, default=0.95, help="that the threshold has to reach on chains left "
                        "out (default: %(default)s)")
    parser.add_argument("--attached", type=float, default=0.03, help="share of the rows whose product is not among the "
                        "masters that may be taken for one, on chains left out (default: %(default)s)")
    parser.add_argument("--depth", type=int, help="of the trees (default: 6 over pairs, 5 over rows)")
    parser.add_argument("--same", type=float, help="threshold, instead of the one that reaches the precision")
    parser.add_argument("--perhaps", type=float, default=0.3, help="least probability of a candidate worth keeping "
                        "(default: %(default)s)")
    parser.add_argument("--threads", type=int, default=1, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=1, help="default: %(default)s")
    arguments = parser.parse_args()
    paths = sorted(name for name in os.listdir(arguments.pairs) if name.endswith(".pairs"))
    chains = [Chain(os.path.join(arguments.pairs, name)) for name in paths]
    chains = [chain for chain in chains if len(chain.rows)]
    if len(chains) < 3:
        raise SystemExit(f"{arguments.pairs} has the pairs of {len(chains)} chains; at least three are needed")
    answers = leave_out(chains, arguments)
    if arguments.registry:
        publish(chains, answers, arguments)


def publish(chains, answers, arguments):
    """Publishes a model of all chains unless the one in use finds more at the same precision."""
    everything = [answer for found, _, _ in answers for answer in found]
    known = sum(count for _, count, _ in answers)
    most = arguments.attached * sum(count for _, _, count in answers)
    same, recall = threshold(everything, known, arguments.precision, most)
    home = os.path.join(arguments.registry, "models", arguments.name)
    old = None
    try:
        with open(os.path.join(home, "current.json"), encoding="utf-8") as file:
            version = json.load(file)["version"]
        with open(os.path.join(home, version, "model.json"), encoding="utf-8") as file:
            old = json.load(file)
    except FileNotFoundError:
        pass
    if old is not None and old["features"] == chains[0].features.shape[1]:
        load = lambda text: xgboost.Booster(model_file=bytearray(base64.b64decode(text)))
        first, second = load(old["pairs"]), load(old["rows"])
        theirs = [answer for chain in chains for answer in judged(chain, first, second, arguments)]
        _, before = threshold(theirs, known, arguments.precision, most)
        print(f"the model in use, {old['version']}, has recall {before:.3f} at precision {arguments.precision}")
        if before > recall:
            print("it finds more, so nothing is published")
            sys.exit(3)
    first, second = train(chains, arguments)
    version = arguments.version or datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    same = arguments.same or same
    content = packed(first, second, chains[0], version, same, min(arguments.perhaps, same), arguments)
    write(os.path.join(home, version, "model.json"), content)
    write(os.path.join(home, "current.json"), {"version": version})
    digest = hashlib.sha256(json.dumps(content).encode()).hexdigest()[:12]
    print(f"{home}/{version}: threshold {same:.2f}, recall {recall:.3f} at precision {arguments.precision} on chains "
          f"left out ({digest})")


if __name__ == "__main__":
    main()
