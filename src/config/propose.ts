/**
 * What `winnow init` writes: a configuration that is safe as it stands, says why each line is there, and fits what the
 * registry holds. It is text, not serialised data, because the comments are the point.
 */
import { stringify } from 'yaml'

export interface RegistryFacts {
  readonly registryName: string
  readonly url?: string
  readonly storage?: { readonly layout: string; readonly filesystem: string }
  readonly kind: string
  readonly aliases: readonly string[]
  readonly repositories: readonly RepositoryFacts[]
  /** Contexts of the user's kubeconfig. */
  readonly kubeContexts: readonly string[]
}

export interface RepositoryFacts {
  readonly name: string
  readonly tagExamples: readonly string[]
  readonly imageCount: number
  readonly tagStreams: Readonly<Record<TagStream, number>>
}

/** What tags look like: versions, pull requests, nightly builds, commit ids, moving names. */
export type TagStream = 'semver' | 'pr' | 'nightly' | 'sha' | 'latest'

/** The text of a winnow.yaml; it loads without warnings. */
export function proposeConfiguration(facts: RegistryFacts): string {
  return [
    '# yaml-language-server: $schema=./winnow.schema.json',
    '# Nothing is deleted by this file: `winnow plan` shows what would go and why, `winnow apply` asks first.',
    'version: 1',
    ...registryLines(facts),
    ...evidenceLines(facts.kubeContexts),
    ...protectionLines,
    ...policyLines(facts),
    '',
  ].join('\n')
}

function registryLines({ registryName, url, storage, kind, aliases }: RegistryFacts): readonly string[] {
  return [
    'registries:',
    `  ${scalar(registryName)}:`,
    ...(url === undefined ? [] : [`    url: ${scalar(url)}`]),
    ...(url !== undefined && isPlainRemote(url)
      ? ['    insecure: true                       # http:// to another machine']
      : []),
    ...(storage === undefined
      ? []
      : [
          '    storage:',
          `      layout: ${scalar(storage.layout)}`,
          `      filesystem: ${scalar(storage.filesystem)}`,
        ]),
    `    kind: ${scalar(kind)}`,
    ...(aliases.length === 0
      ? ['    # aliases: [registry.internal:5000]  # other names that clusters know this registry by']
      : [`    aliases: ${list(aliases)}    # other names that clusters know this registry by`]),
  ]
}

function isPlainRemote(url: string): boolean {
  return url.startsWith('http://') && !/^http:\/\/(?:localhost|127\.|\[::1\])/.test(url)
}

function evidenceLines(contexts: readonly string[]): readonly string[] {
  if (contexts.length === 0) {
    return [
      '# Who says what is in use. Without this only rules and protections keep images:',
      '# evidence:',
      '#   kubernetes:',
      '#     - {name: prod, kubeconfig: ~/.kube/config, context: prod}',
    ]
  }
  const names = sourceNames(contexts)
  return [
    '# Who says what is in use. Take out clusters that run nothing from this registry; leave none out that does.',
    'evidence:',
    '  kubernetes:',
    ...contexts.map(
      (context, index) => `    - {name: ${scalar(names[index] ?? '')}, context: ${scalar(context)}}`,
    ),
    '  helm: {revisions: all}                 # what `helm rollback` may need',
  ]
}

/** Names that a source may have, made from contexts such as `arn:aws:eks:…:cluster/prod`; none twice. */
function sourceNames(contexts: readonly string[]): readonly string[] {
  const names: string[] = []
  for (const context of contexts) {
    const last = context.split(/[/@:]/).at(-1) ?? ''
    const plain =
      last
        .replace(/[^A-Za-z0-9._-]+/g, '-')
        .replace(/^[^A-Za-z0-9]+/, '')
        .slice(0, 50) || 'cluster'
    let name = plain
    for (let count = 2; names.includes(name); count++) name = `${plain}-${count}`
    names.push(name)
  }
  return names
}

const protectionLines: readonly string[] = [
  'protect:',
  '  youngerThan: 24h                       # a push and its first deployment lie some time apart',
  '  seenInUseWithin: 7d                    # what ran lately may run again',
  '  tags: [latest, "stable*"]',
  'limits: {maxDeletions: 500, maxShare: 30%, minSurvivors: 1}   # past one of these a run stops before it begins',
]

function policyLines({ registryName, repositories }: RegistryFacts): readonly string[] {
  const has = (stream: TagStream): boolean => repositories.some(({ tagStreams }) => tagStreams[stream] > 0)
  return [
    'policies:',
    '  - name: everything',
    `    registry: ${scalar(registryName)}`,
    '    repositories: ["**"]                 # the first policy that matches a repository governs it',
    ...repositories.slice(0, 5).map((repository) => `    #   ${comment(described(repository))}`),
    ...(repositories.length > 5 ? [`    #   and ${repositories.length - 5} more`] : []),
    '    rules:',
    ...(has('semver')
      ? [
          '      - {name: releases, match: {semver: ">=0.0.0"}, keep: {newest: 10, by: semver, per: "{major}.{minor}"}}',
        ]
      : []),
    ...(has('pr')
      ? [
          '      - {name: pull requests, match: {tagged: true, tagsAll: ["pr-*", "mr-*"]}, delete: {olderThan: 30d}}',
        ]
      : []),
    ...(has('nightly')
      ? ['      - {name: nightlies, match: {tags: ["nightly*"]}, keep: {daily: 7, weekly: 4, monthly: 12}}']
      : []),
    ...(has('sha')
      ? [
          '      # Images that have commit ids for tags and nothing else; digits alone may be a date:',
          `      - {name: commits, match: {tagged: true, tagsAll: ['/(sha-)?[0-9a-f]{7,40}/']}, not: {tags: ['/[0-9]+/']}, delete: {olderThan: 90d}}`,
        ]
      : []),
    '      - {name: untagged, match: {tagged: false}, delete: {olderThan: 7d}}',
    '    # What no rule speaks of stays. When the plan is as it should be, and keep rules name all you need,',
    '    # `delete` here is what frees most.',
    '    unmatched: keep',
  ]
}

function described({ name, imageCount, tagExamples }: RepositoryFacts): string {
  const examples = tagExamples.slice(0, 3).join(', ')
  return `${name}: ${imageCount} images${examples === '' ? '' : `, such as ${examples}`}`
}

/** Foreign text in a comment must not be able to end the line. */
function comment(text: string): string {
  return text.replace(/[^\x20-\x7e]+/g, ' ').slice(0, 160)
}

function scalar(text: string): string {
  return stringify(text, {
    lineWidth: 0,
    defaultStringType: /^[A-Za-z][A-Za-z0-9._:/-]*$/.test(text) ? 'PLAIN' : 'QUOTE_DOUBLE',
  }).trim()
}

function list(texts: readonly string[]): string {
  return `[${texts.map(scalar).join(', ')}]`
}
