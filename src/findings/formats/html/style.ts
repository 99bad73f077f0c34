import { COLUMNS } from './certificates-table.js';

/** On a phone a row is a card, and each cell says its column. */
const LABELS = COLUMNS.slice(1)
  .map((label, i) => `#certificates td:nth-of-type(${i + 1})::before{content:"${label}"}`)
  .join('');

const LIGHT =
  '--page:#fff;--card:#f6f7f9;--text:#1c2430;--dim:#5a6675;--line:#d9dee5;--edge:#6b7788;--ok:#276b49;--due:#2b6cb0;--warning:#8a5300;--critical:#c22b2b;--unused:#5f6b7a;--unknown:#6b46c1;--accent:#2b6cb0';
const DARK =
  '--page:#12161c;--card:#1b212a;--text:#e6eaf0;--dim:#9aa7b6;--line:#303945;--edge:#8793a3;--ok:#48bb78;--due:#63b3ed;--warning:#ecc94b;--critical:#fc8181;--unused:#a0acbb;--unknown:#b794f4;--accent:#63b3ed';
/** The reader's own colours: patterns and signs tell the states apart. */
const FORCED =
  '--page:Canvas;--card:Canvas;--text:CanvasText;--dim:CanvasText;--line:CanvasText;--edge:CanvasText;--ok:CanvasText;--due:CanvasText;--warning:CanvasText;--critical:CanvasText;--unused:CanvasText;--unknown:CanvasText;--accent:Highlight';

