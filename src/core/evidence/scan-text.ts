/**
 * Finds image references under our own names, and digests, anywhere in a text: command lines, environment maps, YAML and
 * JSON inside strings, prose.
 *
 * Promises: every reference that begins with a managed host is found, whatever stands around it; what begins like one
 * and cannot be read to the end is told as `template` or `unreadable`, never dropped; the time taken grows with the
 * length of the text. Finding too much is allowed, it only keeps images; names without a host are never looked for here,
 * because any word could be one.
 */
import { parseDigest, type Digest } from '../image/digest.ts'
import {
  hubHosts,
  normalizeReference,
  referenceLengthMax,
  type NormalizedReference,
} from '../image/reference.ts'
import { hostKey, managedRepositories, type ManagedNames } from './managed-names.ts'

export type Mention =
  /** A tag or a digest is named. `isGuess` when punctuation may or may not belong to the tag. */
  | { readonly kind: 'reference'; readonly reference: NormalizedReference; readonly isGuess: boolean }
  /** A repository without tag and digest, or with a tag that is a template: the tag may stand in another field. */
  | { readonly kind: 'repository'; readonly reference: NormalizedReference }
  /** Begins with a managed host, and the repository is filled in later (`{{ … }}`, `${…}`, `$(…)`). */
  | { readonly kind: 'template'; readonly text: string }
  /** Begins with a managed host and is no reference. */
  | { readonly kind: 'unreadable'; readonly text: string }
  | { readonly kind: 'digest'; readonly digest: Digest }

export interface TextScanner {
  /** Everything found, in the order of the text; references before lone digests. */
  scan(text: string): readonly Mention[]
  /** Whether a managed host stands in the text with something behind it. */
  hasManagedHost(text: string): boolean
}

