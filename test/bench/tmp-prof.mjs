import { openScene, cli } from './open-scene.mjs';
import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync, rmSync } from 'node:fs';
const scene = await openScene('scene.mjs');
const node = process.env.BENCH_NODE ?? process.execPath;
const words = process.argv.slice(2);
rmSync('/tmp/prof',{recursive:true,force:true});
const agg = new Map(); let total=0; const N=8;
for (let i=0;i<N;i++) {
  // scene must answer: use async spawn
  await new Promise((r)=>{ import('node:child_process').then(({spawn})=>{ const c=spawn(node,['--cpu-prof','--cpu-prof-interval','200','--cpu-prof-dir','/tmp/prof',...(words[0].endsWith('.mjs')?words:[cli,...words])],{env:scene.env,stdio:['ignore','ignore','inherit']}); c.on('close',r);});});
}
for (const f of readdirSync('/tmp/prof')) {
  const p=JSON.parse(readFileSync('/tmp/prof/'+f,'utf8'));
  const byId=new Map(p.nodes.map(n=>[n.id,n]));
  p.samples.forEach((id,i)=>{ const n=byId.get(id); const d=p.timeDeltas[i]/1000; const cf=n.callFrame; const key=cf.functionName+' '+cf.url.split('/').slice(-2).join('/')+':'+cf.lineNumber; if(cf.functionName!=='(idle)'){ total+=d; agg.set(key,(agg.get(key)??0)+d);} });
}
console.log('busy ms per run', (total/N).toFixed(1));
for (const [k,v] of [...agg].sort((a,b)=>b[1]-a[1]).slice(0,45)) console.log((v/N).toFixed(2),k);
scene.close(); process.exit();
