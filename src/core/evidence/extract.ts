/**
 * Finds everything that is in use in the objects of a cluster, in Helm releases and in free text.
 *
 * Image fields are read by type wherever they stand: containers of pods and of every embedded template, image volumes,
 * and statuses in all the forms runtimes write them. Every other string and key is searched for references under a
 * managed name and for digests (DESIGN section 5; reference: kubernetes, sections 1 to 3). Short Docker Hub names count
 * in image fields only.
 *
 * What cannot be read is told. An unreadable image field that names a host of ours, and an unreadable id of a running
 * image, make the source incomplete; an unresolved template, and prose that begins like a reference, are warnings.
 * With `strict` every one of these makes it incomplete.
 */
import { parseImageId } from '../image/image-id.ts'
import { normalizeReference, pulledString, type NormalizedReference } from '../image/reference.ts'
import type { DigestInUse, ReferenceInUse, SourceProblem } from './evidence.ts'
import { fieldRole, isSkipped, placeOf, type FieldRole, type ResourceKind } from './field-roles.ts'
import { ExtractionNotes } from './extraction-notes.ts'
import { Findings } from './findings.ts'
import { managedRepositories, type ManagedNames } from './managed-names.ts'
import { visitObject } from './object-strings.ts'
import { createTextScanner, type TextScanner } from './scan-text.ts'
import { joinRepositories, joinTags, wordsOfObject, wordsOfText, type Words } from './split-references.ts'

export interface Extraction {
  readonly references: readonly ReferenceInUse[]
  readonly digests: readonly DigestInUse[]
  readonly problems: readonly SourceProblem[]
  /** How many objects were read. */
  readonly objects: number
  /** How many of them were pods. */
  readonly pods: number
}

export interface Extractor {
  /** Reads one API object; items of lists need not tell their kind, `resource` does. */
  addObject(resource: ResourceKind, object: unknown): void
  /** Searches a text; `where` says in a report where it stands. */
  addText(text: string, where: string): void
  /**
   * Searches the manifest and the hooks of a decoded Helm release, document by document, as text. Core has no YAML
   * parser: whoever decodes the release parses its documents and gives them to `addObject` as well, for typed fields.
   */
  addHelmRelease(release: unknown, where: string): void
  result(): Extraction
}

/** @default strict: false */
export interface ExtractorSettings {
  readonly strict?: boolean
}

/** An extractor that knows these names; one for each source, because it adds up. */
export function createExtractor(managed: ManagedNames, settings: ExtractorSettings = {}): Extractor {
  return new ObjectExtractor(managed, settings.strict ?? false)
}

/** What one object or document left to be joined when all of it was seen. */
interface Unjoined {
  readonly where: string
  readonly repositories: Map<string, NormalizedReference>
  /** Prefixes of ours that fill a field alone. */
  readonly hosts: Set<string>
  /** The strings that mention them. */
  readonly texts: Set<string>
}

class ObjectExtractor implements Extractor {
  readonly #managed: ManagedNames
  readonly #scanner: TextScanner
  readonly #findings = new Findings()
  readonly #notes: ExtractionNotes
  /** How a field may spell a prefix that stands alone in it, and the prefix. */
  readonly #hosts: ReadonlyMap<string, string>
  #objects = 0
  #pods = 0