const nothing: readonly Mention[] = []
/** Always takes a whole run of backslashes, so that none is looked at twice. */
const escaped = /\\+(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|([\s\S]))?/g
const digestAnywhere = /sha256:[a-f0-9]{64}(?![a-f0-9])|sha512:[a-f0-9]{128}(?![a-f0-9])/g
const component = '[a-z0-9]+(?:(?:__|[._]|-+)[a-z0-9]+)*'
/** What follows a host: a port, a path, a tag, a digest; as much of it as there is. */
const afterHost = new RegExp(
  `^(:[0-9]+)?\\/(${component}(?:\\/${component})*)(?::(\\w[\\w.-]{0,127}))?(?:@(sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})(?![a-f0-9]))?`,
)
/** Up to a character that ends a reference in any of the languages it may be embedded in. */
const tail = /^(?:[-._:/@$%+]|[^\s\p{P}\p{S}])*/u
const templateStart = /^[-._:/@]*(?:\$[({A-Za-z_]|\{\{|\{[A-Za-z_.]|%[sv({]|<[A-Za-z_])/
const excerptLength = 120

/** A scanner for all names of `managed`; made once and used for every string of a source. */
export function createTextScanner(managed: ManagedNames): TextScanner {
  const prefixes = managed.registries.flatMap((registry) => registry.prefixes)
  const hosts = [...new Set(prefixes.flatMap((prefix) => spellingsOf(prefix.split('/')[0] ?? '')))]
  if (hosts.length === 0) return { scan: digestsIn, hasManagedHost: () => false }

  // Longest first, so that `host:5000` is not read as `host` with some port.
  const alternatives = hosts.toSorted((a, b) => b.length - a.length).map(escapeForPattern)
  const anyHost = new RegExp(`(?:${alternatives.join('|')})(?=\\.?[:/])`, 'gi')

  function scan(written: string): readonly Mention[] {
    const text = unescapeOnce(written)
    let found: Mention[] | undefined
    anyHost.lastIndex = 0
    for (let hit = anyHost.exec(text); hit !== null; hit = anyHost.exec(text)) {
      if (!beginsName(text, hit.index)) continue
      const mentions = readMention(managed, prefixes, text, hit.index, hit[0].length)
      if (mentions.length > 0) (found ??= []).push(...mentions)
    }
    const digests = digestsIn(text)
    return found === undefined ? digests : found.concat(digests)
  }

  function hasManagedHost(written: string): boolean {
    const text = unescapeOnce(written)
    anyHost.lastIndex = 0
    for (let hit = anyHost.exec(text); hit !== null; hit = anyHost.exec(text)) {
      if (beginsName(text, hit.index) && isUnderPrefix(prefixes, text, hit.index, hit[0].length)) return true
    }
    return false
  }

  return { scan, hasManagedHost }
}

/**
 * Takes away the escapes of JSON and YAML strings that may stand between us and a reference: `\/`, `\u002f`, `\n`.
 * A run of backslashes counts as one escape, because strings are nested in strings in strings.
 */
function unescapeOnce(text: string): string {
  if (!text.includes('\\')) return text
  return text.replace(escaped, (whole: string, unicode?: string, byte?: string, letter?: string) => {
    const code = unicode ?? byte
    if (code !== undefined) return String.fromCharCode(Number.parseInt(code, 16))
    if (letter === '/' || letter === '"') return letter
    return letter !== undefined && 'nrtbf'.includes(letter) ? '\n' : whole
  })
}

/** Every digest in `text`, escapes already taken away. */
function digestsIn(text: string): readonly Mention[] {
  if (!text.includes('sha256:') && !text.includes('sha512:')) return nothing
  const digests = new Set(text.match(digestAnywhere) ?? [])
  return [...digests].flatMap((found) => {
    const digest = parseDigest(found)
    return digest === undefined ? [] : [{ kind: 'digest' as const, digest }]
  })
}

function readMention(
  managed: ManagedNames,
  prefixes: readonly string[],
  text: string,
  start: number,
  hostLength: number,
): readonly Mention[] {
  // The window bounds the work of one hit, so that a text made of nothing but hosts still takes linear time.
  const window = text.slice(start + hostLength, start + hostLength + referenceLengthMax)
  const read = afterHost.exec(window)
  if (!read) {
    return isUnderPrefix(prefixes, text, start, hostLength) ? unreadHost(text, start, window) : nothing
  }
  const [whole, , , tag] = read
  const reference = normalizeReference(text.slice(start, start + hostLength) + whole)
  if (reference === undefined) {
    return isUnderPrefix(prefixes, text, start, hostLength) ? [unreadable(text, start)] : nothing
  }
  if (hostKey(reference.domain) === 'docker.io' && !isHubSpelling(text, start)) return nothing
  if (managedRepositories(managed, reference).length === 0) {
    // An alias's own path was read, and what follows it is no repository.
    const isOurs = isUnderPrefix(prefixes, text, start, hostLength)
    return isOurs ? unreadHost(text, start, window.slice(whole.length)) : nothing
  }
  return judge(reference, tag, window.slice(whole.length), text, start)
}

/** What a reference that was read so far amounts to, given what stands right behind it. */
function judge(
  reference: NormalizedReference,
  tag: string | undefined,
  rest: string,
  text: string,
  start: number,
): readonly Mention[] {
  const counted = reference.tag !== undefined || reference.digest !== undefined ? tagged(reference) : []
  if (templateStart.test(rest)) {
    // `app:1@${DIGEST}` names its tag; `app:v${N}` and `app:${TAG}` name the repository alone; `app-${ENV}` nothing.
    if (tag !== undefined && rest.startsWith('@')) return counted
    if (tag !== undefined || rest.startsWith(':'))
      return [{ kind: 'repository', reference: withoutTag(reference) }]
    return rest.startsWith('@')
      ? [{ kind: 'repository', reference }]
      : [{ kind: 'template', text: excerpt(text, start) }]
  }
  const behind = tail.exec(rest)?.[0] ?? ''
  const isReadable = /^[-._:/@$%+]*$/.test(behind)
  if (!isReadable && !isWebAddress(text, start)) return [...counted, unreadable(text, start)]
  if (!isReadable) return counted
  return counted.length > 0 ? counted : [{ kind: 'repository', reference }]
}

/** A sentence may end right behind a tag: `use app:1.2.` means 1.2, and `1.2.` is a tag too. Both are kept. */
function tagged(reference: NormalizedReference): readonly Mention[] {
  const exact = { kind: 'reference', reference, isGuess: false } as const
  const trimmed = reference.digest === undefined ? reference.tag?.replace(/[-._]+$/, '') : reference.tag
  if (trimmed === reference.tag || trimmed === undefined || trimmed === '') return [exact]
  const shorter = normalizeReference(`${withoutTag(reference).string}:${trimmed}`)
  return [
    { ...exact, isGuess: true },
    ...(shorter === undefined ? [] : [{ kind: 'reference', reference: shorter, isGuess: true } as const]),
  ]
}

/** A host with something behind it that is no path: nothing, a template, or what we must own up to. */
function unreadHost(text: string, start: number, window: string): readonly Mention[] {
  const behind = window.replace(/^\.?(?::[0-9]+)?/, '')
  if (!behind.startsWith('/')) return nothing
  if (templateStart.test(behind)) return [{ kind: 'template', text: excerpt(text, start) }]
  // `host/` and `host/*` are addresses and patterns.
  const isAddress = !/^\/[-._/:@]*[A-Za-z0-9\p{L}]/u.test(behind) || isWebAddress(text, start)
  return isAddress ? nothing : [unreadable(text, start)]
}

/** `https://` in front: a page or a call of the API, unless it happens to read as a reference. */
function isWebAddress(text: string, start: number): boolean {
  return /https?:\/\/$/i.test(text.slice(Math.max(0, start - 8), start))
}

function unreadable(text: string, start: number): Mention {
  return { kind: 'unreadable', text: excerpt(text, start) }
}

function excerpt(text: string, start: number): string {
  return /^[^\s"'`,;]*/.exec(text.slice(start, start + excerptLength))?.[0] ?? ''
}

function withoutTag({ domain, path }: NormalizedReference): NormalizedReference {
  return { domain, path, tag: undefined, digest: undefined, string: `${domain}/${path}` }
}

/** False inside a longer host name: `my-registry.example.com` is not `registry.example.com`. */
function beginsName(text: string, start: number): boolean {
  if (start === 0) return true
  const before = text.charAt(start - 1)
  if (/[A-Za-z0-9]/.test(before)) return false
  return !/[._-]/.test(before) || !/[A-Za-z0-9]/.test(text.charAt(start - 2))
}

/** Whether what begins at `start` lies under a prefix of ours, read as text because it is no reference. */
function isUnderPrefix(
  prefixes: readonly string[],
  text: string,
  start: number,
  hostLength: number,
): boolean {
  const written = text.slice(start, start + hostLength + referenceLengthMax)
  const slash = written.indexOf('/', hostLength)
  if (slash === -1) return false
  const host = hostKey(written.slice(0, slash).replace(/\.(?=$|:)/, ''))
  const path = written.slice(slash + 1)
  return prefixes.some((prefix) => {
    const cut = prefix.indexOf('/')
    if (cut === -1) return prefix === host
    return prefix.slice(0, cut) === host && path.startsWith(`${prefix.slice(cut + 1)}/`)
  })
}

/** A one-word host of ours in front of a path reads as a Docker Hub user; only Docker Hub's own hosts mean it here. */
function isHubSpelling(text: string, start: number): boolean {
  const host = text.slice(start, text.indexOf('/', start))
  return hostKey(host) === 'docker.io'
}

function spellingsOf(host: string): readonly string[] {
  return host === 'docker.io' ? [...hubHosts] : [host]
}

function escapeForPattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
}
