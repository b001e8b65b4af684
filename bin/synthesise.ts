import { spawn } from 'node:child_process';
import { join } from 'node:path';

interface SynthesiseOptions {
  /** Where the assembly goes; `cdk.out` in the project when absent. */
  readonly assemblyDir?: string;
  /** What the app is told, as `cdk synth --context` does. */
  readonly context?: Readonly<Record<string, string>>;
}

/** Runs `cdk synth` in the project and resolves with the folder of the assembly. Throws with what the CDK printed. */
export async function synthesise(root: string, options: SynthesiseOptions = {}): Promise<string> {
  const { assemblyDir = join(root, 'cdk.out'), context = {} } = options;
  const cdk = join(root, 'node_modules', 'aws-cdk', 'bin', 'cdk');
  const told = Object.entries(context).flatMap(([name, value]) => ['--context', `${name}=${value}`]);
  const child = spawn(process.execPath, [cdk, 'synth', '--quiet', '--no-notices', '--output', assemblyDir, ...told], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, CDK_DISABLE_CLI_TELEMETRY: '1' },
  });
  let printed = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  const status = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', resolve);
  });
  if (status === 0) return assemblyDir;
  throw new Error(`cdk synth ended with status ${status}:\n${printed.trim()}`);
}
