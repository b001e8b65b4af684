import { describe, expect, it } from 'vitest';
import { parseIdentity } from '#gateway/identity/config.ts';
import { config, rows } from './support.ts';

const read = (over: object, { local = false, row = 0 } = {}) => {
  const given: object[] = rows();
  given[row] = { ...given[row], ...over };
  return () => parseIdentity(JSON.stringify(given), { local });
};

it('reads two issuers, with what may be left out filled in', () => {
  expect(config()).toMatchObject([
    { name: 'entra', audience: ['api://alphaswarm'], actorClaim: 'sub', onBehalfOfClaim: 'on_behalf_of' },
    { name: 'auth0', audience: ['api://alphaswarm', 'https://other.example'], stepUp: { timeClaim: 'auth_time' } },
  ]);
  expect(parseIdentity('[]', { local: false })).toStrictEqual([]);
});

describe('a configuration is refused, naming the field and not its value, when', () => {
  const wrong: Record<string, [object, string]> = {
    'an issuer is plain http': [{ issuer: 'http://login.example/secret' }, '0.issuer: '],
    'keys come by plain http': [{ jwksUri: 'http://login.example/secret' }, '0.jwksUri: '],
    'an address is none': [{ jwksUri: 'secret' }, '0.jwksUri: '],
    'an address holds a password': [{ jwksUri: 'https://me:secret@login.example/' }, '0.jwksUri: holds a user'],
    'an algorithm has a shared secret': [{ algorithms: ['RS256', 'HS256'] }, '0.algorithms.1: '],
    'no signature is an algorithm': [{ algorithms: ['none'] }, '0.algorithms.0: '],
    'there is no algorithm': [{ algorithms: [] }, '0.algorithms: '],
    'there is no audience': [{ audience: [] }, '0.audience: '],
    'the audience is empty': [{ audience: '' }, '0.audience: '],
    'a claim has no name': [{ rolesClaim: '' }, '0.rolesClaim: '],
    'nothing says how strong an authentication was': [{ stepUp: undefined }, '0.stepUp: '],
    'a field is misspelt': [{ audiences: 'secret' }, 'audiences'],
    'both have one issuer': [{ issuer: 'https://acme.auth0.example/' }, '1.issuer: is the same'],
    'both have one name': [{ name: 'auth0' }, '1.name: is the same'],
  };
  it.each(Object.entries(wrong))('%s', (_, [over, where]) => {
    expect(read(over)).toThrow(expect.objectContaining({ code: 'CONFIGURATION_INVALID' }));
    expect(read(over)).toThrow(where);
    expect(read(over)).not.toThrow('secret');
  });

  it('there are three issuers', () => {
    const third = { ...rows()[0], name: 'third', issuer: 'https://third.example' };
    expect(() => parseIdentity(JSON.stringify([...rows(), third]), { local: false })).toThrow('keep 2 at most');
  });

  it.each(['', 'secret', '{}', 'null', '"[]"'])('it is %j', (text) => {
    expect(() => parseIdentity(text, { local: false })).toThrow('IDENTITY');
    expect(() => parseIdentity(text, { local: false })).not.toThrow('secret');
  });
});

describe('locally', () => {
  const at = (host: string) => read({ issuer: `http://${host}`, jwksUri: `http://${host}/jwks` }, { local: true });

  it.each(['127.0.0.1:4000', 'localhost:4000', '[::1]:4000', '127.8.8.8'])('an issuer may be http://%s', (host) => {
    expect(at(host)).not.toThrow();
  });
  it.each(['login.example', '127.0.0.1.evil.example', 'localhost.evil.example', '10.0.0.7'])(
    'an issuer may not be http://%s',
    (host) => expect(at(host)).toThrow('0.issuer: is plain http'),
  );
});
