import { entryPoints, type EntryPointName } from '#core/catalogue/entry-points.ts';
import type { Law, Plane } from '../plane.ts';

/** Shapes that a secret has and code has not: what unlocks something by itself, whatever it is called. */
const shapes: Readonly<Record<string, RegExp>> = {
  'a private key': /-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[\\nr\s]{0,8}[A-Za-z0-9+/=]{20}/,
  'an access key of AWS': /(?<![A-Z0-9])(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Z0-9])/,
  'a token': /eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]*/,
  'a token of GitHub': /(?:gh[pousr]_[A-Za-z0-9]{30}|github_pat_\w{30})/,
  'a token of GitLab': /glpat-[\w-]{20}/,
  'a token of Slack': /xox[abpr]-[\w-]{10}/,
  'a token of npm': /npm_[A-Za-z0-9]{36}/,
  'a key of Stripe': /(?:sk|rk)_live_\w{16}/,
  'a key of Google': /AIza[\w-]{35}/,
  'a secret of webhooks': /whsec_[A-Za-z0-9+/=]{24}/,
  'a password in an address': /[a-z]{2,10}:\/\/[^\s/:@"'`$<>{}\\]{0,40}:[^\s/@"'`$<>{}\\]{3,}@[a-z]/i,
};

const foundIn = (text: string, where: string): string[] =>
  Object.entries(shapes)
    .filter(([, shape]) => shape.test(text))
    .map(([what, shape]) => `${where} holds ${what}: ${shape.exec(text)?.[0].slice(0, 12)}...`);

const names = Object.keys(entryPoints) as EntryPointName[];

/** Modules that fetch a secret, and the only files that may import one. */
const resolver = new Set(['runtime/secrets-manager.ts', 'runtime/parameter-store.ts']);
const fetches = /node_modules\/(?:@aws-sdk\/client-(?:secrets-manager|ssm)|@aws-lambda-powertools\/parameters)\//;

export const secretLaws: Law[] = [
  {
    says: 'no template and no bundle holds anything like a secret',
    broken: ({ template, code }: Plane) => [
      ...foundIn(JSON.stringify(template), 'the template'),
      ...names.flatMap((name) => foundIn(code[name], `the bundle of ${name}`)),
    ],
    planted: ({ code }) => (code.gateway += `const key='${['AKIA', 'ABCDEFGHIJKLMNOP'].join('')}'`),
  },
  {
    says: 'and they were read, every one',
    broken: ({ code }) => names.flatMap((name) => (code[name].length > 100_000 ? [] : [`${name} is empty`])),
    planted: ({ code }) => (code.gateway = ''),
  },
  {
    says: 'secrets are fetched by what runtime/secrets.ts loads alone, and only where callbacks are signed',
    broken: ({ bundles }) =>
      names.flatMap((name) => {
        const { inputs } = bundles[name];
        const importers = Object.entries(inputs)
          .filter(([path, { imports }]) => !fetches.test(path) && imports.some((one) => fetches.test(one.path)))
          .map(([path]) => path);
        return importers
          .filter((path) => !resolver.has(path) || name !== 'default')
          .map((path) => `${name}: ${path} fetches secrets`);
      }),
    planted: ({ bundles }) => {
      const reads = { path: 'node_modules/@aws-sdk/client-ssm/dist-es/index.js', kind: 'import-statement' } as const;
      bundles.gateway.inputs['gateway/app.ts']?.imports.push(reads);
    },
  },
];
