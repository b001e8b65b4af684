import { setTimeout as sleep } from 'node:timers/promises';
import { InvalidArgumentError, type Command } from 'commander';
import type { Client } from '#client/client.ts';
import { acting, type Act } from '../action.ts';
import { CliError } from '../exit.ts';
import { wholeNumber } from '../globals.ts';
import { facts, plain, table, type Output } from '../output.ts';
import { actorText, timeText } from '../words.ts';

export function addAudit(program: Command): void {
  const audit = program.command('audit').summary('who did what: its last rows, and whether any was altered');
  audit
    .command('tail')
    .summary('the last rows, oldest first')
    .option('--subject <subject>', "what it was done to: a run's id, schedule#KEY, kill-switch")
    .option('--day <date>', 'the UTC day, where no subject is named (default: today)')
    .option('--tenant <tenant>', 'system: what the plane itself did, for operators')
    .option('--limit <n>', 'how many at most (default: 25)', wholeNumber(1, 100))
    .option('--follow', 'go on with those that come', false)
    .action(acting(tail));
  audit
    .command('verify')
    .summary('whether a row was altered, removed or moved')
    .description('Verifies signed hours and the chains of rows below them. Ends with 1 when something was found.')
    .option('--from <hour>', 'the first hour or day, as 2026-01-05T12 in UTC (default: 24 hours ago)', hourIn('00'))
    .option('--to <hour>', 'the last hour or day (default: the present hour)', hourIn('23'))
    .action(acting(verify));
}

/** An hour as it is, or of a day this one. */
const hourIn = (ofDay: string) => (word: string) => {
  if (/^\d{4}-\d\d-\d\dT\d\d$/.test(word)) return word;
  if (/^\d{4}-\d\d-\d\d$/.test(word)) return `${word}T${ofDay}`;
  throw new InvalidArgumentError('Write an hour as 2026-01-05T12, or a day as 2026-01-05.');
};

interface TailOptions {
  readonly subject?: string;
  readonly day?: string;
  readonly tenant?: string;
  readonly limit?: number;
  readonly follow: boolean;
}
type Row = Awaited<ReturnType<Client['audit']>>['rows'][number];
const keyOf = ({ hour, writer, seq }: Row): string => `${hour} ${writer} ${seq}`;

const shownAtFirst = 25;
const lookEveryMs = 2000;
const pageSize = 100;

const tail: Act = async ({ client, out }, command) => {
  const { follow, limit = shownAtFirst, ...filter } = command.opts<TailOptions>();
  // Where it goes on, a whole page is known from the start: what is new cannot be mistaken for what is older.
  const { rows } = await client.audit({ ...filter, limit: follow ? pageSize : limit });
  const print = (row: Row) => out.line(row, rowText(out, row));
  rows.slice(0, limit).toReversed().forEach(print);
  const seen = new Set(rows.map(keyOf));
  while (follow) {
    await sleep(lookEveryMs);
    (await since(client, filter, seen)).forEach(print);
  }
};

/** Rows that came since, oldest first: pages are gone through until one holds what has been seen. */
async function since(client: Client, filter: Omit<TailOptions, 'follow' | 'limit'>, seen: Set<string>): Promise<Row[]> {
  const fresh: Row[] = [];
  let cursor: string | undefined;
  do {
    const page = await client.audit({ ...filter, limit: pageSize, ...(cursor === undefined ? {} : { cursor }) });
    const unseen = page.rows.filter((row) => !seen.has(keyOf(row)));
    fresh.push(...unseen);
    cursor = unseen.length === page.rows.length && seen.size > 0 ? page.cursor : undefined;
  } while (cursor !== undefined);
  for (const row of fresh) seen.add(keyOf(row));
  return fresh.toReversed();
}

function rowText({ paint }: Output, { at, effect, outcome, subject, actor, reason }: Row): string {
  const style = outcome === 'done' ? 'green' : outcome === undefined ? 'dim' : 'red';
  const words = [
    timeText(at),
    paint(style, (outcome ?? 'intent').padEnd(6)),
    effect,
    subject,
    `by ${actorText(actor)}`,
  ];
  return [...words.map(plainUnlessPainted), ...(reason === undefined ? [] : [`(${plain(reason)})`])].join('  ');
}
/** The second word is ours, and holds the colour. */
const plainUnlessPainted = (word: string, at: number): string => (at === 1 ? word : plain(word));

type Report = Awaited<ReturnType<Client['verifyAudit']>>;

const verify: Act = async ({ client, out }, command) => {
  const { from, to } = command.opts<{ from?: string; to?: string }>();
  let report: Report | undefined;
  let next = from;
  do {
    const part = await client.verifyAudit({
      ...(next === undefined ? {} : { from: next }),
      ...(to === undefined ? {} : { to }),
    });
    report = report ? together(report, part) : part;
    next = part.nextHour;
    if (next !== undefined) out.note(`verified up to ${next}; it goes on`);
  } while (next !== undefined);
  const { nextHour: _, ...whole } = report;
  out.answer(whole, reportText(out, whole));
  if (whole.intact) return;
  throw new CliError(
    'failed',
    'AUDIT_BROKEN',
    `The audit is not as it was written: ${whole.findings.length} findings. docs/runbook.md says what to do.`,
  );
};

const together = (one: Report, other: Report): Report => ({
  ...other,
  intact: one.intact && other.intact,
  findings: [...one.findings, ...other.findings],
  anchors: one.anchors + other.anchors,
  chains: one.chains + other.chains,
  rows: one.rows + other.rows,
  notAnchored: [...one.notAnchored, ...other.notAnchored],
  expired: [...one.expired, ...other.expired],
});

function reportText(out: Output, { intact, findings, anchors, chains, rows, notAnchored, expired }: Report): string {
  const known = facts(out, {
    intact: { text: intact ? 'yes' : 'NO', style: intact ? 'green' : 'red' },
    verified: `${rows} rows in ${chains} chains, ${anchors} signed hours`,
    'not signed yet': hoursText(notAnchored),
    'rows have left': hoursText(expired),
  });
  if (findings.length === 0) return known;
  const found = findings.map(({ hour, what, writer, seq }) => [hour, what, writer, seq]);
  return `${known}\n\n${table(out, ['HOUR', 'FOUND', 'WRITER', 'ROW'], found)}`;
}

const hoursText = (hours: readonly string[]): string | undefined =>
  hours.length > 1 ? `${hours.length} hours, ${hours[0]} to ${hours.at(-1)}` : hours[0];
