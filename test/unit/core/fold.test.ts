import { expect, it } from 'vitest';
import { fold, unfold } from '#core/fold.ts';
import { memoryPlane } from '#memory/plane.ts';

const key = 'payloads/acme/run/hash.json';
const nested = (levels: number): unknown => (levels === 0 ? 1 : { a: nested(levels - 1) });

it.each([
  ['a small value', { margin: 0.5, none: null, list: [1, 'two', true, 0] }],
  ['the largest and smallest numbers of a row', [9.9e125, -9.9e125, 1e-130]],
  ['twenty levels', nested(20)],
])('%s stays on the row', async (_, value) => {
  const { artefacts } = memoryPlane();
  const folded = await fold(artefacts, key, value);
  expect(folded).toEqual({ inline: value });
  expect(await unfold(artefacts, folded)).toEqual(value);
});

// DynamoDB answers each of these with ValidationException.
it.each([
  ['a number that is too small', { margin: 5e-324 }],
  ['one that is too large', { cash: [-1.7e308] }],
  ['a name without letters', { data: { '': 1 } }],
  ['thirty levels', nested(30)],
  ['much', 'x'.repeat(600)],
])('%s goes into the bucket', async (_, value) => {
  const { artefacts } = memoryPlane();
  const folded = await fold(artefacts, key, value);
  expect(folded).toEqual({ key });
  expect(await unfold(artefacts, folded)).toEqual(value);
});
