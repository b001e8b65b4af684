import { GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { describe, expect, it } from 'vitest';
import { findBreaks } from '#core/audit-breaks.ts';
import { limits } from '#core/catalogue/limits.ts';
import { memoryAuditLog } from '#memory/audit-log.ts';
import { runtimeAuditLog } from '#runtime/audit-log.ts';
import { sha256 } from '#runtime/hash.ts';
import { auditChain, auditContract, noonMs } from '#test/contract/audit.contract.ts';
import { dynamodb } from '#test/contract/support/aws.ts';

const { client, fresh } = await dynamodb();

auditContract('in memory', async () => memoryAuditLog());
auditContract('DynamoDB', async () => runtimeAuditLog(client, await fresh('audit')));

describe('the items in DynamoDB', () => {
  const chain = { hour: '2026-01-05T12', writer: 'environment-1' };
  const written = async () => {
    const table = await fresh('audit');
    const log = runtimeAuditLog(client, table);
    const rows = auditChain([{ arguments: { name: 'a', bytes: 7 } }, {}, {}]);
    for (const row of rows) await log.append(row);
    const item = async (seq: number): Promise<Record<string, unknown>> => {
      const found = await client.send(
        new GetCommand({ TableName: table, Key: { chain: '2026-01-05T12#environment-1', seq } }),
      );
      return found.Item ?? {};
    };
    return { table, log, rows, item };
  };

  it('expire 400 days after what they tell of, in the seconds that DynamoDB wants', async () => {
    const { item } = await written();
    expect(limits.auditRetention).toBe(400 * 86_400);
    expect((await item(1))['expiresAt']).toBe(noonMs / 1000 + limits.auditRetention);
  });

  it('stand in the index of their hour by the first of a chain alone', async () => {
    const { item } = await written();
    expect((await item(1))['openedHour']).toBe('2026-01-05T12');
    expect(await item(2)).not.toHaveProperty('openedHour');
  });

  it('are found altered by any one byte of any attribute, those of the indexes included', async () => {
    const { table, log, rows, item } = await written();
    const first = await item(1);
    const names = Object.keys(first).filter((name) => name !== 'chain' && name !== 'seq');
    expect(names).toEqual(expect.arrayContaining(['at', 'tenantDay', 'openedHour', 'expiresAt', 'arguments', 'actor']));
    for (const name of names) {
      const value = first[name];
      const altered =
        typeof value === 'number'
          ? value + 1
          : typeof value === 'string'
            ? `${value.slice(0, -1)}~`
            : { ...Object(value), x: 1 };
      await client.send(new PutCommand({ TableName: table, Item: { ...first, [name]: altered } }));
      const breaks = findBreaks(sha256, { ...chain, rows: await log.chain(chain.hour, chain.writer) }, rows.at(-1));
      expect([name, breaks]).toEqual([name, [{ ...chain, seq: 1, what: 'altered' }]]);
    }
    await client.send(new PutCommand({ TableName: table, Item: { ...first, further: true } }));
    expect(findBreaks(sha256, { ...chain, rows: await log.chain(chain.hour, chain.writer) })).toHaveLength(1);
    await client.send(new PutCommand({ TableName: table, Item: first }));
    expect(findBreaks(sha256, { ...chain, rows: await log.chain(chain.hour, chain.writer) })).toEqual([]);
  });
});
