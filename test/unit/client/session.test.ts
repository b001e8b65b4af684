import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { IdentityError, SettingsError } from '#client/errors.ts';
import { writePrivate } from '#client/private-file.ts';
import { loadProfile } from '#client/profile.ts';
import { sessionStore, sessionToken, type Session } from '#client/session.ts';

function home() {
  const folder = mkdtempSync(join(tmpdir(), 'alphaswarm-home-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return { folder, variables: { XDG_CONFIG_HOME: folder }, localFile: join(folder, 'up', 'profile.json') };
}
const session: Session = { v: 1, issuer: 'https://issuer.example', accessToken: 'a.b.c', expiresAtMs: 1_000_000 };
const modeOf = (path: string) => statSync(path).mode & 0o777;

test('a session is kept for its owner alone, in a folder of the same kind, and nothing is left beside it', () => {
  const { folder, variables } = home();
  const store = sessionStore('prod', variables);
  store.write(session);
  const sessions = join(folder, 'alphaswarm', 'sessions');
  expect(readdirSync(sessions)).toEqual(['prod.json']);
  expect([modeOf(join(sessions, 'prod.json')), modeOf(sessions)]).toEqual([0o600, 0o700]);
  expect(store.read()).toEqual(session);
});

test.each([0o640, 0o604, 0o660, 0o644])('a session that others may read (%o) is refused, with what to do', (mode) => {
  const { folder, variables } = home();
  const store = sessionStore('prod', variables);
  store.write(session);
  chmodSync(join(folder, 'alphaswarm', 'sessions', 'prod.json'), mode);
  expect(() => store.read()).toThrow(SettingsError);
  expect(() => store.read()).toThrow(/may be read by others \(mode 0\d+\).*chmod 600/);
});

test('a name of a profile leads to no other folder', () => {
  const { folder, variables } = home();
  sessionStore('../../evil', variables).write(session);
  expect(readdirSync(join(folder, 'alphaswarm', 'sessions'))).toEqual(['..%2F..%2Fevil.json']);
});

const unused = async () => {
  throw new Error('nobody asked for a renewal');
};

test('a token that still lasts is given as it is; one that ends soon is renewed, and the renewal kept', async () => {
  const store = sessionStore('prod', home().variables);
  store.write({ ...session, refreshToken: 'r' });
  expect(await sessionToken({ store, refresh: unused, nowMs: () => 900_000 })).toBe('a.b.c');
  const renewed = { ...session, accessToken: 'd.e.f', expiresAtMs: 9_000_000 };
  expect(await sessionToken({ store, refresh: async () => renewed, nowMs: () => 950_000 })).toBe('d.e.f');
  expect(store.read()).toEqual(renewed);
});

test('without a session, or with one that is over, it says to log in', async () => {
  const store = sessionStore('prod', home().variables);
  const token = () => sessionToken({ store, refresh: unused, nowMs: () => 2_000_000 });
  await expect(token()).rejects.toThrow(IdentityError);
  await expect(token()).rejects.toThrow(/not logged in: run `alphaswarm login`/);
  store.write(session);
  await expect(token()).rejects.toThrow(/has expired/);
});

test('logging out removes it, and says whether there was one', () => {
  const store = sessionStore('prod', home().variables);
  expect(store.remove()).toBe(false);
  store.write(session);
  expect([store.remove(), store.read()]).toEqual([true, undefined]);
});

test('the local profile is what the plane wrote; without a plane it says how to start one', () => {
  const { variables, localFile } = home();
  expect(() => loadProfile({ localFile, variables })).toThrow(/start one with `npx alphaswarm up`/);
  writePrivate(localFile, { gateway: 'http://127.0.0.1:4000' });
  expect(loadProfile({ localFile, variables })).toEqual({
    name: 'local',
    gateway: 'http://127.0.0.1:4000',
    issuers: [],
  });
});

test('another profile is named by the flag, or else by the variable', () => {
  const { folder, variables, localFile } = home();
  const one = { gateway: 'https://one.example', issuers: [] };
  writePrivate(join(folder, 'alphaswarm', 'profiles.json'), { one, two: { ...one, gateway: 'https://two.example' } });
  const named = { ...variables, ALPHASWARM_PROFILE: 'one' };
  expect(loadProfile({ localFile, variables: named }).gateway).toBe('https://one.example');
  expect(loadProfile({ name: 'two', localFile, variables: named }).gateway).toBe('https://two.example');
  expect(() => loadProfile({ name: 'tow', localFile, variables })).toThrow(
    /no profile "tow": there is local, one, two/,
  );
  expect(() => loadProfile({ name: 'constructor', localFile, variables })).toThrow(/no profile/);
});

test('a profile that does not fit is named with its file and field', () => {
  const { folder, variables, localFile } = home();
  writePrivate(join(folder, 'alphaswarm', 'profiles.json'), { one: { gateway: 'nowhere' } });
  expect(() => loadProfile({ name: 'one', localFile, variables })).toThrow(/profiles\.json: one\.gateway: /);
});

test('a file that is no JSON is named', () => {
  const { variables, localFile } = home();
  mkdirSync(join(localFile, '..'));
  writeFileSync(localFile, '{', { mode: 0o600 });
  expect(() => loadProfile({ localFile, variables })).toThrow(/profile\.json cannot be read as JSON/);
});
