/**
 * Reads the files in which Docker and Podman keep logins, and finds what they hold for a host and path; pure but for
 * `parseAuthFile`'s errors, and never quotes what it read.
 *
 * One format serves both: `auths`, `credHelpers`, `credsStore`. Podman's keys may name a path (`host/team/app`), of
 * which the longest that fits wins; Docker's may be URLs (`https://index.docker.io/v1/`), of which the host counts.
 * The older .dockercfg is the map of `auths` alone.
 */
import type { Credential } from './credentials.ts'
import { CredentialUnavailableError } from './http-errors.ts'

export interface AuthFile {
  readonly path: string
  /** By canonical key: host, or host/path. */
  readonly auths: ReadonlyMap<string, AuthEntry>
  /** Helper suffix by canonical host. */
  readonly credHelpers: ReadonlyMap<string, string>
  readonly credsStore: string | undefined
}

interface AuthEntry {
  /** As written, for helpers that know it under that name. */
  readonly key: string
  readonly fields: ReadonlyMap<string, unknown>
}

const HUB = 'docker.io'
/** Under which Docker and every helper keep Docker Hub. */
const HUB_SERVER = 'https://index.docker.io/v1/'
const HUB_NAMES = new Set(['docker.io', 'index.docker.io', 'registry-1.docker.io', 'registry.hub.docker.com'])

/** @throws CredentialUnavailableError when the file is not what it must be */
export function parseAuthFile(text: string, path: string, isLegacy: boolean): AuthFile {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    // The parser's message would quote the file, which is full of secrets.
    throw unreadable(path, 'it is not JSON')
  }
  const top = fieldsOf(parsed)
  if (top === undefined) throw unreadable(path, 'it is not a JSON object')
  const auths = isLegacy ? top : fieldsOf(top.get('auths') ?? {})
  const helpers = fieldsOf(isLegacy ? {} : (top.get('credHelpers') ?? {}))
  if (auths === undefined || helpers === undefined)
    throw unreadable(path, 'auths and credHelpers must be objects')
  const store = isLegacy ? undefined : top.get('credsStore')
  return {
    path,
    auths: new Map(
      [...auths].map(([key, value]) => [
        canonicalKey(key),
        { key, fields: fieldsOf(value) ?? new Map<string, unknown>() },
      ]),
    ),
    credHelpers: new Map(
      [...helpers].flatMap(([key, value]) =>
        typeof value === 'string' && value !== '' ? [[canonicalHost(key), value] as const] : [],
      ),
    ),
    credsStore: typeof store === 'string' && store !== '' ? store : undefined,
  }
}

/** The login that the file itself holds for a host and repository path; markers of helpers hold none. */
export function findAuth(file: AuthFile, host: string, path: string): Credential | undefined {
  for (const key of keysFor(host, path)) {
    const entry = file.auths.get(key)
    const credential = entry === undefined ? undefined : readEntry(entry, file.path)
    if (credential !== undefined) return credential
  }
  return undefined
}

/** Under which address a helper is asked for a host. */
export function helperServer(host: string): string {
  const canonical = canonicalHost(host)
  return canonical === HUB ? HUB_SERVER : canonical
}

/** Docker Hub's many names as one; others without scheme, path and capitals. */
export function canonicalHost(key: string): string {
  const host = key
    .replace(/^[a-z][a-z0-9+.-]*:\/\//i, '')
    .replace(/\/.*$/s, '')
    .toLowerCase()
  return HUB_NAMES.has(host) ? HUB : host
}

function canonicalKey(key: string): string {
  const host = canonicalHost(key)
  // A scheme marks Docker's form, where the path is that of the API.
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(key)) return host
  const path = key.replace(/^[^/]*\/?/, '').replace(/\/+$/, '')
  return path === '' || path === 'v1' || path === 'v2' ? host : `${host}/${path}`
}

/** `host/a/b`, `host/a`, `host`. */
function keysFor(host: string, path: string): readonly string[] {
  const canonical = canonicalHost(host)
  const parts = path === '' ? [] : path.split('/')
  return [...parts.map((_, i) => `${canonical}/${parts.slice(0, parts.length - i).join('/')}`), canonical]
}

function readEntry(entry: AuthEntry, path: string): Credential | undefined {
  const text = (name: string): string => {
    const value = entry.fields.get(name)
    return typeof value === 'string' ? value : ''
  }
  const origin = `${path} (entry ${entry.key})`
  if (text('identitytoken') !== '') return { kind: 'identity-token', token: text('identitytoken'), origin }
  if (text('registrytoken') !== '') return { kind: 'bearer', token: text('registrytoken'), origin }
  const packed = text('auth')
  if (packed === '') {
    const isEmpty = text('username') === '' && text('password') === ''
    return isEmpty
      ? undefined
      : { kind: 'basic', username: text('username'), password: text('password'), origin }
  }
  // Some writers pad with NULs.
  const plain = Buffer.from(packed, 'base64').toString('utf8').replace(/\0+$/, '')
  const colon = plain.indexOf(':')
  if (colon < 0) throw unreadable(path, `its entry ${entry.key} is not a user name and a password`)
  return { kind: 'basic', username: plain.slice(0, colon), password: plain.slice(colon + 1), origin }
}

function fieldsOf(value: unknown): ReadonlyMap<string, unknown> | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  return new Map<string, unknown>(Object.entries(value))
}

function unreadable(path: string, why: string): CredentialUnavailableError {
  return new CredentialUnavailableError(
    `The login file ${path} cannot be used: ${why}.`,
    'Repair or remove it, and log in again with docker login or podman login.',
  )
}
