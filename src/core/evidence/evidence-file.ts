/**
 * Evidence as a file: `evidence/v1`, for offline plans and for agents in networks that Winnow cannot reach.
 *
 * Absent lists are empty; another `schemaVersion` is refused. What is there and wrong refuses the whole file, all mistakes
 * told with their paths: a reference that nobody can read protects nothing. So does a key that this version does not know
 * where it may hold what is in use, a list or what looks like a key that is missing: a plan that stops is better than one
 * that deletes it. Other keys are passed over, since the format only grows. A source that does not say it is complete is not.
 */
import { OperationalError } from '../errors/errors.ts'
import { parseDigest } from '../image/digest.ts'
import { normalizeReference, pulledString } from '../image/reference.ts'
import { formatInstant, parseInstant } from '../inventory/instant.ts'
import type { InstantMs } from '../inventory/inventory.ts'
import { closestWord } from '../words/closest-word.ts'
import type { DigestInUse, Evidence, ReferenceInUse, SourceEvidence, SourceProblem } from './evidence.ts'

const schemaVersion = 'evidence/v1'
/** Of each kind of object. What only reports have (`winnow evidence FILE`) is known, and says nothing that sources do not. */
const keys = {
  document: ['schemaVersion', 'takenAt', 'sources', 'complete', 'references', 'digests', 'errors'],
  source: [
    ...['name', 'complete', 'leftOut', 'identity', 'objects', 'pods'],
    ...['references', 'digests', 'problems'],
  ],
  reference: ['reference', 'normalized', 'where', 'guess'],
  digest: ['digest', 'where', 'manifest'],
  problem: ['severity', 'text', 'accept'],
} as const
const keyShownMax = 60
const mistakesToldMax = 20

/** An evidence file that is there and cannot be relied on. */
export class EvidenceFileError extends OperationalError {
  readonly code = 'EVIDENCE_FILE_UNREADABLE'
  override readonly category = 'incomplete'
  readonly hint = 'Gather the evidence again (winnow evidence -o json), or correct the file at these places.'

  constructor(file: string, mistakes: readonly string[], options?: { readonly cause?: unknown }) {
    const told = mistakes.slice(0, mistakesToldMax).map((mistake) => `\n  ${mistake}`)
    const more = mistakes.length - told.length
    const rest = more > 0 ? `\n  and ${more} more` : ''
    super(`The evidence ${file} cannot be relied on:${told.join('')}${rest}`, options)
  }
}

/**
 * Reads evidence from the text of a JSON file; `file` is its name, for errors.
 *
 * @throws EvidenceFileError
 */
export function parseEvidenceFile(text: string, file: string): Evidence {
  let document: unknown
  try {
    document = JSON.parse(text.replace(/^\uFEFF/, ''))
  } catch (cause) {
    throw new EvidenceFileError(file, ['it is not JSON, or it was cut short.'], { cause })
  }
  return readEvidence(document, file)
}

/**
 * Reads evidence from a decoded document (JSON or YAML).
 *
 * @throws EvidenceFileError with every mistake and its path
 */
export function readEvidence(document: unknown, file: string): Evidence {
  const mistakes = new Mistakes()
  const root = mistakes.fields(document, '')
  if (root === undefined) throw new EvidenceFileError(file, mistakes.told)
  const version = root['schemaVersion']
  if (version !== schemaVersion) {
    throw new EvidenceFileError(file, [
      `schemaVersion is ${JSON.stringify(version ?? null)}; this version of Winnow reads ${JSON.stringify(schemaVersion)}.`,
    ])
  }
  mistakes.knowing(root, '', keys.document)
  const takenAt = readInstant(root['takenAt'], mistakes)
  if (!Array.isArray(root['sources'])) mistakes.add('sources', 'must be a list of what each source said.')
  const sources = mistakes
    .list(root['sources'], 'sources')
    .map((entry, index) => readSource(entry, `sources[${index}]`, mistakes))
  if (sources.length === 0) refuseOutside(root, mistakes)
  const names = sources.map(({ name }) => name)
  for (const [index, name] of names.entries()) {
    if (names.indexOf(name) !== index)
      mistakes.add(`sources[${index}].name`, `repeats ${JSON.stringify(name)}; join the two.`)
  }
  if (mistakes.told.length > 0) throw new EvidenceFileError(file, mistakes.told)
  return { takenAt, sources }
}

