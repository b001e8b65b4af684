/**
 * The audit of one execution environment: each entry a row, each hour a chain of its own, so that writers never contend.
 *
 * Rows are written one after another, because each carries the hash of the one before it. An entry is written once: a
 * write of which nobody knows whether it was carried out ends the chain where it is certain, and the next row opens a
 * chain under another name (`owner/2`), so that nothing is ever written over. Whoever asked hears that it failed: an
 * intent that may not stand stops its effect.
 */
import { hourOf, nextRow, type ChainHead, type ChainName } from './audit-chain.ts';
import { limits } from './catalogue/limits.ts';
import { Failure } from './errors.ts';
import type { AuditEntry, AuditLog, AuditSink, Clock, Hash } from './ports.ts';
import { redact, redactText } from './redact.ts';

export interface AuditWriterOptions {
  readonly log: Pick<AuditLog, 'append'>;
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly hash: Hash;
  /** Identity of this execution environment; no other may write under it. */
  readonly owner: string;
}

/** Two writes an action: an intent, an outcome. Both throw Failure DEPENDENCY_UNAVAILABLE when nothing could be written. */
export function auditWriter(options: AuditWriterOptions): AuditSink {
  const chain = chainWriter(options);
  let turn: Promise<unknown> = Promise.resolve();
  const write = (entry: AuditEntry): Promise<void> => {
    const written = turn.then(() => chain(fitToKeep(entry)));
    turn = written.catch(() => undefined);
    return written;
  };
  return { intent: write, outcome: write };
}

/** A place that is taken was written by somebody who took our name: three of them in a row are no accident. */
const mostNames = 3;

function chainWriter({ log, clock, hash, owner }: AuditWriterOptions): (entry: AuditEntry) => Promise<void> {
  let names = 1;
  let open: { readonly chain: ChainName; readonly last?: ChainHead } | undefined;
  const place = () => {
    const hour = hourOf(clock.nowMs());
    if (open?.chain.hour !== hour) open = { chain: { hour, writer: names === 1 ? owner : `${owner}/${names}` } };
    return open;
  };
  const abandon = (): void => {
    names += 1;
    open = undefined;
  };
  return async (entry) => {
    for (let tries = 0; tries < mostNames; tries += 1) {
      const { chain, last } = place();
      const row = nextRow(hash, chain, { entry, last });
      const answer = await log.append(row).catch((cause: unknown) => {
        abandon();
        throw unwritten(entry, cause);
      });
      if (answer === 'written') {
        open = { chain, last: row };
        return;
      }
      abandon();
    }
    throw unwritten(entry, new Error(`${mostNames} places in a row were taken`));
  };
}

function unwritten({ effect, subject, outcome }: AuditEntry, cause: unknown): Failure {
  const why = cause instanceof Error ? cause.message : String(cause);
  const so =
    outcome === undefined
      ? 'What is not audited is not done; try again'
      : 'Its intent stands, and what became of it is not written: look before you ask again';
  return new Failure(
    'DEPENDENCY_UNAVAILABLE',
    `the audit of ${effect} on ${subject} (${outcome ?? 'intent'}) could not be written: ${why}. ${so}`,
    { cause },
  );
}

/** What of an entry may be kept, in the form in which it will be read: no secret, nothing large, only JSON. */
function fitToKeep(entry: AuditEntry): AuditEntry {
  const { reason, arguments: given, ...rest } = entry;
  const kept = {
    ...rest,
    subject: redactText(entry.subject),
    ...(reason === undefined ? {} : { reason: redactText(reason) }),
    ...(given === undefined ? {} : { arguments: bounded(redact(given)) }),
  };
  return asRead(kept) as AuditEntry;
}

function bounded(given: unknown): unknown {
  const kept = asRead(given);
  const bytes = new TextEncoder().encode(JSON.stringify(kept)).length;
  return bytes <= limits.auditArgumentsBytes ? kept : { omitted: 'too large to keep', bytes };
}

/** A lone half of a surrogate pair would come back from the table as another character, and the row as altered. */
const asRead = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (_, one: unknown) => {
      if (typeof one === 'bigint') return String(one);
      return typeof one === 'string' ? one.toWellFormed() : one;
    }) ?? 'null',
  );
