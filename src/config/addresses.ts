/** Addresses: what a URL in winnow.yaml may be, and which names clusters may know a registry by. No secret in either. */
import { hasUserinfo } from './secrets.ts'

interface Refusal {
  readonly problem: string
  readonly hint: string
}

/** Whether a host is this machine, where http is nobody else's business. */
export function isLoopback(hostname: string): boolean {
  const host = hostname
    .toLowerCase()
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')
  return (
    host === 'localhost' ||
    host.endsWith('.localhost') ||
    host === '::1' ||
    /^127(?:\.\d{1,3}){3}$/.test(host)
  )
}

/** What is wrong with an http or https URL; undefined when nothing is. Never quotes it. */
export function refuseUrl(text: string): Refusal | undefined {
  return refuseUrlOf(text, ['http:', 'https:'], 'https://registry.example.com')
}

export function refuseRedisUrl(text: string): Refusal | undefined {
  return refuseUrlOf(text, ['redis:', 'rediss:'], 'redis://127.0.0.1:6379')
}

function refuseUrlOf(text: string, schemes: readonly string[], example: string): Refusal | undefined {
  if (hasUserinfo(text)) {
    return {
      problem: 'A URL here cannot hold a user name or password: this file is read by many and kept in Git.',
      hint: 'Take it out, and name a file or an environment variable that holds the secret.',
    }
  }
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || !schemes.includes(url.protocol) || url.hostname === '') {
    const names = schemes.map((scheme) => `${scheme}//`).join(' or ')
    return {
      problem: `This is not an address that begins with ${names}.`,
      hint: `Write it as in "${example}".`,
    }
  }
  return /[?#\s]/.test(text)
    ? { problem: 'An address here has no blank, ? or #.', hint: `Write it as in "${example}".` }
    : undefined
}

const host = /^(?:[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/
const folder = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/

/** What is wrong with another name of a registry: `host[:port][/prefix]`. */
export function refuseAlias(text: string): Refusal | undefined {
  const hint =
    'Write it as it stands in image references: "registry.internal:5000" or "mirror.example.com/prod".'
  if (text.includes('://'))
    return { problem: 'An alias has no scheme; image references have none either.', hint }
  const [first = '', ...folders] = text.split('/')
  if (!host.test(first) || !folders.every((name) => folder.test(name))) {
    return { problem: 'This is not the beginning of an image reference.', hint }
  }
  // reference.md of distribution: a first component without dot, colon or "localhost" is a namespace on Docker Hub.
  if (!/[.:]/.test(first) && first !== 'localhost') {
    return {
      problem: `A reference that begins with "${first}/" means Docker Hub, not a host of that name.`,
      hint: `Add the port, as in "${first}:5000", or the domain.`,
    }
  }
  return undefined
}
