// The page's only style sheet. Colours are told apart by lightness too, and every state is also written as a word.
// Text on its ground has a contrast of 4.5 : 1 or more in both schemes (WCAG 2.2, 1.4.3).
import type { Html } from '#engines/status/html.ts';

const CSS = `
:root{--ground:#fff;--card:#f5f6f8;--text:#1a1d21;--soft:#515963;--line:#d5d9de;
--operational:#18703a;--degraded:#8a5a00;--outage:#b3261e;--halted:#5b3fa8;--unknown:#5c646e;--on:#fff}
@media (prefers-color-scheme:dark){:root{--ground:#111418;--card:#1b2026;--text:#e8eaed;--soft:#a9b1bb;--line:#333a43;
--operational:#5fd18b;--degraded:#f2b84b;--outage:#ff8a80;--halted:#b9a3f7;--unknown:#a9b1bb;--on:#111418}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--text);font:16px/1.5 system-ui,sans-serif}
header,main,footer{max-width:52rem;margin:0 auto;padding:1rem}
header{border-bottom:4px solid var(--unknown)}
header.operational{border-color:var(--operational)}header.degraded{border-color:var(--degraded)}
header.outage{border-color:var(--outage)}header.halted{border-color:var(--halted)}
h1{font-size:1.6rem;margin:0}h2{font-size:1.2rem;margin:1.5rem 0 .5rem}h3{font-size:1rem;margin:1rem 0 .5rem}
header p,.detail,figcaption,footer{color:var(--soft)}
header p,.detail{margin:.25rem 0}.detail{font-size:.9rem}
ul{list-style:none;margin:0;padding:0}
li{background:var(--card);border:1px solid var(--line);border-radius:.5rem;padding:.6rem .8rem;margin:0 0 .5rem}
.line{display:flex;justify-content:space-between;gap:.5rem;align-items:center}
.name{font-weight:600;overflow-wrap:anywhere}.detail{overflow-wrap:anywhere}
.badge{display:inline-block;border-radius:1rem;padding:0 .6rem;font-size:.85rem;color:var(--on);white-space:nowrap}
.badge.operational{background:var(--operational)}.badge.degraded{background:var(--degraded)}
.badge.outage{background:var(--outage)}.badge.halted{background:var(--halted)}.badge.unknown{background:var(--unknown)}
rect.operational{fill:var(--operational)}rect.degraded{fill:var(--degraded)}rect.outage{fill:var(--outage)}
rect.halted{fill:var(--halted)}rect.unknown{fill:var(--line)}
.bars{display:flex;gap:1rem;flex-wrap:wrap}figure{flex:1 1 12rem;margin:0}
svg{display:block;width:100%;height:1rem;background:var(--ground);border-radius:2px}
figcaption{font-size:.75rem}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.9rem}
th,td{text-align:left;padding:.35rem .5rem;border-bottom:1px solid var(--line);white-space:nowrap}
a{color:inherit}:focus-visible{outline:3px solid var(--halted);outline-offset:2px}
`;

/** Ours, constant, and without a closing tag: not to be escaped. */
export const STYLE: Html = { html: CSS };
