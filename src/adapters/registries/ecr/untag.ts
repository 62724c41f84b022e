/**
 * Removes single tags where deleting the last tag of an image deletes the image.
 *
 * ECR has no call that only ever removes a name. So each removal is fenced in:
 * 1. The tag is looked up at once before. A tag without a sibling that stays is refused, never removed; batches of one
 *    repository go one after the other, so two removals of ours cannot take each other's sibling.
 * 2. The manifest's bytes are read before anything is removed.
 * 3. The request names the tag alone, and is never sent twice: a repetition could meet another image under that name.
 * 4. Afterwards the image is looked up by digest. Where somebody else removed its other tags in that moment, it went with
 *    ours, and is put back from the bytes at once. Where the tag had moved in that moment, the answer tells to what, and
 *    the tag is put back there.
 */
import type { Digest } from '../../../core/image/digest.ts'
import type { TagName } from '../../../core/image/names.ts'
import type { ChangeOutcome } from '../../../ports/mutable-registry.ts'
import type { RawManifest } from '../../../ports/readable-registry.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { mapParallel } from '../oci/parallel.ts'
import { refused } from '../oci/refusals.ts'
import type { AwsApi } from './api.ts'
import { batchDeleteImages, type DeleteAnswer } from './batch-delete.ts'
import { failureOutcome, type Settled } from './delete-images.ts'
import { EcrImageLostError, EcrTagMovedError } from './ecr-errors.ts'
import { describeImage } from './pages.ts'
import { ThrottledAnswer } from './patience.ts'
import type { ImageRow } from './rows.ts'

/** One repository, as the removal of tags sees it. */
export interface TaggedRepository {
  readonly api: AwsApi
  readonly repository: string
  /** What the API calls it. */
  readonly apiName: string
  readonly read: (digest: Digest, options: RunOptions) => Promise<RawManifest | undefined>
  readonly put: (
    manifest: RawManifest,
    tag: TagName | undefined,
    options: RunOptions,
  ) => Promise<ChangeOutcome>
}

const LOOKS_AT_ONCE = 8

/**
 * Outcomes in the order of the tags.
 *
 * @throws ThrottledAnswer when nothing was removed because AWS asks for patience: then everything is to be looked at again
 */
export async function untagImages(
  at: TaggedRepository,
  tags: readonly TagName[],
  options: RunOptions,
): Promise<readonly Settled[]> {
  const outcomes = new Map<TagName, Settled>()
  const going = await lookUp(at, tags, outcomes, options)
  const saved = await save(at, going, outcomes, options)
  const sent = [...going].filter(([tag]) => !outcomes.has(tag))
  if (sent.length > 0) await remove(at, sent, saved, outcomes, options)
  return tags.map((tag) => outcomes.get(tag) ?? new TypeError(`no outcome for the tag ${tag}`))
}

type Going = readonly (readonly [TagName, Digest])[]

/** The tags that leave a sibling behind, with what they point to now. */
async function lookUp(
  { api, apiName }: TaggedRepository,
  tags: readonly TagName[],
  outcomes: Map<TagName, Settled>,
  options: RunOptions,
): Promise<ReadonlyMap<TagName, Digest>> {
  const rows = await mapParallel([...new Set(tags)], LOOKS_AT_ONCE, async (tag) => {
    return [tag, await describeImage(api, apiName, { imageTag: tag }, options)] as const
  })
  const going = new Map<TagName, Digest>()
  for (const [tag, row] of rows) {
    if (row === undefined) outcomes.set(tag, { kind: 'absent' })
    else if (leavesSibling(tag, row, going)) going.set(tag, row.digest)
    else outcomes.set(tag, refused('unsupported', lastTagText(tag, row)))
  }
  return going
}

function leavesSibling(tag: TagName, row: ImageRow, going: ReadonlyMap<TagName, Digest>): boolean {
  return row.tags.some((other) => other !== tag && going.get(other as TagName) !== row.digest)
}

function lastTagText(tag: TagName, { digest }: ImageRow): string {
  return `${tag} is the last tag of ${digest}, and ECR deletes an image with its last tag. Winnow deletes images by digest only, when all of their tags go.`
}

