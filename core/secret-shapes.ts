/**
 * What a secret looks like in text. Known shapes and known names only: nothing is guessed from how random a string is,
 * since ids, hashes and parameters are random, too.
 *
 * Every pattern takes time linear in the text: where one may fail late, it can only begin where the run of its own
 * characters begins, so that no character is looked at once for each beginning.
 */

/** Stands where a secret stood. */
export const redacted = '[redacted]';

/** The name of a secret that the resolver knows: it may be written down, and what it stands for never is. */
export const secretReference = /^webhooks\/[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$/;
const isSecretReference = (value: string): boolean => secretReference.test(value);

/** Names of what is secret, as the end of a longer name in any style: `clientSecret`, `X-API-KEY`, `db.password`. */
const words = [
  'authorization',
  'cookies?',
  'passwords?',
  'passwd',
  'passphrase',
  'pwd',
  'secrets?',
  // Where a list goes on, or by which a request is known again, is no secret.
  '(?<!(?:next|page|continuation|idempotency)[-_. ]?)token',
  '(?:api|private|secret|access|account|signing)[-_. ]?key',
  'credentials?',
].join('|');
const secretName = new RegExp(`(?:${words})$`, 'i');
export const isSecretName = (name: string): boolean => secretName.test(name);

/** Where a token can begin: not within a word, but after an escape of JSON or of an address. */
const begin = String.raw`(?<=^|[^\w-]|\\[bfnrt]|\\u[\da-fA-F]{4}|%[\da-fA-F]{2})`;
const tokens = [
  // JSON Web Tokens, signed, unsigned, encrypted.
  String.raw`eyJ[\w-]{8,}\.[\w-]{4,}\.[\w-]*(?:\.[\w-]+){0,2}`,
  // AWS: access key ids, session tokens.
  '(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Z0-9])',
  String.raw`(?:FwoGZXIvYXdz|IQoJb3JpZ2lu)[\w+/=-]{16,}`,
  // GitHub, GitLab, Slack, Stripe, Standard Webhooks.
  'gh[opusr]_[A-Za-z0-9]{20,}',
  String.raw`github_pat_\w{20,}`,
  String.raw`gl(?:pat|dt|rt|cbt|ptt|ft|soat|imt|agent|oas)-[\w.-]{16,}`,
  String.raw`xox[abeoprs]-[\w-]{10,}`,
  String.raw`xapp-[\w-]{10,}`,
  String.raw`(?:sk|rk)_(?:live|test)_\w{10,}`,
  String.raw`whs(?:ec|k)_[\w+/=-]{10,}`,
  // OpenAI and Anthropic, Google, npm, PyPI, Hugging Face, Vault.
  String.raw`sk-(?:(?:proj|svcacct|admin|ant|or)-[\w-]{16,}|[A-Za-z0-9]{20,})`,
  String.raw`AIza[\w-]{30,}`,
  String.raw`ya29\.[\w.-]{20,}`,
  String.raw`GOCSPX-[\w-]{16,}`,
  String.raw`1//0[\w-]{20,}`,
  'npm_[A-Za-z0-9]{30,}',
  String.raw`pypi-AgE[\w-]{16,}`,
  'hf_[A-Za-z0-9]{30,}',
  String.raw`hvs\.[\w-]{20,}`,
];
const tokenShapes = new RegExp(`${begin}(?:${tokens.join('|')})`, 'g');
const accessKeyId = new RegExp(`${begin}(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Z0-9])`);
export const holdsAccessKeyId = (text: string): boolean => accessKeyId.test(text);
/** Forty characters of base64: a secret key when an access key id stands beside it, and else perhaps a commit. */
const secretKeyShape = /(?<![\w+/=])[A-Za-z0-9+/]{40}(?![\w+/=])/g;
export const isSecretKeyShape = (value: unknown): boolean =>
  typeof value === 'string' && /^[A-Za-z0-9+/]{40}$/.test(value);

/** To its end, or to the end of the text when it was cut. */
const privateKey =
  /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----[\s\S]*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|$)/g;
