#!/usr/bin/env node
// The command line's door for whatever Node the host has: sets up what is missing, then hands over to Node 24.
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
process.argv.splice(2, 0, 'node', join(here, 'alphaswarm.ts'));
await import('./setup.mjs');
