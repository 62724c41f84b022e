/**
 * Plans as files: `plan/v1`. Writing is total; reading refuses what it does not know, because a plan is what apply
 * goes by: another version, a digest that is none, a line without its parts.
 */
import { OperationalError } from '../errors/errors.ts'
import { parseDigest, type Digest } from '../image/digest.ts'
import {
  parseRepositoryName,
  parseTagName,
  type RegistryName,
  type RepositoryName,
  type TagName,
} from '../image/names.ts'
import { formatInstant, parseInstant } from '../inventory/instant.ts'
import type { InstantMs } from '../inventory/inventory.ts'
import type { Reason, ReasonKind } from '../policy/reason.ts'
import type {
  BrokenLimit,
  ClockSource,
  DecidedBy,
  DeleteAction,
  KeptImage,
  Plan,
  PlanAction,
  UntagAction,
} from './plan.ts'

export const planSchemaVersion = 'plan/v1'

/** A file that was given as a plan is none, or not one this version can apply. */
export class PlanUnreadableError extends OperationalError {
  readonly code = 'PLAN_UNREADABLE'
  readonly hint = 'Make a new plan with:\n  winnow plan --out plan.json'

  constructor(source: string, path: string, what: string, options?: { readonly cause?: unknown }) {
    super(`${source} cannot be used as a plan: ${path === '' ? '' : `${path} `}${what}.`, options)
  }
}

/** The plan as a document, keys in the order of the format's description. */
export function planDocument(plan: Plan): Readonly<Record<string, unknown>> {
  return {
    schemaVersion: planSchemaVersion,
    id: plan.id,
    now: formatInstant(plan.now),
    expiresAt: formatInstant(plan.expiresAt),
    complete: plan.complete,
    fingerprints: plan.fingerprints,
    summary: plan.summary,
    actions: plan.actions.map(actionDocument),
    kept: plan.kept.map(keptDocument),
    evidence: plan.evidence.map((each) => ({ ...each, identity: each.identity ?? null })),
    warnings: plan.warnings,
    limitsBroken: plan.limitsBroken.map((each) => ({ ...each, repository: each.repository ?? null })),
  }
}

function lineDocument(line: PlanAction | KeptImage): object {
  return {
    sizeBytes: line.sizeBytes ?? null,
    imageBytes: line.imageBytes,
    clock: line.clock === undefined ? null : { kind: line.clock.kind, at: formatInstant(line.clock.at) },
  }
}

function actionDocument(action: PlanAction): object {
  const { kind, registry, repository, digest, decidedBy, reasons } = action
  const head = { kind, registry, repository, digest }
  if (action.kind === 'untag')
    return { ...head, tag: action.tag, decidedBy, reasons, ...lineDocument(action) }
  return {
    ...head,
    tags: action.tags,
    with: action.with,
    decidedBy,
    reasons,
    withTags: action.withTags,
    ...(action.sourceOf !== undefined && { sourceOf: action.sourceOf }),
    ...lineDocument(action),
    notRestorable: action.notRestorable ?? null,
  }
}

function keptDocument(kept: KeptImage): object {
  const { registry, repository, digest, tags, reasons } = kept
  return {
    registry,
    repository,
    digest,
    tags,
    reasons,
    ...lineDocument(kept),
    otherwise: kept.otherwise ?? null,
  }
}

/**
 * Reads a plan.
 *
 * @param source stands in errors: the path of the file
 * @throws PlanUnreadableError
 */
export function parsePlanFile(text: string, source: string): Plan {
  let document: unknown
  try {
    document = JSON.parse(text)
  } catch (cause) {
    throw new PlanUnreadableError(source, '', 'it is not JSON, or it was cut short', { cause })
  }
  const root = new PlanField(source, '', document)
  const version = root.optional('schemaVersion')
  if (version !== planSchemaVersion) {
    root.refuse(
      `has schemaVersion ${JSON.stringify(version ?? null)}; this version applies ${planSchemaVersion}`,
    )
  }
  return {
    id: root.at('id').text(),
    now: root.at('now').instant(),
    expiresAt: root.at('expiresAt').instant(),
    complete: root.at('complete').flag(),
    fingerprints: readFingerprints(root.at('fingerprints')),
    summary: readSummary(root.at('summary')),
    actions: root.at('actions').list().map(readAction),
    kept: root.at('kept').list().map(readKept),
    evidence: root.at('evidence').list().map(readEvidence),
    warnings: root
      .at('warnings')
      .list()
      .map((each) => each.text()),
    limitsBroken: root.has('limitsBroken') ? root.at('limitsBroken').list().map(readLimit) : [],
  }
}

function readFingerprints(field: PlanField): Plan['fingerprints'] {
  return {
    policy: field.at('policy').digest(),
    inventory: field.at('inventory').digest(),
    evidence: field.at('evidence').digest(),
  }
}

function readSummary(field: PlanField): Plan['summary'] {
  const count = (key: string): number => field.at(key).number()
  return {
    images: count('images'),
    imagesKeep: count('imagesKeep'),
    imagesDelete: count('imagesDelete'),
    manifestsDelete: count('manifestsDelete'),
    tagsRemove: count('tagsRemove'),
    bytesFreed: count('bytesFreed'),
    bytesApparent: count('bytesApparent'),
  }
}