/** The bytes of everything that is about to lose a tag; what cannot be read loses none. */
async function save(
  { read }: TaggedRepository,
  going: ReadonlyMap<TagName, Digest>,
  outcomes: Map<TagName, Settled>,
  options: RunOptions,
): Promise<ReadonlyMap<Digest, RawManifest>> {
  const saved = new Map<Digest, RawManifest>()
  await mapParallel([...new Set(going.values())], LOOKS_AT_ONCE, async (digest) => {
    const manifest = await read(digest, options)
    if (manifest !== undefined) saved.set(digest, manifest)
  })
  for (const [tag, digest] of going) {
    if (!saved.has(digest))
      outcomes.set(tag, refused('unsupported', `The manifest of ${tag} cannot be read, so its tag stays.`))
  }
  return saved
}

async function remove(
  at: TaggedRepository,
  sent: Going,
  saved: ReadonlyMap<Digest, RawManifest>,
  outcomes: Map<TagName, Settled>,
  options: RunOptions,
): Promise<void> {
  const imageIds = sent.map(([imageTag]) => ({ imageTag }))
  let answer: DeleteAnswer | undefined
  try {
    // Safe: each tag was looked up just now and leaves a sibling; what it names is read, and looked for afterwards.
    answer = await batchDeleteImages(at.api, at.apiName, imageIds, true, options)
  } catch (error) {
    if (error instanceof ThrottledAnswer) throw error
    // It may have been carried out all the same; nothing may be left undone that only we can mend.
    await mend(at, sent, saved, options).catch(() => undefined)
    throw error
  }
  for (const [tag, digest] of sent) outcomes.set(tag, await outcomeOf(at, tag, digest, answer, options))
  for (const [digest, error] of await mend(at, sent, saved, options)) {
    for (const [tag, of] of sent) if (of === digest) outcomes.set(tag, error)
  }
}

async function outcomeOf(
  at: TaggedRepository,
  tag: TagName,
  expected: Digest,
  answer: DeleteAnswer | undefined,
  options: RunOptions,
): Promise<Settled> {
  if (answer === undefined) return { kind: 'absent' }
  const failure = answer.failures.find((each) => each.tag === tag)
  if (failure !== undefined)
    return failureOutcome(at.api, `${at.repository}:${tag}`, failure, answer.attempts)
  const digest = answer.deleted.find((each) => each.tag === tag)?.digest
  return digest === undefined || digest === expected ? { kind: 'done' } : putTagBack(at, tag, digest, options)
}

/** The tag had moved since it was looked up: it is not ours to take. */
async function putTagBack(
  at: TaggedRepository,
  tag: TagName,
  digest: Digest,
  options: RunOptions,
): Promise<Settled> {
  const manifest = await at.read(digest, options)
  const outcome = manifest && (await at.put(manifest, tag, options))
  if (outcome?.kind !== 'done') return new EcrTagMovedError(at.api.registry, at.repository, tag, digest)
  return refused('protected', `${tag} came to point to ${digest} in this moment, so it was put back.`)
}

/** Puts back what went with its last tag, because somebody else took the others; answers with what could not be. */
async function mend(
  at: TaggedRepository,
  sent: Going,
  saved: ReadonlyMap<Digest, RawManifest>,
  options: RunOptions,
): Promise<ReadonlyMap<Digest, Error>> {
  const lost = new Map<Digest, Error>()
  await mapParallel([...new Set(sent.map(([, digest]) => digest))], LOOKS_AT_ONCE, async (imageDigest) => {
    const manifest = saved.get(imageDigest)
    const row = await describeImage(at.api, at.apiName, { imageDigest }, options)
    if (row !== undefined || manifest === undefined) return
    const outcome = await at.put(manifest, undefined, options)
    if (outcome.kind === 'done') return
    const why = outcome.kind === 'refused' ? outcome.text : 'the repository is gone'
    lost.set(imageDigest, new EcrImageLostError(at.api.registry, at.repository, imageDigest, why))
  })
  return lost
}
