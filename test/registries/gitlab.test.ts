/** GitLab Container Registry beside its fake, with the metadata database and without. */
import { afterEach, describe, expect, it } from 'vitest'
import type { CredentialSource } from '../../src/adapters/http/credentials.ts'
import type { OperationalError } from '../../src/core/errors/errors.ts'
import {
  parseRepositoryName,
  parseTagName,
  type RepositoryName,
  type TagName,
} from '../../src/core/image/names.ts'
import type { RunEvent } from '../../src/ports/run-options.ts'
import { registryConformance } from '../conformance/registry.ts'
import { registryFaults } from '../conformance/registry-faults.ts'
import { seedGraph, type Graph } from '../conformance/registry-fixture.ts'
import { registrySurvival } from '../conformance/registry-survival.ts'
import { json, startFakeServer, type FakeRequest } from '../fakes/fake-server.ts'
import { startGitLabLab, type GitLabLab, type GitLabLabOptions } from './gitlab-lab.ts'

const capabilities = {
  product: 'GitLab Container Registry',
  deleteByTag: true,
  deleteRemovesSiblings: false,
  listsUntagged: false,
  pullTime: false,
  protectsChildren: false,
  collectsUntagged: true,
  referrersApi: false,
  undo: 'manifest-replay',
  freesBytes: 'by-its-collector',
  pageSizeMax: 1000,
} as const

registryConformance(
  'GitLab with a database',
  {
    capabilities: { ...capabilities, pushTime: true },
    manners: ['collects-untagged'],
    requests: ({ manifests, configs }) => ({
      // What it offers, a page of tags, the rules of the project, the probe for referrers.
      warm: 4 + loginsNew,
      cold: 4 + loginsNew + manifests + configs,
    }),
  },
  startGitLabLab,
)

/** A reader of the next run logs in anew: refused once, then a token. */
const loginsNew = 2

registryConformance(
  'GitLab without a database',
  {
    capabilities: { ...capabilities, pushTime: false },
    manners: ['collects-untagged'],
    requests: ({ tags, manifests, configs }) => ({
      // One question more: who gives out tokens.
      warm: 5 + loginsNew + tags,
      cold: 5 + loginsNew + tags + manifests + configs,
    }),
  },
  () => startGitLabLab({ hasDatabase: false }),
)

registrySurvival('GitLab', {}, startGitLabLab)

const faults = {
  catalog: ({ url }: FakeRequest) => url.pathname.endsWith('/registry/repositories'),
  deletion: ({ method }: FakeRequest) => method === 'DELETE',
  rateLimited: {
    status: 429,
    headers: { 'content-type': 'text/plain', 'retry-after': '1', 'ratelimit-remaining': '0' },
    body: 'Retry later',
  },
  refusals: [
    {
      name: 'a protected tag',
      reply: denied('tag is protected'),
      reason: 'protected',
    },
    { name: 'an immutable tag', reply: denied('The tag is immutable'), reason: 'protected' },
    {
      name: 'no permission',
      reply: denied('requested access to the resource is denied'),
      reason: 'forbidden',
    },
  ],
  expireTokens: (lab: { readonly fakes: readonly unknown[] }) => {
    for (const fake of lab.fakes) (fake as { expireTokens(): void }).expireTokens()
  },
  untagsFirst: true,
} as const

registryFaults(
  'GitLab with a database',
  { ...faults, listing: ({ url }) => url.pathname.endsWith('/tags/list/') },
  startGitLabLab,
)

registryFaults(
  'GitLab without a database',
  { ...faults, listing: ({ url }) => url.pathname.endsWith('/tags/list') },
  (options) => startGitLabLab({ ...options, hasDatabase: false }),
)

const labs: GitLabLab[] = []
afterEach(async () => {
  for (const lab of labs.splice(0)) await lab.stop()
})

async function start(options: GitLabLabOptions = {}): Promise<GitLabLab> {
  const lab = await startGitLabLab(options)
  labs.push(lab)
  return lab
}

async function seeded(options: GitLabLabOptions = {}): Promise<GitLabLab & { readonly graph: Graph }> {
  const lab = await start(options)
  const graph = await seedGraph(lab.seeder, app, [])
  lab.server.forgetRequests()
  return { ...lab, graph }
}

const app = parseRepositoryName('team/app') as RepositoryName
const tag = (text: string): TagName => parseTagName(text) as TagName
const indexType = 'application/vnd.oci.image.index.v1+json'
const empty = Buffer.from('{"schemaVersion":2,"manifests":[]}')

