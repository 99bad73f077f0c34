/** The page's looks: one set of variables for light and one for dark; cards instead of a table on a phone. */
export const STYLE = `
:root{color-scheme:light dark;--page:#fff;--card:#f6f7f9;--text:#1c2430;--dim:#5a6675;--line:#d9dee5;--ok:#2f855a;--warning:#975a16;--critical:#c53030;--unused:#8792a2;--unknown:#805ad5;--today:#2b6cb0;--accent:#2b6cb0}
@media (prefers-color-scheme:dark){:root{--page:#12161c;--card:#1b212a;--text:#e6eaf0;--dim:#9aa7b6;--line:#303945;--ok:#48bb78;--warning:#ecc94b;--critical:#fc8181;--unused:#7d899a;--unknown:#b794f4;--today:#63b3ed;--accent:#63b3ed}}
*{box-sizing:border-box}
body{margin:0 auto;padding:1.5rem;max-width:75rem;background:var(--page);color:var(--text);font:1rem/1.5 system-ui,sans-serif}
h1{font-size:1.5rem;margin:0}h2{font-size:1.15rem;margin:2rem 0 .6rem}
p{margin:.3rem 0}.dim{color:var(--dim)}
code{font:.9em ui-monospace,monospace;overflow-wrap:anywhere}
.tiles{display:flex;flex-wrap:wrap;gap:.8rem;margin:1rem 0;padding:0;list-style:none}
.tiles li{flex:1 1 7rem;background:var(--card);border:1px solid var(--line);border-top:4px solid var(--line);border-radius:.5rem;padding:.6rem .9rem}
.tiles b{display:block;font-size:1.7rem;line-height:1.2}
.tiles .critical{border-top-color:var(--critical)}.tiles .warning{border-top-color:var(--warning)}.tiles .unknown{border-top-color:var(--unknown)}.tiles .ok{border-top-color:var(--ok)}
.badge{display:inline-block;white-space:nowrap;min-width:5.2em;text-align:center;padding:0 .5em;border:1.5px solid currentColor;border-radius:1em;font-size:.8rem;font-weight:600}
.badge.ok{color:var(--ok)}.badge.warning,.badge.notYetValid{color:var(--warning)}.badge.critical,.badge.expired{color:var(--critical)}.badge.unknown{color:var(--unknown)}.badge.info,.badge.unused{color:var(--dim)}
ol.next{padding:0;list-style:none;margin:0}
ol.next li{display:grid;grid-template-columns:6.5rem 1fr;gap:.1rem .8rem;padding:.6rem 0;border-top:1px solid var(--line)}
ol.next li>*{grid-column:2}ol.next .badge{grid-column:1;grid-row:1;justify-self:start;align-self:start}
figure{margin:0;padding:.5rem;background:var(--card);border:1px solid var(--line);border-radius:.5rem;overflow-x:auto}
figure svg{display:block;max-width:100%;height:auto}figure .narrow{display:none}
figcaption{display:flex;flex-wrap:wrap;gap:.3rem 1.2rem;padding:.4rem;color:var(--dim);font-size:.85rem}
.key::before{content:"";display:inline-block;width:1em;height:.7em;margin-right:.4em;border-radius:2px;background:var(--c)}
.tools{display:flex;flex-wrap:wrap;gap:.8rem;margin:.6rem 0;align-items:end}
.tools label{display:flex;flex-direction:column;font-size:.85rem;color:var(--dim)}
input,select{font:inherit;padding:.35rem .5rem;color:var(--text);background:var(--page);border:1px solid var(--dim);border-radius:.35rem}
table{width:100%;border-collapse:collapse;font-size:.9rem}
th,td{text-align:left;vertical-align:top;padding:.45rem .6rem;border-bottom:1px solid var(--line);overflow-wrap:anywhere}
thead th{white-space:nowrap;background:var(--card)}
th button{all:unset;cursor:pointer;font-weight:600}th button::after{content:" ↕";color:var(--dim)}
th[aria-sort=ascending] button::after{content:" ↑"}th[aria-sort=descending] button::after{content:" ↓"}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
td.number{text-align:right;font-variant-numeric:tabular-nums}
time{white-space:nowrap}time+.dim{display:block;font-size:.85em}
td ul{margin:0;padding:0;list-style:none}
.life{display:block;width:6rem;height:.5rem;margin-top:.35rem;border-radius:.25rem;background:var(--line)}
.life span{display:block;height:100%;border-radius:.25rem;background:var(--c)}
tr[hidden]{display:none}
footer{margin-top:2rem;color:var(--dim);font-size:.85rem}
@media (max-width:40rem){
body{padding:1rem}figure .wide{display:none}figure .narrow{display:block}
ol.next li{grid-template-columns:1fr}ol.next li>*{grid-column:1}}
@media screen and (max-width:66rem){
table,tbody,tr,td,tbody th{display:block;width:100%}thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
tr{padding:.6rem 0;border-bottom:2px solid var(--line)}tr[hidden]{display:none}
td,tbody th{display:grid;grid-template-columns:7.5rem 1fr;gap:.5rem;border:0;padding:.15rem 0}
td::before,tbody th::before{content:attr(data-label);color:var(--dim);font-weight:400}td.number{text-align:left}
td:empty{display:none}
#certificates thead{position:static;display:block;width:auto;height:auto;clip-path:none}
#certificates thead tr{display:flex;flex-wrap:wrap;gap:.2rem 1rem;border:0}#certificates thead th{display:block;padding:.2rem 0;border:0;background:none}}
@media print{:root{--page:#fff;--card:#fff;--text:#000;--dim:#444;--line:#bbb;--ok:#2f855a;--warning:#975a16;--critical:#c53030;--unused:#8792a2;--today:#2b6cb0}
body{max-width:none;padding:0}.tools{display:none}th button::after{content:""!important}tr,li,figure{break-inside:avoid}*{print-color-adjust:exact}}
`;
