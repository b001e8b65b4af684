import {
  anchorHash,
  anchorRoot,
  anchorText,
  auditCounter,
  hourAfter,
  merkleRoot,
  parseAnchor,
  signedBytes,
  startOf,
  toHex,
  type Anchor,
  type AnchorBody,
} from './audit-anchor.ts';
import { findBreaks, type Break } from './audit-breaks.ts';
import { hourOf } from './audit-chain.ts';
import { limits } from './catalogue/limits.ts';
import { logLines } from './catalogue/metrics.ts';
import { toMs } from './duration.ts';
import { Failure } from './errors.ts';
import { inBatches } from './in-batches.ts';
import type { AnchoredHour, Anchors, AnchorStore, AuditLog, Clock, Hash, Log, Signer } from './ports.ts';

export interface AnchoringPorts {
  readonly auditLog: AuditLog;
  readonly anchors: AnchorStore;
  readonly signer: Signer;
  readonly hash: Hash;
  readonly clock: Clock;
  readonly log: Log;
  readonly cell: string;
}

/** Anchors hours of the audit, one after another; what stands is left as it is. */
export const anchoring = (ports: AnchoringPorts): Anchors => ({
  pending: () => pendingHours(ports),
  anchorHour: (hour) => anchorHour(ports, hour),
});

/** The last hour that is over for long enough. */
const lastClosed = (nowMs: number): string => hourOf(nowMs - toMs(limits.auditSettlesWithin) - 3_600_000);

/** Hours between two, both included. */
function hoursBetween(first: string, last: string): string[] {
  const count = Math.round((startOf(last) - startOf(first)) / 3_600_000) + 1;
  return Array.from({ length: Math.max(0, count) }, (_, index) => hourAfter(first, index));
}

async function lastAnchored({
  anchors,
  clock,
}: Pick<AnchoringPorts, 'anchors' | 'clock'>): Promise<string | undefined> {
  // The recent ones are a page; all of them are asked for only where there is none of these.
  const recent = await anchors.hours(hourOf(clock.nowMs() - 30 * 86_400_000));
  return recent.at(-1) ?? (await anchors.hours()).at(-1);
}

async function pendingHours(ports: AnchoringPorts): Promise<string[]> {
  const last = lastClosed(ports.clock.nowMs());
  const anchored = await lastAnchored(ports);
  return hoursBetween(anchored === undefined ? await firstHour(ports, last) : hourAfter(anchored), last);
}

/** Where the very first anchor begins: with the oldest hour that has rows, or with the last that is over. */
async function firstHour({ auditLog }: AnchoringPorts, last: string): Promise<string> {
  const hours = hoursBetween(hourAfter(last, -(limits.auditBeginsWithin / 3600)), last);
  const found = await inBatches(hours, limits.auditWidth, (hour) => auditLog.writers(hour));
  return hours.find((_, index) => (found[index]?.length ?? 0) > 0) ?? last;
}

async function anchorHour(ports: AnchoringPorts, hour: string): Promise<AnchoredHour> {
  const { anchors, signer, hash, log } = ports;
  const standing = await anchors.read(hour);
  if (standing !== undefined) return { hour, anchored: false, chains: 0, rows: 0, breaks: 0 };
  if (hour > lastClosed(ports.clock.nowMs())) throw notYet(hour);
  const body = await bodyOf(ports, hour);
  const own = { ...body, hash: anchorHash(hash, body) };
  const anchor: Anchor = { ...own, signature: toHex(await signer.sign(signedBytes(own))) };
  const written = await anchors.write(hour, anchorText(anchor));
  const rows = body.chains.reduce((sum, { count }) => sum + count, 0);
  const facts = { hour, anchored: written === 'written', chains: body.chains.length, rows, breaks: body.breaks.length };
  if (facts.breaks === 0) log.info(logLines.auditAnchored, facts);
  else log.warn(logLines.auditBroken, { ...facts, first: body.breaks[0] });
  return facts;
}

const notYet = (hour: string): Failure =>
  new Failure(
    'INPUT_INVALID',
    `the hour ${hour} is not over for 5 minutes yet: what is written in it may still arrive`,
  );

async function bodyOf(ports: AnchoringPorts, hour: string): Promise<AnchorBody> {
  const { auditLog, hash, cell, clock } = ports;
  const previous = await hashBefore(ports, hour);
  const counter = auditCounter();
  const breaks: Break[] = [];
  const writers = (await auditLog.writers(hour)).toSorted();
  const chains = await inBatches(writers, limits.auditWidth, async (writer) => {
    const rows = await auditLog.chain(hour, writer);
    counter.add(rows);
    breaks.push(...findBreaks(hash, { hour, writer, rows }));
    const last = rows.at(-1);
    // Of a row that somebody spoiled nothing is certain, and the hour must be anchored all the same.
    return {
      writer,
      count: Number.isSafeInteger(last?.seq) ? Number(last?.seq) : rows.length,
      head: String(last?.hash),
    };
  });
  return {
    v: 1,
    cell,
    hour,
    atMs: clock.nowMs(),
    previous,
    chains,
    root: merkleRoot(hash, chains),
    counts: counter.all(),
    breaks: breaks.slice(0, limits.auditFindings).map(({ writer, seq, what }) => ({ writer, seq, what })),
  };
}

/** @throws Failure CONFIGURATION_INVALID when the hour before has no anchor, and others have. */
async function hashBefore({ anchors, hash, cell, clock }: AnchoringPorts, hour: string): Promise<string> {
  const before = hourAfter(hour, -1);
  const stored = await anchors.read(before);
  if (stored !== undefined) {
    const anchor = parseAnchor(stored);
    // One that was spoiled is found by whoever verifies; the chain goes on from the text that lies there.
    return anchor ? anchorHash(hash, anchor) : hash(`spoiled ${stored}`);
  }
  const last = await lastAnchored({ anchors, clock });
  if (last === undefined) return anchorRoot(hash, cell);
  throw new Failure(
    'CONFIGURATION_INVALID',
    `the hour ${before} has no anchor, the last that has one is ${last}: hours are anchored in order, beginning after it`,
  );
}
