"""How well samples fit the distributions they are said to be of, as scipy sees it; prints a p-value for each:
python3 samples.py INPUT, a JSON file [{"kind": "t", "parameters": [...], "values": [...]}, ...]"""

import json
import sys

from common import need, np

stats = need("scipy.stats", "the Debian package python3-scipy").stats


def discrete(values, distribution):
    """Chi-squared over classes of about equal size."""
    edges = np.unique(distribution.ppf(np.linspace(0, 1, 31)[1:-1]))
    inner = np.concatenate([[0.0], distribution.cdf(edges), [1.0]])
    expected = np.diff(inner) * len(values)
    observed = np.histogram(np.searchsorted(edges, values, side="left"), bins=np.arange(len(edges) + 2))[0]
    keep = expected > 5
    return stats.chisquare(observed[keep], expected[keep] * observed[keep].sum() / expected[keep].sum()).pvalue


results = []
for case in json.load(open(sys.argv[1])):
    given, values = case["parameters"], np.array(case["values"])
    if case["kind"] == "poisson":
        results.append(discrete(values, stats.poisson(*given)))
    elif case["kind"] == "negative_binomial":
        mean, dispersion = given
        shape = 1 / dispersion
        results.append(discrete(values, stats.nbinom(shape, shape / (shape + mean))))
    else:
        results.append(stats.kstest(values, getattr(stats, case["kind"])(*given).cdf).pvalue)
print(json.dumps([float(value) for value in results]))
