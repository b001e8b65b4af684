// The one place that turns what was thrown into what the process ends with, and into what is said of it.
import { CommanderError } from 'commander';
import { GatewayError } from '#client/errors.ts';

/** Documented in --help and docs/cli.md; scripts rest on them. */
export const exits = { done: 0, failed: 1, usage: 2, halted: 3, refused: 4, unreachable: 5, interrupted: 130 } as const;
export type Exit = keyof typeof exits;

export const exitHelp = `Exit codes:
    0  done
    1  failed: a run that was followed did not succeed, an audit is not intact, or a fault
    2  usage: a command, flag, payload, name or profile that cannot be used
    3  halted: the kill switch is set, and what was asked for is refused, held or skipped
    4  refused: not logged in, not allowed, or changed since you looked
    5  not reachable: no plane, a gateway that is down, slow, not ready or of another version
  130  interrupted: by Ctrl-C`;

/** An end that is no success; its message says what, which value, and what to do. */
export class CliError extends Error {
  readonly exit: Exit;
  readonly code: string;
  constructor(exit: Exit, code: string, message: string) {
    super(message);
    this.name = 'CliError';
    this.exit = exit;
    this.code = code;
  }
}
export const usageError = (message: string): CliError => new CliError('usage', 'USAGE', message);

interface Verdict {
  readonly exit: Exit;
  readonly code: string;
  readonly message: string;
  /** What to do, where the message does not say it. */
  readonly next?: string | undefined;
  readonly issues?: readonly unknown[];
}

/** What the process ends with, and what is written to stderr. */
export function ending(thrown: unknown, json: boolean): { exitCode: number; text: string } {
  // Help and version, which commander throws as well, have been printed.
  if (thrown instanceof CommanderError && thrown.exitCode === 0) return { exitCode: exits.done, text: '' };
  const { exit, ...said } = verdictOf(thrown);
  const exitCode = exits[exit];
  if (json) return { exitCode, text: `${JSON.stringify({ error: { ...said, exit: exitCode } })}\n` };
  const { message, next } = said;
  return { exitCode, text: `alphaswarm: ${message}\n${next === undefined ? '' : `${next}\n`}` };
}

function verdictOf(thrown: unknown): Verdict {
  if (thrown instanceof CliError) return { exit: thrown.exit, code: thrown.code, message: thrown.message };
  if (thrown instanceof CommanderError) return ofCommander(thrown);
  if (thrown instanceof GatewayError) return ofGateway(thrown);
  if (!(thrown instanceof Error)) return { exit: 'failed', code: 'INTERNAL', message: String(thrown) };
  const { name, message } = thrown;
  const code = codeOf(thrown);
  return { ...(byName[name] ?? { exit: away.has(code) ? 'unreachable' : 'failed', code }), message };
}

/** `commander.help` is help that nobody asked for: it has been printed, and a word is missing. */
function ofCommander({ code, message }: CommanderError): Verdict {
  if (code === 'commander.help') return { exit: 'usage', code: 'USAGE', message: 'a command is missing: choose one' };
  return { exit: 'usage', code: 'USAGE', message: message.replace(/^error: /, '') };
}

/** Classes of ours and of AWS, by name: most commands load neither. */
const byName: Readonly<Record<string, { readonly exit: Exit; readonly code: string; readonly next?: string }>> = {
  UnreachableError: { exit: 'unreachable', code: 'UNREACHABLE' },
  VersionError: { exit: 'unreachable', code: 'VERSION' },
  IdentityError: { exit: 'refused', code: 'IDENTITY' },
  SettingsError: { exit: 'usage', code: 'SETTINGS' },
  CredentialsProviderError: {
    exit: 'refused',
    code: 'NO_CREDENTIALS',
    next: 'Set AWS_PROFILE, or log in with the AWS command line.',
  },
  TimeoutError: { exit: 'unreachable', code: 'LATE' },
  AccessDeniedException: {
    exit: 'refused',
    code: 'IAM',
    next: 'docs/cli.md lists what IAM must allow for the break-glass way.',
  },
};

/** Ours have one, and what the network says. */
const codeOf = (thrown: Error): string =>
  'code' in thrown && typeof thrown.code === 'string' && /^[A-Z_]+$/.test(thrown.code) ? thrown.code : 'INTERNAL';

/** Said by a port of the core, or by the network below the SDK. */
const away = new Set(['DEPENDENCY_UNAVAILABLE', 'ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'ETIMEDOUT', 'EAI_AGAIN']);

function ofGateway({ code, status, message, issues }: GatewayError): Verdict {
  const next = nextSteps[code];
  return { exit: exitOf(code, status), code, message, ...(next && { next }), ...(issues.length > 0 && { issues }) };
}

const nextSteps: Readonly<Record<string, string>> = {
  STEP_UP_REQUIRED: 'Run `npx alphaswarm login --acr high`, then ask again within five minutes.',
  UNAUTHENTICATED: 'Run `npx alphaswarm login`.',
  KILL_SWITCH_HALTED: 'See who halted and why: npx alphaswarm status',
};

/** What cannot be taken as it was written; to write it otherwise helps. */
const wronglyAsked = new Set([400, 404, 405, 413, 414, 415, 422, 431]);

function exitOf(code: string, status: number): Exit {
  if (code === 'KILL_SWITCH_HALTED') return 'halted';
  // No gateway of ours has a page that is not there without saying so in its own words.
  if (code === 'HTTP_404') return 'unreachable';
  if (wronglyAsked.has(status)) return 'usage';
  if (status >= 400 && status < 500) return 'refused';
  return [502, 503, 504].includes(status) ? 'unreachable' : 'failed';
}
