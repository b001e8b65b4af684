// The command line of the plane: bin/cli/program.ts has its commands, bin/cli/exit.ts what it ends with.
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';

// Stripping types and compiling take 0.2 s of 0.3: once for each file, and not for each command. In the project's own
// folder, since what lies there is run in the owner's name.
enableCompileCache(join(import.meta.dirname, '..', '.cache', 'compiled'));
const { main } = await import('./cli/main.ts');

// Whoever reads the answer may have read enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});

const exitCode = await main(process.argv.slice(2));
// Sockets that are kept alive must not keep a person waiting; what was written must arrive first.
process.stdout.write('', () => process.stderr.write('', () => process.exit(exitCode)));
