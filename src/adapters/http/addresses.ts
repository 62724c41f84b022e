/** Which hosts and addresses lie outside the public network: this machine, its links, private networks. */
import { BlockList, isIP } from 'node:net'

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

/** RFC 6890 and its updates: everything a public token server cannot have. */
const internal = new BlockList()
const IPV4_INTERNAL: readonly (readonly [string, number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
]
for (const [network, prefix] of IPV4_INTERNAL) internal.addSubnet(network, prefix, 'ipv4')
const IPV6_INTERNAL: readonly (readonly [string, number])[] = [
  ['::', 128],
  ['::1', 128],
  ['64:ff9b:1::', 48],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
]
for (const [network, prefix] of IPV6_INTERNAL) internal.addSubnet(network, prefix, 'ipv6')

/** Whether a URL's hostname names this machine: `localhost`, names under it, and loopback addresses. */
export function isLoopbackHost(hostname: string): boolean {
  const name = bare(hostname)
  if (isIP(name) !== 0) return contains(loopback, name)
  return name === 'localhost' || name.endsWith('.localhost')
}

/** Whether an IP address is loopback, link-local, private, multicast or unspecified; IPv4 inside IPv6 included. */
export function isInternalAddress(address: string): boolean {
  return contains(internal, bare(address))
}

/** A URL's hostname without the brackets of IPv6, the zone, and the final dot of a full name. */
export function bare(hostname: string): string {
  return hostname
    .replace(/^\[|\]$/g, '')
    .replace(/%.*$/, '')
    .replace(/\.$/, '')
    .toLowerCase()
}

function contains(list: BlockList, address: string): boolean {
  const embedded = embeddedIpv4(address)
  if (embedded !== undefined) return list.check(embedded, 'ipv4')
  const family = isIP(address)
  return family !== 0 && list.check(address, family === 4 ? 'ipv4' : 'ipv6')
}

/** The IPv4 address that a mapped (::ffff:0:0/96) or NAT64 (64:ff9b::/96) address stands for. */
function embeddedIpv4(address: string): string | undefined {
  const dotted = /^(?:::ffff:|64:ff9b::)(\d+\.\d+\.\d+\.\d+)$/.exec(address)
  if (dotted?.[1] !== undefined) return dotted[1]
  const hex = /^(?:::ffff:|64:ff9b::)([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(address)
  if (hex?.[1] === undefined || hex[2] === undefined) return undefined
  const high = Number.parseInt(hex[1], 16)
  const low = Number.parseInt(hex[2], 16)
  return [high >> 8, high & 255, low >> 8, low & 255].join('.')
}
