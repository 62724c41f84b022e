/**
 * An imprint of what one reading of a pool showed, so that a later one can tell whether anything was changed in between:
 * a blob, a link, an upload, by whomever. Sums of parts of digests, which are as good as random; the order does not count.
 */
import { SHARDS } from '../core/sweep/digest-key.ts'
import { algorithms, digestBytes, type DigestAlgorithm } from '../core/sweep/reference-record.ts'
import type { RecordTable } from '../core/sweep/record-table.ts'
import type { PoolSurvey } from './sweep-survey.ts'
import { LAYER_EXTRA, linkedRepository, STORED_EXTRA, type ByAlgorithm } from './sweep-tables.ts'

export function imprintOf({ tables }: Pick<PoolSurvey, 'tables'>): string {
  const names = tables.repositories.map(hashOf)
  const nameOf = (algorithm: DigestAlgorithm, links: Uint8Array, at: number): number =>
    names[linkedRepository(algorithm, links, at)] ?? 0
  return [
    sumOf(tables.stored, STORED_EXTRA, () => 0),
    sumOf(tables.roots, 0, () => 0),
    sumOf(tables.layers, LAYER_EXTRA, nameOf),
    // Each request of an upload writes into its folder.
    total(tables.uploads.map(({ folder, newestAt, keys }) => hashOf(`${folder} ${newestAt} ${keys.length}`))),
    total(
      tables.aliases.map(({ path, target, repository }) =>
        hashOf(`${path} ${target} ${tables.nameOf(repository)}`),
      ),
    ),
  ].join(' ')
}

function sumOf(
  byAlgorithm: ByAlgorithm<RecordTable>,
  extra: number,
  saltOf: (algorithm: DigestAlgorithm, records: Uint8Array, at: number) => number,
): string {
  let count = 0
  let sum = 0
  for (const algorithm of algorithms) {
    const width = digestBytes[algorithm] + extra
    for (let shard = 0; shard < SHARDS; shard += 1) {
      const records = byAlgorithm[algorithm].shard(shard)
      for (let at = 0; at < records.length; at += width) {
        count += 1
        sum = (sum + mixed(wordAt(records, at + 4) ^ saltOf(algorithm, records, at))) >>> 0
      }
    }
  }
  return `${count}:${sum}`
}

function wordAt(bytes: Uint8Array, at: number): number {
  const [a = 0, b = 0, c = 0, d = 0] = bytes.subarray(at, at + 4)
  return (a << 24) | (b << 16) | (c << 8) | d
}

function total(hashes: readonly number[]): string {
  return `${hashes.length}:${hashes.reduce((sum, hash) => (sum + hash) >>> 0, 0)}`
}

/** FNV-1a. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return mixed(hash)
}

/** Spreads a word over all of its bits (the end of MurmurHash3). */
function mixed(word: number): number {
  const first = Math.imul(word ^ (word >>> 16), 0x85ebca6b)
  const second = Math.imul(first ^ (first >>> 13), 0xc2b2ae35)
  return (second ^ (second >>> 16)) >>> 0
}
