import { describe, expect, it } from 'vitest';
import { gateway, problem, pull } from './support.ts';

const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;
const run = (raw: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}) =>
  gateway().ask('POST', '/runs', { as: 'rita', raw, headers });

describe('a body', () => {
  it('of more than a megabyte is refused, and one of just that is read', async () => {
    const filled = (bytes: number) => JSON.stringify({ ...pull, filler: '' }).replace('""', `"${'x'.repeat(bytes)}"`);
    const around = filled(0).length;
    expect(await run(filled(1024 * 1024 - around + 1))).toMatchObject(problem(413, 'BODY_TOO_LARGE'));
    expect(await run(filled(1024 * 1024 - around))).toMatchObject({
      status: 422,
      body: { issues: [{ path: 'body.filler' }] },
    });
  });

  it.each([
    ['objects', `{"task":"ingest.pull","payload":${'{"a":'.repeat(32)}1${'}'.repeat(32)}}`],
    ['lists', `{"task":"ingest.pull","payload":${nested(32)}}`],
    ['half a million brackets', nested(500_000)],
    ['brackets that are never closed', '['.repeat(1_000_000)],
  ])('that is nested too deeply is refused: %s', async (_, raw) => {
    const beganMs = performance.now();
    expect(await run(raw)).toMatchObject({
      status: 422,
      body: { issues: [{ path: 'body', message: expect.stringContaining('32') }] },
    });
    expect(performance.now() - beganMs).toBeLessThan(1000);
  });

  it('may hold as many brackets as it likes in its texts', async () => {
    const answer = await run(JSON.stringify({ ...pull, payload: { ...pull.payload, dataset: `${nested(99)}"\\` } }));
    expect(answer).toMatchObject(problem(422, 'PAYLOAD_INVALID'));
  });

  it('with many quotes is looked through once', async () => {
    const beganMs = performance.now();
    expect(await run(`"${'\\"'.repeat(500_000)}`)).toMatchObject(problem(422, 'REQUEST_INVALID'));
    expect(performance.now() - beganMs).toBeLessThan(1000);
  });

  it.each([
    ['{', 422, 'REQUEST_INVALID'],
    ['', 422, 'REQUEST_INVALID'],
    ['null', 422, 'REQUEST_INVALID'],
    ['"text"', 422, 'REQUEST_INVALID'],
    ['{"task":"ingest.pull",}', 422, 'REQUEST_INVALID'],
    [new Uint8Array([0x7b, 0xff, 0x7d]), 422, 'REQUEST_INVALID'],
  ])('%j is answered %i', async (raw, status, code) => {
    const answer = await run(raw);
    expect(answer).toMatchObject(problem(status, code));
  });

  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'application/jsonp',
    'multipart/form-data',
    '',
    'application/json; charset=latin1',
  ])('of type %j is refused', async (type) => {
    expect(await run(JSON.stringify(pull), { 'content-type': type })).toMatchObject(
      problem(415, 'CONTENT_TYPE_UNSUPPORTED'),
    );
  });

  it('of JSON may say that it is UTF-8', async () => {
    expect((await run(JSON.stringify(pull), { 'content-type': 'Application/JSON; charset="UTF-8"' })).status).toBe(202);
  });

  it('is told each place that does not fit, at most twenty, none of them with what stood there', async () => {
    const strangers = Object.fromEntries(Array.from({ length: 60 }, (_, number) => [`field${number}`, 'hunter2']));
    const answer = await run(JSON.stringify({ ...pull, ...strangers }));
    expect(answer.body.issues).toHaveLength(20);
    expect(answer.body.issues[0]).toEqual({ path: 'body.field0', message: 'is not known here' });
    expect(answer.text).not.toContain('hunter2');
  });

  it('with __proto__ in it changes nothing but its own answer', async () => {
    const answer = await run('{"task":"ingest.pull","payload":{},"__proto__":{"admin":true}}');
    expect(answer.status).toBe(422);
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
  });
});

