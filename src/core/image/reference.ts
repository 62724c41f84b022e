/**
 * Image references: the grammar and the normalisation of distribution/reference, and our own stricter reading of them.
 *
 * `parseReference`, `parseNormalized`, `parseDockerRef`, `parseAnyReference` and `familiarString` answer exactly as the
 * Go package does, errors included, so that a reference means here what it means to a kubelet. `normalizeReference`
 * is what Winnow itself works with: one spelling for each thing that is pulled, and nothing that no registry serves.
 *
 * Input is capped at 1 KiB, and no expression below can backtrack more than linearly, because references come from
 * clusters that anybody may write to.
 */
import { parseDigest, type Digest } from './digest.ts'

/** Longer texts are no reference: host, port, a path of 255, a tag of 128 and a digest of 135 fit well below. */
export const referenceLengthMax = 1024
const pathLengthMax = 255

export interface Reference {
  /** `registry.example.com:5000`; empty when the text names no host. */
  readonly domain: string
  readonly path: string
  readonly tag: string | undefined
  readonly digest: string | undefined
}

export type ReferenceOutcome =
  { readonly ok: true; readonly reference: Reference } | { readonly ok: false; readonly error: string }

const alphanumeric = '[a-z0-9]+'
const separator = '(?:[._]|__|[-]+)'
const domainLabel = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])'
const domainName = `(?:${domainLabel}(?:\\.${domainLabel})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?`
const pathComponent = `${alphanumeric}(?:${separator}${alphanumeric})*`
const remoteName = `${pathComponent}(?:\\/${pathComponent})*`
const tagText = '[\\w][\\w.-]{0,127}'
const digestText = '[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}'

const wholeReference = new RegExp(
  `^((?:${domainName}\\/)?${remoteName})(?::(${tagText}))?(?:@(${digestText}))?$`,
)
const wholeName = new RegExp(`^(?:(${domainName})\\/)?(${remoteName})$`)
const identifier = /^[a-f0-9]{64}$/
const loneDigest = /^[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[a-zA-Z0-9=_-]+$/

const invalidFormat = 'invalid reference format'

/** `reference.Parse`: the grammar alone, no defaults added. */
export function parseReference(text: string): ReferenceOutcome {
  if (text === '') return refused('repository name must have at least one component')
  const match = text.length > referenceLengthMax ? null : wholeReference.exec(text)
  if (!match) {
    const couldBeLower = text.length <= referenceLengthMax && wholeReference.test(text.toLowerCase())
    return refused(couldBeLower ? 'repository name must be lowercase' : invalidFormat)
  }
  const [, name = '', tag, digest] = match
  const [, domain = '', path = name] = wholeName.exec(name) ?? []
  if (path.length > pathLengthMax) return refused('repository name must not be more than 255 characters')
  const digestError = digest === undefined ? undefined : goDigestError(digest)
  if (digestError !== undefined) return refused(digestError)
  return { ok: true, reference: { domain, path, tag, digest } }
}

/** `reference.ParseNormalizedNamed`: adds docker.io and library/, no default tag. */
export function parseNormalized(text: string): ReferenceOutcome {
  if (identifier.test(text)) {
    return refused(`invalid repository name (${text}), cannot specify 64-byte hexadecimal strings`)
  }
  const { domain, remote } = splitDomain(text)
  const colon = remote.indexOf(':')
  const repository = colon === -1 ? remote : remote.slice(0, colon)
  if (repository.toLowerCase() !== repository) {
    return refused(`${invalidFormat}: repository name (${repository}) must be lowercase`)
  }
  return parseReference(`${domain}/${remote}`)
}

/** `reference.ParseDockerRef`: adds `:latest` to a bare name and, unlike `normalizeReference`, drops a tag beside a digest. */
export function parseDockerRef(text: string): ReferenceOutcome {
  const outcome = parseNormalized(text)
  if (!outcome.ok) return outcome
  const { reference } = outcome
  if (reference.digest !== undefined) return { ok: true, reference: { ...reference, tag: undefined } }
  return { ok: true, reference: { ...reference, tag: reference.tag ?? 'latest' } }
}

/** `reference.ParseAnyReference`: the string of a reference, or of the digest that the text is; undefined when it is neither. */
export function parseAnyReference(text: string): string | undefined {
  if (identifier.test(text)) return `sha256:${text}`
  if (goDigestError(text) === undefined) return text
  const outcome = parseNormalized(text)
  return outcome.ok ? printReference(outcome.reference) : undefined
}

/** `reference.FamiliarString`: as people write it, without docker.io and library/. */
export function familiarString(reference: Reference): string {
  if (reference.domain !== 'docker.io') return printReference(reference)
  const official = /^library\/([^/]+)$/.exec(reference.path)
  return printReference({ ...reference, domain: '', path: official?.[1] ?? reference.path })
}

/** The reference as text; parsing it again gives the same reference. */
export function printReference({ domain, path, tag, digest }: Reference): string {
  const name = domain === '' ? path : `${domain}/${path}`
  return `${name}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`
}

/** `splitDockerDomain`: the first component is a host only if it is localhost, holds `.` or `:`, or an upper-case letter. */
function splitDomain(text: string): { readonly domain: string; readonly remote: string } {
  const slash = text.indexOf('/')
  if (slash === -1) return { domain: 'docker.io', remote: `library/${text}` }
  const first = text.slice(0, slash)
  const rest = text.slice(slash + 1)
  if (!isHostLike(first)) return { domain: 'docker.io', remote: text }
  const domain = first === 'index.docker.io' ? 'docker.io' : first
  const isOfficial = domain === 'docker.io' && !rest.includes('/')
  return { domain, remote: isOfficial ? `library/${rest}` : rest }
}

/** Whether a kubelet takes this first component for a host rather than for a Docker Hub user. */
function isHostLike(text: string): boolean {
  return text === 'localhost' || text.includes('.') || text.includes(':') || text.toLowerCase() !== text
}

function refused(error: string): ReferenceOutcome {
  return { ok: false, error }
}

/** What go-digest says with sha256 alone registered, as the reference package has it by default. */
function goDigestError(text: string): string | undefined {
  const colon = text.indexOf(':')
  if (colon <= 0) return 'invalid checksum digest format'
  if (text.slice(0, colon) !== 'sha256') {
    return loneDigest.test(text) ? 'unsupported digest algorithm' : 'invalid checksum digest format'
  }
  const hex = text.slice(colon + 1)
  if (hex.length !== 64) return 'invalid checksum digest length'
  return identifier.test(hex) ? undefined : 'invalid checksum digest format'
}

/** A reference in Winnow's one spelling: lower-case host, no default port, Docker Hub under one name, tag and digest both kept. */
export interface NormalizedReference {
  readonly domain: string
  readonly path: string
  readonly tag: string | undefined
  readonly digest: Digest | undefined
  /** All of it as text, without a default tag; normalising it again changes nothing. */
  readonly string: string
}

const scheme = /^(docker-pullable|docker|oci|https?):\/\//i
/** The hosts that all serve Docker Hub. */
export const hubHosts: ReadonlySet<string> = new Set([
  'docker.io',
  'index.docker.io',
  'registry-1.docker.io',
  'registry.hub.docker.com',
])
/** By the grammar a digest is a tag of the repository `sha256`; nobody means that, least of all with a digit missing. */
const spoiltDigest = /^sha(?:256|512):/
const trailingDigest = /@(sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})$/

