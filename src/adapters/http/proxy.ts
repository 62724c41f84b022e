/**
 * Which proxy a URL goes through, by the variables everyone knows: HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY,
 * in lower case too (lower case wins). This machine itself is never reached through a proxy of the environment.
 *
 * NO_PROXY: names (which cover their subdomains), `.suffix`, `*.suffix`, addresses, networks (10.0.0.0/8), each with an
 * optional `:port`, and `*` for everything.
 */
import { BlockList, isIP } from 'node:net'
import { bare, isLoopbackHost } from './addresses.ts'
import { ProxyInvalidError } from './http-errors.ts'
import { redactUrl } from './redact.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/**
 * The proxy for `url`; undefined means straight.
 *
 * @param setting `environment`, `none`, or a proxy's URL, which then serves every host
 */
export function proxyFor(url: URL, setting: string, environment: Environment): URL | undefined {
  if (setting === 'none') return undefined
  if (setting !== 'environment') return parseProxy(setting)
  if (isLoopbackHost(url.hostname) || isExcepted(url, variable(environment, 'no_proxy') ?? ''))
    return undefined
  const own = variable(environment, url.protocol === 'https:' ? 'https_proxy' : 'http_proxy')
  const chosen = own ?? variable(environment, 'all_proxy')
  return chosen === undefined ? undefined : parseProxy(chosen)
}

function variable(environment: Environment, name: string): string | undefined {
  const value = environment[name] ?? environment[name.toUpperCase()]
  return value === undefined || value.trim() === '' ? undefined : value.trim()
}

function parseProxy(value: string): URL {
  const text = value.includes('://') ? value : `http://${value}`
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !['http:', 'https:', 'socks5:', 'socks:'].includes(url.protocol)) {
    throw new ProxyInvalidError(redactUrl(text))
  }
  return url
}

function isExcepted(url: URL, noProxy: string): boolean {
  const host = bare(url.hostname)
  const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port
  return noProxy
    .split(/[\s,]+/)
    .some((entry) => entry !== '' && matchesEntry(entry.toLowerCase(), host, port))
}

function matchesEntry(entry: string, host: string, port: string): boolean {
  if (entry === '*') return true
  const network = /^([0-9a-f.:]+)\/(\d+)$/.exec(entry)
  if (network?.[1] !== undefined && network[2] !== undefined)
    return isInNetwork(host, network[1], Number(network[2]))
  // A bare IPv6 address has colons of its own and no port.
  const withPort = isIP(entry) === 6 ? null : /^(.*):(\d+)$/.exec(entry)
  if (withPort?.[2] !== undefined && withPort[2] !== port) return false
  const name = bare((withPort?.[1] ?? entry).replace(/^\*?\./, ''))
  return host === name || (isIP(host) === 0 && host.endsWith(`.${name}`))
}

function isInNetwork(host: string, network: string, prefix: number): boolean {
  const family = isIP(network)
  if (family === 0 || isIP(host) !== family || prefix > (family === 4 ? 32 : 128)) return false
  const list = new BlockList()
  const type = family === 4 ? 'ipv4' : 'ipv6'
  list.addSubnet(network, prefix, type)
  return list.check(host, type)
}
