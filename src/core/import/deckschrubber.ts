/**
 * deckschrubber. Of the tags that the expressions take, those older than a date go, but for the newest few; a digest goes
 * only if none of its tags is to stay, so here images go whose tags are all taken.
 */
import { compileRepositoryPatterns } from '../policy/compile-patterns.ts'
import { isCommand, readFlags, wholeFlag, type CommandFlags } from './command-flags.ts'
import { patternOf } from './expressions.ts'
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
      values: ['registry', 'repo', 'tag', 'ntag', 'day', 'month', 'year', 'latest'],
      switches: ['dry', 'debug', 'insecure', 'v'],
      ignored: ['repos', 'user', 'password', 'paginate'],
      oneDash: true,
    },
    reading,
  )
  if (flags === undefined) return undefined
  const repository = flags.last('repo')
  const repositories =
    repository === undefined ? '**' : tryText(repository.text, repository.place, reading, repositoryPattern)
  const tags = readTags(flags, reading)
  const number = (name: string): number => wholeFlag(flags.last(name), reading) ?? 0
  const latest = wholeFlag(flags.last('latest'), reading) ?? 1
  const age = number('day') * day + number('month') * 31 * day + number('year') * 366 * day
  warnOf(flags, reading)
  return {
    registries: [registryOf(flags)],
    policies: [
      {
        name: 'deckschrubber',
        comments: [],
        repositories: [repositories ?? '**'],
        unit: 'image',
        rules: [
          {
            name: 'old tags',
            comments: [`line ${flags.place.line}: an image goes if the expressions take all of its tags`],
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
  const pattern = `/.*(?:${source}).*/`
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
    match: [taken === undefined || taken === '*' ? { tagged: true } : { tagsAll: [taken] }],
    ...(spared !== undefined && { not: [{ tags: [spared] }] }),
  }
}

function warnOf(flags: CommandFlags, reading: Reading): void {
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