/**
 * What `text` names, or undefined when it is no reference that any registry could serve.
 *
 * Beyond the package: `docker-pullable://`, `docker://`, `oci://` and `http(s)://` in front and `/` at the end are taken
 * off; hosts are spelt as `canonicalHost` does; sha512 is a digest; a bare digest is none of ours to name (callers read
 * digests first); and a name whose host the grammar swallowed into the path (`my_registry.example.com/app`) is refused
 * instead of being taken for a Docker Hub repository.
 */
export function normalizeReference(text: string): NormalizedReference | undefined {
  if (text.length > referenceLengthMax) return undefined
  const { bare, written } = withoutScheme(text)
  // A scheme that names a place must be followed by one: `oci://registry.example.com` alone is not a Hub repository.
  const namesPlace = written !== undefined && !written.startsWith('docker')
  if (namesPlace && !isHostLike(bare.slice(0, Math.max(0, bare.indexOf('/'))))) return undefined
  if (identifier.test(bare) || spoiltDigest.test(bare)) return undefined

  const digest = parseDigest(trailingDigest.exec(bare)?.[1] ?? '')
  const named = digest === undefined ? bare : bare.slice(0, -digest.length - 1)
  const split = splitDomain(named)
  const domain = canonicalHost(split.domain, written === 'http')
  const isOfficial = domain === 'docker.io' && !split.remote.includes('/')
  const outcome = parseReference(`${domain}/${isOfficial ? 'library/' : ''}${split.remote}`)
  // A digest still in here is one that `trailingDigest` refused: another algorithm, or two digests.
  if (!outcome.ok || outcome.reference.domain !== domain || outcome.reference.digest !== undefined)
    return undefined
  const { path, tag } = outcome.reference
  return { domain, path, tag, digest, string: printReference({ domain, path, tag, digest }) }
}

/** The reference as a kubelet pulls it: `:latest` when neither tag nor digest is named. */
export function pulledString(reference: NormalizedReference): string {
  const isBare = reference.tag === undefined && reference.digest === undefined
  return isBare ? `${reference.string}:latest` : reference.string
}

/**
 * One spelling of a host: lower case, no `:443` (and no `:80` where http is certain), Docker Hub's hosts as docker.io.
 * What would no longer be taken for a host (`REGISTRY/app`, `registry:443/app`) stays as it is written, because
 * `registry/app` names a Docker Hub repository.
 */
function canonicalHost(host: string, isPlainHttp = false): string {
  const lower = host.toLowerCase()
  const portless = lower.replace(isPlainHttp ? /:(?:443|80)$/ : /:443$/, '')
  const shortest = [portless, lower].find(isHostLike) ?? host
  return hubHosts.has(shortest) ? 'docker.io' : shortest
}

function withoutScheme(text: string): { readonly bare: string; readonly written: string | undefined } {
  const written = scheme.exec(text)
  const rest = written ? text.slice(written[0].length) : text
  const bare = rest.endsWith('/') && rest.indexOf('/') < rest.length - 1 ? rest.slice(0, -1) : rest
  return { bare, written: written?.[1]?.toLowerCase() }
}
