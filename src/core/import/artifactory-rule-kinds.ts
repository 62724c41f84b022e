/** The rules that artifactory-cleanup has, and what each of them adds to what a policy selects. */
import { anyImage, joinMasks, masksOnPath, type MaskUse } from './aql-masks.ts'
import {
  readCreated,
  readDigests,
  readVersionFiles,
  readVersionImages,
  type RuleContext,
  type RuleReader,
} from './artifactory-counts.ts'
import { keyOfMask, keyOfName, meetKeys, type Key } from './artifactory-keys.ts'
import type { SelectionDraft } from './artifactory-selection.ts'
import { patternOf } from './expressions.ts'
import { entryOf, type SourceMap } from './source-document.ts'
import { tryPattern } from './try-pattern.ts'

export interface RuleKind {
  /** Its own keys, beside `rule`. */
  readonly keys: readonly string[]
  readonly isForDocker?: true
  readonly taken: { readonly read: RuleReader } | { readonly refusal: string }
}

const readRepo: RuleReader = (rule, draft, context) => {
  const value = entryOf(rule, 'name')
  meet(draft, names([context.reading.text(value) ?? context.policy], context), context)
}

const readRepoList: RuleReader = (rule, draft, context) => {
  const repos = context.reading.texts(entryOf(rule, 'repos'))
  if (repos === undefined) context.reading.refuse(context.place, 'RepoList needs `repos`.')
  else meet(draft, names(repos, context), context)
}

const readRepoByMask: RuleReader = (rule, draft, context) => {
  const mask = context.reading.text(entryOf(rule, 'mask'))
  if (mask === undefined) context.reading.refuse(context.place, 'RepoByMask needs `mask`.')
  else meet(draft, [keyOfMask(mask)], context)
}

function names(texts: readonly string[], { reading, place }: RuleContext): readonly Key[] {
  for (const name of texts) {
    if (!/[*/[\]]/.test(name) && name !== '') continue
    const message = `${JSON.stringify(name)} is not the key of a repository.`
    reading.refuse(place, message, 'A rule `Repo` without `name` takes the name of its policy.')
  }
  return texts.map(keyOfName)
}

function meet(draft: SelectionDraft, keys: readonly Key[], { reading, place }: RuleContext): void {
  const both = meetKeys(draft.keys, keys)
  if (both !== undefined) draft.keys = both
  else
    reading.refuse(
      place,
      'Two masks must hold for one repository key, which no pattern says.',
      'Write one mask, or name the keys.',
    )
}

const readOlder: RuleReader = (rule, draft, context) => {
  const days = readDays(rule, context)
  if (days !== undefined) draft.olderThan = Math.max(draft.olderThan ?? 0, days)
}

const readUnused: RuleReader = (rule, draft, context) => {
  const days = readDays(rule, context)
  if (days === undefined) return
  draft.unusedFor = Math.max(draft.unusedFor ?? 0, days)
  context.reading.warn(
    context.place,
    `${context.name}: here an image counts by the newer of its upload and its last pull, so one that was pushed again after its last pull is kept longer.`,
  )
}

function readDays(rule: SourceMap, { reading, name, place }: RuleContext): number | undefined {
  const value = entryOf(rule, 'days')
  if (value === undefined) reading.refuse(place, `${name} needs \`days\`.`)
  const days = reading.whole(value, { max: 36_500, orNothing: false })
  if (days !== undefined) {
    reading.warn(
      place,
      'days: artifactory-cleanup counts back from a midnight, in its own time zone and that of the server, and Winnow from the moment of the plan. Two days are added, so more is kept.',
    )
  }
  return days
}

function masks(use: MaskUse, isDocker: boolean): { readonly read: RuleReader } {
  return {
    read(rule, draft, { reading, name, place }) {
      const value = entryOf(rule, 'masks')
      const texts = reading.texts(value, { orOne: true }) ?? []
      if (texts.length === 0) reading.refuse(place, `${name} needs \`masks\`.`)
      const paths = texts.map((text) => (isDocker ? text.replaceAll(':', '/') : text))
      if (use === 'include' && texts.some((text) => /[_%]/.test(text))) {
        reading.warn(
          value?.place,
          `${name}: Artifactory may take "_" for any character and "%" for any run of them; here they mean themselves, so more is kept.`,
        )
      }
      const found = paths.flatMap((path) => masksOnPath(path, use))
      if (use === 'include') draft.includes.push(joinMasks(found))
      else draft.excludes.push(...found)
    },
  }
}