/** Beside sources they repeat what these say (`winnow evidence FILE` prints both); without sources they would protect nothing. */
function refuseOutside(root: Fields, mistakes: Mistakes): void {
  for (const key of ['references', 'digests']) {
    if (mistakes.list(root[key], key).length > 0)
      mistakes.add(key, 'belongs into a source: {"name": …, "complete": true, …}.')
  }
}

/** The evidence as the text of a file; reading it again gives the same evidence. */
export function printEvidenceFile(evidence: Evidence): string {
  return `${JSON.stringify(evidenceDocument(evidence), undefined, 2)}\n`
}

/** The evidence as a document of `evidence/v1`. */
export function evidenceDocument(evidence: Evidence): Readonly<Record<string, unknown>> {
  return {
    schemaVersion,
    takenAt: formatInstant(evidence.takenAt),
    sources: evidence.sources.map(
      ({ name, complete, leftOut, identity, objects, pods, references, digests, problems }) => ({
        name,
        complete,
        ...(leftOut ? { leftOut } : {}),
        ...(identity === undefined ? {} : { identity }),
        objects,
        ...(pods === undefined ? {} : { pods }),
        references: references.map(({ reference, where, isGuess = false }) => ({
          reference,
          where,
          ...(isGuess ? { guess: true } : {}),
        })),
        digests: digests.map(({ digest, where, isManifest = false }) => ({
          digest,
          where,
          ...(isManifest ? { manifest: true } : {}),
        })),
        problems: problems.map(({ severity, text, accept }) => ({
          severity,
          text,
          ...(accept === undefined ? {} : { accept }),
        })),
      }),
    ),
  }
}

type Fields = Readonly<Record<string, unknown>>

/** Collects what is wrong, so that a person corrects a file once. */
class Mistakes {
  readonly told: string[] = []

  add(path: string, what: string): void {
    this.told.push(path === '' ? `the document ${what}` : `${path} ${what}`)
  }

  fields(value: unknown, path: string): Fields | undefined {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields
    this.add(path, 'must be an object.')
    return undefined
  }

  /** An object and the keys that are known of it; see `knowing`. */
  knownFields(value: unknown, path: string, known: readonly string[]): Fields | undefined {
    const fields = this.fields(value, path)
    return fields && this.knowing(fields, path, known)
  }

  /** An unknown key is a mistake where it has a list in it, or looks like a known one that is not there. */
  knowing(fields: Fields, path: string, known: readonly string[]): Fields {
    for (const [key, value] of Object.entries(fields)) {
      if (known.includes(key)) continue
      const missing = known.filter((each) => !Object.hasOwn(fields, each))
      const meant = closestWord(key, missing)
      if (meant === undefined && !(Array.isArray(value) && value.length > 0)) continue
      const hint = meant === undefined ? '' : `; did you mean ${JSON.stringify(meant)}?`
      this.add(placeOf(path, key), `is no key of ${schemaVersion}${hint === '' ? '.' : hint}`)
    }
    return fields
  }

  /** Absent and null are an empty list. */
  list(value: unknown, path: string): readonly unknown[] {
    if (value === undefined || value === null) return []
    if (Array.isArray(value)) return value
    this.add(path, 'must be a list.')
    return []
  }

  /** Absent and null are undefined. */
  optional<T>(value: unknown, path: string, what: string, is: (value: unknown) => value is T): T | undefined {
    if (value === undefined || value === null) return undefined
    if (is(value)) return value
    this.add(path, `must be ${what}.`)
    return undefined
  }
}

function placeOf(path: string, key: string): string {
  if (!/^\w+$/.test(key)) return `${path}[${JSON.stringify(key.slice(0, keyShownMax))}]`
  const shown = key.slice(0, keyShownMax)
  return path === '' ? shown : `${path}.${shown}`
}

const isText = (value: unknown): value is string => typeof value === 'string'
const isFlag = (value: unknown): value is boolean => typeof value === 'boolean'
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0

function readInstant(value: unknown, mistakes: Mistakes): InstantMs {
  const at = isText(value) ? parseInstant(value) : undefined
  if (at === undefined) mistakes.add('takenAt', 'must be a time such as 2026-01-31T00:00:00Z.')
  return at ?? 0
}

