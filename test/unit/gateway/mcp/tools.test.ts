// Which tools there are, written out by hand: a change of who may call one must be made here a second time, by somebody
// who means it. A task that nobody has written down here is held against its contract, so that adding one needs no table.
import { describe, expect, it } from 'vitest';
import { roles, type Role } from '#core/catalogue/roles.ts';
import { taskContract, taskNames } from '#core/catalogue/tasks.ts';
import { toolNameOf } from '#gateway/mcp/task-tools.ts';
import { tools } from '#gateway/mcp/tools.ts';
import { mcpDoor } from './support.ts';

/** The cells of a row: viewer, researcher, operator, service. */
const table = `
killswitch_heartbeat  no  no  yes no
status_sync           no  no  yes no
runs_reap             no  no  yes no
beat_reconcile        no  no  yes no
audit_anchor          no  no  yes no
backtest_run          no  yes yes yes
ingest_pull           no  yes yes yes
callback_deliver      no  no  yes yes
list_runs             yes yes yes yes
get_run               yes yes yes yes
follow_run            yes yes yes yes
cancel_run            no  yes yes yes
list_artefacts        yes yes yes yes
get_artefact          yes yes yes yes
list_schedules        yes yes yes yes
get_halt              yes yes yes yes
`;
const written = table
  .trim()
  .split('\n')
  .map((line) => line.trim().split(/\s+/));
const names = new Set(written.map(([name]) => name));
const others = taskNames
  .filter((task) => !names.has(toolNameOf(task)))
  .map((task) => [
    toolNameOf(task),
    ...roles.map((role) => (taskContract(task).startableBy.some((by) => by === role) ? 'yes' : 'no')),
  ]);
/** Tools stand in the order of the catalogue, and behind the tasks' the others. */
const order = [...new Set<string | undefined>([...taskNames.map(toolNameOf), ...names])];
const rows = [...written, ...others].toSorted(([one], [other]) => order.indexOf(one) - order.indexOf(other));
const namesFor = (role: Role): (string | undefined)[] =>
  rows.filter((cells) => cells[roles.indexOf(role) + 1] === 'yes').map(([name]) => name);

describe('tools by role', () => {
  it.each([
    ['viewer', 'vera'],
    ['researcher', 'rita'],
    ['operator', 'otto'],
    ['service', 'bot'],
  ] as const)('a %s is shown what it may call, and nothing else', async (role, who) => {
    const { client } = await mcpDoor();
    const { tools: shown } = await (await client(who)).listTools();
    expect(shown.map(({ name }) => name)).toStrictEqual(namesFor(role));
  });

  it.each(rows.flatMap(([name = '', ...cells]) => roles.map((role, at) => ({ name, role, may: cells[at] }))))(
    '$name called by a $role: $may',
    async ({ name, role, may }) => {
      const who = ({ viewer: 'vera', researcher: 'rita', operator: 'otto', service: 'bot' } as const)[role];
      const { call } = await mcpDoor();
      const { isError, said } = await call(who, name);
      if (may === 'no') expect(said).toMatchObject({ code: 'ROLE_INSUFFICIENT', status: 403 });
      else expect(isError && said.code).not.toBe('ROLE_INSUFFICIENT');
    },
  );
});

describe('every tool', () => {
  it('is of a route that never wants step-up: what destroys for good is not for a model to do', () => {
    expect(tools.filter(({ row }) => row.stepUp !== 'never')).toStrictEqual([]);
  });

  it('has a name of its own that every client takes, and a description', () => {
    const names = tools.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const { name, title, description } of tools) {
      expect(name).toMatch(/^[a-z][a-z0-9_]{0,63}$/);
      expect(title.length).toBeGreaterThan(10);
      expect(description.length).toBeGreaterThan(50);
    }
  });

  it('takes an object of known fields, whose schema can be read without following anything', () => {
    for (const { name, input } of tools) {
      expect(input, `of ${name}`).toMatchObject({ type: 'object', additionalProperties: false });
      expect(JSON.stringify(input), `of ${name}`).not.toMatch(/\$ref|\$defs/);
    }
    const { input } = tools.find(({ name }) => name === 'list_runs')!;
    expect(input).toMatchObject({
      properties: { state: { enum: expect.arrayContaining(['held']) }, limit: { type: 'integer', maximum: 100 } },
    });
    expect((input['properties'] as Record<string, object>)['day']).toStrictEqual({
      type: 'string',
      format: 'date',
      description: 'The UTC day on which it was created',
    });
  });

  it('says all four hints, and only those that change something say that they do', () => {
    const changing = tools.filter(({ hints }) => !hints.readOnlyHint).map(({ name }) => name);
    expect(changing).toStrictEqual([...taskNames.map(toolNameOf), 'cancel_run']);
    const destroying = tools.filter(({ hints }) => hints.destructiveHint).map(({ name }) => name);
    expect(destroying).toStrictEqual(['cancel_run']);
    expect(tools.filter(({ hints }) => hints.openWorldHint).map(({ name }) => name)).toStrictEqual([
      'callback_deliver',
    ]);
    for (const { hints } of tools) expect(Object.keys(hints)).toHaveLength(4);
  });
});

describe('the tool of a task', () => {
  it('leaves every field of the payload where the contract has it', () => {
    for (const task of taskNames) {
      const { payload } = taskContract(task);
      const { properties } = tools.find(({ name }) => name === toolNameOf(task))!.input as { properties: object };
      const own = Object.keys((payload as unknown as { shape: object }).shape);
      // A payload with a field of that name would lose it.
      expect(own, `of ${task}`).not.toContain('idempotencyKey');
      expect(Object.keys(properties), `of ${task}`).toStrictEqual([...own, 'idempotencyKey']);
    }
  });

  it('says what it costs and what a halt does to it', async () => {
    const { client } = await mcpDoor();
    const shown = (await (await client('otto')).listTools()).tools;
    const described = (tool: string) => shown.find(({ name }) => name === tool)?.description;
    expect(described('backtest_run')).toMatch(/strategy.*Costs: medium, on a container.*is held/);
    expect(described('runs_reap')).toMatch(
      /Costs: housekeeping, on a function of \d+ MB, \d+ s at most\. .*is skipped/,
    );
    expect(described('status_sync')).toContain('runs all the same');
    const backtest = shown.find(({ name }) => name === 'backtest_run');
    expect(backtest?.inputSchema).toMatchObject({
      required: ['data', 'strategy'],
      properties: { engine: { enum: ['event', 'vectorbt-pro', 'lean'], default: 'event' } },
    });
    expect(backtest?.annotations).toMatchObject({ readOnlyHint: false, destructiveHint: false, idempotentHint: false });
  });
});