/** The page's looks: one set of variables for each way of looking at it; cards instead of a table on a phone. */
export const STYLE = `
:root{color-scheme:light dark;${LIGHT}}
@media (prefers-color-scheme:dark){:root{${DARK}}}
.ok{--c:var(--ok)}.due{--c:var(--due)}.warning,.notYetValid{--c:var(--warning)}.critical,.expired{--c:var(--critical)}.unknown{--c:var(--unknown)}.info{--c:var(--dim)}.unused{--c:var(--unused)}
*{box-sizing:border-box}
body{margin:0 auto;padding:1.5rem;max-width:80rem;background:var(--page);color:var(--text);font:1rem/1.5 system-ui,sans-serif}
h1{font-size:1.5rem;margin:0}h2{font-size:1.15rem;margin:2rem 0 .6rem}
p{margin:.3rem 0}.dim,small{color:var(--dim)}small{font-size:.85em}
code{font:.9em ui-monospace,monospace;overflow-wrap:anywhere}
.tiles{display:flex;flex-wrap:wrap;gap:.8rem;margin:1rem 0;padding:0;list-style:none}
.tiles li{flex:1 1 6.5rem;background:var(--card);border:1px solid var(--line);border-top:4px solid var(--c,var(--line));border-radius:.5rem;padding:.6rem .9rem}
.tiles b{display:block;font-size:1.7rem;line-height:1.2}
.badge{display:inline-block;white-space:nowrap;min-width:5.2em;text-align:center;padding:0 .5em;border:1.5px solid;border-radius:1em;font-size:.8rem;font-weight:600;color:var(--c)}
ol.next{padding:0;list-style:none;margin:0}
ol.next li{display:grid;grid-template-columns:6.5rem 1fr;gap:.1rem .8rem;padding:.6rem 0;border-top:1px solid var(--line);overflow-wrap:anywhere}
ol.next li>*{grid-column:2}ol.next .badge{grid-column:1;grid-row:1;justify-self:start;align-self:start}
summary{cursor:pointer;color:var(--accent)}
figure{margin:0;padding:.5rem;background:var(--card);border:1px solid var(--line);border-radius:.5rem}
figure div svg{display:block;width:100%;height:auto}figure .narrow{display:none}
.patterns{position:absolute}
pattern{fill:none;stroke:var(--c);stroke-width:1.3}pattern rect,pattern circle{fill:var(--c);stroke:none}
svg text{fill:var(--text)}svg .date{fill:var(--dim);text-anchor:middle}svg .name{text-anchor:end}svg .todays{font-weight:bold}
.bar{stroke:var(--c);stroke-width:1.3}.grid{stroke:var(--line)}.today{stroke:var(--text);stroke-width:2;stroke-dasharray:5 3}
.made{fill:var(--page);stroke:var(--text);stroke-width:1.5}.replaces{fill:none;stroke:var(--text);stroke-width:1.3}
figcaption{display:flex;flex-wrap:wrap;gap:.3rem 1.2rem;padding:.4rem;color:var(--dim);font-size:.85rem}
.swatch{margin-right:.4em;vertical-align:-1px}
.tools{display:flex;flex-wrap:wrap;gap:.8rem;margin:.6rem 0;align-items:end}[hidden]{display:none!important}
.tools label{display:flex;flex-direction:column;font-size:.85rem;color:var(--dim)}
input,select,nav button{font:inherit;padding:.35rem .5rem;color:var(--text);background:var(--page);border:1px solid var(--edge);border-radius:.35rem}
nav{display:flex;gap:.8rem;align-items:center;margin:.8rem 0}nav button:disabled{color:var(--dim);border-color:var(--line)}
table{width:100%;border-collapse:collapse;font-size:.9rem}
th,td{text-align:left;vertical-align:top;padding:.45rem .6rem;border-bottom:1px solid var(--line);overflow-wrap:anywhere}
thead th{white-space:nowrap;background:var(--card)}tbody th{font:.9em ui-monospace,monospace}
th button{all:unset;cursor:pointer;font-weight:600}th button::after{content:" ↕";color:var(--dim)}
th[aria-sort=ascending] button::after{content:" ↑"}th[aria-sort=descending] button::after{content:" ↓"}
:focus-visible{outline:3px solid var(--accent)!important;outline-offset:2px}
#certificates td:nth-of-type(3),#certificates td:nth-of-type(4){font-variant-numeric:tabular-nums;white-space:nowrap}
td small{display:block;white-space:nowrap}
td ul{margin:0;padding:0;list-style:none}td ul:has(+details[open]){display:none}
td i{display:block;width:5rem;height:.5rem;margin-top:.35rem;border:1px solid var(--c);border-radius:.25rem;background:linear-gradient(var(--c),var(--c)) 0/calc(var(--w)*1%) no-repeat}
footer{margin-top:2rem;color:var(--dim);font-size:.85rem}
@media (max-width:40rem){
body{padding:1rem}figure .wide{display:none}figure .narrow{display:block}
ol.next li{grid-template-columns:1fr}ol.next li>*{grid-column:1}}
@media screen and (max-width:66rem){
table,tbody,tr,td,tbody th{display:block;width:100%}thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
tr{padding:.6rem 0;border-bottom:2px solid var(--line)}
td,tbody th{position:relative;min-height:1.8em;border:0;padding:.15rem 0 .15rem 8rem}
td::before,tbody th::before{position:absolute;left:0;color:var(--dim);font:400 .9rem/1.5 system-ui,sans-serif;content:attr(data-label)}
#certificates tbody th::before{content:"${COLUMNS[0]}"}${LABELS}
td:empty{display:none}td small{display:inline}
#certificates thead{position:static;display:block;width:auto;height:auto;clip-path:none}
#certificates thead tr{display:flex;flex-wrap:wrap;gap:.2rem 1rem;border:0}#certificates thead th{display:block;padding:.2rem 0;border:0;background:none}}
@media (forced-colors:active){:root{${FORCED}}td i{forced-color-adjust:none}.grid{stroke-dasharray:1 5}}
@page{margin:12mm}
@media print{:root{${LIGHT};--card:#fff;--text:#000;--dim:#444}
body{max-width:none;padding:0;font-size:.8rem}.tools,nav{display:none}th button::after{content:""!important}
table{font-size:.7rem}th,td{padding:.2rem .3rem}td i{display:none}td .badge{min-width:0;padding:0;border:0;font-size:1em}thead th{white-space:normal}#certificates th{overflow-wrap:normal}#certificates td:nth-of-type(5){width:26%}.tiles li{padding:.2rem .5rem}ol.next li{padding:.25rem 0}
tr,li,.wide{break-inside:avoid}figure .wide{display:block}figure .narrow{display:none}*{print-color-adjust:exact}}
`;
