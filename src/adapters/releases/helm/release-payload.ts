/**
 * Decodes a stored release: base64 of (gzip of) JSON, and for Secrets the API's own base64 around it.
 *
 * Refuses, by throwing, whatever is not a release in the end: text that is no base64, broken gzip, a payload that
 * unpacks to more than the limit, JSON without a manifest. Old releases are stored without gzip; its three magic bytes
 * tell. Source: Helm's pkg/storage/driver/util.go.
 */
import { gunzipSync } from 'node:zlib'
import type { StorageKind } from '../../../ports/stored-releases.ts'

/** What of a release can name images. */
export interface HelmRelease {
  readonly manifest: string
  readonly hooks: readonly string[]
  /** As stored, for the scan of its text. */
  readonly stored: unknown
}

// A Secret holds at most 1 MiB; text that gzip shrinks more than a hundredfold is no release.
const UNPACKED_BYTES_MAX = 128 * 1024 * 1024
const BASE64 = /^[A-Za-z0-9+/\s]*={0,2}\s*$/

/** @throws Error whose message ends the sentence "it cannot be read: …" and quotes nothing of the payload */
export function decodeRelease(storage: StorageKind, payload: unknown): HelmRelease {
  if (typeof payload !== 'string' || payload === '') throw new Error('it has no data.release')
  const encoded = storage === 'Secret' ? fromBase64(payload).toString('latin1') : payload
  const raw = fromBase64(encoded)
  return readRelease(parseJson(isGzip(raw) ? unpack(raw) : raw))
}

function fromBase64(text: string): Buffer {
  // Node skips what is not base64; a damaged payload could then decode to another one.
  if (!BASE64.test(text)) throw new Error('its payload is not base64')
  return Buffer.from(text, 'base64')
}

function isGzip(raw: Buffer): boolean {
  return raw[0] === 0x1f && raw[1] === 0x8b && raw[2] === 0x08
}

function unpack(raw: Buffer): Buffer {
  try {
    return gunzipSync(raw, { maxOutputLength: UNPACKED_BYTES_MAX })
  } catch (error) {
    const tooLarge = error instanceof RangeError
    throw new Error(tooLarge ? 'it unpacks to more than 128 MiB' : 'its gzip data are damaged', {
      cause: error,
    })
  }
}

function parseJson(raw: Buffer): unknown {
  try {
    return JSON.parse(raw.toString('utf8'))
  } catch {
    throw new Error('its payload is not JSON')
  }
}

function readRelease(stored: unknown): HelmRelease {
  const release = record(stored)
  // Go leaves out empty fields: a chart may have hooks only, or only a manifest, or neither; but it has a name.
  if (release === undefined || typeof release['name'] !== 'string')
    throw new Error('its JSON is not a release')
  const manifest = release['manifest'] ?? ''
  const hooks = release['hooks'] ?? []
  if (typeof manifest !== 'string') throw new Error('its manifest is not text')
  if (!Array.isArray(hooks)) throw new Error('its hooks are not a list')
  return { manifest, hooks: hooks.map(hookManifest), stored }
}

function hookManifest(hook: unknown): string {
  const manifest = record(hook)?.['manifest'] ?? ''
  if (record(hook) === undefined || typeof manifest !== 'string')
    throw new Error('one of its hooks has no text')
  return manifest
}

function record(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : undefined
}
