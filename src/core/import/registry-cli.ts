/**
 * registry-cli (`registry.py`). Of the tags that the expressions take, all go but the newest few, or all, or the old ones;
 * a digest that a tag to be kept has as well stays, so here images go of which no tag is to be kept.
 *
 * Without --order-by-date its order is of names, with numbers in them read as numbers; no rule can say that.
 */
import { compileRepositoryPatterns } from '../policy/compile-patterns.ts'
import { isCommand, readFlags, wholeFlag, type CommandFlags } from './command-flags.ts'
import { patternOf, wholeTextOf } from './expressions.ts'
import { escapeGlob } from './globs.ts'
import type { Importer } from './importer.ts'
import { unnamedRegistry, type ImportedConfiguration, type ImportedRegistry } from './imported-policy.ts'
import type { Reading } from './reading.ts'
import { registryCliRules, type RegistryCliTags } from './registry-cli-rules.ts'
import type { SourceDocument } from './source-document.ts'
import { tryText } from './try-pattern.ts'

const beginnings = [['registry.py'], ['python', 'registry.py'], ['python3', 'registry.py']] as const

export const registryCliImporter: Importer = {
  system: 'registry-cli',
  title: 'a command of registry-cli (registry.py)',
  format: 'text',
  source: 'the command of the job that runs registry.py',
  recognises: (document) => beginnings.some((begin) => isCommand(document, begin)),
  read: readRegistryCli,
}

function readRegistryCli(document: SourceDocument, reading: Reading): ImportedConfiguration | undefined {
  const flags = readFlags(
    document,
    {
      begin: beginnings.find((begin) => isCommand(document, begin)) ?? beginnings[0],
      values: ['host', 'num', 'delete-by-hours', 'keep-by-hours'],
      lists: ['image', 'images-like', 'tags-like', 'keep-tags', 'keep-tags-like'],
      switches: [
        'delete',
        'delete-all',
        'order-by-date',
        'dry-run',
        'debug',
        'layers',
        'no-validate-ssl',
        'read-password',
      ],
      ignored: ['login', 'digest-method', 'auth-method'],
      aliases: { r: 'host', n: 'num', i: 'image', d: 'delete', l: 'login', w: 'read-password' },
    },
    reading,
  )
  if (flags === undefined) return undefined
  const count = wholeFlag(flags.last('num'), reading) ?? 10
  const tags = readTags(flags, reading)
  const repositories = readRepositories(flags, reading)
  refuseOthers(flags, reading)
  warnOf(flags, count, reading)
  const rules = registryCliRules(
    {
      line: flags.place.line,
      deletes: flags.switch('delete') !== undefined,
      deletesAll: flags.switch('delete-all') !== undefined,
      count,
      deleteHours: wholeFlag(flags.last('delete-by-hours'), reading),
      keepHours: wholeFlag(flags.last('keep-by-hours'), reading),
    },
    tags,
  )
  return {
    registries: [registryOf(flags)],
    policies: [
      {
        name: 'registry-cli',
        comments: [],
        repositories,
        unit: 'image',
        rules,
        unmatched: 'keep',
        unmatchedRemark: 'what the command does not name stays',
      },
    ],
  }
}

function readTags(flags: CommandFlags, reading: Reading): RegistryCliTags {
  const expressions = (name: string): readonly string[] =>
    flags
      .all(name)
      .flatMap(
        ({ text, place }) =>
          tryText(text, place, reading, (source) =>
            patternOf(source, { dialect: 'python', anchoring: 'search' }),
          ) ?? [],
      )
  return {
    like: expressions('tags-like'),
    kept: [...flags.all('keep-tags').map(({ text }) => escapeGlob(text)), ...expressions('keep-tags-like')],
  }
}

/** Names go before expressions, as in the command. */
function readRepositories(flags: CommandFlags, reading: Reading): readonly string[] {
  const names = flags.all('image')
  for (const { text, place } of names) {
    if (text.includes(':')) {
      reading.refuse(
        place,
        'An image with a tag is deleted once, and is no policy.',
        'Name the repository alone.',
      )
    }
  }
  if (names.length > 0) return names.map(({ text }) => escapeGlob(text))
  const like = flags
    .all('images-like')
    .flatMap(({ text, place }) => tryText(text, place, reading, repositoryPattern) ?? [])
  return like.length === 0 ? ['**'] : like
}

function repositoryPattern(source: string): string {
  if (source === '' || source === '.*') return '**'
  patternOf(source, { dialect: 'python', anchoring: 'search' })
  const pattern = `/${wholeTextOf(source, 'search')}/`
  compileRepositoryPatterns([pattern])
  return pattern
}

function refuseOthers(flags: CommandFlags, reading: Reading): void {
  const isDeleting = flags.switch('delete') !== undefined
  if (
    !isDeleting &&
    flags.switch('delete-all') === undefined &&
    flags.last('delete-by-hours') === undefined
  ) {
    reading.refuse(flags.place, 'The command lists images and deletes none.')
  }
  if (isDeleting && flags.switch('order-by-date') === undefined && flags.switch('delete-all') === undefined) {
    reading.refuse(
      flags.switch('delete')?.place ?? flags.place,
      'Without --order-by-date the last tags are those whose names sort last, with numbers read as numbers; no rule can say that.',
      'Add --order-by-date and import again, or write the rule by hand: `keep: {newest: N, by: semver}`.',
    )
  }
}

function warnOf(flags: CommandFlags, count: number, reading: Reading): void {
  const dry = flags.switch('dry-run')
  if (dry !== undefined) {
    reading.warn(
      dry.place,
      '--dry-run: the rules are imported as they act without it; `winnow plan` is the dry run here.',
    )
  }
  if (count === 0 && flags.switch('delete') !== undefined) {
    reading.warn(flags.last('num')?.place, '--num 0: the command then deletes nothing with --delete.')
  }
  reading.warn(
    flags.place,
    '--num counts tags there, and here images; a date of building that cannot be true (before 2013, in the future) is kept here; --keep-tags-like spares all tags here, those that --tags-like leaves out as well. More is kept.',
  )
  reading.warn(
    flags.place,
    'registry-cli asks for Docker manifests (schema 2) alone, and a Distribution registry then shows it no OCI image and no index: they stay, and take no places. To let the rules speak of them as well, take `mediaType` out of `match`.',
  )
}

function registryOf(flags: CommandFlags): ImportedRegistry {
  const url = flags.last('host')?.text.replace(/\/$/, '')
  if (url === undefined || !/^https?:\/\/[\w.-]+(?::\d+)?$/.test(url)) return unnamedRegistry
  const name = url.replace(/^https?:\/\//, '').replace(/[^\w.-]/g, '-')
  return { name: name.slice(0, 63), url }
}
