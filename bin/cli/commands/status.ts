import type { Command } from 'commander';
import type { Client } from '#client/client.ts';
import { acting, type Act } from '../action.ts';
import { CliError } from '../exit.ts';
import { facts, type Output } from '../output.ts';
import { queueTable, troubled } from '../queue-words.ts';
import { haltFacts } from '../halt-words.ts';
import { actorText, stateCell } from '../words.ts';

export const addStatus = (program: Command): Command =>
  program
    .command('status')
    .summary('whether the plane works: gateway, readiness, kill switch, queues, who you are')
    .description('Shows whether the plane works. Ends with 3 when it is halted, with 5 when it is not ready.')
    .action(acting(status));

const status: Act = async ({ client, out, profile }) => {
  const health = await client.health();
  const readiness = await client.readiness();
  const [halt, queues, me] = await Promise.all([client.halted(), client.queues(), client.me()]);
  const seen = { health, readiness, halt, queues: troubled(queues), me };
  out.answer({ gateway: profile.gateway, ...seen }, statusText(out, profile.gateway, seen));
  if (halt.state !== 'clear')
    throw new CliError('halted', 'KILL_SWITCH_HALTED', `The plane is ${halt.state}: ${halt.why}.`);
  if (readiness.status === 'ready') return;
  const missing = readiness.checks.filter(({ ok }) => !ok).map(({ name }) => name);
  throw new CliError(
    'unreachable',
    'NOT_READY',
    `The gateway answers, but cannot work without: ${missing.join(', ')}.`,
  );
};

type Of<K extends keyof Client> = Client[K] extends () => Promise<infer T> ? T : never;
interface Seen {
  readonly health: Of<'health'>;
  readonly readiness: Of<'readiness'>;
  readonly halt: Of<'halted'>;
  readonly queues: Of<'queues'>;
  readonly me: Of<'me'>;
}

function statusText(out: Output, gateway: string, { health, readiness, halt, queues, me }: Seen): string {
  const known = facts(out, {
    gateway: `${gateway}, interface ${health.version}`,
    ready: stateCell(readiness.status),
    ...haltFacts(halt),
    queues: queues.length === 0 ? 'no trouble' : `${queues.length} with trouble`,
    you: `${actorText(me.actor)} of ${me.tenant}, ${me.roles.join(', ')}, by ${me.issuer}`,
  });
  return queues.length === 0 ? known : `${known}\n\n${queueTable(out, queues)}`;
}
