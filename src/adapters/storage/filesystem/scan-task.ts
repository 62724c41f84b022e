/** What a scanning thread is asked, and its answers: one table, so that asking and answering cannot drift apart. */
import type { BlobFacts, PackedDigests, ReferencesRead } from '../../../ports/readable-layout.ts'
import { OperationalError } from '../../../core/errors/errors.ts'
import {
  scanBlobs,
  scanFacts,
  scanReferences,
  scanTimes,
  type BlobFolders,
  type ScannedBlobs,
} from './distribution-blobs.ts'
import { scanRepositories, type RepositoryFolders, type ScannedRepositories } from './distribution-links.ts'
import { openTree, type SharedTree } from './tree-memory.ts'

export interface ScanTasks {
  blobs: {
    readonly asked: BlobFolders & { readonly memory: SharedTree | undefined }
    readonly answer: ScannedBlobs
  }
  links: {
    readonly asked: RepositoryFolders & {
      readonly memory: SharedTree | undefined
      readonly stored: SharedArrayBuffer | undefined
    }
    readonly answer: ScannedRepositories
  }
  references: {
    readonly asked: { readonly blobs: string; readonly manifests: PackedDigests }
    readonly answer: ReferencesRead
  }
  facts: {
    readonly asked: { readonly blobs: string; readonly digests: PackedDigests }
    readonly answer: BlobFacts
  }
  times: {
    readonly asked: { readonly base: string; readonly names: string }
    readonly answer: Float64Array
  }
}

type Scan<K extends keyof ScanTasks> = (asked: ScanTasks[K]['asked']) => ScanTasks[K]['answer']

export const scans: { readonly [K in keyof ScanTasks]: Scan<K> } = {
  blobs: ({ memory, ...folders }) => scanBlobs(folders, openTree(memory)),
  links: ({ memory, stored, ...folders }) =>
    scanRepositories(folders, { memory: openTree(memory), stored: stored && new Uint32Array(stored) }),
  references: ({ blobs, manifests }) => scanReferences(blobs, manifests),
  facts: ({ blobs, digests }) => scanFacts(blobs, digests),
  times: ({ base, names }) => scanTimes(base, names),
}

/** What travels to a thread, and back. An error travels as its words: classes do not survive the way. */
export interface ScanRequest {
  readonly kind: keyof ScanTasks
  readonly asked: unknown
}

export type ScanReply =
  | { readonly kind: 'answer'; readonly answer: unknown }
  /** The storage could not be read. */
  | { readonly kind: 'unreadable'; readonly message: string; readonly hint: string }
  | { readonly kind: 'bug'; readonly stack: string }

/** Does what is asked, in this thread. */
export function answer({ kind, asked }: ScanRequest): ScanReply {
  try {
    // The table ties each kind to what is asked; here, after the way between threads, only the kind is left of it.
    const scan = scans[kind] as (asked: unknown) => unknown
    return { kind: 'answer', answer: scan(asked) }
  } catch (error) {
    if (error instanceof OperationalError)
      return { kind: 'unreadable', message: error.message, hint: error.hint }
    return { kind: 'bug', stack: error instanceof Error ? (error.stack ?? error.message) : String(error) }
  }
}
