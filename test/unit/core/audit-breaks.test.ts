import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findBreaks, type Break } from '#core/audit-breaks.ts';
import { canonicalJson, chainRoot, nextRow, rowHash, type ChainHead } from '#core/audit-chain.ts';
import type { AuditEntry, AuditRow } from '#core/ports.ts';
import { sha256 } from '#runtime/hash.ts';

const chain = { hour: '2026-01-05T12', writer: 'environment-1' };
const startMs = Date.UTC(2026, 0, 5, 12);

function chainOf(entries: readonly Partial<AuditEntry>[]): AuditRow[] {
  const rows: AuditRow[] = [];
  for (const [index, over] of entries.entries()) {
    const entry: AuditEntry = {
      effect: 'artefacts.put',
      subject: `run-${index}`,
      task: 'ingest.pull',
      tenant: 'acme',
      actor: { kind: 'service', id: 'svc', onBehalfOf: 'anna' },
      fence: 1,
      atMs: startMs + index,
      ...over,
    };
    rows.push(nextRow(sha256, chain, { entry, last: rows.at(-1) }));
  }
  return rows;
}
const plain = (count: number): AuditRow[] => chainOf(Array.from({ length: count }, () => ({})));
const headOf = (rows: readonly AuditRow[]): ChainHead => ({ seq: rows.length, hash: rows.at(-1)?.hash ?? '' });
const breaksOf = (rows: readonly AuditRow[], anchor?: ChainHead) => findBreaks(sha256, { ...chain, rows }, anchor);
const told = (breaks: readonly Break[]): string[] => breaks.map(({ seq, what }) => `${what} ${seq}`);
/** As the table gives them: by place. */
const bySeq = (rows: readonly AuditRow[]): AuditRow[] => rows.toSorted((one, other) => one.seq - other.seq);
const made = (row: AuditRow): AuditRow => ({ ...row, hash: rowHash(sha256, row) });

const entry = fc.record(
  {
    effect: fc.constantFrom('artefacts.put' as const, 'operation.start' as const),
    subject: fc.string({ minLength: 1 }),
    tenant: fc.string({ minLength: 1 }),
    fence: fc.nat(),
    outcome: fc.constantFrom('done' as const, 'denied' as const, 'failed' as const),
    reason: fc.string(),
    arguments: fc.jsonValue(),
  },
  { requiredKeys: [] },
);
const someChain = fc.array(entry, { minLength: 2, maxLength: 12 }).map(chainOf);
/** A chain with the place of one of its rows; and anchored or not. */
const chainAt = fc
  .record({ rows: someChain, at: fc.nat(), anchored: fc.boolean() })
  .map(({ rows, at, anchored }) => ({ rows, index: at % rows.length, anchor: anchored ? headOf(rows) : undefined }));

type Path = readonly (string | number)[];
/** Every place in a row at which a value stands that is no list and no object. */
function leaves(value: unknown, at: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [at];
  return Object.entries(value).flatMap(([name, inner]) => leaves(inner, [...at, name]));
}
function changed(row: AuditRow, path: Path): AuditRow {
  const copy = structuredClone(row) as unknown as Record<string, unknown>;
  let holder = copy;
  for (const name of path.slice(0, -1)) holder = holder[name] as Record<string, unknown>;
  const name = String(path.at(-1));
  const value = holder[name];
  // One byte of it: the last digit or letter.
  if (typeof value === 'number') holder[name] = value + 1 === value ? -value : value + 1;
  else if (typeof value === 'string') holder[name] = value.slice(0, -1) + (value.endsWith('a') ? 'b' : 'a');
  else holder[name] = value === null ? false : null;
  return copy as unknown as AuditRow;
}

describe('a chain as it was written', () => {
  it('holds, whatever was written and whether it is anchored or not', () => {
    fc.assert(
      fc.property(someChain, (rows) => {
        expect(breaksOf(rows)).toEqual([]);
        expect(breaksOf(rows, headOf(rows))).toEqual([]);
        expect(breaksOf(JSON.parse(JSON.stringify(rows)) as AuditRow[], headOf(rows))).toEqual([]);
      }),
    );
  });

  it('names its hour and writer in its root, so that no row can be taken over from another', () => {
    expect(chainRoot(sha256, chain)).not.toBe(chainRoot(sha256, { ...chain, hour: '2026-01-05T13' }));
    const foreign = plain(2);
    expect(findBreaks(sha256, { ...chain, writer: 'another', rows: foreign })).toMatchObject([{ seq: 1 }]);
  });

  it('is the same text in whatever order its fields come', () => {
    expect(canonicalJson({ b: [1, { d: undefined, c: null }], a: 'x' })).toBe('{"a":"x","b":[1,{"c":null}]}');
    expect(canonicalJson({ a: 'x', b: [1, { c: null }] })).toBe('{"a":"x","b":[1,{"c":null}]}');
  });
});

