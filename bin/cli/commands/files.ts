import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import type { Command } from 'commander';
import { acting, type Act } from '../action.ts';
import { CliError, usageError } from '../exit.ts';
import { table } from '../output.ts';
import { save } from '../saving.ts';
import { oneOf } from '../similar.ts';
import { sizeText } from '../words.ts';

export function addFiles(program: Command): void {
  program
    .command('upload <file>')
    .summary('lays a file into the inbox, where tasks find it')
    .description('Lays a file into the inbox of your tenant. Tasks name it by its path there, as in --source.key.')
    .option('--as <path>', "its path in the inbox (default: the file's name)")
    .option('--type <type>', 'its content type (default: by the ending of its name)')
    .action(acting(upload));
  program
    .command('fetch <run> [names...]')
    .summary('fetches artefacts of a run')
    .description('Fetches artefacts of a run that has succeeded, all or those that are named, and says their sums.')
    .option('--to <folder>', "where to (default: a folder of the run's id)")
    .option('--force', 'replace files that are there already', false)
    .action(acting(fetchArtefacts));
}

const types: Readonly<Record<string, string>> = {
  csv: 'text/csv',
  json: 'application/json',
  txt: 'text/plain',
  parquet: 'application/vnd.apache.parquet',
};

const upload: Act = async ({ client, out }, command) => {
  const [file = ''] = command.args;
  const { as, type } = command.opts<{ as?: string; type?: string }>();
  const bytes = contentOf(file);
  const contentType = type ?? types[file.split('.').at(-1)?.toLowerCase() ?? ''] ?? 'application/octet-stream';
  const { path } = await client.upload(as ?? basename(file), bytes, contentType);
  const seen = { path, sizeBytes: bytes.length, sha256: sumOf(bytes) };
  out.answer(seen, `${path}  ${sizeText(bytes.length)}  sha256 ${seen.sha256}`);
  out.note(`Tasks find it as ${path}, for instance with --source.key ${path}`);
};

function contentOf(file: string): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(readFileSync(file));
  } catch (cause) {
    throw usageError(`${file} cannot be read (${cause instanceof Error ? cause.message : String(cause)})`);
  }
}

const sumOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

const fetchArtefacts: Act = async ({ client, out }, command) => {
  const [id = '', ...names] = command.args;
  const { to = id, force } = command.opts<{ to?: string; force: boolean }>();
  const run = await client.run(id);
  const there = run.artefacts.map(({ name }) => name);
  for (const name of names) oneOf(name, { what: `an artefact of run ${id}`, names: there });
  const wanted = run.artefacts.filter(({ name }) => names.length === 0 || names.includes(name));
  const files: { name: string; file: string; sizeBytes: number; sha256: string }[] = [];
  for (const { name, href, sizeBytes } of wanted) {
    const bytes = await client.download(href);
    if (bytes.length !== sizeBytes) throw cutShort(name, { sizeBytes, got: bytes.length });
    files.push({ name, file: save({ folder: to, name, bytes, force }), sizeBytes, sha256: sumOf(bytes) });
  }
  const rows = files.map(({ file, sizeBytes, sha256 }) => [file, sizeText(sizeBytes), sha256]);
  const text =
    files.length === 0
      ? `run ${id} is ${run.state}: it has no artefacts`
      : table(out, ['FILE', 'SIZE', 'SHA-256'], rows);
  out.answer({ run: id, files, more: run.moreArtefacts }, text);
  if (run.moreArtefacts) out.note('It wrote more than the gateway lists: its manifest names them all.');
};

const cutShort = (name: string, { sizeBytes, got }: { sizeBytes: number; got: number }): CliError =>
  new CliError('failed', 'CUT_SHORT', `${name} has ${sizeBytes} bytes, and ${got} came: fetch it again`);