describe('what GitLab tells', () => {
  it('are the times at which tags were published', async () => {
    const lab = await start()
    lab.server.state.now = () => Date.UTC(2026, 0, 2, 3, 4, 5)
    await seedGraph(lab.seeder, app, [])
    const { manifests } = await lab.reader.readRepository(app)
    const tags = manifests.flatMap(({ tags: each }) => each)
    expect(tags.length).toBeGreaterThan(3)
    expect(new Set(tags.map(({ pushedAt }) => pushedAt))).toEqual(new Set([Date.UTC(2026, 0, 2, 3, 4, 5)]))
  })

  it('is which tags are protected or immutable', async () => {
    const lab = await seeded()
    lab.server.state.projects.set('team/app', [
      {
        tag_name_pattern: '^lat',
        minimum_access_level_for_push: 'maintainer',
        minimum_access_level_for_delete: 'owner',
      },
      {
        tag_name_pattern: 'chart-.*',
        minimum_access_level_for_push: null,
        minimum_access_level_for_delete: null,
      },
      {
        tag_name_pattern: 'epoch',
        minimum_access_level_for_push: 'maintainer',
        minimum_access_level_for_delete: null,
      },
    ])
    const { manifests } = await lab.reader.readRepository(app)
    const locked = manifests.filter((manifest) => manifest.locked).map(({ digest }) => digest)
    expect(locked.toSorted()).toEqual([lab.graph.index.digest, lab.graph.chart.digest].toSorted())
    expect(await lab.writer.untag(app, tag('latest'))).toMatchObject({ kind: 'refused', reason: 'protected' })
  })

  it.each(['*', '(?=x)'])('locks everything by a rule that is not understood: %s', async (pattern) => {
    const lab = await seeded()
    lab.server.state.projects.set('team/app', [
      {
        tag_name_pattern: pattern,
        minimum_access_level_for_push: null,
        minimum_access_level_for_delete: null,
      },
    ])
    const { manifests } = await lab.reader.readRepository(app)
    expect(manifests.filter(({ tags }) => tags.length > 0).every(({ locked }) => locked)).toBe(true)
  })

  it('are the rules of the project that holds a repository below its own path', async () => {
    const lab = await start()
    const { state } = lab.server
    state.projects.set('team/app', [
      { tag_name_pattern: 'v1', minimum_access_level_for_push: null, minimum_access_level_for_delete: null },
    ])
    state.put('team/app/web/front', empty, indexType, 'v1')
    const { manifests } = await lab.reader.readRepository(
      parseRepositoryName('team/app/web/front') as RepositoryName,
    )
    expect(manifests.map(({ locked }) => locked)).toEqual([true])
  })

  it('may leave the rules out, which is said once, and refused by GitLab', async () => {
    const lab = await seeded({ token: { scopes: ['read_registry', 'write_registry'] } })
    const { events, options } = watched()
    await lab.reader.readRepository(app, options)
    await lab.reader.readRepository(app, options)
    expect(events).toEqual([
      { kind: 'warning', text: expect.stringContaining('which tags GitLab protects') as string },
    ])
  })

  it('makes a repository incomplete that GitLab is deleting', async () => {
    const lab = await seeded()
    lab.server.state.statuses.set('team/app', 'delete_ongoing')
    await lab.reader.listRepositories()
    expect(await lab.reader.readRepository(app)).toMatchObject({ complete: false })
  })
})

describe('which repositories there are at GitLab', () => {
  it('are those of the groups and users that policies name', async () => {
    const lab = await start({ settings: { namespaces: ['team', 'somebody', 'nobody'] } })
    const { state } = lab.server
    state.users.add('somebody')
    for (const name of ['team/app', 'team/sub/deep/web', 'somebody/own', 'other/app'])
      state.put(name, empty, indexType, 'x')
    const { events, options } = watched()
    expect((await lab.reader.listRepositories(options)).toSorted()).toEqual([
      'somebody/own',
      'team/app',
      'team/sub/deep/web',
    ])
    expect(events).toEqual([{ kind: 'warning', text: expect.stringContaining('nobody') as string }])
  })

  it('are those that policies name in full, where the token is for the registry alone', async () => {
    const lab = await start({ username: 'gitlab+deploy-token-7', settings: { repositories: [app] } })
    lab.server.state.put('team/app', empty, indexType, 'x')
    const { events, options } = watched()
    expect(await lab.reader.listRepositories(options)).toEqual(['team/app'])
    expect(events.map(({ kind }) => kind)).toEqual(['warning'])
    const sent = lab.server.requests.filter(({ url }) => url.pathname.startsWith('/api/'))
    expect(sent.every(({ headers }) => headers.authorization === undefined)).toBe(true)
  })
})