function readSource(value: unknown, path: string, mistakes: Mistakes): SourceEvidence {
  const fields = mistakes.knownFields(value, path, keys.source) ?? {}
  const name = isText(fields['name']) ? fields['name'] : ''
  if (name === '') mistakes.add(`${path}.name`, 'must name the source, such as kubernetes:prod-eu.')
  const told = mistakes.optional(fields['complete'], `${path}.complete`, 'true or false', isFlag)
  const problems = mistakes
    .list(fields['problems'], `${path}.problems`)
    .map((entry, index) => readProblem(entry, `${path}.problems[${index}]`, mistakes))
  return {
    name,
    complete: told ?? false,
    leftOut: mistakes.optional(fields['leftOut'], `${path}.leftOut`, 'true or false', isFlag) ?? false,
    identity: mistakes.optional(fields['identity'], `${path}.identity`, 'a text', isText),
    objects: mistakes.optional(fields['objects'], `${path}.objects`, 'a whole number', isCount) ?? 0,
    pods: mistakes.optional(fields['pods'], `${path}.pods`, 'a whole number', isCount),
    references: mistakes
      .list(fields['references'], `${path}.references`)
      .flatMap((entry, index) => readReference(entry, `${path}.references[${index}]`, mistakes)),
    digests: mistakes
      .list(fields['digests'], `${path}.digests`)
      .flatMap((entry, index) => readDigest(entry, `${path}.digests[${index}]`, mistakes)),
    problems: told === undefined && name !== '' ? [...problems, unsaid(name)] : problems,
  }
}

function unsaid(name: string): SourceProblem {
  const text = `The evidence does not say that ${name} answered in full. Write "complete": true if it did.`
  return { severity: 'incomplete', text, accept: undefined }
}

function readReference(value: unknown, path: string, mistakes: Mistakes): readonly ReferenceInUse[] {
  const fields = mistakes.knownFields(value, path, keys.reference)
  if (fields === undefined) return []
  const written = fields['reference']
  const reference = isText(written) ? normalizeReference(written) : undefined
  if (reference === undefined) {
    mistakes.add(
      `${path}.reference`,
      `is ${shown(written)}, which is no image reference; write one such as registry.example.com/team/app:1.2.`,
    )
    return []
  }
  const isGuess = mistakes.optional(fields['guess'], `${path}.guess`, 'true or false', isFlag) ?? false
  const where = readWhere(fields['where'], path, mistakes)
  return [{ reference: pulledString(reference), where, ...(isGuess ? { isGuess } : {}) }]
}

function readDigest(value: unknown, path: string, mistakes: Mistakes): readonly DigestInUse[] {
  const fields = mistakes.knownFields(value, path, keys.digest)
  if (fields === undefined) return []
  const written = fields['digest']
  const digest = isText(written) ? parseDigest(written) : undefined
  if (digest === undefined) {
    mistakes.add(
      `${path}.digest`,
      `is ${shown(written)}, which is no digest; write sha256: and 64 lower-case hexadecimal digits.`,
    )
    return []
  }
  const isManifest =
    mistakes.optional(fields['manifest'], `${path}.manifest`, 'true or false', isFlag) ?? false
  const where = readWhere(fields['where'], path, mistakes)
  return [{ digest, where, ...(isManifest ? { isManifest } : {}) }]
}

/** Where it stands is for people; evidence without it protects as well. */
function readWhere(value: unknown, path: string, mistakes: Mistakes): string {
  return mistakes.optional(value, `${path}.where`, 'a text', isText) ?? 'a place that is not told'
}

function readProblem(value: unknown, path: string, mistakes: Mistakes): SourceProblem {
  const fields = mistakes.knownFields(value, path, keys.problem) ?? {}
  const { severity } = fields as { readonly severity?: unknown }
  if (severity !== 'warning' && severity !== 'incomplete')
    mistakes.add(`${path}.severity`, 'must be "warning" or "incomplete".')
  return {
    severity: severity === 'warning' ? 'warning' : 'incomplete',
    text: mistakes.optional(fields['text'], `${path}.text`, 'a text', isText) ?? '',
    accept: mistakes.optional(fields['accept'], `${path}.accept`, 'a text', isText),
  }
}

function shown(value: unknown): string {
  const text = isText(value) ? value.replace(/\/\/[^/@]*@/g, '//***@') : value
  return JSON.stringify(text ?? null).slice(0, 200)
}
