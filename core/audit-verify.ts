/**
 * Whether the audit is as it was written: first what was signed, then the rows that it speaks of.
 *
 * An anchor must be there for each hour between the first that has one and the last, be signed by our key, and carry the
 * hash of the one before. Then each chain that it names must end as it says, and no other chain may stand beside. Hours
 * that are not anchored yet are held against themselves alone, and named. Of an hour whose rows have left by TTL only the
 * anchor is verified.
 */
import {
  anchorHash,
  anchorRoot,
  fromHex,
  hourAfter,
  merkleRoot,
  parseAnchor,
  signedBytes,
  startOf,
  type Anchor,
} from './audit-anchor.ts';
import { findBreaks, type BreakKind } from './audit-breaks.ts';
import type { ChainHead } from './audit-chain.ts';
import { limits } from './catalogue/limits.ts';
import { toMs } from './duration.ts';
import { Failure } from './errors.ts';
import { inBatches } from './in-batches.ts';
import type { AnchorStore, AuditLog, Clock, Hash, Verifier } from './ports.ts';

export interface VerifyPorts {
  readonly auditLog: Pick<AuditLog, 'writers' | 'chain'>;
  readonly anchors: Pick<AnchorStore, 'read' | 'hours'>;
  readonly verifier: Verifier;
  readonly hash: Hash;
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly cell: string;
}

/** `anchor-...`: of the signed hour itself; the others of a row, or with `writer` alone of a whole chain. */
export type FindingKind = BreakKind | 'anchor-missing' | 'anchor-altered' | 'anchor-forged' | 'anchor-unchained';
export interface Finding {
  readonly hour: string;
  readonly what: FindingKind;
  readonly writer?: string;
  readonly seq?: number;
}
export interface AuditReport {
  /** Whether nothing was found. */
  readonly intact: boolean;
  readonly findings: readonly Finding[];
  readonly anchors: number;
  readonly chains: number;
  readonly rows: number;
  /** Hours without an anchor yet: their rows hang together, but nothing outside the table says that none is missing. */
  readonly notAnchored: readonly string[];
  /** Hours whose rows have left by TTL. */
  readonly expired: readonly string[];
  /** Where to go on, when a bound ended this one. */
  readonly nextHour?: string;
}
export interface VerifyRange {
  /** UTC, `YYYY-MM-DDTHH`; both included. */
  readonly fromHour: string;
  readonly toHour: string;
}

/**
 * `isLate`: asked before each hour but the first; the report then names the hour at which to go on.
 *
 * @throws Failure INPUT_INVALID for hours that are none; what the ports throw.
 */
export async function verifyAudit(
  ports: VerifyPorts,
  range: VerifyRange,
  isLate: () => boolean = () => false,
): Promise<AuditReport> {
  const { hours, rest } = hoursOf(range);
  const anchored = new Set(await ports.anchors.hours());
  const tally = newTally();
  for (const hour of hours) {
    const isFull = tally.rows > limits.auditVerifyRows || tally.findings.length >= limits.auditFindings;
    if (isFull || (hour !== hours[0] && isLate())) {
      return { ...reportOf(tally), nextHour: hour };
    }
    await verifyHour(ports, tally, { hour, anchored });
  }
  return { ...reportOf(tally), ...(rest === undefined ? {} : { nextHour: rest }) };
}

/** Those of one request, and where the next begins when they are more. */
function hoursOf({ fromHour, toHour }: VerifyRange): { hours: string[]; rest: string | undefined } {
  for (const hour of [fromHour, toHour]) {
    const isHour = /^\d{4}-\d\d-\d\dT\d\d$/.test(hour) && Number.isFinite(startOf(hour));
    if (!isHour) throw refused(`${JSON.stringify(hour.slice(0, 40))} is no hour: write it as 2026-01-05T12, in UTC`);
  }
  const count = (startOf(toHour) - startOf(fromHour)) / 3_600_000 + 1;
  if (count < 1) throw refused(`the hour ${toHour} is before ${fromHour}: exchange them`);
  const most = Math.min(count, limits.auditVerifyHours);
  const hours = Array.from({ length: most }, (_, index) => hourAfter(fromHour, index));
  return { hours, rest: count > most ? hourAfter(fromHour, most) : undefined };
}
const refused = (message: string): Failure => new Failure('INPUT_INVALID', message);

