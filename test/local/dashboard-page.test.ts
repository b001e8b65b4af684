// Dashboards as pages, from planted bodies and series.
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { dashboardPage, renderDashboards } from '#local/dashboard-page.ts';
import { createLogs } from '#local/logs.ts';
import { createMetrics } from '#local/metrics.ts';
import { temporaryFolder } from '#test/local/fixtures/assembly.ts';
import { labels, read } from '#test/local/fixtures/page.ts';
import { plane } from '#test/local/fixtures/plane.ts';

const NOON = Date.parse('2026-11-20T12:00:00Z');
const MINUTE = 60_000;

const metrics = createMetrics();
const runs = { namespace: 'Ours', name: 'Runs', unit: 'Count', dimensions: { queue: 'system' } };
metrics.record(
  runs,
  [1, 2, 3].map((n) => ({ atMs: NOON + n * MINUTE, value: n })),
);
metrics.record({ ...runs, dimensions: { queue: 'system', stage: 'dev' } }, [{ atMs: NOON + MINUTE, value: 1000 }]);
metrics.record({ ...runs, name: 'Late', unit: 'Milliseconds' }, [
  { atMs: NOON + MINUTE, value: 10 },
  { atMs: NOON + MINUTE, value: 30 },
  { atMs: NOON + 2 * MINUTE, value: 20 },
]);

const logs = createLogs();
const log = (minute: number, facts: object): void =>
  logs.record('worker', { atMs: NOON + minute * MINUTE, text: JSON.stringify(facts) });
log(1, { message: 'run settled', task: 'a', run: 'r1', state: 'failed', code: '<b>' });
log(2, { message: 'run settled', task: 'a', run: 'r2', state: 'succeeded' });
log(3, { message: 'run settled', task: 'b', run: 'r3', state: 'succeeded' });
log(4, { message: 'run started', task: 'a', run: 'r4' });
logs.record('worker', { atMs: NOON + 5 * MINUTE, text: '{ no JSON "run settled"' });

/** The page of a body with these widgets. */
const page = (...widgets: unknown[]): string =>
  dashboardPage(
    { name: 'board', body: JSON.stringify({ widgets }) },
    { metrics, linesOf: (group) => logs.of(group), nowMs: NOON + 5 * MINUTE, sinceMs: NOON },
  );
const metric = (properties: object): object => ({ type: 'metric', properties });
const text = (markdown: string): object => ({ type: 'text', properties: { markdown } });
const query = (value: string): object => ({ type: 'log', properties: { view: 'table', title: 'T', query: value } });
describe('a metric widget', () => {
  const shown = ['Ours', 'Runs', 'queue', 'system', { stat: 'Sum', period: 60, label: 'done' }];

  test('shows the series of exactly its dimensions, a bar a period, and its value over the range', () => {
    const html = page(metric({ title: 'Runs', stacked: true, metrics: [shown] }));
    expect(labels(html)).toEqual(['Runs: done 6']);
    expect([...html.matchAll(/<title>\s*(2026[^<]*)<\/title>/g)].map(([, title]) => title)).toEqual([
      '2026-11-20T12:01 done 1',
      '2026-11-20T12:02 done 2',
      '2026-11-20T12:03 done 3',
    ]);
    expect(read(html)).toContain('12:00 12:06 done 6');
  });

  test.each([
    ['Sum', '60'],
    ['SampleCount', '3'],
    ['Average', '20'],
    ['Minimum', '10'],
    ['Maximum', '30'],
    ['p50', '20'],
    ['p99', '30'],
  ])('computes %s', (stat, value) => {
    const widget = metric({ title: 'Late', metrics: [['Ours', 'Late', 'queue', 'system', { stat, period: 60 }]] });
    expect(labels(page(widget))).toEqual([`Late: Late ${value}`]);
  });

  test('shows one number: of the last period, or of the whole range', () => {
    const view = 'singleValue';
    expect(read(page(metric({ view, metrics: [shown] })))).toContain(' done 3 ');
    expect(read(page(metric({ view, metrics: [shown], setPeriodToTimeRange: true })))).toContain(' done 6 ');
  });

  test('takes what a row leaves out from the row above it', () => {
    const late = ['.', 'Late', '.', '.', { stat: 'Maximum' }];
    const html = page(metric({ title: 'Both', metrics: [shown, late, ['...', { stat: 'SampleCount', label: 'n' }]] }));
    expect(labels(html)).toEqual(['Both: done 6, Late 30, n 3']);
  });

  test('leaves out what was before its own start', () => {
    expect(labels(page(metric({ title: 'Runs', start: '-PT3M', metrics: [shown] })))).toEqual(['Runs: done 5']);
  });

  test('says that it has no data, and which series no local plane has', () => {
    const none = page(metric({ metrics: [['Ours', 'Runs', 'queue', 'other']] }));
    expect(read(none)).toContain('No data in this range.');
    expect(none).not.toContain('<svg');
    const aws = page(metric({ metrics: [['AWS/Lambda', 'Errors', 'FunctionName', 'f']] }));
    expect(read(aws)).toContain('The local plane keeps no series of AWS/Lambda');
    const view = 'singleValue';
    expect(read(page(metric({ view, metrics: [['Ours', 'None', { label: 'none' }]] })))).toContain(' none no data ');
  });
});

