/**
 * Layer links that lead nowhere and stay all the same: what a linked manifest names may come back, as a folder that was not
 * mounted or from a copy of the disk, and without its link a registry does not serve it.
 *
 * What a manifest needs is known from its bytes. Where those of a linked one are gone, any link of its repository may be
 * one that it needs.
 */
import type { Digest } from '../core/image/digest.ts'
import {
  algorithmOf,
  algorithms,
  bytesOfDigest,
  digestBytes,
  digestOfBytes,
  eachBlob,
  eachManifest,
  readRecord,
} from '../core/sweep/reference-record.ts'
import type { RunOptions } from '../ports/run-options.ts'
import { isMarked, type PoolSurvey } from './sweep-survey.ts'

/** `digest` is that of its path, `target` what it says. */
export interface DeadLink {
  readonly repository: string
  readonly digest: Digest
  readonly target: Digest
}

/**
 * Those that no manifest can need; a warning tells of the others.
 *
 * Marked is enough to stay, whichever repository the manifest is linked in: a link too many harms nobody.
 */
export async function withoutNeededLinks(
  survey: PoolSurvey,
  dead: readonly DeadLink[],
  options: RunOptions,
): Promise<readonly DeadLink[]> {
  const isNeeded = ({ digest, target }: DeadLink): boolean =>
    isMarked(survey, digest) || isMarked(survey, target)
  const needed = dead.filter(isNeeded)
  const missing = new Set(survey.mark.missing)
  if (dead.length === 0 || (needed.length === 0 && missing.size === 0)) return dead
  const linked = await linkedManifests(survey, new Set(dead.map(({ repository }) => repository)), options)
  await warnOfNeeded(survey, needed, linked, options)
  return dead.filter(
    (link) => !isNeeded(link) && !(linked.get(link.repository) ?? []).some((digest) => missing.has(digest)),
  )
}

/** Read anew: which repository links a manifest is asked for so rarely that nobody keeps it. */
async function linkedManifests(
  { pool }: PoolSurvey,
  wanted: ReadonlySet<string>,
  options: RunOptions,
): Promise<ReadonlyMap<string, readonly Digest[]>> {
  const found = new Map<string, readonly Digest[]>()
  await pool.readLinks(({ repository, roots }) => {
    if (!wanted.has(repository)) return
    const digests = roots.flatMap(({ algorithm, bytes }) =>
      Array.from({ length: bytes.length / digestBytes[algorithm] }, (_, i) =>
        digestOfBytes(algorithm, bytes, i * digestBytes[algorithm]),
      ),
    )
    found.set(repository, [...(found.get(repository) ?? []), ...digests])
  }, options)
  return found
}

async function warnOfNeeded(
  survey: PoolSurvey,
  needed: readonly DeadLink[],
  linked: ReadonlyMap<string, readonly Digest[]>,
  options: RunOptions,
): Promise<void> {
  const [first] = needed
  if (first === undefined) return
  const { repository, target } = first
  const manifest = await manifestThatNames(survey, linked.get(repository) ?? [], first, options)
  const whose = manifest === undefined ? 'a linked manifest' : `the manifest ${manifest}`
  const more = needed.length === 1 ? '' : ` So it is with ${needed.length} layer links in all.`
  options.onEvent?.({
    kind: 'warning',
    text: `The bytes of ${target} are gone, and ${whose} needs them in ${repository}: whoever pulls it gets an error.${more} Put the files back, or push the images again; the links stay.`,
  })
}

/** The first of these manifests, or of those they refer to, that names what a link stands for. */
async function manifestThatNames(
  { pool }: PoolSurvey,
  roots: readonly Digest[],
  { digest, target }: DeadLink,
  options: RunOptions,
): Promise<Digest | undefined> {
  const wanted = [digest, target].map((each) => Buffer.from(bytesOfDigest(each)).subarray(0, 8))
  const seen = new Set<Digest>()
  for (let wave: readonly Digest[] = roots; wave.length > 0;) {
    for (const each of wave) seen.add(each)
    const next = new Set<Digest>()
    for (const algorithm of algorithms) {
      const own = wave.filter((each) => algorithmOf(each) === algorithm)
      const packed = { algorithm, bytes: Buffer.concat(own.map(bytesOfDigest)) }
      const { records } = await pool.readReferences(packed, options)
      for (
        let at = 0, record = readRecord(records, 0);
        record !== undefined;
        record = readRecord(records, at)
      ) {
        const names = { blob: false }
        eachBlob(record, (offset) => {
          names.blob ||= wanted.some((start) => start.equals(records.subarray(offset, offset + start.length)))
        })
        if (names.blob) return digestOfBytes(record.algorithm, records, record.digestAt)
        eachManifest(records, record, (of, offset) => next.add(digestOfBytes(of, records, offset)))
        at = record.end
      }
    }
    wave = [...next].filter((each) => !seen.has(each))
  }
  return undefined
}
