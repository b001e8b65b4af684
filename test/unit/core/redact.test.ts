import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findSecret, redact, redacted, redactText, withoutSecrets } from '#core/redact.ts';
import { harmless, secretInText, secretTexts } from './secrets-support.ts';

/** Every secret under its field's name, or in a text, wherever JSON can hold one. */
const planted = (secret: fc.Arbitrary<string>) =>
  fc.tuple(secret, harmless, fc.array(fc.constantFrom('a', 'list', 'x-y', 'value'), { maxLength: 5 }));
const bury = (value: unknown, path: readonly string[]): unknown =>
  path.reduceRight<unknown>((inner, key) => (key === 'list' ? [1, inner] : { first: 'x', [key]: inner }), value);

describe('what is secret', () => {
  it.each(Object.entries(secretTexts))('%s is replaced in a text, and found in a value', (_, { text, secret }) => {
    expect(redactText(text)).not.toContain(secret);
    expect(redactText(text)).toContain(redacted);
    expect(findSecret({ notes: ['x', text] })).toBe('$.notes[1]');
  });
  it('is found wherever it stands, and nothing of it is left', () => {
    fc.assert(
      fc.property(planted(secretInText.map(({ text }) => text)), secretInText, ([, around, path], { text, secret }) => {
        const value = { around, deep: bury(`${JSON.stringify(text)} and more`, path) };
        expect(findSecret(value)).toMatch(/^\$\.deep/);
        expect(JSON.stringify(redact(value))).not.toContain(secret);
      }),
    );
  });
  it('is what stands under its name, in any style', () => {
    const names = ['authorization', 'Set-Cookie', 'dbPassword', 'API_KEY', 'x-api-key', 'clientSecret', 'AccessToken'];
    for (const name of [...names, 'private key', 'credential', 'SECRET', 'aws.secret.access.key']) {
      expect(redact({ [name]: 'hunter2' })).toEqual({ [name]: redacted });
      expect(redact({ [name]: ['hunter2'] })).toEqual({ [name]: [redacted] });
      expect(redact([[name, 'hunter2']])).toEqual([[name, redacted]]);
      expect(redact({ name, value: 'hunter2' })).toEqual({ name, value: redacted });
      expect(redact(new Map([[name, 'hunter2']]))).toEqual([[name, redacted]]);
      expect(findSecret({ a: { [name]: 'hunter2' } })).toMatch(/^\$\.a/);
      expect(findSecret({ a: { [name]: '' } })).toBeUndefined();
      expect(findSecret({ a: { [name]: 12 } })).toBeUndefined();
    }
  });
  it('is also a key of AWS beside its id, and a name that holds a secret', () => {
    const secret = 'wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY12';
    expect(redact({ id: 'AKIAIOSFODNN7EXAMPLE', other: secret })).toEqual({ id: redacted, other: redacted });
    expect(redact({ other: secret })).toEqual({ other: secret });
    expect(redactText(`AKIAIOSFODNN7EXAMPLE ${secret}`)).toBe(`${redacted} ${redacted}`);
    expect(findSecret({ ghp_0123456789abcdefghij0123456789: 1 })).toBe(`$["${redacted}"]`);
  });
  it('is gone from errors, their causes, and what hangs on them', () => {
    const root = Object.assign(new Error('connect redis://:hunter2@cache:6379'), {
      headers: { Cookie: 'sid=hunter2' },
    });
    const error = new Error('outer', { cause: new AggregateError([root, 'password=hunter2'], 'both') });
    expect(JSON.stringify(redact({ error }))).not.toContain('hunter2');
    expect(redact(error)).toMatchObject({ name: 'Error', message: 'outer', cause: { name: 'AggregateError' } });
  });
});

describe('what is not secret', () => {
  it('passes untouched: parameters, ids, hashes, keys, prose', () => {
    fc.assert(
      fc.property(harmless, (value) => {
        expect(findSecret(value)).toBeUndefined();
        expect(redact(value)).toEqual(value);
        expect(withoutSecrets(value)).toBe(value);
      }),
    );
  });
  it.each([
    'Basic statistics of bearer bonds',
    'the secret webhooks/acme-main is not there',
    'broker.password: expected string, received number',
    'payload.token: Invalid input',
    'https://example.com:8080/a?b=c@d',
    'a token == b, token => c',
    's3://bucket/artifacts/acme/backtest.run/0192f0c1-7b1e-7cc0-8000-000000000001/1/report.html',
    'sk-learn and risk-adjusted-returns-of-many-years',
    'nextToken=abc pageToken=abc',
    'commit dca99b7fd13951b43e5ffc9f2f5b3f1d841280d8',
  ])('%j', (text) => expect(redactText(text)).toBe(text));
  it('is the name of a secret, where the secret itself would stand', () => {
    expect(findSecret({ callback: { url: 'https://a.example', secret: 'webhooks/acme-main' } })).toBeUndefined();
    expect(findSecret({ secret: 'webhooks/acme main' })).toBe('$.secret');
  });
});

describe('whatever it is given', () => {
  it('says no different when asked twice, and finds just what it replaces', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.jsonValue({ maxDepth: 6 }),
          secretInText.map(({ text }) => ({ text })),
        ),
        (value) => {
          const once = redact(value);
          expect(redact(once)).toEqual(once);
          expect(findSecret(once)).toBeUndefined();
          expect(findSecret(value) === undefined).toBe(JSON.stringify(once) === JSON.stringify(value));
        },
      ),
    );
  });
  it('ends: cycles, depths, getters that throw, bytes, functions, what cannot be written', () => {
    const ring: Record<string, unknown> = { at: new Date(0), bytes: new Uint8Array(3), run: () => 1, big: 1n };
    ring['self'] = ring;
    expect(redact(ring)).toEqual({
      at: '1970-01-01T00:00:00.000Z',
      bytes: '[3 bytes]',
      run: '[function]',
      big: 1n,
      self: '[cut: a cycle]',
    });
    expect(findSecret(ring)).toBeUndefined();
    const bad = { get a() { throw new Error('no'); } }; // prettier-ignore
    expect(redact({ bad })).toEqual({ bad: '[unreadable]' });
    let deep: unknown = 'password=hunter2';
    for (let depth = 0; depth < 50_000; depth += 1) deep = [deep];
    expect(JSON.stringify(redact(deep))).toContain('cut: too deep');
    expect(findSecret(deep)).toMatch(/^\$\[0\]/);
    expect(JSON.stringify(redact(Array.from({ length: 1e5 }, () => 'x'))).length).toBeLessThan(5e6);
  });
  it('takes time in step with the length of the text, whatever the text', () => {
    const pieces = [
      'eyJaaaaaaaa-',
      'a://b:',
      'password',
      '"a":"',
      'token="',
      '\\"',
      'x=',
      'Bearer ',
      '%20eyJ',
      'AKIA',
      '- ',
    ];
    for (const piece of pieces) {
      // Of this process alone: others may keep the machine busy meanwhile.
      const began = process.cpuUsage();
      redactText(piece.repeat(200_000 / piece.length));
      expect(process.cpuUsage(began).user / 1000).toBeLessThan(1000);
    }
  });
});
