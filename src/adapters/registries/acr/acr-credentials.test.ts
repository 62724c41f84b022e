/** Which login is used, in which order, and how often it is exchanged. */
import { describe, expect, it } from 'vitest'
import type { Credential } from '../../http/credentials.ts'
import { acrCredentials } from './acr-credentials.ts'

const target = (path: string) => ({ host: 'reg.azurecr.io', path })
const refresh = (token: string): Credential => ({ kind: 'identity-token', token })

/** A source whose file holds `written`, and an Azure login that gives tokens `azure-1`, `azure-2` and so on. */
function lab(written: Credential | undefined, isConfigured = false, isLoggedIn = true) {
  let exchanges = 0
  const source = acrCredentials({
    written: { get: async () => written },
    isConfigured,
    azure: { login: async () => (isLoggedIn ? 'aad' : undefined) },
    exchange: async () => `azure-${(exchanges += 1)}`,
  })
  const tokenFor = async (path: string, options = {}): Promise<string | undefined> => {
    const found = await source.get(target(path), options)
    return found === undefined || found.kind === 'basic' ? found?.username : found.token
  }
  return { tokenFor, exchanges: () => exchanges }
}

describe('the credentials of a registry of Azure', () => {
  it('are those of the configuration, and then no others', async () => {
    const { tokenFor, exchanges } = lab({ kind: 'basic', username: 'robot', password: 'p' }, true)
    expect(await tokenFor('a')).toBe('robot')
    expect(await tokenFor('a', { refresh: true })).toBe('robot')
    expect(exchanges()).toBe(0)
  })

  it('are those in Docker’s files, until they are refused', async () => {
    const { tokenFor, exchanges } = lab(refresh('stale'))
    expect(await tokenFor('a')).toBe('stale')
    expect(await tokenFor('a', { refresh: true })).toBe('azure-1')
    // Another repository need not find out by itself.
    expect(await tokenFor('b')).toBe('azure-1')
    expect(exchanges()).toBe(1)
  })

  it('are exchanged once for all who wait', async () => {
    const { tokenFor, exchanges } = lab(undefined)
    expect(new Set(await Promise.all(['a', 'b', 'c'].map((path) => tokenFor(path))))).toEqual(
      new Set(['azure-1']),
    )
    expect(exchanges()).toBe(1)
  })

  it('are exchanged again once they are refused, and once only', async () => {
    const { tokenFor, exchanges } = lab(undefined)
    for (const path of ['a', 'b']) await tokenFor(path)
    expect(await tokenFor('a', { refresh: true })).toBe('azure-2')
    expect(await tokenFor('b', { refresh: true })).toBe('azure-2')
    expect(exchanges()).toBe(2)
  })

  it('are none of Azure’s where the registry may not see them, and say why', async () => {
    const source = acrCredentials({
      written: { name: 'a file', get: async () => undefined },
      isConfigured: false,
      azure: { withheld: 'it is not Azure’s' },
      exchange: async () => 'azure-1',
    })
    expect(await source.get(target('a'))).toBeUndefined()
    expect(await source.get(target('a'), { refresh: true })).toBeUndefined()
    expect(source.name).toBe('a file; it is not Azure’s')
  })

  it('are none where nobody is logged in', async () => {
    expect(await lab(undefined, false, false).tokenFor('a')).toBeUndefined()
  })

  it('take a token of az acr login for what it is, however it is written', async () => {
    const user = '00000000-0000-0000-0000-000000000000'
    for (const written of [
      { kind: 'basic', username: user, password: 'r' },
      { kind: 'bearer', token: 'r' },
    ] as const) {
      const source = acrCredentials({
        written: { get: async () => written },
        isConfigured: true,
        azure: { login: async () => undefined },
        exchange: async () => '',
      })
      expect(await source.get(target('a'))).toEqual(refresh('r'))
    }
  })
})
