// What the documents point to exists: files behind relative links, headings behind their anchors, npm scripts.
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const elsewhere = new Set(['node_modules', 'cdk.out', '.git', '.cache', '.alphaswarm', 'coverage']);
const pages = globSync('**/*.md', { cwd: root, exclude: (name) => elsewhere.has(name) }).toSorted();
const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> };

const withoutCode = (text: string): string => text.replaceAll(/^```[\s\S]*?^```/gm, '').replaceAll(/`[^`\n]*`/g, '');

/** The anchors that GitHub makes of a page's headings. */
const anchorsOf = (text: string): string[] =>
  [...text.replaceAll(/^```[\s\S]*?^```/gm, '').matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );

/** Relative links of `text`, which stands at `page`, that lead nowhere. */
function brokenLinks(page: string, text: string): string[] {
  const targets = [...withoutCode(text).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);
  return targets.filter((target) => {
    if (/^[a-z]+:/.test(target)) return false;
    const [path = '', anchor] = target.split('#');
    const file = path === '' ? join(root, page) : join(root, dirname(page), path);
    if (!existsSync(file)) return true;
    return anchor !== undefined && !anchorsOf(path === '' ? text : readFileSync(file, 'utf8')).includes(anchor);
  });
}

const unknownScripts = (text: string): string[] =>
  [...text.matchAll(/npm run (?:-s )?([a-z][\w:-]*)/g)]
    .map(([, name = '']) => name)
    .filter((name) => !(name in scripts));

describe.each(pages)('%s', (page) => {
  const text = readFileSync(join(root, page), 'utf8');

  it('links to files and headings that exist', () => {
    expect(brokenLinks(page, text)).toEqual([]);
  });

  it('names npm scripts that exist', () => {
    expect(unknownScripts(text)).toEqual([]);
  });
});

it('would notice a file, a heading or a script that is not there', () => {
  const text = '# A\n[a](#a) [b](#b) [c](nowhere.md) [d](LICENSE) [e](docs/status.md#incidents) `npm run nothing`';
  expect(brokenLinks('README.md', text)).toEqual(['#b', 'nowhere.md']);
  expect(unknownScripts(text)).toEqual(['nothing']);
});
