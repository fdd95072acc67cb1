/** The server's address from `OLLAMA_HOST` in its documented forms (`host`, `host:port`, `:port`, with or without scheme); port 11434 by default. */
export function ollamaAddress(host: string | undefined): string {
  const value = host?.trim() ?? '';
  if (value === '') return 'http://127.0.0.1:11434';
  const withScheme = /^https?:\/\//.test(value)
    ? value
    : `http://${value.startsWith(':') ? `127.0.0.1${value}` : value}`;
  const url = new URL(withScheme);
  // A server that listens on all interfaces is reached on the loopback one.
  if (url.hostname === '0.0.0.0' || url.hostname === '[::]') url.hostname = '127.0.0.1';
  const hasPort = url.port !== '' || /^https?:\/\/[^/]*:(?:80|443)(?:\/|$)/.test(withScheme);
  if (!hasPort && url.protocol === 'http:') url.port = '11434';
  return url.href.replace(/\/+$/, '');
}
