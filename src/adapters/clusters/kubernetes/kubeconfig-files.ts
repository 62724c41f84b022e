/**
 * Reads kubeconfig files and merges them as kubectl does: the first one to name a cluster, user or context wins, across
 * files and within one. Relative paths are kept with the folder of the file they stand in. No message quotes a line
 * of a file, because it may hold a key.
 */
import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { delimiter, dirname, join, resolve } from 'node:path'
import { parse } from 'yaml'
import { ClusterAccessError } from './cluster-errors.ts'
import { asList, asShape, asText, type Shape } from './shape.ts'

/** A named entry and the folder its relative paths start from. */
export interface Entry {
  readonly body: Shape
  readonly folder: string
}

export interface Merged {
  readonly clusters: ReadonlyMap<string, Entry>
  readonly users: ReadonlyMap<string, Entry>
  readonly contexts: ReadonlyMap<string, Entry>
  readonly files: readonly string[]
}

/**
 * Reads one path, or several joined as in KUBECONFIG.
 *
 * @throws ClusterAccessError when one of them cannot be read, or none exists
 */
export async function readKubeconfigs(list: string): Promise<Merged> {
  const paths = list
    .split(delimiter)
    .filter((path) => path !== '')
    .map(absolute)
  const merged = {
    clusters: new Map<string, Entry>(),
    users: new Map<string, Entry>(),
    contexts: new Map<string, Entry>(),
  }
  const files: string[] = []
  for (const path of paths) {
    // As kubectl does with a list: a file that is not there yet is passed over, as long as another one is there.
    const text = await readText(path, paths.length > 1)
    if (text === undefined) continue
    files.push(path)
    mergeInto(merged, text, path)
  }
  if (files.length === 0) {
    throw new ClusterAccessError(`None of the kubeconfig files exists: ${paths.join(', ')}.`, MAKE_FILE)
  }
  return { ...merged, files }
}

const MAKE_FILE =
  'Write the path of a kubeconfig file as `kubeconfig:` in winnow.yaml, or set `inCluster: true` inside a cluster.'

function absolute(path: string): string {
  return path.startsWith('~/') ? join(homedir(), path.slice(2)) : resolve(path)
}

async function readText(path: string, mayBeAbsent: boolean): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (mayBeAbsent && error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw new ClusterAccessError(`The kubeconfig file ${path} cannot be read.`, MAKE_FILE, { cause: error })
  }
}

function mergeInto(
  merged: {
    readonly clusters: Map<string, Entry>
    readonly users: Map<string, Entry>
    readonly contexts: Map<string, Entry>
  },
  text: string,
  path: string,
): void {
  const config = asShape(parseYaml(text, path))
  if (config === undefined || (config['kind'] !== undefined && config['kind'] !== 'Config')) {
    throw new ClusterAccessError(`${path} is not a kubeconfig file.`, MAKE_FILE)
  }
  const parts = [
    ['clusters', 'cluster'],
    ['users', 'user'],
    ['contexts', 'context'],
  ] as const
  for (const [plural, singular] of parts) {
    for (const entry of asList(config[plural]) ?? []) {
      const name = asText(asShape(entry)?.['name'])
      // The first one to name it wins, across files and within one.
      if (name === undefined || merged[plural].has(name)) continue
      merged[plural].set(name, { body: asShape(asShape(entry)?.[singular]) ?? {}, folder: dirname(path) })
    }
  }
}

function parseYaml(text: string, path: string): unknown {
  try {
    return parse(text)
  } catch {
    // The parser's message quotes the line it stopped at, and that line may hold a key.
    throw new ClusterAccessError(
      `The kubeconfig file ${path} is not YAML.`,
      'Mend it, or write it again with your cluster’s own tool.',
    )
  }
}

/** `<key>-data` (base64) or the file that `<key>` names; inline wins, as in client-go. */
export async function inlineOrFile({ body, folder }: Entry, key: string): Promise<string | undefined> {
  const inline = asText(body[`${key}-data`])
  if (inline !== undefined) return Buffer.from(inline, 'base64').toString('utf8')
  const path = asText(body[key])
  if (path === undefined) return undefined
  const file = resolve(folder, path)
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new ClusterAccessError(
      `The file ${file}, named as \`${key}\` in a kubeconfig, cannot be read.`,
      'Put it there, or correct the path.',
      {
        cause: error,
      },
    )
  }
}
