import { builtinModules } from 'node:module';

// What a bundle of the entry costs, dependencies included. The modules of Node are there already.
const ignore = builtinModules.map((name) => (name.startsWith('node:') ? name : `node:${name}`));

export default [
  { name: '@genie/core', path: 'packages/core/dist/index.js', limit: '150 kB', ignore },
  { name: '@genie/core/loop', path: 'packages/core/dist/loop.js', limit: '100 kB', ignore },
];