function readLine(field: PlanField): Omit<KeptImage, 'tags' | 'otherwise'> {
  return {
    registry: field.at('registry').text() as RegistryName,
    repository: field.at('repository').repository(),
    digest: field.at('digest').digest(),
    reasons: field.has('reasons') ? field.at('reasons').list().map(readReason) : [],
    sizeBytes: field.has('sizeBytes') ? field.at('sizeBytes').number() : undefined,
    imageBytes: field.has('imageBytes') ? field.at('imageBytes').number() : 0,
    clock: field.has('clock') ? readClock(field.at('clock')) : undefined,
  }
}

function readClock(field: PlanField): KeptImage['clock'] {
  return { kind: field.at('kind').text() as ClockSource, at: field.at('at').instant() }
}

function readAction(field: PlanField): PlanAction {
  const kind = field.at('kind').text()
  if (kind === 'delete') return readDelete(field)
  if (kind === 'untag') return readUntag(field)
  return field.at('kind').refuse(`is ${JSON.stringify(kind)}; this version knows delete and untag`)
}

function readDelete(field: PlanField): DeleteAction {
  return {
    kind: 'delete',
    ...readLine(field),
    tags: field
      .at('tags')
      .list()
      .map((each) => each.tag()),
    with: field.has('with')
      ? field
          .at('with')
          .list()
          .map((each) => each.digest())
      : [],
    withTags: field.has('withTags')
      ? field
          .at('withTags')
          .list()
          .map((each) => ({ tag: each.at('tag').tag(), digest: each.at('digest').digest() }))
      : [],
    ...(field.has('sourceOf') && {
      sourceOf: field
        .at('sourceOf')
        .list()
        .map((each) => each.digest()),
    }),
    decidedBy: readDecidedBy(field.at('decidedBy')),
    notRestorable: field.has('notRestorable') ? field.at('notRestorable').text() : undefined,
  }
}

function readUntag(field: PlanField): UntagAction {
  return {
    kind: 'untag',
    ...readLine(field),
    tag: field.at('tag').tag(),
    decidedBy: readDecidedBy(field.at('decidedBy')),
  }
}

function readKept(field: PlanField): KeptImage {
  return {
    ...readLine(field),
    tags: field
      .at('tags')
      .list()
      .map((each) => each.tag()),
    otherwise: field.has('otherwise') ? readDecidedBy(field.at('otherwise')) : undefined,
  }
}

function readDecidedBy(field: PlanField): DecidedBy {
  return {
    policy: field.at('policy').text(),
    rule: field.at('rule').text(),
    line: field.has('line') ? field.at('line').number() : 0,
  }
}

function readReason(field: PlanField): Reason {
  return {
    kind: field.at('kind').text() as ReasonKind,
    text: field.at('text').text(),
    ...(field.has('source') && { source: field.at('source').text() }),
    ...(field.has('rule') && { rule: field.at('rule').text() }),
    ...(field.has('line') && { line: field.at('line').number() }),
  }
}

function readEvidence(field: PlanField): Plan['evidence'][number] {
  return {
    source: field.at('source').text(),
    ...(field.has('file') && { file: field.at('file').text() }),
    complete: field.at('complete').flag(),
    leftOut: field.has('leftOut') && field.at('leftOut').flag(),
    identity: field.has('identity') ? field.at('identity').text() : undefined,
    objects: field.has('objects') ? field.at('objects').number() : 0,
    references: field.has('references') ? field.at('references').number() : 0,
  }
}

function readLimit(field: PlanField): BrokenLimit {
  return {
    key: field.at('key').text() as BrokenLimit['key'],
    registry: field.at('registry').text() as RegistryName,
    repository: field.has('repository') ? field.at('repository').repository() : undefined,
    text: field.at('text').text(),
  }
}

/** A value in the file with the path that leads to it. */
class PlanField {
  readonly #source: string
  readonly #path: string
  readonly #value: unknown

  constructor(source: string, path: string, value: unknown) {
    this.#source = source
    this.#path = path
    this.#value = value
  }

  refuse(what: string): never {
    throw new PlanUnreadableError(this.#source, this.#path, what)
  }

  optional(key: string): unknown {
    const value = this.#value
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      return this.refuse('is not an object')
    return Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined
  }

  /** There, and not null. */
  has(key: string): boolean {
    const value = this.optional(key)
    return value !== undefined && value !== null
  }

  at(key: string): PlanField {
    return new PlanField(this.#source, this.#path === '' ? key : `${this.#path}.${key}`, this.optional(key))
  }

  text(): string {
    return typeof this.#value === 'string' ? this.#value : this.refuse('is not text')
  }

  number(): number {
    return typeof this.#value === 'number' && Number.isSafeInteger(this.#value) && this.#value >= 0
      ? this.#value
      : this.refuse('is no number')
  }

  flag(): boolean {
    return typeof this.#value === 'boolean' ? this.#value : this.refuse('is neither true nor false')
  }

  list(): readonly PlanField[] {
    if (!Array.isArray(this.#value)) return this.refuse('is not a list')
    return this.#value.map((each, index) => new PlanField(this.#source, `${this.#path}[${index}]`, each))
  }

  instant(): InstantMs {
    return parseInstant(this.text()) ?? this.refuse('is not a time')
  }

  digest(): Digest {
    return parseDigest(this.text()) ?? this.refuse('is not a digest')
  }

  tag(): TagName {
    return parseTagName(this.text()) ?? this.refuse('is not a tag')
  }

  repository(): RepositoryName {
    return parseRepositoryName(this.text()) ?? this.refuse('is not the name of a repository')
  }
}
