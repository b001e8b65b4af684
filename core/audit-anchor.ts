/**
 * The anchor of an hour: what is signed, and locked away, of all chains that were written in it.
 *
 * It names every chain with its count and the hash of its last row, and a root over them; it carries the hash of the
 * anchor before it, so that none can be left out; and it is signed by a key that no writer of rows can use. Hours without
 * a row have an anchor, too. An hour whose rows do not hold is anchored as it stands, and says where: what is found later
 * than that was done later.
 */
import * as z from 'zod';
import { canonicalJson } from './audit-chain.ts';
import type { AuditRow, Hash } from './ports-audit.ts';

const text = z.string().max(2048);
const places = z.int().nonnegative();
const anchorSchema = z.object({
  v: z.literal(1),
  cell: text,
  hour: text,
  atMs: z.number(),
  /** Of the anchor before; of the first the cell's own. */
  previous: text,
  chains: z.array(z.object({ writer: text, count: places, head: text })),
  root: text,
  counts: z.array(z.object({ tenant: text, actor: text, effect: text, outcome: text, count: places })),
  /** Where its rows did not hold when it was made. */
  breaks: z.array(z.object({ writer: text, seq: z.number(), what: text })),
  hash: text,
  signature: text,
});
export type Anchor = z.infer<typeof anchorSchema>;
export type AnchorBody = Omit<Anchor, 'hash' | 'signature'>;

/** The anchor as it was stored, or undefined for what is none. */
export function parseAnchor(stored: string): Anchor | undefined {
  try {
    const parsed = anchorSchema.safeParse(JSON.parse(stored));
    // Whatever stands there beyond what was signed makes it another text.
    return parsed.success && canonicalJson(parsed.data) === stored ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}
export const anchorText = (anchor: Anchor): string => canonicalJson(anchor);

export function anchorHash(hash: Hash, anchor: AnchorBody & Partial<Anchor>): string {
  const { hash: _hash, signature: _signature, ...body } = anchor;
  return hash(`anchor ${canonicalJson(body)}`);
}
/** What the first anchor of a cell carries as the hash before it. */
export const anchorRoot = (hash: Hash, cell: string): string => hash(`anchors of ${cell}`);
export const signedBytes = (anchor: Pick<Anchor, 'hash'>): Uint8Array =>
  new TextEncoder().encode(`alphaswarm audit anchor ${anchor.hash}`);

/** A Merkle root, as RFC 6962 has it: leaves and nodes are hashed apart, and an odd one moves up. */
export function merkleRoot(hash: Hash, chains: Anchor['chains']): string {
  const leaf = (chain: Anchor['chains'][number]): string => hash(`leaf ${canonicalJson(chain)}`);
  let level = chains.toSorted((one, other) => (one.writer < other.writer ? -1 : 1)).map(leaf);
  if (level.length === 0) return hash('no leaf');
  while (level.length > 1) {
    const pairs = Array.from({ length: Math.ceil(level.length / 2) }, (_, at) => level.slice(2 * at, 2 * at + 2));
    level = pairs.map(([left, right]) => (right === undefined ? `${left}` : hash(`node ${left} ${right}`)));
  }
  return level[0] ?? '';
}

/** Adds up rows by tenant, kind of actor, effect and outcome. */
export function auditCounter() {
  const counts = new Map<string, Anchor['counts'][number]>();
  return {
    add(rows: readonly AuditRow[]): void {
      for (const { tenant, actor, effect, outcome = 'intent' } of rows) {
        // A row that somebody spoiled may lack any of them.
        const kind = String((actor as typeof actor | undefined)?.kind);
        const of = { tenant: String(tenant), actor: kind, effect: String(effect), outcome: String(outcome) };
        const key = canonicalJson(of);
        counts.set(key, { ...of, count: (counts.get(key)?.count ?? 0) + 1 });
      }
    },
    all: (): Anchor['counts'] =>
      [...counts].toSorted(([one], [other]) => (one < other ? -1 : 1)).map(([, count]) => count),
  };
}

const hourMs = 3_600_000;
export const startOf = (hour: string): number => Date.parse(`${hour}:00:00Z`);
export const hourAfter = (hour: string, count = 1): string =>
  new Date(startOf(hour) + count * hourMs).toISOString().slice(0, 13);

const hexDigits = (byte: number): string => byte.toString(16).padStart(2, '0');
export const toHex = (bytes: Uint8Array): string => [...bytes].map(hexDigits).join('');
export const fromHex = (digits: string): Uint8Array =>
  Uint8Array.from(digits.match(/[\da-f]{2}/g) ?? [], (pair) => Number.parseInt(pair, 16));