describe('the token of the API', () => {
  const token = 'glpat-for-the-api'
  const apiCredentials: CredentialSource = { get: async () => ({ kind: 'bearer', token }) }

  /** A registry that says its GitLab is at `place`. */
  async function naming(place: string): Promise<GitLabLab> {
    const lab = await seeded({ settings: { apiCredentials } })
    const realm = `Bearer realm="${place}/jwt/auth",service="container_registry"`
    lab.server.inject({
      on: ({ url }) => url.pathname === '/gitlab/v1/',
      reply: { status: 401, headers: { 'www-authenticate': realm } },
    })
    return lab
  }

  it('does not go where the registry’s answer points, but to what the configuration names', async () => {
    const { reader } = await naming('http://gitlab.invalid')
    await expect(reader.listRepositories()).rejects.toMatchObject({
      code: 'REALM_REFUSED',
      message: expect.stringContaining('api.auth') as string,
      hint: expect.stringContaining('api: {url: http://gitlab.invalid/api/v4}') as string,
    })
    await expect(reader.readRepository(app)).resolves.toMatchObject({ complete: false })
  })

  it('goes to another port of the registry’s own host', async () => {
    const gitlab = await startFakeServer(() => json(200, []))
    try {
      const { reader } = await naming(gitlab.url)
      expect(await reader.listRepositories()).toEqual([])
      expect(gitlab.requests.map(({ headers }) => headers.authorization)).toContain(`Bearer ${token}`)
    } finally {
      await gitlab.stop()
    }
  })
})

describe('deleting at GitLab', () => {
  it('removes tags alone, never by digest, and spares a tag that was moved', async () => {
    const { reader, writer, server, graph } = await seeded()
    await reader.readRepository(app)
    server.state.put('team/app', graph.chart.bytes, graph.chart.mediaType, 'latest')
    expect(await writer.deleteManifest(app, graph.index.digest)).toEqual({ kind: 'done' })
    expect(await reader.resolveTag(app, tag('v1'))).toBeUndefined()
    expect(await reader.resolveTag(app, tag('latest'))).toBe(graph.chart.digest)
    const deleted = server.requests.filter(({ method }) => method === 'DELETE').map(({ target }) => target)
    expect(deleted).toEqual(['/v2/team/app/manifests/v1'])
  })

  it('works with registries from before 16.4', async () => {
    const { reader, writer, graph } = await seeded({ isOld: true })
    expect(await writer.untag(app, tag('v1'))).toEqual({ kind: 'done' })
    expect(await writer.untag(app, tag('v1'))).toEqual({ kind: 'absent' })
    expect(await reader.resolveTag(app, tag('v1'))).toBeUndefined()
    expect(await reader.resolveTag(app, tag('latest'))).toBe(graph.index.digest)
  })

  it('says which rights are missing', async () => {
    const { writer, opened } = await seeded({ token: { scopes: ['read_registry', 'read_api'] } })
    const outcome = await writer.untag(app, tag('v1'))
    expect(outcome).toMatchObject({
      kind: 'refused',
      reason: 'forbidden',
      text: expect.stringContaining('write_registry') as string,
    })
    expect(await opened.createWriter().probe(app)).toMatchObject({ deletes: { state: 'no' } })
  })

  it('is found out beforehand', async () => {
    const { opened } = await seeded()
    expect(await opened.createWriter().probe(app)).toEqual({ deletes: { state: 'yes' }, deleteByTag: true })
    expect(await opened.check?.(app, {})).toMatchObject([{ state: 'ok' }, { state: 'ok', text: '0 rules' }])
  })

  it('is checked for what is missing', async () => {
    const { opened } = await seeded({ hasDatabase: false, token: { scopes: ['read_registry'] } })
    expect(await opened.check?.(app, {})).toMatchObject([{ state: 'warning' }, { state: 'warning' }])
  })
})

describe('GitLab, misunderstood', () => {
  it('says so when what answers is something else', async () => {
    const { reader, server } = await seeded()
    const header = { 'www-authenticate': `Bearer realm="${server.url}/token",service="x"` }
    server.inject({
      on: ({ url }) => /^\/(v2|gitlab\/v1)\/$/.test(url.pathname),
      reply: { status: 401, headers: header },
    })
    const failure = await reader.listRepositories().catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'PRODUCT_MISMATCH' })
    expect((failure as OperationalError).message).toContain('does not look like GitLab')
  })

  it('sends nothing to a GitLab that the registry names in a private network', async () => {
    const { reader, server } = await seeded()
    const header = {
      'www-authenticate': 'Bearer realm="http://10.0.0.1/jwt/auth",service="container_registry"',
    }
    server.inject({
      on: ({ url }) => url.pathname === '/gitlab/v1/',
      reply: { status: 401, headers: header },
    })
    await expect(reader.listRepositories()).rejects.toMatchObject({ code: 'REALM_REFUSED' })
  })

  it('says so when the token is wrong', async () => {
    const { reader, server } = await seeded()
    server.state.tokens.clear()
    const read = await reader.readRepository(app)
    expect(read).toMatchObject({ complete: false })
    expect(read.problems.join()).toContain('refused access')
  })
})

function denied(message: string): {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
} {
  return {
    status: 403,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ errors: [{ code: 'DENIED', message }] }),
  }
}

function watched(): {
  readonly events: RunEvent[]
  readonly options: { readonly onEvent: (event: RunEvent) => void }
} {
  const events: RunEvent[] = []
  return {
    events,
    options: {
      onEvent: (event) => {
        if (event.kind !== 'progress') events.push(event)
      },
    },
  }
}
