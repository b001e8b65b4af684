/**
 * What is wrong with a chain of the audit, by place.
 *
 * The reader starts at the end, where the anchor says which hash the last row has, and goes back: a row that fits is a
 * witness of the hash of the row before it. So what was altered, removed, moved or put in between is named by its place,
 * and the rows around it stay above suspicion.
 *
 * Traps. A chain whose hour is not anchored yet has no witness but its own last row: rows removed from its end, and a
 * chain written anew from some row on, are seen only once there is an anchor. Where several things were done to one
 * chain, its hour and writer are right, and a place may be one that suffered from another.
 */
import { chainRoot, rowHash, type ChainHead, type ChainName } from './audit-chain.ts';
import type { AuditRow, Hash } from './ports-audit.ts';

export type BreakKind = 'altered' | 'removed' | 'reordered' | 'added';
export interface Break extends ChainName {
  readonly seq: number;
  readonly what: BreakKind;
}
export interface Chain extends ChainName {
  /** In the order in which the table has them. */
  readonly rows: readonly AuditRow[];
}

/** Nothing when every row is as it was written. `anchor` is the chain's last row as the signed hour names it. */
export function findBreaks(hash: Hash, { hour, writer, rows }: Chain, anchor?: ChainHead): Break[] {
  const shelf = shelve(hash, rows);
  const walk = { shelf, end: anchor ?? endOf(shelf), root: chainRoot(hash, { hour, writer }) };
  const marks = walkBack(walk);
  const found = marks.length > 0 ? marks : outOfOrder(rows);
  return found.toSorted((one, other) => one.seq - other.seq).map(({ seq, what }) => ({ hour, writer, seq, what }));
}

/** The rows at hand, by the hash they carry and by the place at which they stand. */
interface Shelf {
  readonly rows: readonly AuditRow[];
  readonly byHash: ReadonlyMap<string, readonly AuditRow[]>;
  readonly bySeq: ReadonlyMap<number, AuditRow>;
  /** Whether the row, as it is, was written at `seq`. */
  readonly wasAt: (row: AuditRow, seq: number) => boolean;
}

function shelve(hash: Hash, rows: readonly AuditRow[]): Shelf {
  const intact = new Set(rows.filter((row) => rowHash(hash, row) === row.hash));
  const bySeq = new Map<number, AuditRow>();
  // Of two at one place the intact one stands for it; the other is left over.
  for (const row of rows) if (intact.has(row) || !bySeq.has(row.seq)) bySeq.set(row.seq, row);
  const wasAt = (row: AuditRow, seq: number): boolean =>
    row.seq === seq ? intact.has(row) : rowHash(hash, { ...row, seq }) === row.hash;
  return { rows, byHash: Map.groupBy(rows, (row) => row.hash), bySeq, wasAt };
}

/** How far from its place a row is looked for when the end of a chain is not known. */
const reach = 16;
const nearby = (seq: number): number[] =>
  Array.from({ length: reach }, (_, step) => [Math.floor(seq) - step, Math.floor(seq) + step + 1]).flat();

/** Without an anchor: the last place at which a row says that it was written, or at which one follows that says nothing. */
function endOf({ rows, wasAt }: Shelf): ChainHead {
  let end: ChainHead = { seq: 0, hash: '' };
  for (const row of rows.toSorted((one, other) => one.seq - other.seq)) {
    const place = wasAt(row, row.seq) ? row.seq : nearby(row.seq).find((seq) => wasAt(row, seq));
    if (place === undefined ? row.seq === end.seq + 1 : place >= end.seq)
      end = { seq: place ?? row.seq, hash: row.hash };
  }
  return end;
}

interface Walk {
  readonly shelf: Shelf;
  readonly end: ChainHead;
  readonly root: string;
}
type Mark = Pick<Break, 'seq' | 'what'>;

/** More than anybody reads; a chain that misses a million rows is not counted to its end. */
const mostMarks = 1000;

/** From the last place to the first; `expected` is what the row behind it, or the anchor, bears witness of. */
function walkBack({ shelf, end, root }: Walk): Mark[] {
  const marks: Mark[] = [];
  const placed = new Set<AuditRow>();
  let expected: string | undefined = end.hash;
  for (let seq = end.seq; seq >= 1 && marks.length < mostMarks; seq -= 1) {
    const step = stepBack(shelf, placed, { seq, expected, root });
    if (step.row) placed.add(step.row);
    if (step.what) marks.push({ seq, what: step.what });
    expected = step.expected;
  }
  if (marks.length === mostMarks) return marks;
  const left = shelf.rows.filter((row) => !placed.has(row));
  return [...marks, ...left.map(({ seq }) => ({ seq, what: 'added' as const }))];
}

interface Step {
  readonly row?: AuditRow;
  readonly what?: BreakKind | undefined;
  readonly expected?: string | undefined;
}
interface Place {
  readonly seq: number;
  readonly expected: string | undefined;
  readonly root: string;
}

/** Which row was written at this place, what became of it, and of which hash it bears witness in its turn. */
function stepBack(shelf: Shelf, placed: ReadonlySet<AuditRow>, place: Place): Step {
  const { byHash, bySeq, wasAt } = shelf;
  const { seq, expected } = place;
  const here = bySeq.get(seq);
  const standing = here && !placed.has(here) ? here : undefined;
  const wanted = expected === undefined ? [standing] : (byHash.get(expected) ?? []);
  const row = wanted.find((one) => one && !placed.has(one) && wasAt(one, seq));
  if (row) return { row, what: breakOf(row, place), expected: row.previous };
  if (!standing) return { what: 'removed' };
  // What an altered row says of the one before it may have been altered, too: it counts where there is such a row.
  const { previous } = standing;
  return { row: standing, what: 'altered', expected: byHash.has(previous) ? previous : undefined };
}

/** Of a row with the hash that was expected: it may stand elsewhere, or begin a chain that is not this one. */
function breakOf(row: AuditRow, { seq, root }: Place): BreakKind | undefined {
  if (row.seq !== seq) return 'reordered';
  return seq === 1 && row.previous !== root ? 'altered' : undefined;
}

/** Rows that are all there and intact, but stand in another order. */
function outOfOrder(rows: readonly AuditRow[]): Mark[] {
  const ordered = rows.toSorted((one, other) => one.seq - other.seq);
  return rows.flatMap((row, index) => (ordered[index] === row ? [] : [{ seq: row.seq, what: 'reordered' as const }]));
}
