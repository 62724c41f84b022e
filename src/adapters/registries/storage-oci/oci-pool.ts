/**
 * One OCI image layout as a pool of blobs. What its index.json names is needed, and what that refers to; the layout has
 * no other links. Files of copies that broke off are given as uploads.
 *
 * An empty layout is left as it is: three small files, and removing them one by one could leave blobs that nothing names.
 */
import type { ListedFile } from '../../../ports/listable-store.ts'
import type { BlobPool, RepositoryLinks, UploadFolder } from '../../../ports/readable-layout.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { createPoolOfBlobs, type StoredBlob } from './blob-files.ts'
import { hasZeroBytes, refusePlaceholder } from './check-placeholders.ts'
import { listFiles, statFiles } from './list-files.ts'
import type { Source } from './look-again.ts'
import { packDigests } from './packing.ts'
import { inPool, readIndex } from './read-index.ts'

/** containers/image (skopeo, podman, buildah) writes each blob to such a file first, then renames it. */
const skopeoUpload = /^oci-put-blob\d+$/
/** zot's uploads, and those of tools that write beside and rename. */
const uploadFolders = ['.uploads', '.tmp']

export function createOciPool(source: Source, name: string): BlobPool {
  return {
    name,
    readLinks: async (visit, options) => {
      visit(await readLinks(source, name, options))
    },
    ...createPoolOfBlobs({
      source,
      folder: inPool(name, 'blobs'),
      isNamedAsBlob: async (digest, options) =>
        (await readIndex(source, name, options)).others.includes(digest),
      examine: (blob: StoredBlob) => {
        if (hasZeroBytes(blob)) refusePlaceholder(source.store.place, blob.key)
      },
    }),
  }
}

async function readLinks(
  source: Source,
  name: string,
  options: RunOptions | undefined,
): Promise<RepositoryLinks> {
  const { manifests, others } = await readIndex(source, name, options)
  return {
    repository: name,
    roots: packDigests([...manifests, ...others]),
    layers: [],
    aliases: [],
    deletedManifests: [],
    uploads: await findUploads(source, name, options),
  }
}

async function findUploads(
  { store }: Source,
  name: string,
  options: RunOptions | undefined,
): Promise<readonly UploadFolder[]> {
  const entries = (await store.list(name, options)) ?? []
  const ofSkopeo = entries
    .filter((entry) => entry.kind === 'file' && skopeoUpload.test(entry.name))
    .map((entry) => inPool(name, entry.name))
  const found: ListedFile[] = [...(await statFiles(store, ofSkopeo, options))]
  for (const folder of uploadFolders.filter((each) => entries.some((entry) => entry.name === each))) {
    for await (const batch of listFiles(store, inPool(name, folder), options)) found.push(...batch)
  }
  // Each is a file of its own, with a time of its own, so each is an upload of its own.
  return found.map(({ key, modifiedAt }) => ({ folder: key, keys: [key], newestAt: modifiedAt }))
}
