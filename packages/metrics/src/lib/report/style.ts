/** The report's only style sheet: one column on a phone, two beside each other where there is room, light and dark. */
export const style = `
:root { color-scheme: light dark; --ink: #1f2328; --soft-ink: #59636e; --paper: #ffffff; --card: #f6f8fa; --rule: #d1d9e0; --met: #1a7f37; --warning: #9a6700; --missed: #cf222e; --line: #0969da; }
@media (prefers-color-scheme: dark) { :root { --ink: #f0f6fc; --soft-ink: #9198a1; --paper: #0d1117; --card: #151b23; --rule: #3d444d; --met: #3fb950; --warning: #d29922; --missed: #f85149; --line: #4493f8; } }
* { box-sizing: border-box; }
body { margin: 0; font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); overflow-wrap: anywhere; }
main { max-width: 64rem; margin: 0 auto; padding: 1rem; }
h1, h2, h3 { line-height: 1.25; } h1 { font-size: 1.5rem; margin: 0 0 .25rem; } h2 { font-size: 1.15rem; margin: 2rem 0 .75rem; } h3 { font-size: 1rem; margin: 0; }
p { margin: .25rem 0; } small, .soft { color: var(--soft-ink); font-size: .875rem; }
.head { display: flex; gap: 1rem; align-items: center; flex-wrap: wrap; }
.score { font-size: 3rem; font-weight: 600; line-height: 1; } .score small { font-size: 1rem; font-weight: 400; }
.tally { display: flex; flex-wrap: wrap; gap: .25rem 1rem; padding: 0; margin: .5rem 0; list-style: none; }
.grid { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 22rem), 1fr)); gap: .75rem; }
article { background: var(--card); border: 1px solid var(--rule); border-radius: .5rem; padding: .75rem; min-width: 0; }
article header { display: flex; gap: .25rem .75rem; justify-content: space-between; align-items: baseline; flex-wrap: wrap; margin-bottom: .25rem; }
.value { font-size: 1.25rem; font-weight: 600; white-space: nowrap; }
.met { color: var(--met); } .warning { color: var(--warning); } .missed { color: var(--missed); } .no-data { color: var(--soft-ink); }
.better { color: var(--met); } .worse { color: var(--missed); } .same, .unclear { color: var(--soft-ink); }
svg { width: 100%; height: auto; display: block; } svg text { font: 11px system-ui, sans-serif; fill: var(--soft-ink); }
ul { padding-left: 1.25rem; margin: .25rem 0; } li { margin: .25rem 0; } .plain { list-style: none; padding: 0; }
.stack > * + * { margin-top: .75rem; }
`;
