// user+sys CPU of children, interleaved
import { openScene, cli } from './open-scene.mjs';
import { spawn } from 'node:child_process';
import { median } from './figures.mjs';
import { writeFileSync, readFileSync, existsSync } from 'node:fs';
import { build } from 'esbuild';
import { join } from 'node:path';
const scene = await openScene('scene.mjs');
const node = process.env.BENCH_NODE ?? process.execPath;
const smallest = join(scene.directory,'smallest.mjs');
await build({ stdin:{resolveDir:'test/bench',contents:`import { APIGatewayClient, GetClientCertificatesCommand } from '@aws-sdk/client-api-gateway';
const { items } = await new APIGatewayClient({}).send(new GetClientCertificatesCommand({ limit: 500 }));
for (const { clientCertificateId } of items) console.log(clientCertificateId);`}, outfile:smallest,bundle:true,minify:true,format:'esm',platform:'node',target:'node20.19',mainFields:['module','main'],banner:{js:"import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);"}});
const m = join(scene.directory,'m.cjs'); writeFileSync(m,"process.on('exit',()=>{const u=process.cpuUsage();require('fs').writeFileSync(process.env.CPU_OUT,String((u.user+u.system)/1000))})");
const out=join(scene.directory,'cpu');
const rows = { 'node -e 0':['-e','0'], smallest:[smallest], version:[cli,'--version'], list:[cli,'list'], rotate:[cli,'rotate','--stage','orders/prod','--trust',`pem-bundle:${scene.trusted}`,'--probe','GET /health','--settle','0s','--soak','0s'], 'check-expiry':[cli,'check-expiry','--all','--quota','100'] };
const extra = process.env.CC ? { NODE_COMPILE_CACHE: join(scene.directory,'cc') } : {};
const res={}; const wall={};
for (let i=-1;i<Number(process.env.BENCH_RUNS??9);i++) for (const [n,w] of Object.entries(rows)) {
  const t=performance.now();
  await new Promise((r)=>spawn(node,['--require',m,...w],{env:{...scene.env,CPU_OUT:out,...(w[0]===cli?extra:{})},stdio:'ignore'}).on('close',r));
  if(i>=0){(res[n]??=[]).push(Number(readFileSync(out,'utf8')));(wall[n]??=[]).push(performance.now()-t);}
}
for (const n of Object.keys(rows)) console.log(n.padEnd(14),'cpu',median(res[n]).toFixed(0),'x smallest',median(res[n].map((v,i)=>v/res.smallest[i])).toFixed(2),'min',Math.min(...res[n]).toFixed(0),'wall min',Math.min(...wall[n]).toFixed(0));
scene.close(); process.exit();
