/**
 * The objects in a rendered manifest: documents between lines that begin with `---`, lists taken apart.
 *
 * A document that is not YAML is counted and not read here; the caller searches the whole text as well.
 */
import { parseDocument } from 'yaml'

interface ManifestDocument {
  readonly resource: ManifestResource
  readonly object: unknown
}

/** Which resource an object is of, as far as its own words tell. */
interface ManifestResource {
  readonly group: string
  readonly version: string
  readonly resource: string
  readonly kind: string
}

export interface ManifestDocuments {
  readonly documents: readonly ManifestDocument[]
  /** How many documents could not be parsed. */
  readonly unreadable: number
}

export function manifestDocuments(manifest: string): ManifestDocuments {
  const documents: ManifestDocument[] = []
  let unreadable = 0
  for (const text of manifest.split(/^---(?=\s|$)/m)) {
    const parsed = parse(text)
    if (parsed === undefined) unreadable++
    else
      documents.push(...objectsIn(parsed.value).map((object) => ({ resource: resourceOf(object), object })))
  }
  return { documents, unreadable }
}

function parse(text: string): { readonly value: unknown } | undefined {
  try {
    // Helm's own parser takes the last of two equal keys; so must we, or we would read less than it installed.
    const document = parseDocument(text, { uniqueKeys: false, merge: true, logLevel: 'error' })
    return document.errors.length > 0 ? undefined : { value: document.toJS() as unknown }
  } catch {
    // Alias bombs and their like; counted by the caller.
    return undefined
  }
}

function objectsIn(value: unknown): readonly unknown[] {
  if (typeof value !== 'object' || value === null) return []
  const { kind, items } = value as { readonly kind?: unknown; readonly items?: unknown }
  return typeof kind === 'string' && kind.endsWith('List') && Array.isArray(items)
    ? items.flatMap(objectsIn)
    : [value]
}

function resourceOf(object: unknown): ManifestResource {
  const { apiVersion, kind } = object as { readonly apiVersion?: unknown; readonly kind?: unknown }
  const [first = '', second] = (typeof apiVersion === 'string' ? apiVersion : '').split('/')
  const name = typeof kind === 'string' ? kind : ''
  return {
    group: second === undefined ? '' : first,
    version: second ?? first,
    resource: `${name.toLowerCase()}s`,
    kind: name,
  }
}
