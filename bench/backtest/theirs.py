"""backtesting.py as a black box: one JSON request a line in, one JSON answer a line out, timed inside this process."""
import json
import sys
import time
import warnings

import numpy
import pandas
import backtesting
from backtesting import Backtest, Strategy
from backtesting.lib import crossover

warnings.simplefilter("ignore")
answers = sys.stdout
sys.stdout = sys.stderr


def average(values, length):
    return pandas.Series(values).rolling(length).mean()


class SmaCross(Strategy):
    fast = 10
    slow = 20

    def init(self):
        self.quick = self.I(average, self.data.Close, self.fast)
        self.calm = self.I(average, self.data.Close, self.slow)

    def next(self):
        if crossover(self.quick, self.calm):
            self.position.close()
            self.buy()
        elif crossover(self.calm, self.quick):
            self.position.close()
            self.sell()


frames = {}


def frame_of(path):
    if path not in frames:
        frames[path] = pandas.read_csv(path, index_col=0, parse_dates=True)
    return frames[path]


def measured(request):
    frame = frame_of(request["path"])
    began = time.perf_counter()
    found = Backtest(frame, SmaCross, cash=10_000, commission=0.002).run()
    seconds = time.perf_counter() - began
    return {"seconds": seconds, "bars": len(frame), "trades": int(found["# Trades"]), "finalEquity": float(found["Equity Final [$]"])}


def main():
    versions = {"backtesting": backtesting.__version__, "python": sys.version.split()[0]}
    versions |= {"pandas": pandas.__version__, "numpy": numpy.__version__}
    print(json.dumps(versions), file=answers, flush=True)
    for line in sys.stdin:
        print(json.dumps(measured(json.loads(line))), file=answers, flush=True)


main()
