/**
 * Takes apart a file that kubectl wrote: one list, several lists or objects one after the other, as JSON or YAML.
 *
 * Promises: every object in the file, or an error. Refuses: a file that ends in the middle, one without any object,
 * a list that says it goes on elsewhere (`continue`, `shardInfo`), a table, an error message, a bare object alone.
 */
import { stat, readFile } from 'node:fs/promises'
import { parseAllDocuments } from 'yaml'
import { ClusterDumpError } from './cluster-errors.ts'
import { asList, asShape, asText, metadataOf, type Shape } from './shape.ts'

export interface DumpObject {
  readonly group: string
  readonly version: string
  readonly kind: string
  readonly object: Shape
}

// What one string of this runtime can hold, with room to spare.
const FILE_BYTES_MAX = 500 * 1024 * 1024

/** @throws ClusterDumpError */
export async function readDump(path: string): Promise<readonly DumpObject[]> {
  const values = topLevelValues(await readText(path), path)
  const lists = values.filter(({ kind }) => asText(kind)?.endsWith('List') === true)
  // One object alone is the answer to `kubectl get deployment app`, which says nothing about a cluster.
  if (lists.length === 0 && values.length < 2) throw notADump(path, values[0])
  const objects = values.flatMap((value) => objectsOf(value, path))
  if (objects.length === 0) throw new ClusterDumpError(`The dump ${path} holds no objects.`, MAKE_DUMP)
  return objects
}

async function readText(path: string): Promise<string> {
  try {
    const { size } = await stat(path)
    if (size > FILE_BYTES_MAX) {
      throw new ClusterDumpError(
        `The dump ${path} is larger than 500 MiB.`,
        'Split it by namespace into several clusters in winnow.yaml, or let Winnow read the cluster itself.',
      )
    }
    return (await readFile(path, 'utf8')).replace(/^\uFEFF/, '')
  } catch (error) {
    if (error instanceof ClusterDumpError) throw error
    throw new ClusterDumpError(`The dump ${path} cannot be read.`, 'Correct the path, or make it again.', {
      cause: error,
    })
  }
}

const MAKE_DUMP =
  'Make it again and let kubectl finish:\n' +
  'kubectl get namespaces,pods,deployments,replicasets,statefulsets,daemonsets,controllerrevisions,jobs,cronjobs,replicationcontrollers,podtemplates,configmaps,secrets -A -o json'

function topLevelValues(text: string, path: string): readonly Shape[] {
  const first = text.trimStart()[0]
  if (first === undefined) throw new ClusterDumpError(`The dump ${path} is empty.`, MAKE_DUMP)
  const values = first === '{' || first === '[' ? jsonValues(text, path) : yamlValues(text, path)
  return values.map((value) => {
    const shape = asShape(value)
    if (shape === undefined) throw notADump(path, undefined)
    return shape
  })
}

function jsonValues(text: string, path: string): readonly unknown[] {
  try {
    return [JSON.parse(text)]
  } catch {
    // Several values one after the other, or half of one; the splitter tells which.
    return splitJson(text, path)
  }
}

/** Finds where each top-level value ends, and parses it alone. */
function splitJson(text: string, path: string): readonly unknown[] {
  const values: unknown[] = []
  let start = 0
  while (text.slice(start, start + 1024).trim() !== '' || text.slice(start).trim() !== '') {
    const end = endOfValue(text, start)
    if (end === undefined) throw truncated(path)
    values.push(parseJson(text.slice(start, end), path))
    start = end
  }
  return values
}

/** Where the value that begins at `start` ends: braces are counted, strings are stepped over. */
function endOfValue(text: string, start: number): number | undefined {
  let depth = 0
  for (let at = start; at < text.length; at++) {
    const char = text[at]
    if (char === '"') {
      const end = endOfString(text, at)
      if (end === undefined) return undefined
      at = end
    } else if (char === '{' || char === '[') depth++
    else if ((char === '}' || char === ']') && --depth <= 0) return at + 1
  }
  return undefined
}

function endOfString(text: string, start: number): number | undefined {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === '\\') at++
    else if (text[at] === '"') return at
  }
  return undefined
}

function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw truncated(path)
  }
}

function yamlValues(text: string, path: string): readonly unknown[] {
  const documents = parseAllDocuments(text, { uniqueKeys: false, logLevel: 'error' })
  // The parser answers a text without documents with a list that only looks like one.
  const values = [...documents].map((document) => {
    if (document.errors.length > 0) throw truncated(path)
    return document.toJS() as unknown
  })
  return values.filter((value) => value !== null)
}

function truncated(path: string): ClusterDumpError {
  return new ClusterDumpError(
    `The dump ${path} is cut off or damaged: it is not whole JSON or YAML.`,
    MAKE_DUMP,
  )
}

function notADump(path: string, value: Shape | undefined): ClusterDumpError {
  const kind = asText(value?.['kind'])
  return new ClusterDumpError(
    `The dump ${path} is not a list of objects${kind === undefined ? '' : ` but one ${kind}`}.`,
    MAKE_DUMP,
  )
}

function objectsOf(value: Shape, path: string): readonly DumpObject[] {
  const kind = asText(value['kind'])
  if (kind === undefined || kind === 'Status' || kind === 'Table') throw notADump(path, value)
  if (!kind.endsWith('List')) return [dumpObject(value, undefined, path)]
  const items = value['items'] === null ? [] : asList(value['items'])
  if (items === undefined) throw notADump(path, value)
  const metadata = metadataOf(value)
  if (asText(metadata['continue']) !== undefined || metadata['shardInfo'] !== undefined) {
    throw new ClusterDumpError(
      `The dump ${path} holds a ${kind} that is only one page of a longer list.`,
      MAKE_DUMP,
    )
  }
  return items.map((object) => dumpObject(asShape(object), value, path))
}

/** Objects in a `List` say what they are; those in a `PodList` straight from the API leave it to the list. */
function dumpObject(object: Shape | undefined, list: Shape | undefined, path: string): DumpObject {
  const listKind = asText(list?.['kind'])
  const kind =
    asText(object?.['kind']) ?? (listKind === 'List' ? undefined : listKind?.slice(0, -'List'.length))
  const apiVersion = asText(object?.['apiVersion']) ?? asText(list?.['apiVersion'])
  if (object === undefined || kind === undefined || apiVersion === undefined) {
    throw new ClusterDumpError(
      `The dump ${path} holds something that does not say which kind of object it is.`,
      MAKE_DUMP,
    )
  }
  const [first = '', second] = apiVersion.split('/')
  return { group: second === undefined ? '' : first, version: second ?? first, kind, object }
}
