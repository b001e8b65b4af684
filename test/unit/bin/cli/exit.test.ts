import { CommanderError } from 'commander';
import { expect, test } from 'vitest';
import { CliError, ending, exits } from '#bin/cli/exit.ts';
import { GatewayError, IdentityError, SettingsError, UnreachableError, VersionError } from '#client/errors.ts';
import { Failure } from '#core/errors.ts';

const refused = (status: number, code: string) =>
  new GatewayError({ status, code, detail: 'no', issues: [], retryAfterMs: undefined });

test.each<[string, unknown, keyof typeof exits]>([
  [
    'a flag that is not there',
    new CommanderError(1, 'commander.unknownOption', "error: unknown option '--x'"),
    'usage',
  ],
  ['a profile that is wrong', new SettingsError('no'), 'usage'],
  ['a payload that does not fit', refused(422, 'PAYLOAD_INVALID'), 'usage'],
  ['a run that is not there', refused(404, 'RUN_UNKNOWN'), 'usage'],
  ['a body that is too large', refused(413, 'BODY_TOO_LARGE'), 'usage'],
  ['a halt', refused(423, 'KILL_SWITCH_HALTED'), 'halted'],
  ['no token', refused(401, 'UNAUTHENTICATED'), 'refused'],
  ['a token that is too weak', refused(401, 'STEP_UP_REQUIRED'), 'refused'],
  ['a role that may not', refused(403, 'ROLE_INSUFFICIENT'), 'refused'],
  ['a conflict', refused(409, 'HALT_CONFLICT'), 'refused'],
  ['a version that was not seen', refused(412, 'PRECONDITION_FAILED'), 'refused'],
  ['a version that is not named', refused(428, 'PRECONDITION_REQUIRED'), 'refused'],
  ['too many requests', refused(429, 'RATE_LIMITED'), 'refused'],
  ['no login', new IdentityError('no'), 'refused'],
  ['nobody there', new UnreachableError('no', { passing: true, cause: undefined }), 'unreachable'],
  ['another version', new VersionError('no'), 'unreachable'],
  ['a switch that cannot be read', refused(503, 'KILL_SWITCH_UNKNOWN'), 'unreachable'],
  ['a page that no gateway of ours has', refused(404, 'HTTP_404'), 'unreachable'],
  ['a table that is away', new Failure('DEPENDENCY_UNAVAILABLE', 'no'), 'unreachable'],
  ['a socket that is refused', Object.assign(new Error('no'), { code: 'ECONNREFUSED' }), 'unreachable'],
  ['what IAM forbids', Object.assign(new Error('no'), { name: 'AccessDeniedException' }), 'refused'],
  ['a fault of the gateway', refused(500, 'INTERNAL'), 'failed'],
  ['a run that failed', new CliError('failed', 'RUN_FAILED', 'no'), 'failed'],
  ['a fault of ours', new TypeError('no'), 'failed'],
])('%s ends as documented', (_, thrown, exit) => {
  expect(ending(thrown, false).exitCode).toBe(exits[exit]);
  expect(JSON.parse(ending(thrown, true).text)).toMatchObject({
    error: { exit: exits[exit], code: expect.any(String) },
  });
});

test('help that was asked for is no error, and nothing more is said', () => {
  expect(ending(new CommanderError(0, 'commander.helpDisplayed', '(outputHelp)'), true)).toEqual({
    exitCode: 0,
    text: '',
  });
});

test('a refusal says what to do next', () => {
  expect(ending(refused(401, 'STEP_UP_REQUIRED'), false).text).toContain('npx alphaswarm login --acr high');
});
