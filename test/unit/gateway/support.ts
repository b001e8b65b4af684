// A gateway over twins, and people who ask it: a token is a name here, since who a real one is of is another suite's.
import { expect } from 'vitest';
import type { Role } from '#core/catalogue/roles.ts';
import { createApp } from '#gateway/app.ts';
import type { Caller } from '#gateway/caller.ts';
import type { AppOptions, GatewayPorts } from '#gateway/ports.ts';
import { Problem } from '#gateway/problem.ts';
import { mountedAt } from '#gateway/routes/index.ts';
import { memoryAuditLog } from '#memory/audit-log.ts';
import { memoryLinks, memoryRate, memorySchedules } from '#memory/gateway.ts';
import { memoryPlane, type MemoryPlane } from '#memory/plane.ts';

export const realNowMs = Date.UTC(2026, 10, 25, 12);

const person = (id: string, roles: Role[], over: Partial<Caller> = {}): Caller => ({
  actor: { kind: 'human', id },
  tenant: 'acme',
  roles,
  issuer: 'test',
  expiresAtMs: realNowMs + 3_600_000,
  ...over,
});
const strong = { steppedUpAtMs: realNowMs - 60_000 };
/** Everybody that the tests know, by token. */
export const people = {
  vera: person('vera', ['viewer']),
  rita: person('rita', ['researcher']),
  otto: person('otto', ['operator']),
  olga: person('olga', ['operator'], strong),
  oscar: person('oscar', ['operator'], strong),
  stale: person('otto', ['operator'], { steppedUpAtMs: realNowMs - 301_000 }),
  bot: person('bot', ['service'], { actor: { kind: 'service', id: 'bot', onBehalfOf: 'rita' } }),
  machine: person('machine', ['operator'], {
    actor: { kind: 'service', id: 'machine', onBehalfOf: 'olga' },
    ...strong,
  }),
  /** Of another tenant, with every role there is. */
  eve: person('eve', ['viewer', 'researcher', 'operator', 'service'], { tenant: 'umbrella', ...strong }),
} satisfies Record<string, Caller>;
export type Who = keyof typeof people;

const identity: AppOptions['identity'] = {
  async caller(authorization) {
    const who = authorization?.replace(/^Bearer /, '') ?? '';
    if (Object.hasOwn(people, who)) return people[who as Who];
    throw new Problem('UNAUTHENTICATED', 'there is no valid token', { headers: { 'www-authenticate': 'Bearer' } });
  },
  ready: async () => [{ name: 'test', ok: true }],
};

export interface Asked {
  readonly status: number;
  readonly headers: Headers;
  // Answers are looked into deeply, and a wrong path fails the test all the same.
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly body: any;
  readonly text: string;
}
export interface Options {
  readonly as?: Who;
  readonly body?: unknown;
  /** The body as it is, whatever it is. */
  readonly raw?: string | Uint8Array<ArrayBuffer>;
  readonly headers?: Record<string, string>;
}

export type TestGateway = ReturnType<typeof gateway>;

/** Both doors over one plane. What they answer is held against its schema. */
export function gateway(
  over: { plane?: MemoryPlane; ports?: Partial<GatewayPorts>; options?: Partial<AppOptions> } = {},
) {
  const plane = over.plane ?? memoryPlane();
  const rate = memoryRate(plane.clock);
  const ports = {
    ...plane,
    auditLog: memoryAuditLog(),
    links: memoryLinks(plane.clock),
    rate,
    schedules: memorySchedules(),
    ...over.ports,
  };
  const options = { identity, realNowMs: () => realNowMs, ...over.options };
  const doors = (['gateway', 'halt'] as const).map((door) => ({
    app: createApp(ports, { ...options, door }),
    mounted: mountedAt(door),
  }));
  const doorOf = (method: string, path: string) =>
    doors.find(({ mounted }) => mounted.some(({ row }) => row.method === method && patternOf(row.path).test(path))) ??
    doors[0]!;

  async function ask(method: string, target: string, options: Options = {}): Promise<Asked> {
    const [path = ''] = target.split('?');
    const { app, mounted } = doorOf(method, path);
    const environment = { requestContext: { requestId: 'request-1', http: { sourceIp: '192.0.2.7' } } };
    const answer = await readable(await app.request(target, initOf(method, options), environment));
    const operation = mounted.find(({ row }) => row.method === method && patternOf(row.path).test(path))?.operation;
    if (operation && answer.status < 300 && answer.body !== undefined) {
      const fits = operation.answer.safeParse(answer.body);
      expect(fits.error?.issues, `the answer to ${method} ${target}`).toBeUndefined();
      expect(answer.status).toBe(operation.status);
    }
    return answer;
  }
  return {
    plane,
    ports,
    rate,
    get: (target: string, as: Who = 'vera') => ask('GET', target, { as }),
    post: (target: string, as: Who, body?: unknown) =>
      ask('POST', target, { as, ...(body === undefined ? {} : { body }) }),
    ask,
  };
}

function initOf(method: string, { as, body, raw, headers }: Options): RequestInit {
  const sent = raw ?? (body === undefined ? undefined : JSON.stringify(body));
  const token = as ? { authorization: `Bearer ${as}` } : {};
  if (sent === undefined) return { method, headers: { ...token, ...headers } };
  return { method, headers: { ...token, 'content-type': 'application/json', ...headers }, body: sent };
}

async function readable(response: Response): Promise<Asked> {
  const { status, headers } = response;
  const text = await response.text();
  const isJson = headers.get('content-type')?.includes('json') === true && text !== '';
  return { status, headers, text, body: isJson ? JSON.parse(text) : undefined };
}

const patternOf = (path: string): RegExp => new RegExp(`^${path.replaceAll(/\{\w+\}/g, '[^/]+')}$`);

export const problem = (status: number, code: string) => ({ status, body: expect.objectContaining({ status, code }) });

export const pull = {
  task: 'ingest.pull',
  payload: { connector: 'csv', dataset: 'sp500-daily', source: { key: 'sp500.csv' } },
};
