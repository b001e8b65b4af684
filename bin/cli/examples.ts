// Examples of every command: in its help, and held against the tree by a test.
import type { Command } from 'commander';

const id = '5f9cbe1c-6a63-5b1e-9b8e-0f3f2f6c9d11';

export const examples: Readonly<Record<string, readonly string[]>> = {
  up: ['up', 'up --gateway-port 4100 --identity-port 4200', 'up --json | head -1'],
  down: ['down'],
  login: ['login --profile prod', 'login --profile prod --acr high'],
  logout: ['logout --profile prod'],
  token: ['token --role operator --acr high', 'token --user victor --tenant acme'],
  me: ['me'],
  run: [
    'run ingest.pull --dataset prices --source.key prices.csv --follow',
    'run backtest.run --data.dataset prices --strategy.name sma-cross --strategy.params.fast 10',
    'run backtest.run --payload @backtest.json --broker.cash 50000',
    'run ingest.pull --help',
  ],
  follow: [`follow ${id}`, `follow ${id} --json`],
  runs: ['runs --state failed', 'runs --task ingest.pull --day 2026-01-05 --all --json'],
  show: [`show ${id}`],
  cancel: [`cancel ${id} --reason "the wrong file"`],
  retry: [`retry ${id} --reason "the source is back"`],
  upload: ['upload prices.csv', 'upload prices.csv --as 2026/prices.csv'],
  fetch: [`fetch ${id}`, `fetch ${id} manifest.json --to results`],
  schedules: ['schedules', 'schedules status-sync'],
  'schedules pause': ['schedules pause status-sync --reason "the page moves"'],
  'schedules resume': ['schedules resume status-sync --reason "it has moved"'],
  'schedules trigger': ['schedules trigger status-sync --reason "the page is stale"'],
  queues: ['queues', 'queues ingestion'],
  redrive: ['redrive ingestion --all --reason "the bug is mended"', 'redrive ingestion --id 1b2c --reason "looked at"'],
  halt: [
    'halt --reason "orders doubled"',
    'halt --queue ingestion --reason "the source sends nonsense" --yes',
    'halt --direct --reason "the issuer is down"',
  ],
  'halt history': ['halt history'],
  release: ['release --reason "the fix is out"', 'release --reason "the fix is out" --epoch 3'],
  status: ['status', 'status --profile prod --json'],
  audit: ['audit tail', 'audit verify'],
  'audit tail': ['audit tail --follow', `audit tail --subject ${id}`, 'audit tail --subject kill-switch --json'],
  'audit verify': ['audit verify', 'audit verify --from 2026-01-05T00 --to 2026-01-05T23'],
  catalogue: ['catalogue', 'catalogue backtest.run'],
  completion: ['completion bash > ~/.local/share/bash-completion/completions/alphaswarm'],
};

/** Gives every command of the tree the examples of its name. */
export function withExamples(command: Command, name = ''): void {
  const own = examples[name];
  if (own) command.addHelpText('after', `\nExamples:\n${own.map((one) => `  npx alphaswarm ${one}`).join('\n')}`);
  for (const below of command.commands) withExamples(below, `${name} ${below.name()}`.trim());
}
