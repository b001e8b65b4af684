// The pages of the local providers: no script, nothing loaded from anywhere, and honest about what they are.
import { html, type Html } from '#engines/status/html.ts';
import { STYLE } from '#engines/status/style.ts';
import { roles } from '#core/catalogue/roles.ts';
import { localTenant, people } from './people.ts';

const FORM_STYLE = `label{display:block;margin:.5rem 0}input[type=text]{font:inherit;width:100%;padding:.3rem}
fieldset{border:1px solid var(--line);border-radius:.5rem;margin:1rem 0}button{font:inherit;padding:.4rem 1rem;margin:.5rem .5rem 0 0}
code{font-size:1.6rem}`;

function page(title: string, content: Html): string {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta
          http-equiv="Content-Security-Policy"
          content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'self'"
        />
        <meta name="color-scheme" content="light dark" />
        <title>${title} - AlphaSwarm, local</title>
        <style>
          ${STYLE} ${{ html: FORM_STYLE }}
        </style>
      </head>
      <body>
        <header>
          <h1>${title}</h1>
          <p>This provider runs on this machine alone. It asks for no password and proves nothing about anybody.</p>
        </header>
        <main>${content}</main>
      </body>
    </html> `.html;
}

/** `form` is the library's own, whose buttons are ours. */
export const codeInputPage = (form: string, error?: string): string =>
  page(
    'Enter the code',
    html`${error === undefined ? html`` : html`<p role="alert">That did not work: ${error.replaceAll('_', ' ')}.</p>`}
      <p>The code stands in your terminal.</p>
      ${{ html: form }}<button type="submit" form="op.deviceInputForm">Continue</button>`,
  );

export const codeConfirmPage = ({ form, client, code }: { form: string; client: string; code: string }): string =>
  page(
    'Is this your code?',
    html`<p>${client} shows it in your terminal:</p>
      <p><code>${code}</code></p>
      ${{ html: form }}<button type="submit" form="op.deviceConfirmForm">It is</button>
      <button type="submit" form="op.deviceConfirmForm" name="abort" value="yes">It is not</button>`,
  );

export const donePage = (): string =>
  page('Signed in', html`<p>You can close this page and go back to your terminal.</p>`);

export const errorPage = (what: string): string => page('This did not work', html`<p role="alert">${what}</p>`);

/** What the page has been told so far. */
export interface Entered {
  readonly user: string;
  readonly tenant: string;
  readonly roles: readonly string[];
}

export const signInPage = (client: string): string =>
  page(
    'Sign in',
    html`<form method="post">
      <p>${client} will act as whom you name here, in the roles that you give.</p>
      <label
        >Name <input type="text" name="user" value="anna" required maxlength="64" list="people" autocomplete="off"
      /></label>
      <datalist id="people">${Object.keys(people).map((name) => html`<option value="${name}"></option>`)}</datalist>
      <label>Tenant <input type="text" name="tenant" value="${localTenant}" maxlength="64" /></label>
      <fieldset>
        <legend>Roles; with none ticked, those of the name</legend>
        ${roles.map((role) => html`<label><input type="checkbox" name="roles" value="${role}" /> ${role}</label>`)}
      </fieldset>
      <p class="detail">
        ${Object.entries(people).map(([name, held]) => html`${name} is ${held.join(', ')}. `)} Others are viewers.
      </p>
      <button type="submit">Sign in</button>
      <button type="submit" name="refuse" value="yes" formnovalidate>Refuse</button>
    </form>`,
  );

/** The step that a real provider makes hard. */
export const secondFactorPage = ({ user, tenant, roles: ticked }: Entered): string =>
  page(
    'Second factor',
    html`<form method="post">
      <p>
        A strong authentication was asked for. A real provider would now ask ${user} for a key, a code or a fingerprint.
        This local one has none: the button below is all, and the token will say that a second factor was shown.
      </p>
      <input type="hidden" name="user" value="${user}" /><input type="hidden" name="tenant" value="${tenant}" />
      ${ticked.map((role) => html`<input type="hidden" name="roles" value="${role}" />`)}
      <button type="submit" name="factor" value="shown">Pretend that I showed it</button>
      <button type="submit" name="refuse" value="yes">Refuse</button>
    </form>`,
  );
