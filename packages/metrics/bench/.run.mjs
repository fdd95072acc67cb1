const m = await import(process.argv[2]);
const f = m.bench ?? m.soak;
const rows = await f({ json: true, trials: Number(process.argv[3] ?? 20), log: (l) => console.log(l) });
console.log(JSON.stringify(rows, null, 1));
