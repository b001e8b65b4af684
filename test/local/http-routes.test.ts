import fc from 'fast-check';
import { expect, test } from 'vitest';
import { matchRoute } from '#local/http-routes.ts';

const routes = [
  '$default',
  'ANY /{all+}',
  'GET /pets/{rest+}',
  'GET /pets/dog/{id}',
  'GET /pets/dog/1',
  'ANY /pets/dog/1',
  'POST /runs/{id}/cancel',
  'POST /runs/{id}/{verb}',
  'GET /',
].map((key) => ({ key }));

test.each([
  ['GET', '/pets/dog/1', 'GET /pets/dog/1', undefined],
  ['PUT', '/pets/dog/1', 'ANY /pets/dog/1', undefined],
  ['GET', '/pets/dog/2', 'GET /pets/dog/{id}', { id: '2' }],
  ['GET', '/pets/cat/1', 'GET /pets/{rest+}', { rest: 'cat/1' }],
  ['GET', '/pets/dog', 'GET /pets/{rest+}', { rest: 'dog' }],
  ['HEAD', '/pets/cat/1', 'ANY /{all+}', { all: 'pets/cat/1' }],
  ['POST', '/runs/r%20%2F1/cancel', 'POST /runs/{id}/cancel', { id: 'r /1' }],
  ['POST', '/runs/r1/retry', 'POST /runs/{id}/{verb}', { id: 'r1', verb: 'retry' }],
  // A variable is never empty, and a slash at the end is a segment.
  ['POST', '/runs//cancel', 'ANY /{all+}', { all: 'runs//cancel' }],
  ['POST', '/runs/r1/cancel/', 'ANY /{all+}', { all: 'runs/r1/cancel/' }],
  ['GET', '/', 'GET /', undefined],
  ['POST', '/', '$default', undefined],
])('%s %s takes the most specific route', (...[method, path, key, pathParameters]) => {
  const expected = { route: { key }, ...(pathParameters && { pathParameters }) };
  // Whatever their order in the template.
  for (const order of [routes, routes.toReversed()]) expect(matchRoute(order, method, path)).toEqual(expected);
});

test('without a route that fits there is none, and an escape that is none is not guessed at', () => {
  const one = [{ key: 'POST /runs' }];
  expect(matchRoute(one, 'POST', '/runs')).toEqual({ route: one[0] });
  for (const [method, path] of [
    ['GET', '/runs'],
    ['POST', '/runs/'],
    ['POST', '/Runs'],
    ['POST', '/runs/r1'],
    ['POST', '/'],
  ] as const)
    expect(matchRoute(one, method, path)).toBeUndefined();
  expect(() => matchRoute(one, 'POST', '/runs/%zz')).toThrow(URIError);
});

test('variables give back what was escaped into the path', () => {
  fc.assert(
    fc.property(
      fc.string({ minLength: 1, unit: 'grapheme' }),
      fc.string({ minLength: 1, unit: 'grapheme' }),
      (one, other) => {
        const path = `/a/${encodeURIComponent(one)}/b/${encodeURIComponent(other)}`;
        const found = matchRoute([{ key: 'GET /a/{one}/b/{other}' }], 'GET', path);
        expect(found?.pathParameters).toEqual({ one, other });
      },
    ),
  );
});
