// The process that the soak kills: remembers, learns, consolidates, forgets and (encrypted) rotates keys without pause, and says what was acknowledged.
import { openMemory } from '@genie/memory';
import { runRecord } from '@genie/memory/testing';

const [dir = '', first = '0', passphrase = '', records = 'memory'] = process.argv.slice(2);
const cipherOf = (text: string) => ({
  passphrase: text,
  scryptCost: 1_024,
  records: records === 'pages' ? ('pages' as const) : ('memory' as const),
});
const memory = openMemory(passphrase === '' ? { dir } : { dir, cipher: cipherOf(passphrase) });
const say = (kind: string, id: string): boolean => process.stdout.write(`${kind} ${id}\n`);

await memory.stats();
say('ready', '-');
for (let turn = Number(first); ; turn += 1) {
  for (let at = 0; at < 5; at += 1) {
    const id = `m${turn}-${at}`;
    await memory.remember({ id, text: `memory ${id} about topic ${at}`, source: `source-${turn}` });
    say('remembered', id);
  }
  await memory.remember([0, 1].map((at) => ({ id: `twin${turn}-${at}`, text: `the same words in turn ${turn}` })));
  say('remembered', `twin${turn}-0`);
  say('remembered', `twin${turn}-1`);
  await memory.learn(runRecord(`run_${turn}`, [[`item${turn}`, `Finding ${turn} of Heron`]]));
  say('remembered', `item${turn}`);
  await memory.core.set('turn', `${turn}`);
  say('core', `${turn}`);
  await memory.working.set('turn', turn);
  say('working', `${turn}`);
  say('forgetting', `m${turn}-1`);
  await memory.forget({ id: `m${turn}-1` });
  say('forgotten', `m${turn}-1`);
  const { operationId } = await memory.consolidate({ budgetMs: 1_000 });
  if (turn % 3 === 0 && operationId !== undefined) await memory.rollBack(operationId);
  if (passphrase !== '' && turn % 2 === 0) {
    say('rotating', `pass phrase ${turn}`);
    await memory.rotateKey(cipherOf(`pass phrase ${turn}`));
    say('rotated', `pass phrase ${turn}`);
  }
}
