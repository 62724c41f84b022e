/**
 * The tags of Trow up to 0.6: `manifests/<repository>/<tag>`, text files with the current digest in their first line.
 *
 * A file that is empty or does not begin with a digest may be one that Trow writes this moment; it is looked at again and
 * is then an error. So is a file whose name is no tag: nobody can say what it keeps.
 */
import pLimit from 'p-limit'
import { parseDigest, type Digest } from '../../../core/image/digest.ts'
import { parseTagName } from '../../../core/image/names.ts'
import type { RepositoryLinks, UploadFolder } from '../../../ports/readable-layout.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { LayoutUnreadableError } from '../storage-oci/layout-errors.ts'
import { listFiles, notAFile } from '../storage-oci/list-files.ts'
import { lookAgain, type Source } from '../storage-oci/look-again.ts'
import { packDigests } from '../storage-oci/packing.ts'

export const MANIFESTS = 'manifests'
/** Uploads that run, of all repositories. */
const SCRATCH = 'scratch'
/** A line has some 110 bytes, so this is a tag that was pushed half a million times. */
const TAG_BYTES_MAX = 64 * 1024 * 1024
const READS_AT_ONCE = 32

export async function readTrowLinks(
  source: Source,
  visit: (links: RepositoryLinks) => void,
  options: RunOptions | undefined,
): Promise<void> {
  const waiting = ['']
  for (let repository = waiting.pop(); repository !== undefined; repository = waiting.pop()) {
    const folder = repository === '' ? MANIFESTS : `${MANIFESTS}/${repository}`
    const entries = (await source.store.list(folder, options)) ?? []
    const stray = entries.find(({ kind }) => kind === 'other')
    if (stray !== undefined) throw notAFile(`${folder}/${stray.name}`)
    for (const { name, kind } of entries) {
      if (kind === 'folder') waiting.push(repository === '' ? name : `${repository}/${name}`)
    }
    const tags = entries.filter(({ kind }) => kind === 'file').map(({ name }) => `${folder}/${name}`)
    if (tags.length > 0) visit(linksOf(repository, await readTags(source, tags, options)))
  }
  const uploads = await findUploads(source, options)
  if (uploads.length > 0) visit({ ...linksOf('', []), uploads })
}

function linksOf(repository: string, roots: readonly Digest[]): RepositoryLinks {
  return {
    repository,
    roots: packDigests([...new Set(roots)]),
    layers: [],
    aliases: [],
    deletedManifests: [],
    uploads: [],
  }
}

async function readTags(
  source: Source,
  keys: readonly string[],
  options: RunOptions | undefined,
): Promise<readonly Digest[]> {
  const limit = pLimit(READS_AT_ONCE)
  const read = await Promise.all(keys.map((key) => limit(() => readTag(source, key, options))))
  return read.filter((digest) => digest !== undefined)
}

/** What the tag is now; undefined when it was removed meanwhile. */
async function readTag(
  source: Source,
  key: string,
  options: RunOptions | undefined,
): Promise<Digest | undefined> {
  return lookAgain(source, options, async () => {
    const file = await source.store.read(key, TAG_BYTES_MAX, options)
    if (file === undefined) return undefined
    const [first = ''] = firstLine(file.bytes).split(' ', 1)
    const digest = parseDigest(first)
    if (digest === undefined)
      throw new LayoutUnreadableError(
        key,
        first === ''
          ? 'it is empty'
          : `it begins with ${JSON.stringify(first.slice(0, 80))}, which is no digest`,
        {
          hint: 'Run again when nothing writes there. If it stays so, push the tag again, or remove that file if nobody needs the tag.',
        },
      )
    if (parseTagName(key.slice(key.lastIndexOf('/') + 1)) === undefined)
      throw new LayoutUnreadableError(key, 'its name is no tag', {
        hint: 'Remove or rename that file. Trow keeps one file for each tag there, and nothing else belongs among them.',
      })
    return digest
  })
}

function firstLine(bytes: Uint8Array): string {
  const end = bytes.indexOf(0x0a)
  const line = Buffer.from(bytes.subarray(0, end === -1 ? bytes.length : end)).toString('latin1')
  return line.slice(0, 1024).replace(/\r$/, '')
}

/** Trow keeps each in a file of its own. */
async function findUploads(
  { store }: Source,
  options: RunOptions | undefined,
): Promise<readonly UploadFolder[]> {
  const found: UploadFolder[] = []
  for await (const batch of listFiles(store, SCRATCH, options)) {
    found.push(...batch.map(({ key, modifiedAt }) => ({ folder: key, keys: [key], newestAt: modifiedAt })))
  }
  return found
}