/** What follows have a head that stays, a value that goes, and perhaps a tail that stays. */
const scheme = new RegExp(`${begin}(?<head>(?:Bearer|Basic)(?:\\s|%20|\\+){1,4})(?<value>[\\w.~+/=-]{6,})`, 'gi');
const userInfo = /(?<head>[a-z][a-z0-9+.-]{0,30}:\/\/[^\s/?#:@"<>]{0,256}:)(?<value>[^\s/?#"<>]+)(?<tail>@)/gi;
const slackHook = /(?<head>hooks\.slack\.com\/(?:services|workflows|triggers)\/)(?<value>[\w/-]+)/gi;
const headerLine = /(?<head>(?:authorization|cookie)\s?:\s?)(?<value>[^\r\n]+)/gi;
const quote = '\\\\*["\'`]';
/** `"password": "x"`, `token='x'`, also within JSON that was written into JSON; the last quote may have been cut off. */
const quotedPair = new RegExp(
  `(?<head>(?:${words})(?:${quote})?\\s?(?:[:=]|=>)\\s?(?<open>${quote}))(?<value>[\\s\\S]*?)(?<tail>(?<!\\\\)\\k<open>|$)`,
  'gi',
);
/** `password=x` in prose, connection strings and addresses, where signatures are named besides. */
const equalsPair = new RegExp(
  `(?<head>(?:${words}|(?<![a-z])sig|signature)\\s?(?:=|%3D)\\s?)(?<value>(?![=>])[^\\s&;"'\`<>\\\\]+)`,
  'gi',
);
/** `password: x`, unless it is a schema that says what is wrong with a field of that name. */
const colonPair =
  /(?<head>(?:pass(?:word|wd|phrase)|pwd|(?:api|private|secret|access|account|signing)[-_. ]?key)\s?:\s?)(?<value>(?!expected|invalid|unrecognized|unknown|required|missing|must|too |is |not )[^\s,;"'`\\]+)/gi;
const pairs = [quotedPair, headerLine, userInfo, slackHook, equalsPair, colonPair];

/**
 * The text with every secret in it replaced; text without one comes back as it was. One that only shows when `%20` is read
 * as what it stands for is replaced there, and the text comes back so.
 */
export function redactText(text: string): string {
  const clean = asItStands(text);
  if (!clean.includes('%')) return clean;
  const decoded = clean.replaceAll(/(?:%[\da-f]{2})+/gi, decodedOrNot);
  const again = asItStands(decoded);
  return again === decoded ? clean : again;
}

function decodedOrNot(escapes: string): string {
  try {
    return decodeURIComponent(escapes);
  } catch {
    // Not UTF-8: then it is no text that somebody hid.
    return escapes;
  }
}

function asItStands(text: string): string {
  const besideKeyId = holdsAccessKeyId(text);
  const named = pairs
    .reduce((left, shape) => left.replaceAll(shape, swap), text.replaceAll(privateKey, redacted))
    .replaceAll(scheme, swapCredential)
    .replaceAll(tokenShapes, redacted);
  return besideKeyId ? named.replaceAll(secretKeyShape, redacted) : named;
}

interface Found {
  readonly head: string;
  readonly value: string;
  readonly tail?: string;
}
const found = (rest: readonly unknown[]): Found => rest.at(-1) as Found;

function swap(whole: string, ...rest: readonly unknown[]): string {
  const { head, value, tail = '' } = found(rest);
  return isHarmless(value) ? whole : `${head}${redacted}${tail}`;
}

/** Nothing, what was redacted before, or the mere name of a secret. */
export const isHarmless = (value: string): boolean => value === '' || value === redacted || isSecretReference(value);

/** "Basic statistics" and "bearer bonds" are none: Basic is base64 of `user:password`, a bearer's token long or numbered. */
function swapCredential(whole: string, ...rest: readonly unknown[]): string {
  const { head, value } = found(rest);
  const isOne = /^bearer/i.test(head) ? value.length >= 16 || /\d/.test(value) : holdsColon(value);
  return isOne ? head + redacted : whole;
}

function holdsColon(base64: string): boolean {
  try {
    return atob(base64.replaceAll('-', '+').replaceAll('_', '/')).includes(':');
  } catch {
    return false;
  }
}
