// Nothing may outlive the plane, even one that was killed with SIGKILL and could tidy up nothing. Children that run would
// notice a closed pipe themselves; those that are frozen (SIGSTOP between invocations) or are not ours (Valkey) cannot. So
// one tiny shell holds a pipe from the plane: it is told of every child, and when the pipe ends it kills those still known.
// A shell and not Node, because it costs 1 MB and 2 ms. It leads a session of its own, so Ctrl-C in a terminal spares it.
import { spawn } from 'node:child_process';

const SCRIPT = `
pids=""
while read -r op pid; do
  if [ "$op" = add ]; then pids="$pids $pid"; continue; fi
  kept=""
  for known in $pids; do [ "$known" = "$pid" ] || kept="$kept $known"; done
  pids="$kept"
done
for known in $pids; do kill -s KILL -- "-$known" 2>/dev/null; done
exit 0
`;

export interface Guardian {
  readonly pid: number | undefined;
  /** From now on `pid`, which leads a process group, dies with the plane, and its group with it. */
  add(pid: number): void;
  /** `pid` has ended: its number may be reused by a stranger. */
  remove(pid: number): void;
  /** Ends the guardian, which kills whatever is still known to it. */
  stop(): Promise<void>;
}

/** Starts the guardian of one plane. */
export function startGuardian(): Guardian {
  const shell = spawn('/bin/sh', ['-c', SCRIPT], { stdio: ['pipe', 'ignore', 'ignore'], detached: true, env: {} });
  const ended = new Promise<void>((resolve) => {
    shell.once('exit', () => resolve());
    shell.once('error', () => resolve());
  });
  // A guardian that was killed by hand must not take the plane down through its broken pipe.
  shell.stdin.on('error', () => {});
  const tell = (line: string): void => {
    if (shell.stdin.writable) shell.stdin.write(`${line}\n`);
  };
  return {
    pid: shell.pid,
    add: (pid) => tell(`add ${pid}`),
    remove: (pid) => tell(`remove ${pid}`),
    stop: () => {
      shell.stdin.end();
      return ended;
    },
  };
}
