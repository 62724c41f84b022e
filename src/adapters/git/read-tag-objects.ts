/**
 * Reads tag objects: what each points at, what kind that is, and when it was tagged.
 *
 * The format is that of git-mktag(1): lines `object`, `type`, `tag`, `tagger`, then an empty line and the message. Only the
 * beginning of each is kept; the message may be long.
 */
import type { RunOptions } from '../../ports/run-options.ts'
import { explainFailure } from './explain-failure.ts'
import { GitReadError } from './git-errors.ts'
import type { ObjectStore } from './object-store.ts'

export interface TagObject {
  readonly target: string
  /** Of the target: `commit`, `tag`, `tree` or `blob`. */
  readonly kind: string
  /** Milliseconds since 1970; tags of git's first years have none. */
  readonly taggedAt: number | undefined
}

/** @throws GitReadError when one is missing, or is no tag */
export async function readTagObjects(
  store: ObjectStore,
  ids: readonly string[],
  options: RunOptions,
): Promise<ReadonlyMap<string, TagObject>> {
  const tags = new Map<string, TagObject>()
  const reader = batchReader((id, kind, beginning) => {
    const tag = kind === 'tag' ? parseTag(beginning) : undefined
    if (tag === undefined) throw unreadableTag(id, kind)
    tags.set(id, tag)
  })
  const input = ids.map((id) => `${id}\n`)
  const { status, stderr } = await store.run(
    { words: ['cat-file', '--batch'], input, onOutput: reader },
    options,
  )
  if (status !== 0) throw explainFailure(stderr, status)
  const missing = ids.find((id) => !tags.has(id))
  if (missing !== undefined) throw unreadableTag(missing, 'missing')
  return tags
}

function parseTag(text: string): TagObject | undefined {
  const [header = ''] = text.split('\n\n')
  const target = /^object ([0-9a-f]{40}(?:[0-9a-f]{24})?)$/m.exec(header)?.[1]
  const kind = /^type (commit|tag|tree|blob)$/m.exec(header)?.[1]
  if (target === undefined || kind === undefined) return undefined
  const seconds = /^tagger .*> (\d+) [-+]\d+$/m.exec(header)?.[1]
  return { target, kind, taggedAt: seconds === undefined ? undefined : Number(seconds) * 1000 }
}

function unreadableTag(id: string, kind: string): GitReadError {
  return new GitReadError(
    'corrupt',
    `The repository is damaged: the tag object ${id} cannot be read (${kind}).`,
    'See what `git fsck` says in the repository, or clone it anew.',
  )
}

/** Longer headers have no tag that git makes. */
const beginningBytesMax = 8192

/** Takes `cat-file --batch` apart: a line `ID KIND SIZE`, the content, a line feed; for what is missing the line alone. */
function batchReader(
  onObject: (id: string, kind: string, beginning: string) => void,
): (chunk: Buffer) => void {
  let rest = Buffer.alloc(0)
  let open:
    { readonly id: string; readonly kind: string; readonly beginning: string; left: number } | undefined
  return (chunk) => {
    rest = rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([rest, chunk])
    for (;;) {
      if (open !== undefined) {
        const skipped = Math.min(open.left, rest.length)
        open.left -= skipped
        rest = rest.subarray(skipped)
        if (open.left > 0) return
        onObject(open.id, open.kind, open.beginning)
        open = undefined
      }
      const end = rest.indexOf(10)
      if (end < 0) return
      const [id = '', kind = '', size] = rest.toString('latin1', 0, end).split(' ')
      if (size === undefined) {
        onObject(id, kind, '')
        rest = rest.subarray(end + 1)
        continue
      }
      const wanted = Math.min(Number(size), beginningBytesMax)
      if (rest.length < end + 1 + wanted) return
      const beginning = rest.toString('utf8', end + 1, end + 1 + wanted)
      open = { id, kind, beginning, left: Number(size) + 1 }
      rest = rest.subarray(end + 1)
    }
  }
}
