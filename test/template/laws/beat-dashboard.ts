import { metricNames, metrics, type MetricRow } from '#core/catalogue/metrics.ts';
import { scheduleKeys, scheduleRow } from '#core/catalogue/schedules.ts';
import { differences, named, ofType, sorted, textOf, type Law, type Plane } from '../plane.ts';

interface Widget {
  readonly type: string;
  readonly properties: { readonly query?: string; readonly metrics?: readonly (readonly unknown[])[] };
}

/** A metric of a widget: namespace, name, dimensions by name, statistic. */
interface Shown {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Readonly<Record<string, string>>;
  readonly stat: string;
}

const dashboardOf = (plane: Plane) => {
  const name = `alphaswarm-${plane.stage.cell}-beat`;
  const found = ofType(plane, 'AWS::CloudWatch::Dashboard').find(
    ({ Properties: { DashboardName } }) => textOf(DashboardName) === name,
  );
  if (!found) throw new Error(`there is no dashboard ${name}`);
  return found.Properties;
};

export const widgetsOf = (body: unknown): Widget[] => (JSON.parse(textOf(body)) as { widgets: Widget[] }).widgets;

export const shownIn = (widgets: readonly Widget[]): Shown[] =>
  widgets
    .flatMap(({ properties }) => properties.metrics ?? [])
    .map((parts) => {
      const [namespace, name, ...rest] = parts.filter((part) => typeof part === 'string');
      const pairs = rest.flatMap((key, at) => (at % 2 === 0 ? [[key, rest[at + 1] ?? '']] : []));
      const { stat } = parts.at(-1) as { stat: string };
      return { namespace: namespace ?? '', name: name ?? '', dimensions: Object.fromEntries(pairs), stat };
    });

const shown = (plane: Plane): Shown[] => shownIn(widgetsOf(dashboardOf(plane)['DashboardBody']));

/** What a schedule's rows have to show: a count as a sum, a time as its middle and its worst. */
const statsOf = ({ unit }: MetricRow): string[] => (unit === 'Count' ? ['Sum'] : ['p50', 'p99', 'Maximum']);

const dimensionsOf = ({ dimension }: MetricRow): string[] =>
  sorted(dimension === 'none' ? ['service'] : ['service', dimension]);

/** Replaces text in the body, wherever the intrinsics have cut it. */
function plant(plane: Plane, from: string, to: string): void {
  const properties = dashboardOf(plane);
  properties['DashboardBody'] = JSON.parse(JSON.stringify(properties['DashboardBody']).replaceAll(from, to));
}

export const beatDashboardLaws: Law[] = [
  {
    says: 'each metric of a schedule is shown for each schedule: counts as sums, lateness as p50, p99 and maximum',
    broken: (plane) =>
      scheduleKeys.flatMap((key) =>
        metricNames
          .filter((name) => metrics[name].dimension === 'schedule')
          .flatMap((name) => {
            const of = shown(plane).filter((one) => one.name === name && one.dimensions['schedule'] === key);
            const is = sorted(new Set(of.map(({ stat }) => stat)));
            return differences(`statistics of ${name} of ${key}`, is, sorted(statsOf(metrics[name])));
          }),
      ),
    planted: (plane) => plant(plane, 'p99', 'p90'),
  },
  {
    says: 'each metric of a widget is one of the catalogue, in its namespace and with the dimensions it is emitted with, or of AWS',
    broken: (plane) =>
      shown(plane)
        .filter(({ namespace }) => !namespace.startsWith('AWS/'))
        .flatMap(({ namespace, name, dimensions }) => {
          const row: MetricRow | undefined = new Map(Object.entries(metrics)).get(name);
          if (!row) return [`${namespace} ${name} is not in the catalogue`];
          return [
            ...differences(`namespace of ${name}`, namespace, row.namespace),
            ...differences(`dimensions of ${name}`, sorted(Object.keys(dimensions)), dimensionsOf(row)),
          ];
        }),
    planted: (plane) => plant(plane, 'service', 'Service'),
  },
  {
    says: 'the deliveries of each group of schedules are shown: attempts, errors, dropped, sent to dead letters',
    broken: (plane) => {
      const groups = new Set(scheduleKeys.map((key) => `alphaswarm-${plane.stage.cell}-${scheduleRow(key).cadence}`));
      const of = (group: string): string[] =>
        shown(plane)
          .filter(({ namespace, dimensions }) => namespace === 'AWS/Scheduler' && dimensions['ScheduleGroup'] === group)
          .map(({ name }) => name);
      return [...groups].flatMap((group) =>
        differences(`deliveries of ${group}`, sorted(of(group)), [
          'InvocationAttemptCount',
          'InvocationDroppedCount',
          'InvocationsSentToDeadLetterCount',
          'TargetErrorCount',
        ]),
      );
    },
    planted: (plane) => plant(plane, 'alphaswarm-dev-1m', 'alphaswarm-dev-5m'),
  },
  {
    says: 'the last runs are those of every schedule, read from the log of the function that runs them',
    broken: (plane) => {
      const [query = '', ...others] = widgetsOf(dashboardOf(plane)['DashboardBody']).flatMap(
        ({ properties }) => properties.query ?? [],
      );
      const { id } = named(plane, 'AWS::Logs::LogGroup', `/aws/lambda/alphaswarm-${plane.stage.cell}-system`);
      const listed = JSON.parse(/ schedule in (\[[^\]]*\])/.exec(query)?.[1] ?? '[]') as string[];
      return [
        ...others,
        ...differences('the log group', /^SOURCE '([^']*)' \|/.exec(query)?.[1], `\${${id}}`),
        ...differences('the schedules', sorted(listed), sorted(scheduleKeys)),
      ];
    },
    planted: (plane) => plant(plane, 'runs-reap\\\\\\",', 'runs-ripe\\\\\\",'),
  },
  {
    says: 'the dashboards are at most the three that cost nothing, with fifty metrics each',
    broken: (plane) => {
      const dashboards = ofType(plane, 'AWS::CloudWatch::Dashboard');
      const tooMany = dashboards.flatMap(({ id, Properties: { DashboardBody: body } }) => {
        const series = new Set(
          shownIn(widgetsOf(body)).map(({ namespace, name, dimensions }) =>
            JSON.stringify([namespace, name, dimensions]),
          ),
        );
        return series.size > 50 ? [`${id} shows ${series.size} metrics`] : [];
      });
      return [...tooMany, ...(dashboards.length > 3 ? [`there are ${dashboards.length} dashboards`] : [])];
    },
    planted: (plane) => {
      for (const id of ['A', 'B', 'C']) {
        plane.template.Resources[id] = {
          Type: 'AWS::CloudWatch::Dashboard',
          Properties: { DashboardName: id, DashboardBody: '{"widgets":[]}' },
        };
      }
    },
  },
];
