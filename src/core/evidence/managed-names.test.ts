import { describe, expect, it } from 'vitest'
import type { RegistryName } from '../image/names.ts'
import { normalizeReference } from '../image/reference.ts'
import {
  AliasInvalidError,
  managedPrefixes,
  managedRepositories,
  type ManagedNames,
} from './managed-names.ts'

describe('managedPrefixes', () => {
  it.each([
    {
      name: 'the host of the URL',
      url: 'https://registry.example.com',
      aliases: [],
      is: ['registry.example.com'],
    },
    {
      name: 'a port that is not the default stays',
      url: 'https://Registry.example.com:5000/',
      aliases: [],
      is: ['registry.example.com:5000'],
    },
    {
      name: 'the default port goes',
      url: 'https://registry.example.com:443',
      aliases: [],
      is: ['registry.example.com'],
    },
    {
      name: 'plain http may be written with its port',
      url: 'http://localhost',
      aliases: [],
      is: ['localhost', 'localhost:80'],
    },
    {
      name: 'plain http on its own port has one name',
      url: 'http://127.0.0.1:5000',
      aliases: [],
      is: ['127.0.0.1:5000'],
    },
    {
      name: 'the path of the API is no part of a name',
      url: 'https://r.example.com/v2/',
      aliases: [],
      is: ['r.example.com'],
    },
    {
      name: 'with a path both readings count',
      url: 'https://eu.pkg.dev/p/r',
      aliases: [],
      is: ['eu.pkg.dev', 'eu.pkg.dev/p/r'],
    },
    {
      name: 'Docker Hub has one name',
      url: 'https://registry-1.docker.io',
      aliases: ['index.docker.io'],
      is: ['docker.io'],
    },
    {
      name: 'aliases keep their path',
      url: undefined,
      aliases: ['Mirror.example.com/prod/', 'oci://r.svc:5000'],
      is: ['mirror.example.com/prod', 'r.svc:5000'],
    },
    {
      name: 'a host of Google’s has the other host of the same images',
      url: 'https://us-docker.pkg.dev',
      aliases: [],
      is: ['us-docker.pkg.dev', 'gcr.io', 'us.gcr.io'],
    },
    {
      name: 'of a project of Google’s only its own images have the other name',
      url: 'https://gcr.io/shop',
      aliases: [],
      is: ['gcr.io', 'gcr.io/shop', 'us-docker.pkg.dev/shop/gcr.io'],
    },
    {
      name: 'a credential in a URL is no part of a name',
      url: 'https://me:secret@r.example.com',
      aliases: [],
      is: ['r.example.com'],
    },
  ])('$name', ({ url, aliases, is }) => {
    expect(managedPrefixes(url, aliases)).toEqual(is)
  })

  it.each([
    '',
    '*.example.com',
    'r.example.com/app:1',
    'r.example.com/*',
    'r.example.com/Team',
    'my_host/x',
    'a b',
  ])('refuses the alias %j, which no reference can begin with', (alias) => {
    expect(() => managedPrefixes(undefined, [alias])).toThrow(AliasInvalidError)
  })

  it('shows no credential of an alias it refuses', () => {
    expect(() => managedPrefixes(undefined, ['https://me:secret@r.example.com/*'])).not.toThrow(/secret/)
  })
})

describe('managedRepositories', () => {
  const managed: ManagedNames = {
    registries: [
      { name: 'one' as RegistryName, prefixes: ['r.example.com', 'm.example.com/prod'] },
      { name: 'two' as RegistryName, prefixes: ['r.example.com/team', 'docker.io', 'registry'] },
    ],
    tagsOf: () => new Set(),
  }
  it.each([
    {
      name: 'longer and shorter prefixes both count',
      text: 'r.example.com/team/app:1',
      is: ['one team/app', 'two app'],
    },
    { name: 'an alias with a path', text: 'm.example.com/prod/app', is: ['one app'] },
    {
      name: "another path under an alias's host is another registry",
      text: 'm.example.com/production/app',
      is: [],
    },
    { name: 'the prefix itself is no repository', text: 'm.example.com/prod', is: [] },
    { name: 'a short name is Docker Hub', text: 'nginx', is: ['two library/nginx'] },
    { name: 'ports with leading zeros are the same port', text: 'r.example.com:0443/x', is: ['one x'] },
    { name: 'a one-word host needs its port to be one', text: 'registry:443/x', is: ['two x'] },
    {
      name: 'a one-word host without a port is a Docker Hub user',
      text: 'registry/x',
      is: ['two registry/x'],
    },
    { name: 'another port is another registry', text: 'r.example.com:5000/x', is: [] },
  ])('$name', ({ text, is }) => {
    const reference = normalizeReference(text)
    expect(reference).toBeDefined()
    const found = reference === undefined ? [] : managedRepositories(managed, reference)
    expect(found.map(({ registry, repository }) => `${registry} ${repository}`)).toEqual(is)
  })
})

describe('managedRepositories of Google', () => {
  const managedAs = (url: string): ManagedNames => ({
    registries: [{ name: 'google' as RegistryName, prefixes: managedPrefixes(url, []) }],
    tagsOf: () => new Set(),
  })
  it.each([
    { url: 'https://us-docker.pkg.dev', text: 'gcr.io/shop/web:1', repository: 'shop/gcr.io/web' },
    { url: 'https://us-docker.pkg.dev/shop', text: 'us.gcr.io/shop/web', repository: 'shop/us.gcr.io/web' },
    { url: 'https://gcr.io/shop', text: 'us-docker.pkg.dev/shop/gcr.io/web:1', repository: 'shop/web' },
    { url: 'https://gcr.io', text: 'us-docker.pkg.dev/shop/gcr.io/team/web', repository: 'shop/team/web' },
    {
      url: 'https://europe-docker.pkg.dev',
      text: 'eu.gcr.io/example.com/shop/web',
      repository: 'example.com/shop/eu.gcr.io/web',
    },
  ])('$text is $repository at $url', ({ url, text, repository }) => {
    const reference = normalizeReference(text)
    const found = reference === undefined ? [] : managedRepositories(managedAs(url), reference)
    expect(found.map((each) => each.repository)).toContain(repository)
  })

  it('leaves other projects and locations to others', () => {
    const reference = normalizeReference('us-docker.pkg.dev/shop/gcr.io/web')
    expect(reference && managedRepositories(managedAs('https://eu.gcr.io'), reference)).toEqual([])
  })
})
