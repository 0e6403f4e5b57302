"""What statsforecast says of the series in a JSON file, [{"values": [...], "size": a, "interval": b}, ...]:
python intermittent.py INPUT OUTPUT"""

import json
import sys

from common import need, np

need("statsforecast", "statsforecast from PyPI into .souk/venv")
from statsforecast.models import TSB, CrostonClassic, CrostonSBA
from statsforecast.models import _ses_forecast, _demand, _intervals

answers = []
for case in json.load(open(sys.argv[1])):
    values = np.array(case["values"], dtype=np.float64)
    size, interval = case["size"], case["interval"]
    # Its Croston models smooth by 0.1; for other factors, its own smoothing of its own sizes and intervals.
    smoothed = _ses_forecast(_demand(values), size)[0] / _ses_forecast(_intervals(values), interval)[0]
    answers.append({
        "croston_at_a_tenth": float(CrostonClassic().forecast(values, 1)["mean"][0]),
        "sba_at_a_tenth": float(CrostonSBA().forecast(values, 1)["mean"][0]),
        "croston": float(smoothed),
        "tsb": float(TSB(alpha_d=size, alpha_p=interval).forecast(values, 1)["mean"][0]),
    })
json.dump(answers, open(sys.argv[2], "w"), allow_nan=False)
