import { startServer } from './bench/servers.ts';
import { dial, median, bulk } from './bench/load.ts';
import { buildHello } from './src/lib/attacks/hello-bytes.ts';
import { fork } from 'node:child_process';
const hello = buildHello({ names: ['origin.test'] });
const o = await startServer('origin');
const m = await startServer('minimal-proxy');
const child = fork(new URL('./bench/servers/full-proxy.ts', import.meta.url), [String(o.ports.web), String(o.ports.tcp)], {execArgv:['--conditions=@genie/source','--cpu-prof','--cpu-prof-dir=/tmp/prof','--disable-warning=ExperimentalWarning']});
const f = await new Promise(r=>child.once('message',r));
for (let round=0; round<4; round++) for (const [n,p] of [['min',m.ports.port],['full',f.port]]) {
  const t=[]; for (let i=0;i<500;i++){const s=performance.now(); const k=await dial(p,{authority:`origin.test:${o.ports.tcp}`,hello}); t.push(performance.now()-s); k.destroy();}
  const b=await dial(p,{authority:`origin.test:${o.ports.tcp}`,hello}); const r=await bulk(b,300); b.destroy();
  console.log(n,median(t).toFixed(3),r.toFixed(0));
}
child.disconnect(); await new Promise(r=>child.once('exit',r)); m.close(); o.close();
