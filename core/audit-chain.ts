/**
 * The chain of the audit: how a row hangs on the one before it (how a reader finds rows that do not: audit-breaks.ts).
 *
 * A chain is what one writer wrote in one hour, so writers never wait for each other. Each row carries the hash of the
 * row before it, and its own over all of its other fields; the first carries the hash of the chain's name.
 */
import type { AuditEntry, AuditRow, Hash } from './ports-audit.ts';

export interface ChainName {
  /** UTC, `YYYY-MM-DDTHH`. */
  readonly hour: string;
  readonly writer: string;
}
/** The last row of a chain. */
export interface ChainHead {
  readonly seq: number;
  readonly hash: string;
}

export const hourOf = (atMs: number): string => new Date(atMs).toISOString().slice(0, 13);
export const chainName = ({ hour, writer }: ChainName): string => `${hour}#${writer}`;
/** What the first row of a chain carries as the hash before it. */
export const chainRoot = (hash: Hash, chain: ChainName): string => hash(`chain ${chainName(chain)}`);

/** JSON with its keys in order and nothing between: the same value is the same text. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((one) => canonicalJson(one ?? null)).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  const ordered = fields.toSorted(([one], [other]) => (one < other ? -1 : 1));
  return `{${ordered.map(([name, field]) => `${JSON.stringify(name)}:${canonicalJson(field)}`).join(',')}}`;
}

/** What the `hash` of a row must be. */
export function rowHash(hash: Hash, row: AuditRow): string {
  const { hash: _hash, ...covered } = row;
  return hash(`row ${canonicalJson(covered)}`);
}

/** The row of `entry` after `last`, or the first of its chain. */
export function nextRow(
  hash: Hash,
  chain: ChainName,
  { entry, last }: { readonly entry: AuditEntry; readonly last?: ChainHead | undefined },
): AuditRow {
  const { hour, writer } = chain;
  const previous = last?.hash ?? chainRoot(hash, chain);
  const row = { ...entry, v: 1 as const, hour, writer, seq: (last?.seq ?? 0) + 1, previous, hash: '' };
  return { ...row, hash: rowHash(hash, row) };
}
