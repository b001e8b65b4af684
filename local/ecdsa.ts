// ECDSA on P-256 over a digest that is made already, which node:crypto does not offer: it hashes what it is given. Only for
// the keys of the local KMS. Nothing here runs in constant time.
import { createECDH, type KeyObject } from 'node:crypto';

/** Order of the group. */
const N = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

/** The signature as r and s of 32 bytes each (`ieee-p1363`). */
export function signDigest(digest: Buffer, key: KeyObject): Buffer {
  const once = createECDH('prime256v1');
  once.generateKeys();
  const k = toBigInt(once.getPrivateKey());
  const r = xOf(once.getPublicKey()) % N;
  const s = (inverse(k) * (toBigInt(digest) + r * secretOf(key))) % N;
  return r === 0n || s === 0n ? signDigest(digest, key) : Buffer.concat([toBytes(r), toBytes(s)]);
}

/** By the private key, whose holder can put both points of the equation into one multiple of the base. */
export function verifyDigest(digest: Buffer, signature: Buffer, key: KeyObject): boolean {
  const [r, s] = [toBigInt(signature.subarray(0, 32)), toBigInt(signature.subarray(32))];
  if (signature.length !== 64 || r === 0n || s === 0n || r >= N || s >= N) return false;
  const multiple = (inverse(s) * (toBigInt(digest) + r * secretOf(key))) % N;
  if (multiple === 0n) return false;
  const point = createECDH('prime256v1');
  point.setPrivateKey(toBytes(multiple));
  return xOf(point.getPublicKey()) % N === r;
}

/** `ieee-p1363` to the DER form that KMS gives, and back; undefined for what is not DER of two numbers. */
export function toDer(signature: Buffer): Buffer {
  const parts = [signature.subarray(0, 32), signature.subarray(32)].map((bytes) => {
    const start = bytes.findIndex((byte) => byte !== 0);
    const bare = bytes.subarray(start < 0 ? 31 : start);
    const number = (bare[0] ?? 0) > 127 ? Buffer.concat([Buffer.from([0]), bare]) : bare;
    return Buffer.concat([Buffer.from([2, number.length]), number]);
  });
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([0x30, body.length]), body]);
}

export function fromDer(der: Buffer): Buffer | undefined {
  const rLength = der[3] ?? 0;
  const [r, s] = [der.subarray(4, 4 + rLength), der.subarray(6 + rLength)];
  const isDer = der[0] === 0x30 && der[1] === der.length - 2 && der[2] === 2 && der[4 + rLength] === 2;
  if (!isDer || s.length !== der[5 + rLength] || r.length > 33 || s.length > 33) return undefined;
  return Buffer.concat([r, s].map((bytes) => toBytes(toBigInt(bytes))));
}

const secretOf = (key: KeyObject): bigint =>
  toBigInt(Buffer.from(String(key.export({ format: 'jwk' }).d), 'base64url'));
const xOf = (point: Buffer): bigint => toBigInt(point.subarray(1, 33));
const toBigInt = (bytes: Buffer): bigint => BigInt(`0x0${bytes.toString('hex')}`);
const toBytes = (value: bigint): Buffer => Buffer.from(value.toString(16).padStart(64, '0').slice(-64), 'hex');

/** By Fermat: the order is prime. */
function inverse(value: bigint): bigint {
  let [result, base] = [1n, value % N];
  for (let exponent = N - 2n; exponent > 0n; exponent >>= 1n) {
    if (exponent & 1n) result = (result * base) % N;
    base = (base * base) % N;
  }
  return result;
}