  constructor(managed: ManagedNames, strict: boolean) {
    this.#managed = managed
    this.#scanner = createTextScanner(managed)
    this.#notes = new ExtractionNotes(this.#findings, strict)
    const prefixes = managed.registries.flatMap((registry) => registry.prefixes)
    this.#hosts = new Map(
      prefixes.flatMap((prefix) =>
        ['', 'oci://', 'https://'].map((scheme) => [`${scheme}${prefix}`, prefix] as const),
      ),
    )
  }

  addObject(resource: ResourceKind, object: unknown): void {
    this.#objects++
    const isPod = resource.group === '' && resource.resource === 'pods'
    if (isPod) this.#pods++
    const unjoined = newUnjoined(placeOf(resource, object))
    const { where } = unjoined
    const isWhole = visitObject(object, {
      skip: (place) => isSkipped(resource, place),
      key: (key) => {
        this.#search(key, unjoined)
      },
      text: (text, place) => {
        const role = fieldRole(resource, place)
        if (role === 'text') this.#search(text, unjoined)
        else if (!this.#readField(role, text, where, isPod)) this.#search(text, unjoined, true)
        if (role === 'image') this.#noteBareImage(text, unjoined)
      },
    })
    if (!isWhole) this.#notes.tooLarge(where)
    this.#join(unjoined, () => wordsOfObject(object, unjoined.texts))
  }

  addText(text: string, where: string): void {
    const unjoined = newUnjoined(where)
    this.#search(text, unjoined)
    this.#join(unjoined, () => wordsOfText(text))
  }

  addHelmRelease(release: unknown, where: string): void {
    this.#objects++
    for (const text of releaseTexts(release)) {
      for (const document of text.split(/^---/m)) this.addText(document, where)
    }
  }

  result(): Extraction {
    return {
      references: this.#findings.references(),
      digests: this.#findings.digests(),
      problems: this.#findings.problems(),
      objects: this.#objects,
      pods: this.#pods,
    }
  }

  /** Reads a field that holds an image by its type; true when nothing of it is left to be searched. */
  #readField(role: Exclude<FieldRole, 'text'>, text: string, where: string, isPod: boolean): boolean {
    if (text === '') return true
    if (role === 'image-id') return this.#readImageId(text, where, isPod)
    const id = role === 'status-image' ? parseImageId(text) : undefined
    if (id?.kind === 'configDigest') {
      this.#findings.digest(id.digest, where)
      return true
    }
    const reference = normalizeReference(text)
    if (reference === undefined) {
      this.#notes.image(text, where, {
        isContainer: role !== 'image',
        isOurs: this.#scanner.hasManagedHost(text),
      })
      return false
    }
    // Elsewhere than in a container, `image` may hold any word; only what is ours is taken for a reference.
    if (role === 'image' && managedRepositories(this.#managed, reference).length === 0) return false
    this.#findings.reference(pulledString(reference), where)
    return role !== 'image'
  }

  #readImageId(text: string, where: string, isPod: boolean): boolean {
    const id = parseImageId(text)
    switch (id.kind) {
      case 'empty':
        return true
      case 'configDigest':
        this.#findings.digest(id.digest, where)
        return true
      case 'repoDigest': {
        this.#findings.digest(id.digest, where, true)
        const tag = id.tag === undefined ? '' : `:${id.tag}`
        if (id.repository !== undefined)
          this.#findings.reference(`${id.repository}${tag}@${id.digest}`, where)
        return true
      }
      case 'invalid':
        this.#notes.imageId(text, where, isPod)
        return false
    }
  }

  /**
   * Searches any string; what names a repository alone waits for the rest of the object. `isJudged` when the field
   * has been reported as unreadable already.
   */
  #search(text: string, unjoined: Unjoined, isJudged = false): void {
    const { where } = unjoined
    const host = this.#hosts.get(text)
    if (host !== undefined) unjoined.hosts.add(host)
    for (const mention of this.#scanner.scan(text)) {
      switch (mention.kind) {
        case 'reference':
          this.#findings.reference(mention.reference.string, where, mention.isGuess)
          break
        case 'digest':
          this.#findings.digest(mention.digest, where)
          break
        case 'repository':
          unjoined.repositories.set(mention.reference.string, mention.reference)
          unjoined.texts.add(text)
          break
        case 'template':
        case 'unreadable':
          if (!isJudged) this.#notes.mention(mention.kind, mention.text, where)
          break
      }
    }
  }

  /** `image` outside a container may have its tag in a field beside it. */
  #noteBareImage(text: string, unjoined: Unjoined): void {
    const reference = normalizeReference(text)
    if (reference === undefined || reference.tag !== undefined || reference.digest !== undefined) return
    if (managedRepositories(this.#managed, reference).length > 0)
      unjoined.repositories.set(reference.string, reference)
  }

  #join({ where, repositories, hosts }: Unjoined, read: () => Words): void {
    if (repositories.size === 0 && hosts.size === 0) return
    const words = read()
    const completed = [...hosts].flatMap((host) => joinRepositories(host, words, this.#managed))
    for (const repository of [...repositories.values(), ...completed]) {
      const { references, isResolved } = joinTags(repository, words, this.#managed)
      for (const reference of references) this.#findings.reference(reference, where, true)
      if (!isResolved) this.#notes.unresolved(repository.string, where)
    }
  }
}

function newUnjoined(where: string): Unjoined {
  return { where, repositories: new Map(), hosts: new Set(), texts: new Set() }
}

function releaseTexts(release: unknown): readonly string[] {
  if (typeof release !== 'object' || release === null) return []
  const manifest = 'manifest' in release ? release.manifest : undefined
  const hooks: unknown = 'hooks' in release ? release.hooks : undefined
  const hookTexts = Array.isArray(hooks) ? hooks.map((hook: unknown) => hookManifest(hook)) : []
  return [manifest, ...hookTexts].filter((text) => typeof text === 'string')
}

function hookManifest(hook: unknown): unknown {
  return typeof hook === 'object' && hook !== null && 'manifest' in hook ? hook.manifest : undefined
}
