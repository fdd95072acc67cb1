import { createDockerOrchestrator } from '@genie/adapters/docker';

// Makes and destroys containers until it is killed. Two at a time, so that a kill meets every step.
const [image = '', owner = '', first = '0'] = process.argv.slice(2);
const orchestrator = await createDockerOrchestrator({ image, owner });
for (let cycle = Number(first); ; cycle += 2) {
  await Promise.all(
    [cycle, cycle + 1].map(async (number) => {
      const name = `c${number}`;
      await orchestrator.create({ name, command: ['/bin/sleep', '600'] });
      await orchestrator.start(name);
      await orchestrator.destroy(name);
      process.send?.(name);
    }),
  );
}
