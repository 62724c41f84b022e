/**
 * Where the parts of a Nexus are, from the addresses in the configuration; pure. Images are pulled from a connector (a port
 * or a host of its own) or below `/repository/NAME`; the REST API answers at the address of the web page.
 */
export interface NexusAddresses {
  /** `https://nexus.example.com/service/rest/v1`. */
  readonly api: string
  /** The repository that an address names; else it is found out. */
  readonly repository: string | undefined
  readonly host: string
  /** As a number, the scheme's own where none is written. */
  readonly port: number
}

/**
 * @param baseUrl `https://docker.example.com:5000`, `https://nexus.example.com/repository/docker-hosted`
 * @param apiUrl `https://nexus.example.com`; with `/repository/NAME` behind it, it names the repository as well
 */
export function nexusAddresses(baseUrl: string, apiUrl: string | undefined): NexusAddresses {
  const base = new URL(baseUrl)
  const [below, ofBase] = splitRepository(baseUrl)
  const [apiBelow, ofApi] = splitRepository(apiUrl ?? below)
  return {
    api: `${apiBelow.replace(/\/service\/rest(?:\/v1)?$/, '')}/service/rest/v1`,
    repository: ofApi ?? ofBase,
    host: base.hostname,
    port: base.port === '' ? (base.protocol === 'http:' ? 80 : 443) : Number(base.port),
  }
}

/** What stands before `/repository/NAME`, and the name. */
function splitRepository(url: string): readonly [string, string | undefined] {
  const [, before, name] = /^(.*)\/repository\/([^/]+)\/?$/.exec(url) ?? []
  return [before ?? url.replace(/\/+$/, ''), name]
}
