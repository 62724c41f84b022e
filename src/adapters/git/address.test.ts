import { describe, expect, it } from 'vitest'
import { parseGitAddress, shownAddress } from './address.ts'

describe('addresses', () => {
  it.each([
    ['https://Git.Example.com/acme/app.git', 'https', 'git.example.com', 'acme/app'],
    ['https://git.example.com:8443/acme/team/app', 'https', 'git.example.com:8443', 'acme/team/app'],
    ['https://git.example.com/acme/app%20two.git/', 'https', 'git.example.com', 'acme/app two'],
    ['git@git.example.com:acme/app.git', 'ssh', 'git.example.com', 'acme/app'],
    ['git.example.com:acme/app.git', 'ssh', 'git.example.com', 'acme/app'],
    ['ssh://git@git.example.com:2222/acme/app.git', 'ssh', 'git.example.com:2222', 'acme/app'],
    ['git+ssh://git@git.example.com/acme/app.git', 'ssh', 'git.example.com', 'acme/app'],
    ['http://localhost:3000/acme/app.git', 'http', 'localhost:3000', 'acme/app'],
    ['http://[::1]:3000/acme/app.git', 'http', '[::1]:3000', 'acme/app'],
    ['file:///srv/git/app.git', 'file', '', 'srv/git/app'],
    ['/srv/git/app.git', 'file', '', 'srv/git/app'],
    ['../app', 'file', '', '../app'],
  ])('%s is understood', (written, scheme, host, project) => {
    expect(parseGitAddress(written)).toMatchObject({ scheme, host, project })
  })

  it('lose their credentials, for git as for people', () => {
    const written = 'https://me:s3cret@git.example.com/acme/app.git'
    expect(parseGitAddress(written).text).toBe('https://git.example.com/acme/app.git')
    expect(shownAddress(written)).toBe('https://***@git.example.com/acme/app.git')
    expect(shownAddress('https://t0ken@h/x')).toBe('https://***@h/x')
    expect(shownAddress('ssh://git:s3cret@h/x')).toBe('ssh://***@h/x')
    expect(shownAddress('ssh://git@h/x')).toBe('ssh://git@h/x')
  })

  it('over plain http need this machine or permission, and let nothing but https follow', () => {
    expect(() => parseGitAddress('http://git.example.com/app.git')).toThrow('http')
    expect(parseGitAddress('http://git.example.com/app.git', true).allowedProtocols).toBe('https:ssh:http')
    expect(parseGitAddress('https://git.example.com/app.git').allowedProtocols).toBe('https:ssh')
    expect(parseGitAddress('/srv/app').allowedProtocols).toBe('file')
  })
})
