import { Duration } from 'aws-cdk-lib';
import {
  Dashboard,
  GraphWidget,
  LogQueryVisualizationType,
  LogQueryWidget,
  Metric,
  PeriodOverride,
  SingleValueWidget,
  Stats,
  TextWidget,
  type IWidget,
} from 'aws-cdk-lib/aws-cloudwatch';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { logLines, metricNames, metrics, type MetricName } from '#core/catalogue/metrics.ts';
import { cadences, scheduleKeys, scheduleRow, type Cadence, type ScheduleKey } from '#core/catalogue/schedules.ts';
import { days } from '#core/duration.ts';
import { emitted } from '#lib/metrics.ts';
import { planeName } from '#lib/names.ts';

export interface BeatDashboardProps {
  readonly cell: string;
  /** Of the function that runs what is scheduled. */
  readonly logGroup: ILogGroup;
}

const pageWidth = 24;
const rowHeight = 6;

/** Lightness between that of both grounds, so that a line can be seen on the light page and on the dark one. */
const colours: Partial<Record<MetricName, string>> = {
  SlotCompleted: '#2e9e5b',
  SlotSkipped: '#c8781a',
  SlotMissed: '#d9483b',
};

/** Rarer schedules show more than the page's three hours, or there would be nothing to see. */
const starts: Partial<Record<Cadence, string>> = { '1h': '-P3D', '1d': '-P30D' };

/** Scheduler's own series, kept a group. The last counts what went to dead letters after the retries. */
const deliveries = {
  InvocationAttemptCount: 'attempts',
  TargetErrorCount: 'errors',
  InvocationDroppedCount: 'dropped',
  InvocationsSentToDeadLetterCount: 'dead letters',
};

const ofSchedules = metricNames.filter((name) => metrics[name].dimension === 'schedule');
const counts = ofSchedules.filter((name) => metrics[name].unit === 'Count');
const times = ofSchedules.filter((name) => metrics[name].unit === 'Milliseconds');
const wordOf = (name: string): string => name.replace(/^Slot/, '').toLowerCase();

/**
 * `<cell>-beat`: what became of each schedule's slots, and how late they were. It follows from the catalogue: a schedule or a
 * metric that is added there is seen here.
 */
export class BeatDashboard extends Construct {
  constructor(scope: Construct, id: string, { cell, logGroup }: BeatDashboardProps) {
    super(scope, id);
    const inUse = [...new Set(scheduleKeys.map((key) => scheduleRow(key).cadence))];
    const width = Math.floor(pageWidth / inUse.length);
    new Dashboard(this, 'Dashboard', {
      dashboardName: planeName(cell, 'beat'),
      start: '-PT3H',
      // A bar is a slot at every zoom; CloudWatch would choose longer periods by itself.
      periodOverride: PeriodOverride.INHERIT,
      widgets: [
        [new TextWidget({ width: pageWidth, height: 3, markdown: legend })],
        [lastRuns(logGroup)],
        inUse.map((cadence) => delivery(cadence, planeName(cell, cadence), width)),
        ...scheduleKeys.map(slots),
      ],
    });
  }
}

const legend = `# Beat
Slots of each schedule, a bar a slot. *Skipped* was decided (stale, overlapping, paused, halted); *missed* means that the tick never came. What to do about either stands in docs/runbook.md.`;

/** The last settled run of each schedule. */
function lastRuns({ logGroupName }: ILogGroup): IWidget {
  return new LogQueryWidget({
    title: 'Last runs',
    width: pageWidth,
    height: rowHeight,
    view: LogQueryVisualizationType.TABLE,
    logGroupNames: [logGroupName],
    queryLines: [
      'fields schedule, state, @timestamp, code, attempt, run',
      `filter message = ${JSON.stringify(logLines.runSettled)} and schedule in ${JSON.stringify(scheduleKeys)}`,
      'sort @timestamp desc',
      'dedup schedule',
    ],
  });
}

function delivery(cadence: Cadence, group: string, width: number): IWidget {
  return new GraphWidget({
    title: `Scheduler, ${cadence}: deliveries`,
    width,
    height: rowHeight,
    leftYAxis: { min: 0 },
    ...startOf(cadence),
    left: Object.entries(deliveries).map(
      ([metricName, label]) =>
        new Metric({
          namespace: 'AWS/Scheduler',
          metricName,
          dimensionsMap: { ScheduleGroup: group },
          statistic: Stats.SUM,
          period: Duration.seconds(cadences[cadence]),
          label,
        }),
    ),
  });
}

/** One row a schedule: totals, slots, lateness. */
function slots(key: ScheduleKey): IWidget[] {
  const { cadence, task } = scheduleRow(key);
  const period = Duration.seconds(cadences[cadence]);
  const common = { height: rowHeight, ...startOf(cadence) };
  const counted = counts.map((name) => {
    const color = colours[name];
    return emitted(name, key, { statistic: Stats.SUM, period, label: wordOf(name), ...(color && { color }) });
  });
  return [
    new SingleValueWidget({
      title: `${key}: ${task}, each ${cadence}`,
      width: 6,
      ...common,
      metrics: counted,
      setPeriodToTimeRange: true,
    }),
    new GraphWidget({
      title: `${key}: slots`,
      width: 9,
      ...common,
      left: counted,
      stacked: true,
      leftYAxis: { min: 0 },
    }),
    new GraphWidget({
      title: `${key}: lateness, ms`,
      width: 9,
      ...common,
      left: latenesses(key),
      leftYAxis: { min: 0 },
    }),
  ];
}

/** A point of several slots: of one alone, the middle and the worst are the same. CloudWatch has no period beyond a day. */
const slotsAPoint = 5;

function latenesses(key: ScheduleKey): Metric[] {
  const period = Duration.seconds(Math.min(slotsAPoint * cadences[scheduleRow(key).cadence], days(1)));
  const statistics = { p50: Stats.p(50), p99: Stats.p(99), max: Stats.MAXIMUM };
  return times.flatMap((name) =>
    Object.entries(statistics).map(([word, statistic]) =>
      emitted(name, key, { statistic, period, label: `${wordOf(name)} ${word}` }),
    ),
  );
}

const startOf = (cadence: Cadence): { start?: string } => {
  const start = starts[cadence];
  return start === undefined ? {} : { start };
};
