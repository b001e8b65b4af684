// A process that dies right before its n-th write: from then on nothing of it reaches the world any more, whatever it
// still tries. Dying before the n-th write is dying anywhere after the one before it, since nothing else lasts.
import type { Plane } from '#core/plane.ts';

/** What changes the world. Taking letters hides them, so it is one of these. */
const writes: Partial<Record<keyof Plane, readonly string[]>> = {
  ledger: ['create', 'replace'],
  control: ['write'],
  queues: ['send', 'deadLetter', 'delay', 'takeLetters', 'removeLetter', 'returnLetter'],
  artefacts: ['put'],
  progress: ['publish'],
  lifecycle: ['emit'],
  audit: ['intent', 'outcome'],
  key: ['set', 'publish', 'deleteIf', 'canary'],
};

export interface Mortal<P> {
  readonly plane: P;
  /** Writes that were made or tried. */
  readonly writes: () => number;
  readonly isDead: () => boolean;
}

export function mortal<P extends Plane>(plane: P, diesBefore = Infinity): Mortal<P> {
  let count = 0;
  let isDead = false;
  const gone = () => Promise.reject(new Error(`the process died before write ${diesBefore}`));
  const step = (isWrite: boolean): boolean => {
    if (isWrite && !isDead) isDead = (count += 1) >= diesBefore;
    return !isDead;
  };
  const wrapped = Object.entries(writes).map(([name, methods]) => {
    const port = plane[name as keyof Plane] as object;
    const handler: ProxyHandler<object> = {
      get(target, method) {
        const value: unknown = Reflect.get(target, method);
        if (typeof value !== 'function') return value;
        return (...values: unknown[]) =>
          step(methods.includes(String(method))) ? (Reflect.apply(value, target, values) as unknown) : gone();
      },
    };
    return [name, new Proxy(port, handler)];
  });
  const own = Object.fromEntries(wrapped) as Partial<P>;
  return { plane: { ...plane, ...own }, writes: () => count, isDead: () => isDead };
}
