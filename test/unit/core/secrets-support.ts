import * as fc from 'fast-check';

/** Secrets made for these tests: of every shape that is known, and none that opens anything. */
const jwt =
  'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U';
const alnum = '0123456789abcdefghijABCDEFGHIJ0123456789';

export interface Planted {
  /** How it stands in a text. */
  readonly text: string;
  /** What may not be left of it. */
  readonly secret: string;
}
const whole = (secret: string): Planted => ({ text: secret, secret });

export const secretTexts: Readonly<Record<string, Planted>> = {
  jwt: whole(jwt),
  'unsigned jwt': whole('eyJhbGciOiJub25lIn0.eyJzdWIiOiIxMjM0NTY3ODkwIn0.'),
  bearer: { text: 'Authorization: Bearer opaque123', secret: 'opaque123' },
  'bearer in prose': { text: 'it sent bearer 0a1b2c3d and failed', secret: '0a1b2c3d' },
  'bearer in an address': { text: '/x?h=Bearer%20opaque1234', secret: 'opaque1234' },
  basic: { text: 'got Basic dXNlcjpodW50ZXIy', secret: 'dXNlcjpodW50ZXIy' },
  digest: { text: 'authorization: Digest username="u", response="6629fae4"', secret: '6629fae4' },
  cookie: { text: 'Cookie: theme=dark; sid="s3ss10n"', secret: 's3ss10n' },
  'access key id': whole('AKIAIOSFODNN7EXAMPLE'),
  'secret access key': { text: `AWS_SECRET_ACCESS_KEY=${alnum}`, secret: alnum },
  'session token': whole(`IQoJb3JpZ2lu${alnum}`),
  pem: {
    text: `-----BEGIN EC PRIVATE KEY-----\n${alnum}\n-----END EC PRIVATE KEY-----`,
    secret: alnum,
  },
  'pem, cut': { text: `-----BEGIN PRIVATE KEY-----\\n${alnum}`, secret: alnum },
  github: whole(`ghp_${alnum}`),
  'github, fine': whole(`github_pat_${alnum}`),
  gitlab: whole(`glpat-${alnum.slice(0, 20)}`),
  slack: whole(`xoxb-${alnum}`),
  'slack hook': { text: 'https://hooks.slack.com/services/T000/B000/XXXX', secret: 'T000/B000/XXXX' },
  stripe: whole(`sk_live_${alnum.slice(0, 24)}`),
  openai: whole(`sk-proj-${alnum}`),
  'openai, older': whole(`sk-${alnum}`),
  google: whole(`AIza${alnum.slice(0, 35)}`),
  webhooks: whole('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'),
  npm: whole(`npm_${alnum.slice(0, 36)}`),
  'user info': { text: 'redis://user:p4ss@cache:6379/0', secret: 'p4ss' },
  'user info without user': { text: 'rediss://:p4ss@cache:6379', secret: 'p4ss' },
  'signed link': { text: 'https://b.s3.amazonaws.com/k?X-Amz-Signature=0a1b2c&x=1', secret: '0a1b2c' },
  'signed link, who': { text: 'https://b/k?X-Amz-Credential=who%2F2026', secret: 'who%2F2026' },
  'signed link, session': { text: 'https://b/k?X-Amz-Security-Token=t0k3n', secret: 't0k3n' },
  'shared access signature': { text: 'https://b/k?sv=1&sig=s1gn%3D', secret: 's1gn' },
  'token in a query': { text: 'GET /ws?token=t0k3n', secret: 't0k3n' },
  'access token in a fragment': { text: 'https://a/#access_token=t0k3n&x=1', secret: 't0k3n' },
  'api key in a query': { text: 'https://a/?api_key=k3y', secret: 'k3y' },
  'connection string': { text: 'Server=db;Uid=me;Pwd=p4ss;Database=x', secret: 'p4ss' },
  'password in prose': { text: 'login failed: password=p4ss', secret: 'p4ss' },
  'password in yaml': { text: 'user: me\npassword: p4ss', secret: 'p4ss' },
  'password in json': { text: 'body {"user":"me","password":"p4\\"quux"}', secret: 'quux' },
  'password in json in json': { text: '"{\\"password\\":\\"p4ss\\"}"', secret: 'p4ss' },
  'password as inspected': { text: "{ clientSecret: 'p4ss' }", secret: 'p4ss' },
};

export const secretInText: fc.Arbitrary<Planted> = fc.constantFrom(...Object.values(secretTexts));

const hex = (length: number) =>
  fc.string({
    unit: fc.constantFrom('0', '1', '4', '7', '9', 'a', 'c', 'd', 'e', 'f'),
    minLength: length,
    maxLength: length,
  });
const parameter = fc.oneof(
  fc.double({ noNaN: true }),
  fc.integer(),
  fc.boolean(),
  fc.constantFrom('sma', 'EURUSD', 'close', '2026-01-01'),
);
/** What payloads, rows and results really hold. */
export const harmless = fc.oneof(
  fc.record({
    strategy: fc.record({
      name: fc.constantFrom('sma-cross', 'buy_and_hold'),
      params: fc.dictionary(
        fc.constantFrom('fast', 'slow', 'n1', 'exit_after', 'stopLossBps', 'primaryKey', 'secretName'),
        parameter,
      ),
    }),
    run: fc.uuid(),
    sha256: hex(64),
    commit: hex(40),
    etag: hex(32),
    traceparent: fc.tuple(hex(32), hex(16)).map(([trace, span]) => `00-${trace}-${span}-01`),
    key: fc.uuid().map((id) => `artifacts/acme/backtest.run/${id}/1/result.json`),
    at: fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
    message: fc.constantFrom('run 12 of 40', 'a lease was lost', 'basic statistics written', 'no tokens left'),
  }),
  fc.array(fc.uuid()),
  fc.base64String(),
);
