/**
 * Whether a GitLab that the registry names may be sent the token of `api.auth`. The registry's answer names it, so whoever
 * answers in the registry's place chooses it, and that token is not one the registry would see otherwise.
 */
import { isIP } from 'node:net'
import { bare } from '../../http/addresses.ts'
import { RealmRefusedError } from '../../http/http-errors.ts'

/**
 * @param apiUrl as the registry's answer has it
 * @param baseUrl the registry's own address
 * @throws RealmRefusedError unless both are on one host, whatever the port, or under one domain
 */
export function requireOwnPlace(apiUrl: string, baseUrl: string): void {
  const api = new URL(apiUrl)
  const [its, own] = [bare(api.hostname), bare(new URL(baseUrl).hostname)]
  if (its === own) return
  const domain = domainOf(own)
  if (domain !== undefined && domain === domainOf(its)) return
  throw new RealmRefusedError(
    api.host,
    `the registry at ${own} names it as its GitLab, and it is under another domain, so the token of \`api.auth\` might not be for it`,
    `If this is your GitLab, say so for this registry with \`api: {url: ${apiUrl}}\`.`,
  )
}

/** Second labels under which countries give out names: `example.co.uk` is one owner's, `co.uk` nobody's. */
const shared = new Set(['ac', 'co', 'com', 'edu', 'go', 'gov', 'ne', 'net', 'or', 'org'])

/**
 * The last two labels, or three where two are a country's; undefined where there are no so many, or it is an address.
 * Without the public suffix list: hosts that strangers rent under one domain count as one owner's.
 */
function domainOf(host: string): string | undefined {
  if (isIP(host) !== 0) return undefined
  const labels = host.split('.')
  const [second = '', top = ''] = labels.slice(-2)
  const wanted = top.length === 2 && shared.has(second) ? 3 : 2
  return labels.length < wanted ? undefined : labels.slice(-wanted).join('.')
}
