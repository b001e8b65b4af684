// What a dashboard adds to the house style of engines/status/style.ts.
import type { Html } from '#engines/status/html.ts';

const CSS = `
header,main,footer{max-width:84rem}header{border-color:var(--line)}
main{display:grid;grid-template-columns:minmax(0,1fr);gap:.75rem}
.widget{background:var(--card);border:1px solid var(--line);border-radius:.5rem;padding:.6rem .8rem;min-width:0}
.widget.text{background:none;border:0;padding:0}
.widget h2{font-size:1rem;margin:0 0 .4rem;overflow-wrap:anywhere}.widget.text h2{font-size:1.2rem}
.widget p{margin:0;color:var(--soft);font-size:.9rem;max-width:48rem}
@media(min-width:56rem){main{grid-template-columns:repeat(24,minmax(0,1fr))}
.widget{grid-column:var(--x) / span var(--w)}}
.chart{display:grid;grid-template-columns:auto minmax(0,1fr);gap:.1rem .4rem;font-size:.75rem;color:var(--soft)}
.chart svg{height:7rem;background:none;border-radius:0;overflow:visible}
.chart .y,.chart .x{display:flex;justify-content:space-between}.chart .y{flex-direction:column;text-align:right}
.chart .x{grid-column:2}.grid{stroke:var(--line);fill:none;vector-effect:non-scaling-stroke}
.trace{fill:none;stroke-width:2.5;stroke-linecap:round;stroke-linejoin:round;vector-effect:non-scaling-stroke}
.trace.dot{stroke-width:8}
.widget li{background:none;border:0;padding:0;margin:0}
.key{display:flex;flex-wrap:wrap;gap:.1rem 1rem;margin:.4rem 0 0;font-size:.85rem}
.key li{display:flex;align-items:center;gap:.35rem}
.swatch{width:.8rem;height:.8rem;border-radius:2px;flex:none}
.key b{font-variant-numeric:tabular-nums}.none{color:var(--soft);font-weight:400;font-size:.85rem}
.values{display:flex;flex-wrap:wrap;gap:.5rem 1.25rem}
.values li{border-left:4px solid;border-radius:0;padding-left:.5rem}
.values span{display:block;font-size:.85rem;color:var(--soft)}
.values b{font-size:1.7rem;line-height:1.2;font-variant-numeric:tabular-nums}.values b.none{font-size:.95rem}
code{overflow-wrap:anywhere}
`;

/** Ours, constant, and without a closing tag: not to be escaped. */
export const DASHBOARD_STYLE: Html = { html: CSS };
