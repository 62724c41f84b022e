/**
 * deckschrubber. Of the tags that the expressions take, those older than a date go, but for the newest few; a digest goes
 * only if none of its tags is to stay, so here images go whose tags are all taken.
 */
import { compileRepositoryPatterns } from '../policy/compile-patterns.ts'
import { isCommand, readFlags, wholeFlag, type CommandFlags } from './command-flags.ts'
import { patternOf, wholeTextOf } from './expressions.ts'
import { dockerManifests, dockerManifestsRemark } from './docker-manifests.ts'
import type { Importer } from './importer.ts'
import {
  unnamedRegistry,
  type ImportedBlock,
  type ImportedConfiguration,
  type ImportedRegistry,
} from './imported-policy.ts'
import { day, writeLength } from './lengths-of-time.ts'
import type { Reading } from './reading.ts'
import type { SourceDocument } from './source-document.ts'
import { tryText } from './try-pattern.ts'

export const deckschrubberImporter: Importer = {
  system: 'deckschrubber',
  title: 'a deckschrubber command',
  format: 'text',
  source: 'the command of the job that runs deckschrubber',
  recognises: (document) => isCommand(document, ['deckschrubber']),
  read: readDeckschrubber,
}

function readDeckschrubber(document: SourceDocument, reading: Reading): ImportedConfiguration | undefined {
  const flags = readFlags(
    document,
    {
      begin: ['deckschrubber'],
      values: ['registry', 'repo', 'repos', 'tag', 'ntag', 'day', 'month', 'year', 'latest'],
      switches: ['dry', 'debug', 'insecure', 'v'],
      ignored: ['user', 'password', 'paginate'],
      oneDash: true,
    },
    reading,
  )
  if (flags === undefined) return undefined
  const repository = flags.last('repo')
  const repositories =
    repository === undefined ? '**' : tryText(repository.text, repository.place, reading, repositoryPattern)
  const tags = readTags(flags, reading)
  const count = wholeFlag(flags.last('repos'), reading) ?? repositoriesDefault
  const number = (name: string): number => wholeFlag(flags.last(name), reading) ?? 0
  const latest = wholeFlag(flags.last('latest'), reading) ?? 1
  const age = number('day') * day + number('month') * 31 * day + number('year') * 366 * day
  warnOf(flags, count, reading)
  return {
    registries: [registryOf(flags)],
    policies: [
      {
        name: 'deckschrubber',
        comments: [],
        repositories: [repositories ?? '**'],
        repositoriesRemark: `it looks at the first ${count} of the catalog alone: write their names`,
        unit: 'image',
        rules: [
          {
            name: 'old tags',
            comments: [
              `line ${flags.place.line}: an image goes if the expressions take all of its tags`,
              dockerManifestsRemark,
            ],
            ...tags,
            delete: { olderThan: writeLength(age), beyondNewest: latest, by: 'created', combine: 'all' },
          },
        ],
        unmatched: 'keep',
        unmatchedRemark: 'tags that the expressions do not take stay',
      },
    ],
  }
}

function repositoryPattern(source: string): string {
  if (source === '' || source === '.*') return '**'
  patternOf(source, { dialect: 'go', anchoring: 'search' })
  const pattern = `/${wholeTextOf(source, 'search')}/`
  compileRepositoryPatterns([pattern])
  return pattern
}

function readTags(
  flags: CommandFlags,
  reading: Reading,
): { readonly match: readonly ImportedBlock[]; readonly not?: readonly ImportedBlock[] } {
  const read = (name: string): string | undefined => {
    const flag = flags.last(name)
    if (flag === undefined || flag.text === '') return undefined
    return tryText(flag.text, flag.place, reading, (source) =>
      patternOf(source, { dialect: 'go', anchoring: 'search' }),
    )
  }
  const taken = read('tag')
  const spared = read('ntag')
  return {
    match: [
      {
        ...(taken === undefined || taken === '*' ? { tagged: true } : { tagsAll: [taken] }),
        ...dockerManifests,
      },
    ],
    ...(spared !== undefined && { not: [{ tags: [spared] }] }),
  }
}

/** Of `-repos`. */
const repositoriesDefault = 5

function warnOf(flags: CommandFlags, count: number, reading: Reading): void {
  const dry = flags.switch('dry')
  if (dry !== undefined) {
    reading.warn(
      dry.place,
      '-dry: the rules are imported as they act without it; `winnow plan` is the dry run here.',
    )
  }
  reading.warn(
    flags.place,
    '-latest counts tags, and here images of which all tags are taken; images whose date of building cannot be true are kept; months are taken as 31 days and years as 366. More is kept.',
  )
  reading.warn(
    flags.place,
    'deckschrubber sees Docker manifests (schema 2) alone: OCI images and indexes stay, and take no places. A repository that has a tag on an OCI image or index it skips, which no rule can say: name such repositories under `repositories` with a "!" before them.',
  )
  reading.warn(
    flags.last('repos')?.place ?? flags.place,
    `-repos: deckschrubber looks at the first ${count} repositories that the registry lists, and the command does not name them: write their names under \`repositories\` before anything is deleted.`,
  )
}

function registryOf(flags: CommandFlags): ImportedRegistry {
  const url = flags.last('registry')?.text.replace(/\/$/, '')
  if (url === undefined || !/^https?:\/\/[\w.-]+(?::\d+)?$/.test(url)) return unnamedRegistry
  return {
    name: url
      .replace(/^https?:\/\//, '')
      .replace(/[^\w.-]/g, '-')
      .slice(0, 63),
    url,
  }
}
