// The document is held against a running gateway by test/slow/schemathesis.test.ts; here is what it found to be missing.
import { describe, expect, it } from 'vitest';
import { gateway } from './support.ts';

const document = async () => (await gateway().get('/openapi.json')).body;
interface Described {
  readonly operationId: string;
  readonly parameters: readonly { readonly name: string; readonly schema: Record<string, unknown> }[];
  readonly responses: Record<string, { readonly description: string }>;
  readonly security: readonly object[];
}
const described = async (): Promise<Described[]> =>
  Object.values((await document()).paths).flatMap((methods) => Object.values(methods as object)) as Described[];
const parameter = (all: readonly Described[], id: string, name: string) =>
  all.find(({ operationId }) => operationId === id)?.parameters.find((one) => one.name === name)?.schema;

describe('the document', () => {
  it('says of every operation with a token that it may be asked too often, and how it refuses', async () => {
    const closed = (await described()).filter(({ security }) => security.length > 0);
    expect(closed.length).toBeGreaterThan(25);
    for (const { responses } of closed)
      expect(Object.keys(responses)).toEqual(expect.arrayContaining(['401', '403', '429']));
  });

  it('names 404 wherever a path names something', async () => {
    const { paths } = await document();
    const named = Object.entries<Record<string, Described>>(paths).filter(([path]) => path.includes('{'));
    for (const [, methods] of named)
      for (const { responses } of Object.values(methods)) expect(Object.keys(responses)).toContain('404');
  });

  it('says which cursors are which, what a tag looks like, and which queues and schedules there are', async () => {
    const all = await described();
    expect(parameter(all, 'listRuns', 'cursor')).toMatchObject({ format: 'run-cursor' });
    expect(parameter(all, 'listAudit', 'cursor')).toMatchObject({ format: 'audit-cursor' });
    expect(parameter(all, 'retryRun', 'If-Match')?.['pattern']).toMatch(/^\^/);
    expect(parameter(all, 'listDeadLetters', 'queue')?.['enum']).toContain('ingestion');
    expect(parameter(all, 'getSchedule', 'key')?.['enum']).toContain('runs-reap');
  });

  it('says that a halt is of the plane, of a queue or of a task, and never of two', async () => {
    const { schemas } = (await document()).components;
    for (const name of ['EngageHalt', 'ReleaseHalt']) {
      const fields = schemas[name].anyOf.map(({ properties }: { properties: object }) => Object.keys(properties));
      expect(fields.filter((one: string[]) => one.includes('queue') && one.includes('task'))).toEqual([]);
      expect(fields).toHaveLength(3);
    }
  });
});
