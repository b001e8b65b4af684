// Following a run to its end, for `follow` and `run --follow`.
import type { Client } from '#client/client.ts';
import type { Context } from './context.ts';
import { CliError } from './exit.ts';
import { plain } from './output.ts';
import { progressView } from './progress-bar.ts';
import { runSummary } from './run-words.ts';

export type RunShown = Awaited<ReturnType<Client['run']>>;
type Outcome = Pick<RunShown, 'id' | 'state' | 'outcome'>;

/** @throws CliError when it ends otherwise than well, or is held in a halt. */
export async function watchRun(context: Context, id: string): Promise<void> {
  const { out } = context;
  const run = await lastOf(context, id);
  if (!out.json) out.answer(run, runSummary(out, run));
  if (run.artefacts.length > 0) out.note(`Fetch what it wrote: ${context.typed(`fetch ${id}`)}`);
  mustHaveSucceeded(run);
}

async function lastOf(context: Context, id: string): Promise<RunShown> {
  const { client, out } = context;
  const interrupted = interruption();
  const view = progressView(out);
  try {
    for await (const event of client.follow(id, { signal: interrupted.signal })) {
      view.show(event);
      if (event.type === 'ended') return event.run;
      if (event.type === 'state' && event.state === 'held') throw heldError(id);
    }
  } catch (thrown) {
    if (!interrupted.signal.aborted) throw thrown;
    throw new CliError(
      'interrupted',
      'INTERRUPTED',
      `You follow it no more; it goes on. Follow it again: ${context.typed(`follow ${id}`)}`,
    );
  } finally {
    view.end();
    interrupted.forget();
  }
  throw new Error(`the run ${id} ended without saying how: look at it with show`);
}

/** Ctrl-C ends the following, and not the run. */
function interruption() {
  const ending = new AbortController();
  const end = () => ending.abort();
  process.on('SIGINT', end);
  // Npm passes on what the terminal has sent already: a second one must not cut off what is said of the first.
  return { signal: ending.signal, forget: () => void (ending.signal.aborted || process.off('SIGINT', end)) };
}

const heldError = (id: string): CliError =>
  new CliError(
    'halted',
    'RUN_HELD',
    `Run ${id} is held, since the plane, its queue or its task is halted (\`status\` says which): it goes on by itself after the release.`,
  );

/** @throws CliError */
export function mustHaveSucceeded({ id, state, outcome }: Outcome): void {
  if (state === 'succeeded') return;
  if (state === 'held') throw heldError(id);
  const why = [outcome?.code, outcome?.message].filter((part) => part !== undefined).join(': ');
  const said = `Run ${id} ${ends[state] ?? `is ${state}`}${why === '' ? '.' : ` (${plain(why)}).`}`;
  const halted = state === 'skipped' && outcome?.code === 'halted';
  throw new CliError(halted ? 'halted' : 'failed', `RUN_${state.toUpperCase()}`, said);
}

const ends: Readonly<Record<string, string>> = {
  failed: 'failed',
  dead: 'is given up: its last attempt died',
  cancelled: 'was cancelled',
  skipped: 'was skipped',
};
