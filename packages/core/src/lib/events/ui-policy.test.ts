import { describe, expect, it } from 'vitest';
import { contentSecurityPolicy, isNavigationAllowed, isPermissionAllowed } from './ui-policy.ts';

describe('contentSecurityPolicy', () => {
  it('allows code and connections only to itself and the named origins', () => {
    const policy = contentSecurityPolicy({ connect: ['wss://genie.example:8443'] });
    const directives = new Map(
      policy.split('; ').map((part) => [part.split(' ')[0], part.split(' ').slice(1).join(' ')]),
    );
    expect(directives.get('script-src')).toBe("'self'");
    expect(directives.get('object-src')).toBe("'none'");
    expect(directives.get('connect-src')).toBe("'self' wss://genie.example:8443");
    expect(contentSecurityPolicy()).toContain("connect-src 'self';");
  });

  it.each([
    '*',
    "'unsafe-inline'",
    'https://a.example; script-src *',
    'https://a.example/path',
    'javascript:alert(1)',
    'https:',
  ])('refuses %s as an origin', (origin) => {
    expect(() => contentSecurityPolicy({ connect: [origin] })).toThrow(/is no origin/);
  });
});

describe('isNavigationAllowed', () => {
  it.each([
    ['https://genie.example/settings?x=1#y', 'https://genie.example/', true],
    ['https://genie.example.evil.example/', 'https://genie.example/', false],
    ['http://genie.example/', 'https://genie.example/', false],
    ['https://genie.example:444/', 'https://genie.example/', false],
    ['https://user@genie.example/', 'https://genie.example/', false],
    ['javascript:alert(1)', 'https://genie.example/', false],
    ['data:text/html,x', 'https://genie.example/', false],
    ['about:blank', 'about:blank', false],
    ['/relative', 'https://genie.example/', false],
    ['file:///app/settings.html', 'file:///app/index.html', true],
    ['file:///app/../etc/passwd', 'file:///app/index.html', false],
    ['file:///app/..%2fetc/passwd', 'file:///app/index.html', false],
    ['file:///application/x', 'file:///app/index.html', false],
    ['file://server/app/x', 'file:///app/index.html', false],
    ['https://genie.example/', 'file:///app/index.html', false],
  ])('%s from %s: %s', (target, home, allowed) => {
    expect(isNavigationAllowed(target, home)).toBe(allowed);
  });
});

describe('isPermissionAllowed', () => {
  it('allows notifications and nothing else', () => {
    const asked = ['notifications', 'media', 'geolocation', 'camera', 'clipboard-read', ''];
    expect(asked.filter(isPermissionAllowed)).toEqual(['notifications']);
  });
});
