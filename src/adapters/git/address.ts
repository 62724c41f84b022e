/**
 * Addresses that repositories are fetched from: which there are, which of them Winnow fetches, and what is left of them when
 * credentials are taken out.
 *
 * The configuration refuses most of what is refused here; an address may also come from a clone's own configuration, which
 * nobody checked.
 */
import { isLoopbackHost } from '../http/addresses.ts'
import { GitReadError } from './git-errors.ts'

export interface GitAddress {
  /** As git is told it: without user and password where there was a password. */
  readonly text: string
  readonly scheme: 'https' | 'http' | 'ssh' | 'file'
  /** With its port, in lower case; empty for a folder on this machine. */
  readonly host: string
  /** `acme/app`, without a leading slash and without `.git`: how forges call the project. */
  readonly project: string
  /** What GIT_ALLOW_PROTOCOL is set to while it is fetched. */
  readonly allowedProtocols: string
}

const url = /^([a-z][a-z0-9+.-]*):\/\//i
/** `git@host:path`, as git reads it: a colon before the first slash. */
const scpLike = /^(?:([^/@:\s]+)@)?(\[[^\]\s]+\]|[^/:\s]{2,}):(?!\/\/)(.*)$/

/**
 * @param insecure allows plain http to other machines
 * @throws GitReadError for everything that is not fetched
 */
export function parseGitAddress(written: string, insecure = false): GitAddress {
  if (written.startsWith('-')) throw refused(written, 'git would take it for an option')
  if (/[\0\r\n]/.test(written)) throw refused(written, 'it holds a line break')
  if (/^[^/]*::/.test(written)) throw refused(written, 'it names a program to run')
  const scheme = url.exec(written)?.[1]?.toLowerCase()
  if (scheme !== undefined) return parseUrl(written, scheme, insecure)
  const [, user, host, path] = scpLike.exec(written) ?? []
  if (host === undefined || path === undefined) return folder(written)
  if (host.startsWith('-') || user?.startsWith('-') === true)
    throw refused(written, 'ssh would take its host for an option')
  return {
    text: written,
    scheme: 'ssh',
    host: host.toLowerCase(),
    project: projectOf(path),
    allowedProtocols: 'https:ssh',
  }
}

function parseUrl(written: string, scheme: string, insecure: boolean): GitAddress {
  if (scheme === 'file') return folder(written, written.replace(/^file:\/\//i, ''))
  if (!['https', 'http', 'ssh', 'git+ssh', 'ssh+git'].includes(scheme))
    throw refused(written, `Winnow does not fetch by ${scheme}`)
  if (!URL.canParse(written)) throw refused(written, 'it is no URL')
  const parsed = new URL(written)
  const host = parsed.host.toLowerCase()
  // new URL keeps what stands there percent-encoded; ssh is handed the decoded words.
  const words = [decoded(parsed.hostname), decoded(parsed.username)]
  if (words.some((word) => word.startsWith('-')))
    throw refused(written, 'ssh would take a part of it for an option')
  const project = projectOf(decoded(parsed.pathname))
  if (scheme !== 'https' && scheme !== 'http')
    return { text: written, scheme: 'ssh', host, project, allowedProtocols: 'https:ssh' }
  if (scheme === 'http' && !insecure && !isLoopbackHost(parsed.hostname)) {
    throw refused(written, 'anyone on the way could change what http brings, and so what is deleted')
  }
  parsed.username = ''
  parsed.password = ''
  // A server with plain http may not send us to another one with it: see `followRedirects` where it is fetched.
  const allowedProtocols = scheme === 'http' ? 'https:ssh:http' : 'https:ssh'
  return { text: parsed.href, scheme, host, project, allowedProtocols }
}

function folder(written: string, path = written): GitAddress {
  return { text: written, scheme: 'file', host: '', project: projectOf(path), allowedProtocols: 'file' }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    // A percent sign that begins nothing: git takes it as it stands.
    return text
  }
}

function projectOf(path: string): string {
  return path.replace(/^\/+|\/+$/g, '').replace(/\.git$/, '')
}

/** The address for people: without credentials. The user of ssh is none, a password behind it is. */
export function shownAddress(written: string): string {
  return written.replace(/^([a-z][a-z0-9+.-]*:\/\/)([^/@]*)@/i, (all, scheme: string, user: string) =>
    /ssh/i.test(scheme) && !user.includes(':') ? all : `${scheme}***@`,
  )
}

function refused(written: string, why: string): GitReadError {
  return new GitReadError(
    'place-refused',
    `Winnow does not fetch from ${shownAddress(written)}: ${why}.`,
    'Give an address with https or ssh, or the path of a clone that something else keeps up to date.',
  )
}
