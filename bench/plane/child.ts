// A process that answers questions: what is measured, and what it talks to, each have one, so that the processor time of
// one is not counted for the other.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

type Answers = Readonly<Record<string, (argument: never) => Promise<unknown>>>;
interface Question {
  readonly id: number;
  readonly name: string;
  readonly argument: unknown;
}
interface Answer {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: string;
}

/** In the child: answers until the parent is gone. */
export function answerWith(answers: Answers): void {
  process.on('message', ({ id, name, argument }: Question) => {
    const answer = async (): Promise<unknown> => answers[name]?.(argument as never);
    answer().then(
      (value) => process.send?.({ id, value } satisfies Answer),
      (error: unknown) =>
        process.send?.({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
    );
  });
  process.on('disconnect', () => process.exit(0));
}

export interface Child<A extends Answers> {
  ask<N extends keyof A & string>(name: N, ...argument: Parameters<A[N]>): Promise<Awaited<ReturnType<A[N]>>>;
  stop(): Promise<void>;
}
interface ChildOptions {
  readonly env?: Record<string, string>;
  readonly execArgv?: string[];
}

/** Starts `file`, a module of this folder. What it writes to stdout goes nowhere. Throws what its answers throw. */
export function startChild<A extends Answers>(file: string, { env = {}, execArgv = [] }: ChildOptions = {}): Child<A> {
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    // Nothing of the developer's own settings: a profile of AWS would be read and a proxy asked.
    env: { PATH: process.env['PATH'], ...env },
    execArgv,
  });
  const open = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>();
  let asked = 0;
  child.on('message', ({ id, value, error }: Answer) => {
    const waiting = open.get(id);
    open.delete(id);
    if (error === undefined) waiting?.resolve(value as never);
    else waiting?.reject(new Error(`${file} failed: ${error}`));
  });
  child.on('exit', (code) => {
    for (const { reject } of open.values()) reject(new Error(`${file} ended with status ${code}`));
  });
  return {
    ask(name, argument?) {
      asked += 1;
      const id = asked;
      return new Promise((resolve, reject) => {
        open.set(id, { resolve, reject });
        child.send({ id, name, argument } satisfies Question);
      });
    },
    async stop() {
      if (child.exitCode !== null || !child.connected) return;
      child.disconnect();
      await once(child, 'exit');
    },
  };
}