describe('a log widget', () => {
  const settled = 'filter message = "run settled" and task in ["a","b"]';

  test('is a table of the lines that its query finds', () => {
    const html = page(
      query(`SOURCE 'worker' | fields task, @timestamp, code, run | ${settled} | sort @timestamp desc`),
    );
    expect(read(html)).toContain(
      'task @timestamp code run b 2026-11-20 12:03:00 - r3 a 2026-11-20 12:02:00 - r2 a 2026-11-20 12:01:00 &lt;b&gt; r1 ',
    );
  });

  test.each([
    ['sort @timestamp desc | dedup task', 'r3 r2'],
    ['sort @timestamp asc | dedup task', 'r1 r3'],
    ['sort @timestamp desc | limit 1', 'r3'],
    ['filter run = "r1"', 'r1'],
    ['filter code = "a | b and c"', ''],
  ])('runs %s', (steps, found) => {
    const html = page(query(`SOURCE 'worker' | fields run | ${settled} | ${steps}`));
    expect([...html.matchAll(/<td>(.*?)<\/td>/g)].map(([, cell]) => cell).join(' ')).toBe(found);
    expect(read(html).includes('No line matches in this range.')).toBe(found === '');
  });

  test('keeps lines that have no value to be deduplicated by', () => {
    const html = page(query(`SOURCE 'worker' | fields run | dedup code`));
    expect(html.match(/<td>/g)).toHaveLength(5);
  });

  test.each([
    ['stats count(*) by task', 'the command "stats"'],
    ['filter task like /a/', 'the condition "task like /a/"'],
    ['filter task = "a" or task = "b"', 'the condition'],
    ['sort task', '"task"'],
    ['dedup a, b', '"a, b"'],
    ['limit few', '"few"'],
  ])('refuses by name what is not run here: %s', (command, named) => {
    expect(() => page(query(`SOURCE 'worker' | fields task | ${command}`))).toThrow(named);
  });
});

test('text is escaped wherever it comes from, and a page loads nothing and runs nothing', () => {
  const evil = `<script>alert("1")</script>&'`;
  const html = page(
    text(`# ${evil}\n\nsome **bold**, *soft* and \`${evil}\``),
    metric({ title: evil, metrics: [['Ours', 'Runs', 'queue', 'system', { label: evil }]] }),
    metric({ view: 'singleValue', title: evil, metrics: [['Ours', 'Runs', 'queue', evil, { label: evil }]] }),
    query(`SOURCE 'worker' | fields code | filter run = "r1"`),
  );
  expect(html).not.toMatch(/<script|<b>&lt;b|<b><b>|alert\("/);
  expect(html).toContain('&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;&#39;');
  expect(html).toContain('<strong>bold</strong>, <em>soft</em> and <code>');
  expect(html).toContain('<td>&lt;b&gt;</td>');
  expect(html).toContain(`content="default-src 'none'; style-src 'unsafe-inline'`);
  expect(html).not.toMatch(/\s(?:src|href)=|url\(|@import/);
});

test('widgets stand in the order of their places', () => {
  const at = (x: number, y: number, markdown: string) => ({ ...text(markdown), x, y });
  expect(read(page(at(12, 3, 'four'), at(0, 3, 'three'), at(12, 0, 'two'), at(0, 0, 'one')))).toContain(
    'one two three four',
  );
});

const row = ['Ours', 'Runs', 'queue', 'system'];
test.each<[unknown, string]>([
  [{ type: 'alarm', properties: { alarms: [] } }, 'board, widget 1 cannot be drawn here: its type is "alarm"'],
  [{ type: 'toString', properties: {} }, 'its type is "toString"'],
  [metric({ view: 'pie', metrics: [row] }), 'properties.view'],
  [metric({ metrics: [row], annotations: {} }), 'annotations'],
  [metric({ metrics: [row], start: '2026-11-20T12:00:00Z' }), 'is not a duration like -PT3H'],
  [metric({ metrics: [[{ expression: 'm1 + m2' }]] }), 'the metric [{"expression":"m1 + m2"}]'],
  [metric({ metrics: [[...row, { yAxis: 'right' }]] }), 'Unrecognized key: "yAxis"'],
  [metric({ metrics: [[...row, 'odd']] }), 'is not namespace, name and pairs of dimensions'],
  [metric({ metrics: [[...row, { color: 'red;}' }]] }), 'is not a colour'],
  [metric({ metrics: [[...row, { stat: 'tm99' }]] }), 'The statistic tm99 is not computed here'],
])('what is not drawn is refused with its place: %j', (widget, message) => {
  expect(() => page(widget)).toThrow(
    expect.objectContaining({
      code: 'TEMPLATE_UNSUPPORTED',
      message: expect.stringContaining(message),
    }),
  );
});

test('a body that is no JSON is refused with the name of its dashboard', () => {
  const sources = { metrics, linesOf: () => [], nowMs: NOON, sinceMs: NOON };
  expect(() => dashboardPage({ name: 'board', body: '{' }, sources)).toThrow('The dashboard board cannot be drawn');
});

test('a page for each dashboard of a template, its intrinsics resolved', async () => {
  const body = {
    'Fn::Join': ['', ['{"widgets":[{"type":"text","properties":{"markdown":"in ', { Ref: 'AWS::Region' }, '"}}]}']],
  };
  const dashboard = (name: string) => ({
    Type: 'AWS::CloudWatch::Dashboard',
    Properties: { DashboardName: name, DashboardBody: body },
  });
  const running = await plane({ resources: { One: dashboard('one'), Two: dashboard('two') } });
  const files = renderDashboards(running, join(temporaryFolder(), 'made', 'here'));
  expect(files.map((file) => basename(file))).toEqual(['one.html', 'two.html']);
  for (const file of files) expect(read(readFileSync(file, 'utf8'))).toContain('in us-east-1');
});
