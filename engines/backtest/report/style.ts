// The report's only style sheet. Gains and losses differ in lightness and shape too; text has a contrast of 4.5 : 1 or more.
import type { Html } from '#engines/status/html.ts';

const CSS = `
:root{--ground:#fff;--card:#f5f6f8;--text:#1a1d21;--soft:#515963;--line:#e1e4e8;--equity:#1f5fbf;--hold:#767d86;
--gain:#18703a;--loss:#b3261e;--warn:#8a5a00;
--heat0:#f0877c;--heat1:#f6aba3;--heat2:#fad0cb;--heat3:#fdecea;--heat4:#e6f4ea;--heat5:#c3e6cd;--heat6:#98d3aa;--heat7:#6cbf86}
@media (prefers-color-scheme:dark){:root{--ground:#111418;--card:#1b2026;--text:#e8eaed;--soft:#a9b1bb;--line:#2b323a;
--equity:#7fb0ff;--hold:#8d96a1;--gain:#5fd18b;--loss:#ff8a80;--warn:#f2b84b;
--heat0:#8c2f28;--heat1:#6f2a25;--heat2:#522421;--heat3:#35201f;--heat4:#1d3025;--heat5:#1f4a30;--heat6:#205f3a;--heat7:#217545}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--text);font:16px/1.5 system-ui,sans-serif}
header,main,footer{max-width:62rem;margin:0 auto;padding:1rem}
h1{font-size:1.5rem;margin:0;overflow-wrap:anywhere}h2{font-size:1.15rem;margin:2rem 0 .5rem}h3{font-size:.95rem;margin:0 0 .35rem;color:var(--soft)}
main{padding-top:0}main>section:first-of-type>h2:first-child{margin-top:.25rem}p{margin:.35rem 0}.soft,figcaption,footer{color:var(--soft)}figcaption,.small{font-size:.85rem}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(9.5rem,1fr));gap:.6rem;margin:1rem 0}
.tile{background:var(--card);border:1px solid var(--line);border-radius:.5rem;padding:.6rem .8rem}
.tile b{display:block;font-size:1.35rem;line-height:1.3;font-variant-numeric:tabular-nums}.tile span{color:var(--soft);font-size:.85rem}
.gain{color:var(--gain)}.loss{color:var(--loss)}
.note{border-left:4px solid var(--warn);background:var(--card);padding:.5rem .8rem;margin:.6rem 0;border-radius:0 .4rem .4rem 0}
figure{margin:0 0 .5rem}svg{display:block;height:auto}.narrow{display:none}
@media (max-width:640px){.wide{display:none}.narrow{display:block}header,main,footer{padding:.8rem}.tile b{font-size:1.15rem}}
.key{display:flex;flex-wrap:wrap;gap:.2rem 1rem}.key i{font-style:normal;font-weight:700}
.columns{display:grid;grid-template-columns:repeat(auto-fit,minmax(17rem,1fr));gap:.4rem 2rem}
table{border-collapse:collapse;width:100%;font-size:.9rem}
th,td{padding:.3rem .2rem;border-bottom:1px solid var(--line);text-align:left;vertical-align:top}
th{font-weight:400;color:var(--soft)}td{text-align:right;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
td.text{text-align:left}td small{color:var(--soft)}
.scroll{overflow-x:auto}.list th{text-align:right}.list th.text{text-align:left}main>section>table{max-width:40rem}.list td,.list th{white-space:nowrap;padding:.3rem .6rem .3rem 0}
code{font:.85em ui-monospace,monospace;overflow-wrap:anywhere}summary{cursor:pointer}
:focus-visible{outline:3px solid var(--equity);outline-offset:2px}
`;

/** Ours, constant, and without a closing tag: not to be escaped. */
export const STYLE: Html = { html: CSS };
