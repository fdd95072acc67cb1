import { describe, expect, it } from 'vitest';
import { settingOf, storeUrl, storeWords } from './store-reference.ts';

const url = 'postgres://user:secret@host:5432/genies';
const environment = { GENIE_STORE: url, NEWS_DB: `${url}?news` };

describe('where a genie keeps what it knows', () => {
  it('is what --store says, else genie.json, else GENIE_STORE, else the home', () => {
    expect(storeUrl({ environment, store: 'postgres://other/x' }, 'env:NEWS_DB')).toBe('postgres://other/x');
    expect(storeUrl({ environment, store: 'home' }, 'env:NEWS_DB')).toBeUndefined();
    expect(storeUrl({ environment }, 'env:NEWS_DB')).toBe(`${url}?news`);
    expect(storeUrl({ environment }, 'home')).toBeUndefined();
    expect(storeUrl({ environment }, undefined)).toBe(url);
    expect(storeUrl({ environment: {} }, undefined)).toBeUndefined();
    expect(storeUrl({ environment: { GENIE_STORE: '' } }, undefined)).toBeUndefined();
  });

  it.each([
    ['mysql://user:secret@host/x', undefined],
    ['env:', undefined],
    ['env:MISSING', undefined],
    [undefined, 'env:MISSING'],
  ])('refuses %s and %s, and repeats no password', (store, setting) => {
    const find = () => storeUrl({ environment, store }, setting);
    expect(find).toThrow(expect.objectContaining({ code: 'GENIE_CLI_USAGE' }));
    expect(find).not.toThrow(/secret/);
    expect(find).toThrow(setting === undefined ? /--store/ : /genie\.json/);
  });

  it('is written down and repeated without addresses, which may hold passwords', () => {
    expect(settingOf({ environment })).toBe('env:GENIE_STORE');
    expect(settingOf({ environment: {} })).toBeUndefined();
    expect(settingOf({ environment, store: url })).toBeUndefined();
    expect(settingOf({ environment, store: 'home' })).toBe('home');
    expect(storeWords({ store: url })).toBe(' --store postgres://…');
    expect(storeWords({ store: 'env:NEWS_DB' })).toBe(' --store env:NEWS_DB');
    expect(storeWords({})).toBe('');
  });
});