describe('a chain that was touched', () => {
  it('names the row of which any one byte was altered, in any field', () => {
    fc.assert(
      fc.property(chainAt, fc.nat(), ({ rows, index, anchor }, pick) => {
        const row = rows[index]!;
        const paths = leaves(row);
        const path = paths[pick % paths.length]!;
        const touched = rows.with(index, changed(row, path));
        const found = breaksOf(touched, anchor);
        // A row whose place was altered has moved; every other has changed where it is.
        const what = path[0] === 'seq' ? /^(altered|reordered|removed)$/ : /^altered$/;
        expect(found[0]).toMatchObject({ ...chain, seq: row.seq, what: expect.stringMatching(what) });
        if (path[0] !== 'seq') expect(found).toHaveLength(1);
      }),
      { numRuns: 500 },
    );
  });

  it('names the row that was removed', () => {
    fc.assert(
      fc.property(chainAt, ({ rows, index, anchor }) => {
        fc.pre(anchor !== undefined || index < rows.length - 1);
        expect(breaksOf(rows.toSpliced(index, 1), anchor)).toEqual([{ ...chain, seq: index + 1, what: 'removed' }]);
      }),
    );
  });

  it('names both rows of a pair that was swapped, each with its place or without', () => {
    fc.assert(
      fc.property(chainAt, fc.nat(), ({ rows, index, anchor }, pick) => {
        const other = (index + 1 + (pick % (rows.length - 1))) % rows.length;
        const [one, two] = [rows[index]!, rows[other]!];
        const expected = [one.seq, two.seq]
          .toSorted((a, b) => a - b)
          .map((seq) => ({ ...chain, seq, what: 'reordered' }));
        const standing = rows.with(index, { ...two, seq: one.seq }).with(other, { ...one, seq: two.seq });
        expect(breaksOf(standing, anchor)).toEqual(expected);
        expect(breaksOf(rows.with(index, two).with(other, one), anchor)).toEqual(expected);
      }),
    );
  });

  it('names the row that was put in between, whether those behind it were moved up or not', () => {
    fc.assert(
      fc.property(chainAt, fc.boolean(), ({ rows, index, anchor }, forged) => {
        const before = rows[index]!;
        const raw: AuditRow = {
          ...before,
          subject: 'somebody else',
          previous: rows[index - 1]?.hash ?? before.previous,
        };
        const inserted = forged ? made(raw) : raw;
        const beside = breaksOf(rows.toSpliced(index, 0, inserted), anchor);
        expect(told(beside)).toEqual([`added ${before.seq}`]);
        const moved = rows.slice(index).map((row) => ({ ...row, seq: row.seq + 1 }));
        const shifted = breaksOf([...rows.slice(0, index), inserted, ...moved], anchor);
        expect(told(shifted)).toContain(`${shifted[0]?.what} ${before.seq}`);
        expect(shifted[0]?.seq).toBe(before.seq);
        if (anchor) expect(told(shifted)).toContain(`added ${before.seq}`);
      }),
    );
  });

  it('names the place of a removed row though those behind it moved up', () => {
    fc.assert(
      fc.property(chainAt, ({ rows, index, anchor }) => {
        fc.pre(anchor !== undefined || index < rows.length - 1);
        const moved = rows.slice(index + 1).map((row) => ({ ...row, seq: row.seq - 1 }));
        expect(told(breaksOf([...rows.slice(0, index), ...moved], anchor))).toContain(`removed ${index + 1}`);
      }),
    );
  });

  it('names the row that was rewritten with a hash of its own that fits', () => {
    const rows = plain(6);
    const rewritten = made({ ...rows[2]!, actor: { kind: 'human', id: 'nobody' } });
    expect(told(breaksOf(rows.with(2, rewritten)))).toEqual(['altered 3']);
  });

  it('names a row that stands between two places', () => {
    const rows = plain(4);
    const between = made({ ...rows[1]!, seq: 2.5 });
    expect(told(breaksOf(bySeq([...rows, between]), headOf(rows)))).toEqual(['added 2.5']);
  });
});

describe('the anchor', () => {
  it('finds what only it can: a missing end, a further row, a chain that was written anew', () => {
    const rows = plain(5);
    const anchor = headOf(rows);
    expect(breaksOf(rows.slice(0, 3))).toEqual([]);
    expect(told(breaksOf(rows.slice(0, 3), anchor))).toEqual(['removed 4', 'removed 5']);
    const further = [...rows, nextRow(sha256, chain, { entry: { ...rows[0]! }, last: rows.at(-1) })];
    expect(breaksOf(further)).toEqual([]);
    expect(told(breaksOf(further, anchor))).toEqual(['added 6']);
    const anew = chainOf([{}, {}, { tenant: 'other' }, {}, {}]);
    expect(breaksOf(anew)).toEqual([]);
    // Which of them was the first nobody can tell any more: the last does not fit, nor does what hangs on it.
    expect(told(breaksOf(anew, anchor))).toEqual(['altered 5']);
  });

  it('misses a whole chain, row by row, and no more than a thousand of them', () => {
    const rows = plain(3);
    expect(told(breaksOf([], headOf(rows)))).toEqual(['removed 1', 'removed 2', 'removed 3']);
    expect(breaksOf([], { seq: 1_000_000_000, hash: 'x' })).toHaveLength(1000);
  });

  it('is not needed to survive rows that make no sense', () => {
    const rows = plain(3);
    for (const seq of [-1, 0, 1e12, Number.NaN]) {
      expect(breaksOf([...rows, { ...rows[0]!, seq }]).length).toBeGreaterThan(0);
    }
    expect(breaksOf([...rows, made({ ...rows[0]!, seq: 1e12 })])).toHaveLength(1000);
  });
});
