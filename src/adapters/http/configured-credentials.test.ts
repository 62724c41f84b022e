import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { failure } from '../../../test/http/expect-failure.ts'
import type { ConfiguredAuth } from './configured-credentials.ts'
import { configuredCredentials } from './configured-credentials.ts'
import { CredentialUnavailableError } from './http-errors.ts'

const directory = mkdtempSync(join(tmpdir(), 'winnow-auth-'))
afterAll(() => {
  rmSync(directory, { recursive: true })
})
const file = (name: string, content: string): string => {
  const path = join(directory, name)
  writeFileSync(path, content)
  return path
}
const ENVIRONMENT = { USER_NAME: 'robot', PASS: 'hunter2', TOKEN: 'tok-1', EMPTY: '' }
const get = (auth: ConfiguredAuth) => configuredCredentials(auth, ENVIRONMENT).get({ host: 'h', path: '' })

describe('configuredCredentials', () => {
  it.each([
    {
      name: 'a user and a variable',
      auth: { username: 'u', passwordEnv: 'PASS' },
      is: { kind: 'basic', username: 'u', password: 'hunter2', origin: 'the variable PASS' },
    },
    {
      name: 'a user from a variable',
      auth: { usernameEnv: 'USER_NAME', passwordEnv: 'PASS' },
      is: { username: 'robot' },
    },
    { name: 'a token from a variable', auth: { tokenEnv: 'TOKEN' }, is: { kind: 'bearer', token: 'tok-1' } },
    {
      name: 'a token from a file',
      auth: { tokenFile: file('t', 'tok-2\r\n') },
      is: { kind: 'bearer', token: 'tok-2' },
    },
    {
      name: 'a password with spaces',
      auth: { username: 'u', passwordFile: file('p', ' a b \n') },
      is: { password: ' a b ' },
    },
  ])('reads $name', async ({ auth, is }) => {
    expect(await get(auth)).toMatchObject(is)
  })

  it.each([
    {
      name: 'a variable that is not set',
      auth: { tokenEnv: 'NOPE' },
      said: 'variable NOPE, which the configuration names for credentials, is not set',
    },
    { name: 'an empty variable', auth: { tokenEnv: 'EMPTY' }, said: 'is empty' },
    {
      name: 'a file that is not there',
      auth: { tokenFile: '/nowhere/token' },
      said: '/nowhere/token, which the configuration names for credentials, does not exist',
    },
    { name: 'an empty file', auth: { tokenFile: file('e', '\n') }, said: 'is empty' },
  ])('fails on $name, by its name', async ({ auth, said }) => {
    const error = await failure(get(auth), CredentialUnavailableError)
    expect(error.message).toContain(said)
    expect(error.category).toBe('configuration')
  })

  it.each([
    {},
    { username: 'u' },
    { passwordEnv: 'PASS' },
    { username: 'u', passwordEnv: 'PASS', passwordFile: 'x' },
    { username: 'u', usernameEnv: 'USER_NAME', passwordEnv: 'PASS' },
    { tokenEnv: 'TOKEN', tokenFile: 'x' },
    { tokenEnv: 'TOKEN', username: 'u', passwordEnv: 'PASS' },
  ])('refuses %o, which is not one way to log in', (auth) => {
    expect(() => configuredCredentials(auth)).toThrow(CredentialUnavailableError)
  })

  it('finds a rotated secret', async () => {
    const tokenFile = file('r', 'one')
    const source = configuredCredentials({ tokenFile })
    expect(await source.get({ host: 'h', path: '' })).toMatchObject({ token: 'one' })
    file('r', 'two')
    expect(await source.get({ host: 'h', path: '' }, { refresh: true })).toMatchObject({ token: 'two' })
  })
})
