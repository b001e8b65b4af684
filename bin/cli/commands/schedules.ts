import type { Command } from 'commander';
import { acting, type Act } from '../action.ts';
import type { Context } from '../context.ts';
import { facts, table } from '../output.ts';
import { secondsText, stateCell, timeText } from '../words.ts';
import { withReason } from './runs.ts';

export function addSchedules(program: Command): void {
  const schedules = program
    .command('schedules [schedule]')
    .summary('lists schedules; with a name its next slots and last ticks')
    .action(acting(show));
  withReason(schedules.command('pause <schedule>').summary('skips its slots from now on')).action(
    acting(change('pause')),
  );
  withReason(schedules.command('resume <schedule>').summary('ends its pause')).action(acting(change('resume')));
  withReason(schedules.command('trigger <schedule>').summary('starts its task now')).action(acting(trigger));
}

const show: Act = async (context, { args: [key] }) => (key === undefined ? showAll(context) : showOne(context, key));

async function showAll({ client, out }: Context): Promise<void> {
  const schedules = await client.schedules();
  const rows = schedules.map(({ key, task, cron, nextSlot, paused, lastRun }) => [
    key,
    task,
    cron,
    nextSlot && timeText(nextSlot),
    paused ? { text: `paused by ${paused.by}: ${paused.reason}`, style: 'yellow' as const } : 'on',
    lastRun,
  ]);
  out.answer({ schedules }, table(out, ['SCHEDULE', 'TASK', 'CRON (UTC)', 'NEXT', 'STATE', 'LAST RUN'], rows));
}

async function showOne({ client, out }: Context, word: string): Promise<void> {
  const { knownName } = await import('../known.ts');
  const schedule = await client.schedule(knownName('schedule', word));
  const { key, task, cron, overlap, catchUp, paused, scheduler, nextSlots, lastTicks } = schedule;
  const known = facts(out, {
    schedule: key,
    task,
    cron: `${cron}, UTC`,
    overlap,
    'catch up': catchUp,
    paused: paused && `by ${paused.by} since ${timeText(paused.at)}: ${paused.reason}`,
    scheduler: scheduler.state,
    next: nextSlots.slice(0, 3).map(timeText).join(', '),
  });
  const ticks = table(
    out,
    ['SLOT', 'STATE', 'LATE', 'RUN'],
    lastTicks.map(({ slot, state, latenessSeconds, run }) => [
      timeText(slot),
      stateCell(state),
      latenessSeconds === undefined ? undefined : secondsText(latenessSeconds),
      run,
    ]),
  );
  out.answer(schedule, `${known}\n\n${ticks}`);
}

interface Reason {
  readonly reason: string;
}

const change =
  (how: 'pause' | 'resume'): Act =>
  async ({ client, out, typed }, command) => {
    const { knownName } = await import('../known.ts');
    const key = knownName('schedule', command.args[0] ?? '');
    const changed = await client[how](key, command.opts<Reason>().reason);
    const said = {
      paused: `${key} is paused: its slots are skipped until you resume it.`,
      resumed: `${key} goes on; what was skipped is not made up for.`,
      nothing: `Nothing was done: ${key} ${changed.schedule.paused ? 'is paused' : 'is not paused'}.`,
    };
    out.answer(changed, said[changed.did]);
    if (changed.did === 'paused') out.note(`Resume it: ${typed(`schedules resume ${key} --reason ...`)}`);
  };

const trigger: Act = async (context, command) => {
  const { client, out } = context;
  const { knownName } = await import('../known.ts');
  const key = knownName('schedule', command.args[0] ?? '');
  const started = await client.trigger(key, command.opts<Reason>().reason);
  const { run } = started;
  out.answer(started, run.id);
  const { mustHaveSucceeded } = await import('../watch-run.ts');
  if (run.state === 'held' || run.outcome?.code === 'halted') mustHaveSucceeded(run);
  out.note(`Follow it: ${context.typed(`follow ${run.id}`)}`);
};
