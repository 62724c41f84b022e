import { describe, expect, it } from 'vitest'
import { explainFailure } from './explain-failure.ts'

/** As git, ssh and curl said it; some with an address that holds a word of another explanation. */
const said: readonly (readonly [trouble: string, stderr: string])[] = [
  ['credentials', "fatal: could not read Username for 'https://github.com': terminal prompts disabled"],
  [
    'credentials',
    "remote: HTTP Basic: Access denied.\nfatal: Authentication failed for 'https://gitlab.com/a/b.git/'",
  ],
  [
    'credentials',
    "fatal: unable to access 'https://git.example.com/a/': The requested URL returned error: 403",
  ],
  [
    'credentials',
    'git@github.com: Permission denied (publickey).\nfatal: Could not read from remote repository.\n\nPlease make sure you have the correct access rights\nand the repository exists.',
  ],
  [
    'host-key',
    'No ED25519 host key is known for github.com and you have requested strict checking.\nHost key verification failed.\nfatal: Could not read from remote repository.',
  ],
  ['not-found', "remote: Repository not found.\nfatal: repository 'https://github.com/a/b.git/' not found"],
  ['not-found', 'ERROR: Repository not found.\nfatal: Could not read from remote repository.'],
  [
    'not-found',
    "remote: The project you were looking for could not be found or you don't have permission to view it.",
  ],
  ['not-found', "fatal: '/srv/x.git' does not appear to be a git repository"],
  ['not-found', "fatal: repository 'https://git.example.com/gnutls.git/' not found"],
  ['not-found', "fatal: repository 'https://git.example.com/tls/ssl_tools.git/' not found"],
  ['unreachable', "fatal: unable to access 'https://x.invalid/': Could not resolve host: x.invalid"],
  [
    'unreachable',
    "fatal: unable to access 'https://h:1/': Failed to connect to h port 1 after 0 ms: Couldn't connect to server",
  ],
  [
    'unreachable',
    'ssh: connect to host h port 22: Connection refused\nfatal: Could not read from remote repository.',
  ],
  ['unreachable', 'ssh: Could not resolve hostname h: Name or service not known'],
  ['unreachable', 'error: RPC failed; curl 56 GnuTLS recv error (-54)\nfatal: early EOF'],
  [
    'unreachable',
    "fatal: unable to access 'https://h/': Operation too slow. Less than 1 bytes/sec transferred the last 120 seconds",
  ],
  ['certificate', "fatal: unable to access 'https://h/': SSL certificate problem: self-signed certificate"],
  [
    'certificate',
    "fatal: unable to access 'https://h/': server certificate verification failed. CAfile: none CRLfile: none",
  ],
  ['server-failed', "fatal: unable to access 'https://h/': The requested URL returned error: 502"],
  ['transport-refused', "fatal: transport 'ext' not allowed"],
  ['disk-full', 'fatal: write error: No space left on device\nfatal: fetch-pack: invalid index-pack output'],
  ['not-owned', "fatal: detected dubious ownership in repository at '/srv/app'"],
  ['not-owned', "fatal: unsafe repository ('/srv/app' is owned by someone else)"],
  ['not-a-repository', 'fatal: not a git repository (or any of the parent directories): .git'],
  [
    'corrupt',
    'error: object file .git/objects/aa/bb is empty\nfatal: loose object aabb (stored in x) is corrupt',
  ],
  ['corrupt', 'fatal: bad object refs/remotes/origin/main'],
  ['corrupt', 'error: Could not read 1234\nfatal: revision walk setup failed'],
  ['failed', 'fatal: something new'],
]

describe('what git says', () => {
  it.each(said)('means %s: %s', (trouble, stderr) => {
    const error = explainFailure(stderr, 128)
    expect(error.trouble).toBe(trouble)
    expect(error.message).toContain('Git said: ')
    expect(error.hint).not.toBe('')
  })

  it('is told without progress and hints, and not at any length', () => {
    const stderr = `remote: Counting objects: 5% (1/20)\rhint: try this\nReceiving objects: 50% (1/2)\nfatal: ${'x'.repeat(5000)}`
    const { message } = explainFailure(stderr, 1)
    expect(message).not.toMatch(/hint|Counting|Receiving/)
    expect(message.length).toBeLessThan(800)
  })

  it('may be nothing at all', () => {
    expect(explainFailure('', null).message).toBe('Git was ended by a signal.')
    expect(explainFailure('', 3, 'git.example.com').message).toBe(
      'Git failed with status 3 (git.example.com).',
    )
  })
})
