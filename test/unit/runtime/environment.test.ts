import { describe, expect, it } from 'vitest';
import { addressedBy, environmentNames, ownVariables } from '#core/catalogue/entry-environment.ts';
import { entryPoints, type EntryPointName } from '#core/catalogue/entry-points.ts';
import { Failure } from '#core/errors.ts';
import { parseEnvironment } from '#runtime/environment.ts';

const names = Object.keys(entryPoints) as EntryPointName[];
const valueOf = (name: string): string => {
  if (name.endsWith('_REDIS')) return 'cache.example.com:6379';
  if (/^(QUEUE|DLQ)_URL_/.test(name))
    return `https://sqs.eu-central-1.amazonaws.com/123456789012/${name.toLowerCase()}`;
  return { LEDGER_SHARDS: '4', LOG_LEVEL: 'INFO', CELL: 'dev' }[name] ?? `the-${name.toLowerCase()}`;
};
const deployed = (entryPoint: EntryPointName): Record<string, string> =>
  Object.fromEntries(environmentNames(entryPoint).map((name) => [name, valueOf(name)]));
const local = (entryPoint: EntryPointName, host = '127.0.0.1'): Record<string, string> => ({
  ...Object.fromEntries(
    Object.entries(deployed(entryPoint)).map(([name, value]) => {
      if (name.endsWith('_REDIS')) return [name, `${host}:6379`];
      return [name, value.replace('https://sqs.eu-central-1.amazonaws.com', `http://${host}:4566`)];
    }),
  ),
  ALPHASWARM_LOCAL: '1',
  AWS_ENDPOINT_URL: `http://${host}:1`,
  AWS_ENDPOINT_URL_SQS: `http://${host}:2`,
  AWS_ENDPOINT_URL_S3: `http://${host}:3`,
  AWS_ENDPOINT_URL_DYNAMODB: `http://${host}:4`,
});
/** What the dispatcher alone is given. */
const launch = {
  cluster: 'the-cluster',
  subnets: ['the-subnets'],
  securityGroup: 'the-security_group',
  taskDefinitions: { backtest: 'the-task_definition_backtest' },
};
function refusal(entryPoint: EntryPointName, variables: Record<string, string | undefined>): string {
  try {
    parseEnvironment(entryPoint, variables);
  } catch (error) {
    expect(error).toBeInstanceOf(Failure);
    expect((error as Failure).code).toBe('CONFIGURATION_INVALID');
    return (error as Failure).message;
  }
  throw new Error('it was taken');
}

describe.each(names)('the environment of %s', (entryPoint) => {
  it('is read from exactly the variables that the catalogue lists, and AWS’s own', () => {
    const read = new Set<string>();
    const variables = new Proxy<Record<string, string>>(deployed(entryPoint), {
      get: (target, name) => {
        if (typeof name === 'string') read.add(name);
        return Reflect.get(target, name) as string;
      },
      ownKeys: () => {
        throw new Error('it looks through the whole environment');
      },
    });
    parseEnvironment(entryPoint, variables);
    expect([...read].toSorted()).toEqual(
      [...environmentNames(entryPoint), 'ALPHASWARM_LOCAL', 'AWS_REGION', 'SECRETS_FILE'].toSorted(),
    );
  });

  it('holds every value under the name that runtime knows', () => {
    const environment = parseEnvironment(entryPoint, { ...deployed(entryPoint), AWS_REGION: 'eu-central-1' });
    expect(environment).toEqual({
      stage: 'the-stage',
      cell: 'dev',
      ledger: { table: 'the-ledger_table', shards: 4 },
      controlTable: 'the-control_table',
      auditTable: 'the-audit_table',
      own:
        entryPoint === 'dispatcher'
          ? {}
          : Object.fromEntries(ownVariables(entryPoint).map((name) => [name, valueOf(name)])),
      bucket: 'the-bucket',
      eventBus: 'the-event_bus',
      redis: {
        state: { host: 'cache.example.com', port: 6379 },
        cache: { host: 'cache.example.com', port: 6379 },
        name: 'the-redis_name',
        user: 'the-redis_user',
      },
      logLevel: 'INFO',
      region: 'eu-central-1',
      queueUrls: Object.fromEntries(
        addressedBy(entryPoint).map((queue) => [
          queue,
          {
            queue: valueOf(`QUEUE_URL_${queue.toUpperCase()}`),
            deadLetters: valueOf(`DLQ_URL_${queue.toUpperCase()}`),
          },
        ]),
      ),
      ...(entryPoint === 'dispatcher' ? { launch } : {}),
    });
  });

  it('names every variable that is missing in one message, and none that is there', () => {
    const message = refusal(entryPoint, {});
    for (const name of environmentNames(entryPoint)) expect(message).toContain(`${name}: `);
    expect(message).not.toContain('more');
    for (const missing of environmentNames(entryPoint)) {
      const told = refusal(entryPoint, { ...deployed(entryPoint), [missing]: undefined });
      expect(told.match(/[A-Z_]{4,}(?=: )/g)).toEqual([missing]);
    }
  });
});

