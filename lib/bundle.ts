import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { buildSync, formatMessagesSync } from 'esbuild';

export interface BundleOptions {
  /** Root of the project; the entry file is named from here. */
  readonly root: string;
  readonly file: string;
  /** The folder to deploy, made anew. */
  readonly codeFolder: string;
  /** The file that will say what went into it, not deployed. */
  readonly metaFile: string;
}

/** CommonJS packages inside an ES module ask for Node's own modules by `require`, which a module does not have. */
const requireBanner = `import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);`;

/**
 * Bundles an entry point with everything it imports, the SDK at its pinned version included: what Lambda brings along
 * changes under a running function. Files depend on the sources alone, so equal sources give equal asset hashes.
 *
 * What is imported dynamically (the credential providers that Lambda never asks) becomes a file of its own and is not
 * even parsed at a cold start. Returns the folder to deploy, with `index.mjs` in it. Throws where esbuild has an error,
 * and where it has a warning: an import that does not exist is one, and would fail at the first message.
 */
export function bundle({ root, file, codeFolder, metaFile }: BundleOptions): string {
  const built = buildSync({
    absWorkingDir: root,
    entryPoints: { index: file },
    outdir: codeFolder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    chunkNames: 'chunk-[hash]',
    format: 'esm',
    platform: 'node',
    target: 'node24',
    // The packages' ES modules where there are any: only those can be shaken.
    mainFields: ['module', 'main'],
    minify: true,
    keepNames: true,
    legalComments: 'none',
    charset: 'utf8',
    banner: { js: requireBanner },
    logLevel: 'silent',
    metafile: true,
    write: false,
  });
  if (built.warnings.length > 0) {
    throw new Error(
      `${file} is bundled with warnings:\n${formatMessagesSync(built.warnings, { kind: 'warning' }).join('')}`,
    );
  }
  rmSync(codeFolder, { recursive: true, force: true });
  for (const folder of [codeFolder, dirname(metaFile)]) mkdirSync(folder, { recursive: true });
  for (const { path, contents } of built.outputFiles) writeFileSync(path, contents);
  writeFileSync(metaFile, JSON.stringify(built.metafile));
  return codeFolder;
}
