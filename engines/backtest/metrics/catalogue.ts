// Every figure of a run: what it is, its unit, where its formula comes from. Percent are percent (5 is five in a hundred),
// money is the account's currency, ratios have no unit. A figure that is not defined is null, with a reason beside it.
// Annual figures use returns a period: a UTC day for daily and faster bars, else a bar; P is the number of periods a year
// (252, or 365 where weekends trade; 52, 12, 4, 1 for slower bars). The risk-free rate is zero.

export const metrics = {
  returnPercent: { title: 'Return', unit: '%', source: 'final equity over first equity, less 1' },
  buyAndHoldReturnPercent: {
    title: 'Buy and hold',
    unit: '%',
    source: 'last close over the close after the warm-up, less 1; no costs',
  },
  cagrPercent: { title: 'CAGR', unit: '%', source: '(final / first equity)^(365.25 / days) - 1, calendar days' },
  annualReturnPercent: { title: 'Annual return', unit: '%', source: '(1 + geometric mean return a period)^P - 1' },
  annualVolatilityPercent: {
    title: 'Annual volatility',
    unit: '%',
    source: 'of compounded returns, g geometric mean, v variance a period: sqrt((v + (1+g)^2)^P - (1+g)^(2P))',
  },
  sharpeRatio: { title: 'Sharpe ratio', unit: '', source: 'annual return / annual volatility; Sharpe 1994' },
  sortinoRatio: {
    title: 'Sortino ratio',
    unit: '',
    source: 'annual return / (root mean square of losing periods * sqrt(P)); Sortino and Price 1994',
  },
  calmarRatio: { title: 'Calmar ratio', unit: '', source: 'annual return / maximum drawdown; Young 1991' },
  alphaPercent: { title: 'Alpha', unit: '%', source: 'return - beta * buy-and-hold return, whole run; Jensen 1968' },
  beta: { title: 'Beta', unit: '', source: 'covariance / variance of log returns a bar, equity against close' },
  maxDrawdownPercent: { title: 'Max. drawdown', unit: '%', source: 'lowest equity over the peak before it, less 1' },
  avgDrawdownPercent: {
    title: 'Avg. drawdown',
    unit: '%',
    source: 'mean of the depths of all drawdowns of at least two bars',
  },
  maxDrawdownDurationDays: {
    title: 'Max. drawdown duration',
    unit: 'days',
    source: 'from peak to the next peak, or the end',
  },
  avgDrawdownDurationDays: {
    title: 'Avg. drawdown duration',
    unit: 'days',
    source: 'mean of these, rounded up to a bar or a day',
  },
  exposurePercent: {
    title: 'Exposure, closed trades',
    unit: '%',
    source: 'bars from entry to exit of closed trades / bars',
  },
  timeInMarketPercent: { title: 'Time in the market', unit: '%', source: 'bars with a trade open at the close / bars' },
  tradeCount: { title: 'Closed trades', unit: '', source: 'count' },
  winRatePercent: { title: 'Win rate', unit: '%', source: 'trades with a profit after fees / trades' },
  bestTradePercent: { title: 'Best trade', unit: '%', source: 'profit after fees / entry value' },
  worstTradePercent: { title: 'Worst trade', unit: '%', source: 'the same' },
  avgTradePercent: { title: 'Avg. trade', unit: '%', source: 'geometric mean of the same' },
  maxTradeDurationDays: { title: 'Longest trade', unit: 'days', source: 'entry to exit' },
  avgTradeDurationDays: { title: 'Avg. trade duration', unit: 'days', source: 'mean, rounded up to a bar or a day' },
  profitFactor: { title: 'Profit factor', unit: '', source: 'sum of winning trade returns / sum of losing ones' },
  expectancyPercent: { title: 'Expectancy', unit: '%', source: 'mean trade return' },
  sqn: { title: 'SQN', unit: '', source: 'sqrt(trades) * mean / standard deviation of profits; Tharp 2008' },
  kellyCriterion: {
    title: 'Kelly criterion',
    unit: '',
    source: 'win rate - loss rate / (mean win / mean loss); Kelly 1956',
  },
  turnoverPerYear: {
    title: 'Turnover',
    unit: 'times a year',
    source: 'half of all value traded / mean equity / years',
  },
  commissions: {
    title: 'Commissions, closed trades',
    unit: 'money',
    source: 'fees of entry and exit of closed trades',
  },
  feesPaid: { title: 'Fees paid', unit: 'money', source: 'all fees, those of open trades included' },
  spreadCost: { title: 'Spread', unit: 'money', source: 'inside the prices: units * what the spread moved them' },
  slippageCost: { title: 'Slippage', unit: 'money', source: 'inside the prices: units * what slippage moved them' },
  finalEquity: { title: 'Final equity', unit: 'money', source: 'cash and open trades at the last close' },
  peakEquity: { title: 'Peak equity', unit: 'money', source: 'highest equity at a close' },
  durationDays: { title: 'Duration', unit: 'days', source: 'first to last bar' },
} as const satisfies Record<
  string,
  { title: string; unit: '' | '%' | 'days' | 'money' | 'times a year'; source: string }
>;

export type MetricName = keyof typeof metrics;
export const metricNames = Object.keys(metrics) as MetricName[];
