/** Storages that a database governs are told and refused, each with what to use instead. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { put } from '../../../test/sweep/trees.ts'
import { UnreachableError } from '../http/http-errors.ts'
import { createReadableFileStore } from '../storage/filesystem/read-files.ts'
import { refuseForeign, type ForeignQuestion, type ProbeRegistry } from './detect-foreign.ts'

let root: string

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'winnow-foreign-'))
  put(root, 'docker/registry/v2/blobs/x', '')
})

afterEach(() => {
  rmSync(root, { recursive: true })
})

async function ask(question: Partial<ForeignQuestion>): Promise<readonly string[]> {
  const warnings: string[] = []
  await refuseForeign(
    { store: createReadableFileStore(root), kind: 'auto', ...question },
    {
      onEvent: (event) => {
        if (event.kind === 'warning') warnings.push(event.text)
      },
    },
  )
  return warnings
}

interface Scripted {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly text?: string
}

function answering(answers: Readonly<Record<string, Scripted>>): ProbeRegistry {
  return async (path) => {
    const { status = 404, headers = {}, text = '404 page not found' } = answers[path] ?? {}
    return { status, headers: new Map(Object.entries(headers)), text: () => text }
  }
}

describe('an address that answers in part', () => {
  const failing =
    (paths: readonly string[], answers: Readonly<Record<string, Scripted>>): ProbeRegistry =>
    async (path) => {
      if (paths.includes(path)) throw new UnreachableError('http://127.0.0.1:1', 'reset', 'Start it.')
      return answering(answers)(path)
    }

  it('is Harbor by its ping, whatever the others say', async () => {
    const probe = failing(['/v2/', '/gitlab/v1/'], { '/api/v2.0/ping': { status: 200, text: 'Pong' } })
    await expect(ask({ probe })).rejects.toThrow(/Harbor/)
  })

  it('is GitLab by the realm of a refusal, whatever the others say', async () => {
    const headers = { 'www-authenticate': 'Bearer realm="https://gitlab.example.com/jwt/auth"' }
    const probe = failing(['/api/v2.0/ping'], { '/v2/': { status: 401, headers } })
    await expect(ask({ probe })).rejects.toThrow(/GitLab/)
  })

  it('is not silent', async () => {
    expect(await ask({ probe: failing(['/v2/'], {}) })).toEqual([])
  })

  it('that was heard before may fall silent', async () => {
    const paths = ['/api/v2.0/ping', '/v2/', '/gitlab/v1/']
    expect(await ask({ probe: failing(paths, {}) })).toHaveLength(1)
    expect(await ask({ probe: failing(paths, {}), hasAnswered: true })).toEqual([])
  })
})

describe('refused', () => {
  it.each([
    { kind: 'harbor', hint: /Garbage Collection/ },
    { kind: 'gitlab', hint: /online garbage collection/ },
    { kind: 'quay', hint: /time machine/ },
    { kind: 'artifactory', hint: /Artifactory/ },
    { kind: 'nexus', hint: /Compact blob store/ },
    { kind: 'gitea', hint: /cleanup_packages/ },
  ] as const)('is what the configuration calls $kind', async ({ kind, hint }) => {
    await expect(ask({ kind })).rejects.toMatchObject({
      code: 'METADATA_ELSEWHERE',
      hint: expect.stringMatching(hint) as unknown,
    })
  })

  it.each(['database-in-use', 'filesystem-in-use'])('is a storage that GitLab locked: %s', async (name) => {
    put(root, `docker/registry/lockfiles/${name}`, '')
    await expect(ask({ kind: 'distribution' })).rejects.toThrow(/GitLab/)
  })

  it('is the folder of a Harbor', async () => {
    for (const name of ['registry', 'job_logs', 'secret']) put(root, `${name}/x`, '')
    await expect(ask({})).rejects.toThrow(/Harbor/)
  })

  it.each([
    { name: 'Harbor’s ping', answers: { '/api/v2.0/ping': { status: 200, text: 'Pong' } }, says: /Harbor/ },
    {
      name: 'GitLab’s version',
      answers: { '/v2/': { status: 401, headers: { 'gitlab-container-registry-version': '4.15.0' } } },
      says: /GitLab/,
    },
    {
      name: 'GitLab’s token server',
      answers: {
        '/gitlab/v1/': {
          status: 401,
          headers: { 'www-authenticate': 'Bearer realm="https://gitlab.example.com/jwt/auth"' },
        },
      },
      says: /GitLab/,
    },
  ] as const)('is what answers with $name', async ({ answers, says }) => {
    await expect(ask({ kind: 'distribution', probe: answering(answers) })).rejects.toThrow(says)
  })
})

describe('not refused', () => {
  it('is a registry of nobody else', async () => {
    expect(
      await ask({ kind: 'distribution', probe: answering({ '/v2/': { status: 200, text: '{}' } }) }),
    ).toEqual([])
  })

  it('is a proxy that answers everything', async () => {
    const page = { status: 200, text: '<html>Welcome</html>' }
    const probe = answering({ '/api/v2.0/ping': page, '/v2/': page, '/gitlab/v1/': page })
    expect(await ask({ probe })).toEqual([])
  })

  it('is a registry that is stopped, and a warning says what could not be seen', async () => {
    const probe = async (): Promise<never> => {
      throw new UnreachableError('http://127.0.0.1:1', 'refused', 'Start it.')
    }
    expect(await ask({ probe })).toEqual([expect.stringMatching(/Set kind: if it is/)])
  })
})
