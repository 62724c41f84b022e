/**
 * `kind: auto`: which registry this is. By its host name, without asking anything; else by the headers and the login of its
 * answer to `/v2/`; else by a few questions that one product answers in its own way.
 *
 * It sends GETs only, and no credentials where no login is wanted. What is not recognised, or only half, is `generic`,
 * which is trusted with the least.
 */
import type { RegistryName } from '../../core/image/names.ts'
import type { RunOptions } from '../../ports/run-options.ts'
import type { HttpClient, HttpResponse } from '../http/http-types.ts'
import type { DriverSettings } from './driver.ts'
import type { RegistryKind } from './index.ts'
import { presetOf } from './oci/presets.ts'
import { kindOfHost } from './recognise-hosts.ts'
import { markOf, type Mark } from './recognise-marks.ts'
import { createProber, type Prober, type ProbeName } from './recognise-probes.ts'

export interface RecognisedRegistry {
  readonly kind: RegistryKind
  /** What showed it, to end a sentence: `told by its header Server`. */
  readonly by: string
  /** What a person should see to; undefined where there is nothing. */
  readonly note: string | undefined
}

export interface UnknownRegistry {
  readonly name: RegistryName
  readonly baseUrl: string
  /** Logs in with the registry's credentials. */
  readonly http: HttpClient
  /** For clients that have no credentials; whoever gave it closes them. */
  readonly openHttp: DriverSettings['openHttp']
}

/**
 * @throws InterruptedError, and what the HTTP client throws when `/v2/` gives no answer at all
 */
export async function recogniseRegistry(
  registry: UnknownRegistry,
  options?: RunOptions,
): Promise<RecognisedRegistry> {
  const { host, hostname } = new URL(registry.baseUrl)
  const known = kindOfHost(hostname)
  if (known !== undefined) return { kind: known, by: 'told by its address', note: undefined }
  // The generic driver knows these by their host as well.
  if (presetOf(hostname) !== undefined) return { kind: 'generic', by: 'told by its address', note: undefined }
  const anonymous = { base: registry.baseUrl, authorization: 'none' } as const
  const root = await askRoot(registry, registry.openHttp(anonymous), options)
  const asking = registry.openHttp({ ...anonymous, retry: { attemptsMax: 1 } })
  const prober = createProber({ ...registry, asking }, options)
  const mark = markOf(root, host)
  if (mark?.is === 'front') return frontOf(mark)
  return (mark && (await confirmed(mark, prober))) ?? (await recogniseByProbes(root, mark, prober))
}

async function askRoot(
  { baseUrl }: UnknownRegistry,
  asking: HttpClient,
  options: RunOptions | undefined,
): Promise<HttpResponse> {
  const url = `${baseUrl.replace(/\/+$/, '')}/v2/`
  return asking.request({ method: 'GET', url, headers: { accept: 'application/json' } }, options)
}

type ProductMark = Extract<Mark, { readonly is: 'product' }>

async function confirmed(
  { kind, by, confirmedBy }: ProductMark,
  prober: Prober,
): Promise<RecognisedRegistry | undefined> {
  if (confirmedBy === undefined) return { kind, by: `told by ${by}`, note: undefined }
  const answer = await prober.ask(confirmedBy)
  return answer && { kind, by: `told by ${by} and ${answer.by}`, note: undefined }
}

/** The likeliest first: what people run without a login, or behind one that shows nothing. */
const order: readonly ProbeName[] = ['zot', 'distribution', 'harbor', 'trow']

async function recogniseByProbes(
  root: HttpResponse,
  mark: ProductMark | undefined,
  prober: Prober,
): Promise<RecognisedRegistry> {
  const isDockerVersion = root.headers.get('docker-distribution-api-version') === 'registry/2.0'
  for (const name of order) {
    if (name === mark?.confirmedBy || (name === 'distribution' && !isDockerVersion)) continue
    const found = await prober.ask(name)
    if (found !== undefined) return { kind: found.kind, by: `told by ${found.by}`, note: undefined }
  }
  const by = 'no product that Winnow knows showed itself'
  return { kind: 'generic', by, note: mark && halfRecognised(mark) }
}

function halfRecognised({ kind, by }: ProductMark): string {
  return `By ${by} this may be ${kind}, but its own API does not answer there, so it is trusted with no more than any OCI registry. If it is, set kind: ${kind}, and api: {url: …} where its API is elsewhere.`
}

function frontOf({ of, realm }: Extract<Mark, { readonly is: 'front' }>): RecognisedRegistry {
  return {
    kind: 'generic',
    by: `it sends logins to ${realm}`,
    note: `This address sends logins to ${realm}, so it is a front or a cache of that registry (kind: ${of}), and is trusted with no more than any OCI registry. Give Winnow the address of the registry itself.`,
  }
}
