import type { ApiOperation, OpenApi } from './openapi.ts';

/** The look of the page; the policy that is sent with it allows this sheet and nothing else. */
const style = `
:root{color-scheme:light dark;--line:#8884;--soft:#8882}
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:0 auto;padding:1rem;overflow-wrap:anywhere}
h1{font-size:1.5rem;margin:.5rem 0}h2{margin:2rem 0 .5rem;font-size:1.2rem;border-bottom:1px solid var(--line)}
article{margin:1rem 0;padding:.75rem;border:1px solid var(--line);border-radius:.5rem}
h3{margin:0;font:600 1rem/1.4 ui-monospace,monospace}h3 b{display:inline-block;min-width:3.2rem}
p{margin:.4rem 0}small{opacity:.8}nav{display:flex;flex-wrap:wrap;gap:.25rem .75rem}
table{border-collapse:collapse;width:100%;font-size:.9rem}td,th{text-align:left;vertical-align:top;padding:.25rem .5rem .25rem 0}
tr+tr td{border-top:1px solid var(--soft)}code,pre{font:.85rem/1.4 ui-monospace,monospace}
pre{overflow:auto;max-height:24rem;background:var(--soft);padding:.5rem;border-radius:.25rem}
summary{cursor:pointer;padding:.25rem 0}`;

export interface DocsPage {
  readonly html: string;
  readonly policy: string;
}

/** The interface as one page: no script, nothing from anywhere else. */
export async function docsPage(document: OpenApi): Promise<DocsPage> {
  const { info, paths } = document;
  const rows = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );
  const tags = [...new Set(rows.map(({ operation }) => operation.tags[0] ?? ''))];
  const sections = tags.map((tag) => {
    const own = rows.filter(({ operation }) => operation.tags[0] === tag);
    return `<section id="${escaped(tag)}"><h2>/${escaped(tag)}</h2>${own.map(article).join('')}</section>`;
  });
  const schemas = (document['components'] as { schemas: Record<string, unknown> }).schemas;
  const named = Object.entries(schemas).map(([name, schema]) => details(name, schema, `schema-${name}`));
  const links = [...tags, 'schemas'].map((tag) => `<a href="#${escaped(tag)}">${escaped(tag)}</a>`);
  const html = `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>${escaped(info.title)}</title><style>${style}</style></head><body>
<h1>${escaped(info.title)} ${escaped(info.version)}</h1><p>${escaped(info.description)} <a href="/openapi.json">openapi.json</a></p>
<nav>${links.join('')}</nav>${sections.join('')}<section id="schemas"><h2>Schemas</h2>${named.join('')}</section></body></html>`;
  const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(style));
  const digest = btoa(String.fromCharCode(...new Uint8Array(hash)));
  return { html, policy: `default-src 'none'; style-src 'sha256-${digest}'; frame-ancestors 'none'` };
}

interface Row {
  readonly path: string;
  readonly method: string;
  readonly operation: ApiOperation;
}

function article({ path, method, operation }: Row): string {
  const { summary, parameters, requestBody, responses } = operation;
  const table = parameters.map(
    ({ name, in: where, required, description = '' }) =>
      `<tr><td><code>${escaped(name)}</code></td><td>${where}${required ? ', required' : ''}</td><td>${escaped(String(description))}</td></tr>`,
  );
  const answers = Object.entries(responses).map(
    ([status, { description, content }]) =>
      `<tr><td>${status}</td><td>${escaped(description)}${shapeOf(content)}</td></tr>`,
  );
  const body = Object.values(requestBody?.content ?? {}).map(({ schema }) => details('Body', schema));
  return `<article><h3><b>${method.toUpperCase()}</b> ${escaped(path)}</h3><p>${escaped(summary)}</p><p><small>${escaped(whoMay(operation))}</small></p>
${table.length > 0 ? `<table>${table.join('')}</table>` : ''}${body.join('')}<details><summary>Answers</summary><table>${answers.join('')}</table></details></article>`;
}

function whoMay({ 'x-roles': roles, 'x-step-up': stepUp }: ApiOperation): string {
  const who = roles === 'anyone' ? 'Anyone, without a token' : `For ${roles.join(', ')}`;
  if (stepUp === 'never') return who;
  return `${who}; wants step-up (acr=high, no older than 300 s)${stepUp === 'bulk' ? ' for all of them' : ''}`;
}

/** A link to the schema where it has a name, else the schema. */
function shapeOf(content: Record<string, { schema: Record<string, unknown> }> = {}): string {
  return Object.values(content)
    .map(({ schema }) => {
      const { $ref } = schema as { $ref?: string };
      const name = $ref && /^#\/components\/schemas\/(.+)$/.exec($ref)?.[1];
      if (name === undefined) return details('Schema', schema);
      return ` <a href="#schema-${escaped(name)}">${escaped(name)}</a>`;
    })
    .join('');
}

const details = (name: string, value: unknown, id = ''): string =>
  `<details${id && ` id="${escaped(id)}"`}><summary>${escaped(name)}</summary><pre>${escaped(JSON.stringify(value, null, 2))}</pre></details>`;

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
const escaped = (text: string): string => text.replaceAll(/[&<>"']/g, (sign) => entities[sign] ?? sign);