describe('every answer', () => {
  it.each(['/healthz', '/nothing', '/runs', '/docs'])(
    'of %s forbids keeping, sniffing and framing, and says versions',
    async (path) => {
      const { headers } = await gateway().ask('GET', path);
      expect(headers.get('cache-control')).toBe('no-store');
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('content-security-policy')).toContain("default-src 'none'");
      expect(headers.get('alphaswarm-version')).toMatch(/^1\./);
      expect(headers.get('x-request-id')).toBe('request-1');
    },
  );

  it('that is no success is a problem with a code, and names the request', async () => {
    const at = gateway();
    for (const [method, path, status, code] of [
      ['GET', '/nothing', 404, 'NOT_FOUND'],
      ['DELETE', '/runs', 405, 'METHOD_NOT_ALLOWED'],
      ['PUT', '/halt', 405, 'METHOD_NOT_ALLOWED'],
      ['GET', '/runs', 401, 'UNAUTHENTICATED'],
      ['GET', '/runs/', 404, 'NOT_FOUND'],
      ['GET', '/RUNS', 404, 'NOT_FOUND'],
    ] as const) {
      const answer = await at.ask(method, path);
      expect(answer).toMatchObject(problem(status, code));
      expect(answer.headers.get('content-type')).toBe('application/problem+json');
      expect(answer.body).toMatchObject({
        instance: 'urn:request:request-1',
        // What it tells one to do must not look like a secret.
        detail: expect.not.stringContaining('redacted'),
        type: expect.stringMatching(/^urn:alphaswarm:problem:/),
      });
    }
    expect((await at.ask('DELETE', '/runs')).headers.get('allow')).toBe('POST, GET, HEAD');
  });

  it('to a fault of ours says nothing of its inside, and the log does, without secrets', async () => {
    const at = gateway();
    const key = `AKIA${'ABCDEFGH23456723'}`;
    at.plane.ledger.page = async () => {
      throw new Error(`ProvisionedThroughputExceeded on table runs with ${key}`);
    };
    const answer = await at.get('/runs');
    expect(answer).toMatchObject(problem(500, 'INTERNAL'));
    expect(answer.text).not.toMatch(/Throughput|table|at \//);
    const [line] = at.plane.log.lines.filter((one) => one.line === 'request failed');
    expect(line?.fields).toMatchObject({ request: 'request-1', path: '/runs' });
    expect(JSON.stringify(line)).toContain('Throughput');
    expect(JSON.stringify(line)).not.toContain(key);
  });

  it('to another method names those of its own place', async () => {
    const allowed = async (path: string) => (await gateway().ask('OPTIONS', path)).headers.get('allow');
    expect(await allowed('/runs/retry')).toBe('POST');
    expect(await allowed('/runs/other')).toBe('GET, HEAD');
    expect(await gateway().ask('X-TRACE', '/halt')).toMatchObject(problem(405, 'METHOD_NOT_ALLOWED'));
  });

  it('to an If-Match or a key that is none is 422, whatever else it asks', async () => {
    const at = gateway();
    const ask = (headers: Record<string, string>) =>
      at.ask('POST', '/halt/release', { as: 'olga', body: { reason: 'r', queue: 'ingestion' }, headers });
    for (const tag of ['0', '', 'W/"1"', '"a b"', '* '.repeat(2)]) {
      expect(await ask({ 'if-match': tag })).toMatchObject(problem(422, 'REQUEST_INVALID'));
    }
    for (const key of ['', '{}', 'a b']) {
      expect(await ask({ 'idempotency-key': key })).toMatchObject(problem(422, 'REQUEST_INVALID'));
    }
    expect((await ask({ 'if-match': '"1", "2.0"' })).status).toBe(412);
    expect((await ask({})).status).toBe(200);
  });

  it('to HEAD is that of GET without its body', async () => {
    const at = gateway();
    expect(await at.ask('HEAD', '/runs', { as: 'vera' })).toMatchObject({ status: 200, text: '' });
    expect((await at.ask('HEAD', '/runs')).status).toBe(401);
  });
});

describe('the share of a caller', () => {
  const rates = { reads: { perSecond: 2, burst: 3 }, writes: { perSecond: 1, burst: 1 } };

  it('is refused beyond it, with when to come back; another caller has a share of their own', async () => {
    const at = gateway({ options: { rates } });
    for (let number = 0; number < 3; number += 1) expect((await at.get('/me')).status).toBe(200);
    const refused = await at.get('/me');
    expect(refused).toMatchObject(problem(429, 'RATE_LIMITED'));
    expect(Number(refused.headers.get('retry-after'))).toBe(1);
    expect((await at.get('/me', 'rita')).status).toBe(200);
    // Writes are counted apart.
    expect((await at.post('/runs', 'rita', pull)).status).toBe(202);
    expect(await at.post('/runs', 'rita', pull)).toMatchObject(problem(429, 'RATE_LIMITED'));
    await at.plane.clock.advance(1000);
    expect((await at.get('/me')).status).toBe(200);
    expect((await at.post('/runs', 'rita', pull)).status).toBe(202);
  });

  it('is not asked for where nobody is asked who they are', async () => {
    const at = gateway({ options: { rates } });
    for (let number = 0; number < 9; number += 1) expect((await at.ask('GET', '/healthz')).status).toBe(200);
  });

  it('where it cannot be counted lets reads, operators and cancels go on, and others wait', async () => {
    const at = gateway();
    const { body } = await at.post('/runs', 'rita', pull);
    at.rate.down = true;
    expect((await at.get('/runs')).status).toBe(200);
    expect((await at.post('/schedules/runs-reap/resume', 'otto')).status).toBe(200);
    expect((await at.post(`/runs/${body.run.id}/cancel`, 'rita')).status).toBe(200);
    expect((await at.post('/runs', 'rita', pull)).status).toBeGreaterThanOrEqual(500);
  });
});
