export type CodeFinding = Readonly<{
  path: string;
  /** From 1. */
  line: number;
  rule:
    | 'file-system'
    | 'network'
    | 'process'
    | 'evaluation'
    | 'dynamic-import'
    | 'native'
    | 'environment'
    | 'obfuscation';
  /** For people: what the code could do with it. */
  why: string;
  /** The line, cut. */
  text: string;
}>;

const moduleRules: Readonly<Record<string, readonly [CodeFinding['rule'], string]>> = {
  fs: ['file-system', 'reads or writes files'],
  net: ['network', 'opens connections'],
  tls: ['network', 'opens connections'],
  http: ['network', 'opens connections'],
  https: ['network', 'opens connections'],
  http2: ['network', 'opens connections'],
  dgram: ['network', 'sends datagrams'],
  dns: ['network', 'asks name servers'],
  undici: ['network', 'opens connections'],
  child_process: ['process', 'starts programs'],
  worker_threads: ['process', 'starts threads'],
  cluster: ['process', 'starts processes'],
  vm: ['evaluation', 'runs text as code'],
  inspector: ['evaluation', 'controls the runtime'],
  module: ['dynamic-import', 'changes how modules are loaded'],
  v8: ['native', 'reaches into the engine'],
  wasi: ['native', 'runs native code'],
  ffi: ['native', 'runs native code'],
};

const lineRules: readonly (readonly [RegExp, CodeFinding['rule'], string])[] = [
  [/\beval\s*[(`]|\(\s*0\s*,\s*eval\s*\)/, 'evaluation', 'runs text as code'],
  [
    /\bnew\s+(?:Async)?(?:Generator)?Function\s*\(|\bFunction\s*\(\s*['"`]|\.constructor\s*\(\s*['"`]|\[\s*['"`]constructor['"`]\s*\]/,
    'evaluation',
    'makes code from text',
  ],
  [/\bset(?:Timeout|Interval)\s*\(\s*['"`]/, 'evaluation', 'runs text as code'],
  [/\bimport\s*\(\s*(?!['"][^'"]+['"]\s*[,)])/, 'dynamic-import', 'loads a module whose name is computed'],
  [
    /\brequire\s*\(\s*(?!['"][^'"]+['"]\s*\))|\bcreateRequire\b|\bgetBuiltinModule\b/,
    'dynamic-import',
    'loads a module whose name is computed',
  ],
  [/\bprocess\s*(?:\.\s*|\[\s*['"`])(?:binding|dlopen|_linkedBinding)/, 'native', 'reaches native code'],
  [/\.node['"`]|\bWebAssembly\b/, 'native', 'runs native code'],
  [/\bprocess\s*(?:\.\s*env\b|\[\s*['"`]env)/, 'environment', 'reads the environment, where secrets are kept'],
  [/\b(?:fetch|WebSocket|EventSource|XMLHttpRequest)\s*\(/, 'network', 'opens connections other than by its context'],
  [/(?:\\x[0-9a-f]{2}){8}|(?:\\u[0-9a-f]{4}){8}/i, 'obfuscation', 'hides text behind escapes'],
  [/['"`][A-Za-z0-9+/]{300,}={0,2}['"`]/, 'obfuscation', 'carries a long encoded text'],
  [
    /\b(?:globalThis|global|window|self)\s*\[\s*(?!['"`]\w+['"`]\s*\])/,
    'obfuscation',
    'looks up a global by a computed name',
  ],
  [/\b_0x[0-9a-f]{3,}\b/i, 'obfuscation', 'looks like the output of an obfuscator'],
  [/[\u202a-\u202e\u2066-\u2069\u200b\u2060]/, 'obfuscation', 'holds invisible or direction-changing characters'],
];

const maxLineCharacters = 2000;

/**
 * Looks through the source of a plugin, or of a peer's code, for what can reach the world. A warning for people who
 * decide, never the only wall: code can hide from it. `context.fetch(…)` is the way that is meant, and is not reported.
 */
export function scanCode(path: string, source: string): readonly CodeFinding[] {
  const findings: CodeFinding[] = [];
  for (const [index, line] of source.split('\n').entries()) {
    const report = (rule: CodeFinding['rule'], why: string) =>
      findings.push({ path, line: index + 1, rule, why, text: line.trim().slice(0, 200) });
    if (line.length > maxLineCharacters) report('obfuscation', `has a line of ${line.length} characters`);
    for (const [, name = ''] of line
      .slice(0, 20_000)
      .matchAll(/(?:\bfrom\s*|\bimport\s*\(?\s*|\brequire\s*\(\s*)['"`](?:node:)?([^'"`]+)['"`]/g)) {
      const found = moduleRules[name.split('/')[0] ?? ''];
      if (found) report(...found);
    }
    const visible = line.slice(0, 20_000).replace(/\bcontext\s*\.\s*fetch\s*\(/g, 'lent(');
    for (const [pattern, rule, why] of lineRules) if (pattern.test(visible)) report(rule, why);
  }
  return findings;
}
