/** Where GitHub's API is, told by the address of its container registry. */

/** The API of github.com, whose limits are documented; a server of one's own has none unless its owner sets some. */
export const publicApi = 'https://api.github.com'

/**
 * The API beside a registry, without a slash at its end: `https://ghcr.io` → `https://api.github.com`,
 * `https://containers.HOST` (GitHub Enterprise Server) → `https://HOST/api/v3`, `https://containers.NAME.ghe.com` →
 * `https://api.NAME.ghe.com`; any other host answers for both.
 *
 * @param baseUrl the registry's address
 * @param apiUrl what the configuration says, which goes first
 */
export function apiUrlOf(baseUrl: string, apiUrl: string | undefined): string {
  if (apiUrl !== undefined) return apiUrl
  const url = new URL(baseUrl)
  if (url.hostname === 'ghcr.io') return publicApi
  const [, host] = /^containers\.(.+)$/.exec(url.host) ?? []
  if (host === undefined) return `${url.origin}/api/v3`
  return host.endsWith('.ghe.com') ? `${url.protocol}//api.${host}` : `${url.protocol}//${host}/api/v3`
}
