/** Looks things up in the JSON Schema of winnow.yaml by path, for did-you-mean and for examples. */
import { closest, distance } from 'fastest-levenshtein'
import type { Path } from './yaml-source.ts'

export interface SchemaNode {
  readonly title?: string
  readonly description?: string
  readonly type?: string
  readonly default?: unknown
  readonly examples?: readonly unknown[]
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly properties?: Readonly<Record<string, SchemaNode>>
  readonly required?: readonly string[]
  readonly additionalProperties?: SchemaNode | boolean
  readonly items?: SchemaNode
  readonly anyOf?: readonly SchemaNode[]
  readonly minimum?: number
  readonly maximum?: number
}

/** All the nodes that the schema allows at `path`. */
export function nodesAt(root: SchemaNode, path: Path): readonly SchemaNode[] {
  let nodes = alternatives(root)
  for (const step of path) nodes = nodes.flatMap((node) => stepInto(node, step)).flatMap(alternatives)
  return nodes
}

function stepInto(node: SchemaNode, step: string | number): readonly SchemaNode[] {
  if (typeof step === 'number') return node.items ? [node.items] : []
  const own = node.properties && Object.hasOwn(node.properties, step) ? node.properties[step] : undefined
  if (own) return [own]
  return typeof node.additionalProperties === 'object' ? [node.additionalProperties] : []
}

/** A node and what stands in its `anyOf`, at any depth. */
export function alternatives(node: SchemaNode): readonly SchemaNode[] {
  return node.anyOf ? [node, ...node.anyOf.flatMap(alternatives)] : [node]
}

/** The keys that an object at `path` may have. */
export function keysAt(root: SchemaNode, path: Path): readonly string[] {
  return nodesAt(root, path).flatMap((node) => Object.keys(node.properties ?? {}))
}

/** The keys of the object at `path` whose own objects have `key`: where something that stands too high belongs. */
export function homesOf(root: SchemaNode, path: Path, key: string): readonly string[] {
  return keysAt(root, path).filter((child) => keysAt(root, [...path, child]).includes(key))
}

/** The candidate that a misspelt word probably means. */
export function didYouMean(word: string, candidates: readonly string[]): string | undefined {
  if (candidates.length === 0 || word.length > 60) return undefined
  const plain = candidates.find((candidate) => normalised(candidate) === normalised(word))
  if (plain !== undefined) return plain
  const nearest = closest(word, [...candidates])
  return distance(word.toLowerCase(), nearest.toLowerCase()) <= Math.max(1, Math.floor(nearest.length / 3))
    ? nearest
    : undefined
}

function normalised(word: string): string {
  return word.toLowerCase().replace(/[-_ ]/g, '')
}
