import { Option, type Command } from 'commander';
import { GatewayError } from '#client/errors.ts';
import { acting, type Act } from '../action.ts';
import type { Context } from '../context.ts';
import { usageError } from '../exit.ts';
import { optionName, payloadOf, payloadText, type FlagTexts } from '../payload/given.ts';
import { flagOf } from '../payload/flag.ts';
import { optionOf, type TaskFlags } from '../task-flags.ts';

interface RunOptions {
  readonly follow: boolean;
  readonly payload?: string;
  readonly payloadPath?: string;
  readonly notBefore?: string;
  readonly callbackUrl?: string;
  readonly callbackSecret?: string;
  readonly idempotencyKey?: string;
}

/** One command a task, each with a flag a field. Without tasks, for a help that needs none, it is only named. */
export function addRun(program: Command, tasks: readonly TaskFlags[]): Command {
  const run = program
    .command('run')
    .usage('<task> [options]')
    .summary('starts a run of a task')
    .description('Starts a run of a task. `run <task> --help` shows a flag for each field of its payload.');
  run.exitOverride((thrown) => {
    if (thrown.code === 'commander.unknownCommand')
      thrown.message = thrown.message.replace('unknown command', 'unknown task');
    throw thrown;
  });
  for (const task of tasks) addTask(run, task);
  return run;
}

function addTask(run: Command, flags: TaskFlags): void {
  const command = run
    .command(flags.task)
    .description(flags.title)
    .optionsGroup('How:')
    .option('--follow', 'show its progress until it has ended', false)
    .option('--payload <json>', 'the whole payload: JSON, @file, or - for stdin; flags go over it')
    .option('--payload-path <path>', 'the payload is this JSON file in the inbox, see upload')
    .option('--not-before <instant>', 'begin no earlier: ISO 8601, at most 30 days ahead')
    .option('--callback-url <url>', 'told by a signed POST when the run has ended')
    .option('--callback-secret <name>', 'the name of the secret that signs it, such as webhooks/orders')
    .option('--idempotency-key <key>', 'the same key and request are one run, however often they are sent')
    .optionsGroup('Fields of the payload:');
  for (const field of flags.fields) {
    const { flags: written, says, choices } = optionOf(field);
    const option = new Option(written, says);
    if (choices.length > 0) option.choices(choices);
    // Given several times, as name=value each.
    if (field.open) option.argParser((text: string, before: string[] | undefined) => [...(before ?? []), text]);
    // Commander makes camels of dashes, and the names of fields hold dots.
    option.attributeName = () => optionName(field);
    command.addOption(option);
  }
  command.action(acting(starting(flags)));
}

const starting =
  (flags: TaskFlags): Act =>
  async (context, command) => {
    const options = command.opts<RunOptions>();
    const { run, created } = await startedBy(context, flags, command);
    const { out } = context;
    const watch = await import('../watch-run.ts');
    if (options.follow) {
      out.line({ type: 'started', created, run });
      out.note(`Run ${run.id} of ${run.task} ${created ? 'is started' : 'had been asked for before'}.`);
      await watch.watchRun(context, run.id);
      return;
    }
    out.answer({ run, created }, run.id);
    if (run.state === 'held' || run.outcome?.code === 'halted') watch.mustHaveSucceeded(run);
    out.note(`Run ${run.id} of ${run.task} is ${run.state}${created ? '' : ', and had been asked for before'}.`);
    out.note(`Follow it: ${context.typed(`follow ${run.id}`)}`);
  };

async function startedBy({ client }: Context, flags: TaskFlags, command: Command) {
  const options = command.opts<RunOptions>();
  const { payloadPath, notBefore, idempotencyKey } = options;
  const wanted = payloadPath === undefined ? { payload: payloadFrom(flags, command) } : { payloadPath };
  try {
    return await client.start({
      task: flags.task,
      ...wanted,
      ...(notBefore === undefined ? {} : { notBefore }),
      ...callbackOf(options),
      idempotencyKey,
    });
  } catch (thrown) {
    if (thrown instanceof GatewayError) throw inFlags(thrown, flags);
    throw thrown;
  }
}

function payloadFrom(flags: TaskFlags, command: Command): unknown {
  const { payload } = command.opts<RunOptions>();
  const base = payload === undefined ? undefined : payloadText(payload);
  return payloadOf(flags, base, command.opts<FlagTexts>());
}

function callbackOf({ callbackUrl: url, callbackSecret: secret }: RunOptions) {
  if (url === undefined && secret === undefined) return {};
  if (url !== undefined && secret !== undefined) return { callback: { url, secret } };
  throw usageError('a callback needs both --callback-url and --callback-secret: give the other one as well');
}

/** What does not fit, said of the flags that fill those places. */
function inFlags(error: GatewayError, { task, fields }: TaskFlags): GatewayError {
  if (error.code !== 'PAYLOAD_INVALID') return error;
  const flagsAt = (path: string): string => {
    const within = path.replace(/^body\.payload\.?/, '');
    const flags = fields.filter((field) => isAt(field.path.join('.'), within)).map(flagOf);
    return flags.length === 0 || within === '' ? path : flags.join(', ');
  };
  const issues = error.issues.map(({ path, message }) => ({ path: flagsAt(path), message }));
  const { code, status, retryAfterMs } = error;
  return new GatewayError({ code, status, retryAfterMs, issues, detail: `the payload does not fit ${task}` });
}

const isAt = (path: string, place: string): boolean => path === place || path.startsWith(`${place}.`);