const readExpression: RuleReader = (rule, draft, { reading, name, place }) => {
  const value = entryOf(rule, 'regex_pattern')
  if (value === undefined) reading.refuse(place, `${name} needs \`regex_pattern\`.`)
  if (!draft.isMapped) {
    reading.refuse(
      place,
      `${name} stands before the rules for Docker, where it asks for the name of the file manifest.json.`,
      'Put it after the first of them, where it asks for the tag.',
    )
  }
  const pattern =
    value && tryPattern(value, reading, (text) => patternOf(text, { dialect: 'python', anchoring: 'start' }))
  if (pattern === undefined) return
  draft.isTaggedOnly = true
  reading.warn(place, `${name}: what has no tag is called by its digest there; here it is kept.`)
  if (draft.count === undefined) draft.includes.push([{ image: anyImage, tag: pattern }])
  else draft.afterCount.push(pattern)
}

const readEmptyFolders: RuleReader = (_, draft) => {
  draft.idle = 'DeleteEmptyFolders leaves nothing but empty folders, and no image is one'
}

const neverPulled = {
  refusal: 'what was never pulled cannot be told here from what nobody knows the last pull of.',
}
const properties = { refusal: 'Winnow does not read properties of Artifactory.' }
const filenames = { refusal: 'the file of every image is called manifest.json.' }
const docker = { isForDocker: true } as const

/** By name. */
export const ruleKinds: ReadonlyMap<string, RuleKind> = new Map<string, RuleKind>([
  ['Repo', { keys: ['name'], taken: { read: readRepo } }],
  ['RepoList', { keys: ['repos'], taken: { read: readRepoList } }],
  ['RepoByMask', { keys: ['mask'], taken: { read: readRepoByMask } }],
  ['PropertyEq', { keys: ['property_key', 'property_value'], taken: properties }],
  ['PropertyNeq', { keys: ['property_key', 'property_value'], taken: properties }],
  ['DeleteOlderThan', { keys: ['days'], taken: { read: readOlder } }],
  ['DeleteNotUsedSince', { keys: ['days'], taken: { read: readUnused } }],
  ['DeleteWithoutDownloads', { keys: [], taken: neverPulled }],
  ['DeleteOlderThanNDaysWithoutDownloads', { keys: ['days'], taken: neverPulled }],
  [
    'DeleteLeastRecentlyUsedFiles',
    { keys: ['keep'], taken: { refusal: 'it orders some by their last pull and others by their upload.' } },
  ],
  ['DeleteByRegexpName', { keys: ['regex_pattern'], taken: { read: readExpression } }],
  ['DeleteEmptyFolders', { keys: [], taken: { read: readEmptyFolders } }],
  ['FilterByRegexpPath', { keys: ['path'], taken: { refusal: 'expressions on paths are not taken over.' } }],
  ['IncludePath', { keys: ['masks'], taken: masks('include', false) }],
  ['ExcludePath', { keys: ['masks'], taken: masks('exclude', false) }],
  ['IncludeFilename', { keys: ['masks'], taken: filenames }],
  ['ExcludeFilename', { keys: ['masks'], taken: filenames }],
  ['KeepLatestNFiles', { keys: ['count'], taken: { read: readCreated } }],
  ['KeepLatestNFilesInFolder', { keys: ['count'], taken: { read: readCreated } }],
  [
    'KeepLatestVersionNFilesInFolder',
    { keys: ['count', 'custom_regexp'], taken: { read: readVersionFiles } },
  ],
  ['KeepLatestNupkgNVersions', { keys: ['count'], taken: { refusal: 'it is for NuGet.' } }],
  ['DeleteDockerImagesOlderThan', { keys: ['days'], ...docker, taken: { read: readOlder } }],
  ['DeleteDockerImagesNotUsed', { keys: ['days'], ...docker, taken: { read: readUnused } }],
  ['DeleteDockerImagesOlderThanNDaysWithoutDownloads', { keys: ['days'], ...docker, taken: neverPulled }],
  ['IncludeDockerImages', { keys: ['masks'], ...docker, taken: masks('include', true) }],
  ['ExcludeDockerImages', { keys: ['masks'], ...docker, taken: masks('exclude', true) }],
  ['KeepLatestNDockerImages', { keys: ['count'], ...docker, taken: { read: readDigests } }],
  [
    'KeepLatestNVersionImagesByProperty',
    {
      keys: ['count', 'custom_regexp', 'number_of_digits_in_version'],
      ...docker,
      taken: { read: readVersionImages },
    },
  ],
  ['DeleteDockerImageIfNotContainedInProperties', { keys: [], ...docker, taken: properties }],
  ['DeleteDockerImageIfNotContainedInPropertiesValue', { keys: [], ...docker, taken: properties }],
])

/** They say where, and nothing else. */
export const placeRules: readonly string[] = ['Repo', 'RepoList', 'RepoByMask']