const newTally = () => ({
  findings: [] as Finding[],
  anchors: 0,
  chains: 0,
  rows: 0,
  notAnchored: [] as string[],
  expired: [] as string[],
});
type Tally = ReturnType<typeof newTally>;
const reportOf = (tally: Tally): AuditReport => ({
  ...tally,
  findings: tally.findings.toSorted(inOrder).slice(0, limits.auditFindings),
  intact: tally.findings.length === 0,
});

const inOrder = (one: Finding, other: Finding): number =>
  one.hour.localeCompare(other.hour) ||
  (one.writer ?? '').localeCompare(other.writer ?? '') ||
  (one.seq ?? 0) - (other.seq ?? 0);

interface Hour {
  readonly hour: string;
  readonly anchored: ReadonlySet<string>;
}

async function verifyHour(ports: VerifyPorts, tally: Tally, of: Hour): Promise<void> {
  const { hour, anchored } = of;
  const anchor = anchored.has(hour) ? await verifyAnchor(ports, tally, of) : undefined;
  if (!anchored.has(hour)) noteMissing(tally, of);
  if (startOf(hour) + toMs(limits.auditRetention) <= ports.clock.nowMs()) {
    tally.expired.push(hour);
    return;
  }
  const named = new Map(anchor?.chains.map(({ writer, count, head }) => [writer, { seq: count, hash: head }]));
  const found = await ports.auditLog.writers(hour);
  const writers = new Set([...named.keys(), ...found]);
  await inBatches([...writers], limits.auditWidth, (writer) =>
    verifyChain(ports, tally, { hour, writer, isAnchored: anchor !== undefined, end: named.get(writer) }),
  );
}

/** Hours before the first anchor of all, and after the last, need none; one between them has been taken away. */
function noteMissing(tally: Tally, { hour, anchored }: Hour): void {
  const isBetween = [...anchored].some((one) => one < hour) && [...anchored].some((one) => one > hour);
  if (isBetween) tally.findings.push({ hour, what: 'anchor-missing' });
  else tally.notAnchored.push(hour);
}

/** Resolves with the anchor when it can be trusted. */
async function verifyAnchor(ports: VerifyPorts, tally: Tally, { hour, anchored }: Hour): Promise<Anchor | undefined> {
  tally.anchors += 1;
  const anchor = parseAnchor((await ports.anchors.read(hour)) ?? '');
  const what = await anchorFault(ports, hour, anchor);
  if (what !== undefined || !anchor) {
    tally.findings.push({ hour, what: what ?? 'anchor-altered' });
    return undefined;
  }
  if (anchor.previous !== (await expectedPrevious(ports, hour, anchored))) {
    tally.findings.push({ hour, what: 'anchor-unchained' });
  }
  return anchor;
}

async function anchorFault(
  { hash, verifier, cell }: VerifyPorts,
  hour: string,
  anchor: Anchor | undefined,
): Promise<FindingKind | undefined> {
  if (!anchor) return 'anchor-altered';
  if (anchorHash(hash, anchor) !== anchor.hash || anchor.hour !== hour || anchor.cell !== cell) return 'anchor-altered';
  if (merkleRoot(hash, anchor.chains) !== anchor.root) return 'anchor-altered';
  return (await verifier.verify(signedBytes(anchor), fromHex(anchor.signature))) ? undefined : 'anchor-forged';
}

/** The hash of the anchor before, as it now lies there; of the first of all the cell's own. */
async function expectedPrevious({ anchors, hash, cell }: VerifyPorts, hour: string, anchored: ReadonlySet<string>) {
  const before = hourAfter(hour, -1);
  const isFirst = ![...anchored].some((one) => one < hour);
  if (isFirst) return anchorRoot(hash, cell);
  const stored = (await anchors.read(before)) ?? '';
  const anchor = parseAnchor(stored);
  return anchor ? anchorHash(hash, anchor) : hash(`spoiled ${stored}`);
}

interface ChainOf {
  readonly hour: string;
  readonly writer: string;
  readonly isAnchored: boolean;
  readonly end: ChainHead | undefined;
}

async function verifyChain(ports: VerifyPorts, tally: Tally, of: ChainOf): Promise<void> {
  const { hour, writer, isAnchored, end } = of;
  const rows = await ports.auditLog.chain(hour, writer);
  tally.chains += 1;
  tally.rows += rows.length;
  if (isAnchored && !end) tally.findings.push({ hour, writer, what: 'added' });
  else if (end && rows.length === 0 && end.seq > 0) tally.findings.push({ hour, writer, what: 'removed' });
  else
    for (const { seq, what } of findBreaks(ports.hash, { hour, writer, rows }, end))
      tally.findings.push({ hour, writer, seq, what });
}
