/** What links say, and what stands against reading them. */
import { parseDigest, type Digest } from '../../../core/image/digest.ts'
import { StorageUnreadableError } from '../../../ports/readable-blob-store.ts'
import { linkText, pauseThread } from './scan-files.ts'

const TAG_LINK_ATTEMPTS = 4
const TAG_LINK_PAUSE_MS = 100

/** Where a tag points; undefined for the folder of a tag that was removed. */
export function tagTarget(path: string): Digest | undefined {
  for (let attempt = 1; ; attempt += 1) {
    const text = linkText(path)
    if (text === undefined) return undefined
    const target = parseDigest(text)
    if (target !== undefined) return target
    // Distribution 2.8 writes in place; what is not whole yet is in a moment.
    if (attempt === TAG_LINK_ATTEMPTS) return requireDigest(text, path)
    pauseThread(TAG_LINK_PAUSE_MS * attempt)
  }
}

/** @throws StorageUnreadableError where a link's text is no digest */
export function requireDigest(text: string, path: string): Digest {
  const digest = parseDigest(text)
  if (digest !== undefined) return digest
  const says =
    text === '' ? 'it is empty' : `it says ${JSON.stringify(text.slice(0, 80))}, which is no digest`
  throw new StorageUnreadableError(path, says, {
    hint: 'A link that names nothing may stand for an image. Push the image again, or remove its link by hand if nobody needs it.',
  })
}

export function noDigest(path: string): StorageUnreadableError {
  return new StorageUnreadableError(path, 'its name is no digest, so what hangs on it is unknown', {
    hint: 'Remove it by hand if nobody needs it; Winnow marks nothing it cannot name.',
  })
}

export function notAFolder(path: string): StorageUnreadableError {
  return new StorageUnreadableError(path, 'it is a symbolic link, or no folder and no file', {
    hint: 'Winnow follows no links within a storage. Mount the folder there instead (a bind mount), or remove the link.',
  })
}