describe('a value that is wrong', () => {
  it.each([
    ['LEDGER_SHARDS', ['0', '-1', '1.5', 'four', '65', '', 'NaN']],
    ['CELL', ['', 'Prod', 'a b', 'x'.repeat(33), 'dev/../prod']],
    ['STATE_REDIS', ['', 'cache', 'cache:', ':6379', 'cache:0', 'cache:65536', 'cache:99999', 'redis://c:1', 'a b:1']],
    ['CACHE_REDIS', ['user:secret@cache:6379', 'cache:6379/0', '2001:db8::1:6379']],
    ['LOG_LEVEL', ['info', 'TRACE', '']],
    ['LEDGER_TABLE', ['', 'ab']],
    ['QUEUE_URL_INGESTION', ['', 'queue', 'arn:aws:sqs:x', 'ftp://host/queue', 'javascript:alert(1)', '//host/queue']],
    ['DLQ_URL_INGESTION', ['https://', 'file:///queue']],
  ])('%s is refused by its name, and never repeated', (name, values) => {
    for (const value of values) {
      const message = refusal('ingestion', { ...deployed('ingestion'), [name]: value });
      expect(message).toContain(`${name}: `);
      if (value.length > 8) expect(message).not.toContain(value);
    }
  });

  it('takes an IPv6 address in brackets, and keeps the address without them', () => {
    const { redis } = parseEnvironment('system', { ...deployed('system'), STATE_REDIS: '[2001:db8::1]:6379' });
    expect(redis.state).toEqual({ host: '2001:db8::1', port: 6379 });
  });

  it.each(['true', 'yes', '0', ' 1', 'local'])(
    'ALPHASWARM_LOCAL=%j is refused: read as "no" it would reach AWS',
    (value) => {
      expect(refusal('system', { ...local('system'), ALPHASWARM_LOCAL: value })).toContain('ALPHASWARM_LOCAL');
    },
  );
});

describe('in local mode', () => {
  it.each(['127.0.0.1', 'localhost', '127.1.2.3', '[::1]'])('every endpoint may be on %s', (host) => {
    const environment = parseEnvironment('system', local('system', host));
    expect(environment.local?.endpoints).toEqual({
      events: `http://${host}:1`,
      secretsmanager: `http://${host}:1`,
      ssm: `http://${host}:1`,
      kms: `http://${host}:1`,
      sockets: `http://${host}:1`,
      sqs: `http://${host}:2`,
      s3: `http://${host}:3`,
      dynamodb: `http://${host}:4`,
      ecs: `http://${host}:1`,
    });
    expect(environment.redis.state).toEqual({ host: host.replaceAll(/[[\]]/g, ''), port: 6379 });
  });

  const strangers = [
    '10.0.0.1',
    'example.com',
    '0.0.0.0',
    'localhost.evil.com',
    '127.0.0.1.nip.io',
    'localhost.',
    '128.0.0.1',
    '127.0.0.256',
    '[2001:db8::1]',
    '[::]',
    '[::ffff:10.0.0.1]',
    '169.254.169.254',
    'sqs.us-east-1.amazonaws.com',
  ];
  const endpoints = Object.keys(local('system')).filter((name) => /URL|_REDIS$/.test(name));
  it.each(endpoints)('%s may not be on another machine', (name) => {
    for (const host of strangers) {
      const value = name.endsWith('_REDIS') ? `${host}:6379` : `http://${host}:4566/000000000000/q`;
      const message = refusal('system', { ...local('system'), [name]: value });
      expect(message).toContain(name);
      expect(message).toMatch(/loopback|host:port|http/);
    }
  });

  it.each(['AWS_ENDPOINT_URL_EVENTBRIDGE', 'AWS_ENDPOINT_URL_STS', 'OTHER_REDIS'])(
    '%s may not be on another machine, although nobody is known to read it',
    (name) => {
      expect(refusal('system', { ...local('system'), [name]: 'http://example.com:80' })).toContain(name);
    },
  );

  it.each([
    'http://127.0.0.1@example.com/',
    'http://127.0.0.1:80@example.com/',
    'http://example.com#@127.0.0.1/',
    'http://example.com\\@127.0.0.1/',
    'http://[::1',
    '//127.0.0.1',
    '',
  ])('an endpoint that only looks local is refused: %j', (value) => {
    expect(refusal('system', { ...local('system'), AWS_ENDPOINT_URL_SQS: value })).toContain('AWS_ENDPOINT_URL_SQS');
  });

  it.each(Object.keys(local('system')).filter((name) => name.startsWith('AWS_')))(
    '%s must be set: without it the SDK would call AWS',
    (name) => {
      expect(refusal('system', { ...local('system'), [name]: undefined })).toContain(name);
    },
  );

  it('never repeats the password of an endpoint that it refuses', () => {
    const message = refusal('system', {
      ...local('system'),
      STATE_REDIS: 'redis://user:hunter2@cache.example.com:6379',
    });
    expect(message).toContain('STATE_REDIS');
    expect(message).not.toContain('hunter2');
  });

  it('knows the file of a driven clock, which is not looked for on AWS', () => {
    const variables = { ALPHASWARM_CLOCK_FILE: '/run/offset' };
    expect(parseEnvironment('system', { ...local('system'), ...variables }).local?.clockFile).toBe('/run/offset');
    expect(parseEnvironment('system', local('system')).local).not.toHaveProperty('clockFile');
    expect(parseEnvironment('system', { ...deployed('system'), ...variables })).not.toHaveProperty('local');
  });

  it('knows the file of secrets, which is refused everywhere else', () => {
    const variables = { SECRETS_FILE: '/run/secrets.json' };
    expect(parseEnvironment('system', { ...local('system'), ...variables }).local?.secretsFile).toBe(
      '/run/secrets.json',
    );
    expect(refusal('system', { ...deployed('system'), ...variables })).toContain('SECRETS_FILE');
  });
});
