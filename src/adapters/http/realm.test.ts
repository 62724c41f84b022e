import { describe, expect, it } from 'vitest'
import { failure } from '../../../test/http/expect-failure.ts'
import { isInternalAddress, isLoopbackHost } from './addresses.ts'
import { RealmRefusedError } from './http-errors.ts'
import { checkRealm, checkRealmName } from './realm.ts'

const rules = (base: string, allowPrivateRealm = false) => ({ base: new URL(base), allowPrivateRealm })

describe('checkRealm', () => {
  it.each([
    { name: 'https elsewhere', realm: 'https://auth.docker.io/token', base: 'https://registry-1.docker.io' },
    { name: 'the same private host', realm: 'https://10.0.0.5:8443/token', base: 'https://10.0.0.5' },
    {
      name: 'http where the registry is http too',
      realm: 'http://127.0.0.1:9/t',
      base: 'http://127.0.0.1:5000',
    },
    { name: 'capitals and a final dot', realm: 'https://REG.internal./t', base: 'https://reg.internal' },
  ])('lets pass $name', ({ realm, base }) => {
    expect(checkRealm(realm, rules(base)).href).toBe(new URL(realm).href)
  })

  it.each([
    { name: 'http for an https registry', realm: 'http://reg.example/t', base: 'https://reg.example' },
    { name: 'a private address', realm: 'https://192.168.0.1/t', base: 'https://reg.example' },
    {
      name: 'another private address than the registry',
      realm: 'https://10.0.0.6/t',
      base: 'https://10.0.0.5',
    },
  ])('refuses $name', ({ realm, base }) => {
    expect(() => checkRealm(realm, rules(base))).toThrow(RealmRefusedError)
  })

  it('lets a private address pass where that is allowed, but never http for https', () => {
    expect(checkRealm('https://192.168.0.1/t', rules('https://reg.example', true)).hostname).toBe(
      '192.168.0.1',
    )
    expect(() => checkRealm('http://192.168.0.1/t', rules('https://reg.example', true))).toThrow(
      RealmRefusedError,
    )
  })

  it('looks at what a name resolves to', async () => {
    await failure(checkRealmName('localhost'), RealmRefusedError)
    await expect(checkRealmName('name.invalid')).resolves.toBeUndefined()
  })
})

it.each([
  ['127.0.0.1', true],
  ['10.1.1.1', true],
  ['172.16.0.1', true],
  ['172.32.0.1', false],
  ['192.168.1.1', true],
  ['169.254.169.254', true],
  ['100.64.0.1', true],
  ['100.128.0.1', false],
  ['0.0.0.0', true],
  ['224.0.0.1', true],
  ['8.8.8.8', false],
  ['::1', true],
  ['[::1]', true],
  ['::', true],
  ['fe80::1', true],
  ['fe80::1%eth0', true],
  ['fd00::1', true],
  ['2606:4700::1111', false],
  ['::ffff:10.0.0.1', true],
  ['::ffff:a00:1', true],
  ['::ffff:8.8.8.8', false],
  ['64:ff9b::a00:1', true],
])('%s is internal: %s', (address, is) => {
  expect(isInternalAddress(address)).toBe(is)
})

it.each([
  ['localhost', true],
  ['a.localhost', true],
  ['LOCALHOST.', true],
  ['127.9.9.9', true],
  ['[::1]', true],
  ['localhost.example', false],
  ['10.0.0.1', false],
  ['127.0.0.1.example', false],
])('%s is this machine: %s', (host, is) => {
  expect(isLoopbackHost(host)).toBe(is)
})
