import { Option, type Command } from 'commander';
import { IdentityError, SettingsError } from '#client/errors.ts';
import type { IssuerSettings, Profile } from '#client/profile.ts';
import { acting, type Act } from '../action.ts';
import { usageError } from '../exit.ts';
import { wholeNumber } from '../globals.ts';
import { facts } from '../output.ts';
import { actorText, timeText } from '../words.ts';

const strength = (): Option => new Option('--acr <level>', 'how strongly to authenticate').choices(['low', 'high']);
const issuer = (): Option =>
  new Option('--issuer <n>', 'which issuer of the profile, counted from 1 (default: 1)').argParser(wholeNumber(1, 9));

export function addLogin(program: Command): void {
  program
    .command('login')
    .summary('logs you in by a code that you enter in a browser')
    .description(
      'Logs you in by the device code flow. Tokens are kept in a file for you alone (mode 0600), and renewed.',
    )
    .addOption(issuer())
    .addOption(strength())
    .action(acting(logIn));
  program.command('logout').summary('forgets the tokens of the login').action(acting(logOut));
  program.command('me').summary('who the token says you are, and what you may do').action(acting(whoAmI));
  program
    .command('token')
    .summary('prints a token of the local plane, for tests and other clients')
    .option('--role <role>', 'a role, as often as need be (default: those of the name)', collected)
    .addOption(strength())
    .addOption(issuer())
    .option('--user <name>', 'whose (default: anna, a researcher)')
    .option('--tenant <tenant>', 'of which tenant (default: local)')
    .option('--client <id>', "a machine's: alphaswarm-core or alphaswarm-ci")
    .option('--on-behalf-of <name>', 'whom the machine speaks for')
    .option('--expires-in <seconds>', 'how long it lasts (default: 3600)', wholeNumber(1, 86_400))
    .action(acting(token));
}

const collected = (word: string, before: string[] | undefined): string[] => [...(before ?? []), word];

interface Which {
  readonly issuer?: number;
  readonly acr?: 'low' | 'high';
}

function chosenIssuer({ name, issuers }: Profile, { issuer: nth = 1 }: Which): IssuerSettings {
  const found = issuers[nth - 1];
  if (found) return found;
  throw new SettingsError(
    `The profile ${name} names ${issuers.length} issuers, and not ${nth}: add it, or choose another with --issuer.`,
  );
}

const logIn: Act = async ({ profile, out, variables }, command) => {
  const which = command.opts<Which>();
  const settings = chosenIssuer(profile, which);
  const [{ login }, { sessionStore }] = await Promise.all([import('#client/login.ts'), import('#client/session.ts')]);
  const session = await login(settings, {
    acr: which.acr === 'high' ? 'high' : undefined,
    nowMs: Date.now,
    onCode: ({ userCode, address, completeAddress }) => {
      if (out.json) out.line({ type: 'code', userCode, address, completeAddress });
      out.note(`Open ${completeAddress ?? address}\nand enter the code ${userCode}, unless it stands there already.`);
    },
  });
  sessionStore(profile.name, variables).write(session);
  const expiresAt = new Date(session.expiresAtMs).toISOString();
  const renewed = session.refreshToken === undefined ? '' : ' and is renewed by itself';
  out.line(
    { type: 'logged-in', profile: profile.name, issuer: settings.issuer, expiresAt },
    `You are logged in to ${profile.name} by ${settings.issuer}; it lasts until ${timeText(expiresAt)}${renewed}.`,
  );
  if (variables['ALPHASWARM_TOKEN']) out.note('ALPHASWARM_TOKEN is set, and is what is sent: unset it.');
};

const logOut: Act = async ({ profile, out, variables }) => {
  const { sessionStore } = await import('#client/session.ts');
  const wasThere = sessionStore(profile.name, variables).remove();
  const said = wasThere ? `You are logged out of ${profile.name}.` : `You were not logged in to ${profile.name}.`;
  out.answer({ did: wasThere ? 'logged-out' : 'nothing' }, said);
};

const whoAmI: Act = async ({ client, out }) => {
  const me = await client.me();
  const { actor, tenant, roles, issuer: by, tokenExpiresAt, steppedUpAt, mayStart, mayCall } = me;
  const known = facts(out, {
    you: `${actorText(actor)} (${actor.kind})`,
    tenant,
    roles: roles.join(', '),
    'by issuer': by,
    'token until': timeText(tokenExpiresAt),
    'stepped up': steppedUpAt === undefined ? 'no' : `${timeText(steppedUpAt)}, for five minutes`,
    'may start': mayStart.join(', ') || 'nothing',
  });
  out.answer(me, `${known}\n\n${out.paint('bold', 'may call')}\n${mayCall.map((one) => `  ${one}`).join('\n')}`);
};

interface TokenOptions extends Which {
  readonly role?: readonly string[];
  readonly user?: string;
  readonly tenant?: string;
  readonly client?: string;
  readonly onBehalfOf?: string;
  readonly expiresIn?: number;
}

const token: Act = async ({ profile, out }, command) => {
  const { localName } = await import('#client/profile.ts');
  if (profile.name !== localName)
    throw usageError(
      `tokens for the asking are of the local plane alone: for ${profile.name} run \`alphaswarm login\``,
    );
  const { role: roles, expiresIn: expiresInSeconds, issuer: nth, ...wanted } = command.opts<TokenOptions>();
  const { issuer: at } = chosenIssuer(profile, { ...(nth && { issuer: nth }) });
  const { localToken } = await import('#local/identity/token.ts');
  const made = await localToken({
    issuer: at,
    ...(roles && { roles }),
    ...(expiresInSeconds && { expiresInSeconds }),
    ...wanted,
  }).catch((cause: unknown) => {
    throw new IdentityError(cause instanceof Error ? cause.message : String(cause), cause);
  });
  out.answer({ token: made, issuer: at }, made);
};
