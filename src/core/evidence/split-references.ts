/**
 * References whose repository stands in one field and whose tag in another: Helm values, Kustomize images, Kruise node
 * images, `baseImage` beside `version`. Which fields belong together only the controller knows, so every tag the
 * repository has is protected if its exact text stands anywhere in the same object, and `latest` with them.
 *
 * Where the tags of a repository are not known, values under a key that speaks of a tag or a version take their place,
 * so that evidence written to a file without a registry at hand does not lose them.
 */
import { normalizeReference, type NormalizedReference } from '../image/reference.ts'
import { managedRepositories, type ManagedNames } from './managed-names.ts'
import { visitObject } from './object-strings.ts'

/** The texts of one object or document that may be tags. */
export interface Words {
  readonly all: Set<string>
  /** Those under a key such as `tag`, `newTag`, `version`. */
  readonly tags: Set<string>
  /** Numbers under such a key; YAML reads `tag: 1.10` as one. */
  readonly numbers: Set<number>
  /** Those under a key such as `repository` or `image`. */
  readonly repositories: Set<string>
}

const tagKey = /(?:tag|version|revision)$/i
const repositoryKey = /(?:repository|repo|image)$/i
const tagLengthMax = 128
const repositoryLengthMax = 255
const word = /\w[\w.-]*/g
const tagAssignment = /(?:tag|version|revision)["']?\s{0,8}[:=]\s{0,8}["']?(\w[\w.-]*)/gi
const repositoryAssignment = /(?:repository|repo|image)["']?\s{0,8}[:=]\s{0,8}["']?([a-z0-9][a-z0-9._/-]*)/gi

/** The words of an object; `texts` are strings of it to be read word by word, such as YAML within a string. */
export function wordsOfObject(object: unknown, texts: Iterable<string>): Words {
  const words = noWords()
  visitObject(object, {
    key: (key) => {
      if (key.length <= tagLengthMax) words.all.add(key)
    },
    text: (text, { key }) => {
      if (text.length > repositoryLengthMax) return
      words.all.add(text)
      if (tagKey.test(key)) words.tags.add(text)
      if (repositoryKey.test(key)) words.repositories.add(text)
    },
    number: (value, { key }) => {
      if (tagKey.test(key)) words.numbers.add(value)
    },
    skip: ({ key, parentKey }) => key === 'managedFields' && parentKey === 'metadata',
  })
  for (const text of texts) addWordsOfText(words, text)
  return words
}

/** The words of a document of text. */
export function wordsOfText(text: string): Words {
  const words = noWords()
  addWordsOfText(words, text)
  return words
}

export interface Joined {
  /** Complete references, `latest` included. */
  readonly references: readonly string[]
  /** False when the tags of the repository are known and none of them stands in the object. */
  readonly isResolved: boolean
}

/** What a mention of `repository` may mean beside these words. */
export function joinTags(repository: NormalizedReference, words: Words, managed: ManagedNames): Joined {
  const tags = new Set<string>()
  // Some registries store tags in lower case, however they are written where they are used.
  const inLowerCase = new Set([...words.tags].map((tag) => tag.toLowerCase()))
  let isKnown = false
  for (const target of managedRepositories(managed, repository)) {
    const known = managed.tagsOf(target.registry, target.repository)
    isKnown ||= known.size > 0
    for (const tag of known) {
      if (words.all.has(tag) || inLowerCase.has(tag) || isNumber(tag, words.numbers)) tags.add(tag)
    }
  }
  const guessed = isKnown ? tags : new Set([...words.tags, ...[...words.numbers].map(String)])
  const references = ['latest', ...guessed].flatMap((tag) => {
    const reference = normalizeReference(`${repository.string}:${tag}`)
    return reference === undefined ? [] : [reference.string]
  })
  return { references, isResolved: !isKnown || tags.size > 0 }
}

/**
 * Repositories that these words may complete to, where a host of ours stands alone in a field: `registry`,
 * `repository` and `tag` in three. A word counts if the registry has such a repository, or if its key says so.
 */
export function joinRepositories(
  prefix: string,
  words: Words,
  managed: ManagedNames,
): readonly NormalizedReference[] {
  const candidates = [...words.all, ...words.repositories].flatMap((path) => {
    const reference = /^[a-z0-9][a-z0-9._/-]*$/.test(path)
      ? normalizeReference(`${prefix}/${path}`)
      : undefined
    return reference === undefined ? [] : [{ path, reference }]
  })
  const found = candidates.filter(({ path, reference }) => {
    const targets = managedRepositories(managed, reference)
    const isKnown = targets.some(({ registry, repository }) => managed.tagsOf(registry, repository).size > 0)
    return isKnown || (targets.length > 0 && words.repositories.has(path))
  })
  return [...new Map(found.map(({ reference }) => [reference.string, reference])).values()]
}

function addWordsOfText(words: Words, text: string): void {
  for (const each of text.match(word) ?? []) if (each.length <= tagLengthMax) words.all.add(each)
  for (const [, tag = ''] of text.matchAll(tagAssignment)) words.tags.add(tag)
  for (const [, path = ''] of text.matchAll(repositoryAssignment)) words.repositories.add(path)
}

function isNumber(tag: string, numbers: ReadonlySet<number>): boolean {
  return numbers.size > 0 && /^[0-9]+(?:\.[0-9]+)?$/.test(tag) && numbers.has(Number(tag))
}

function noWords(): Words {
  return { all: new Set(), tags: new Set(), numbers: new Set(), repositories: new Set() }
}
