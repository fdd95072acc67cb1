import { startServer } from './bench/servers.ts';
import { dial, median, bulk } from './bench/load.ts';
import { buildHello } from './src/lib/attacks/hello-bytes.ts';
const hello = buildHello({ names: ['origin.test'] });
const o = await startServer('origin');
const m = await startServer('minimal-proxy');
const f = await startServer('full-proxy',[String(o.ports.web), String(o.ports.tcp)]);
const R={min:[],full:[]};
for (let round=0; round<12; round++) for (const [n,p] of round%2?[['min',m.ports.port],['full',f.ports.port]]:[['full',f.ports.port],['min',m.ports.port]]) {
  const b=await dial(p,{authority:`origin.test:${o.ports.tcp}`,hello}); const r=await bulk(b,400); b.destroy();
  if(round>1){R[n].push(r);}
}
console.log('bulk',median(R.min).toFixed(0),median(R.full).toFixed(0),median(R.full.map((x,i)=>x/R.min[i])).toFixed(3));
m.close(); o.close(); f.close();
