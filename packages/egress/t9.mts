import { startServer } from './bench/servers.ts';
import { dial, median } from './bench/load.ts';
import { buildHello } from './src/lib/attacks/hello-bytes.ts';
import { fork } from 'node:child_process';
const hello = buildHello({ names: ['origin.test'] });
const o = await startServer('origin');
const which = process.argv[2];
const child = fork(new URL(`./bench/servers/${which}.ts`, import.meta.url), [String(o.ports.web), String(o.ports.tcp)], {execArgv:['--conditions=@genie/source','--cpu-prof','--cpu-prof-interval=100','--cpu-prof-dir=/tmp/prof-'+which,'--disable-warning=ExperimentalWarning']});
const f = await new Promise(r=>child.once('message',r));
const N=6000;
  const t=[]; for (let i=0;i<N;i++){const s=performance.now(); const k=await dial(f.port,{authority:`origin.test:${o.ports.tcp}`,hello}); t.push(performance.now()-s); k.destroy();}
  console.log(which,median(t.slice(2000)).toFixed(3));
child.disconnect(); await new Promise(r=>child.once('exit',r)); o.close();
