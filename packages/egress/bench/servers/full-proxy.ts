import { createEgress, openAudit, startProxy } from '@genie/egress';

// The real thing: policy, resolver, vetting, and with a folder given, the audit log.
const [web, tcp, auditDir = '', idleTimeoutMs] = process.argv.slice(2);
const egress = createEgress({
  allow: ['origin.test', '*.example.com', { host: 'limited.test', methods: ['GET'] }],
  ports: [Number(web), Number(tcp)],
  allowPrivate: [`127.0.0.1:${web}`, `127.0.0.1:${tcp}`],
  lookup: async () => ['127.0.0.1'],
  ...(auditDir === '' ? {} : { audit: openAudit({ dir: auditDir }) }),
});
const proxy = await startProxy(egress, idleTimeoutMs === undefined ? {} : { idleTimeoutMs: Number(idleTimeoutMs) });
process.send?.({ port: proxy.port });
// What is held when everything that can be collected is.
process.on('message', () => {
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  process.send?.({ heldBytes: heapUsed + external });
});
process.on('disconnect', () => process.exit(0));
