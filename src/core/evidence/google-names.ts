/**
 * Google serves some images under two names: what was pushed to `gcr.io/PROJECT/x` lies in Artifact Registry as
 * `us-docker.pkg.dev/PROJECT/gcr.io/x`, and both can be pulled. A cluster may use either.
 *
 * These names only add to what a reference may mean. The hosts are those of the transition from Container Registry;
 * other hosts below gcr.io (mirror.gcr.io, marketplace.gcr.io) have no second name.
 */

/** By host of Container Registry, the location of the repository of the same name in Artifact Registry. */
const locations: ReadonlyMap<string, string> = new Map([
  ['gcr.io', 'us'],
  ['us.gcr.io', 'us'],
  ['eu.gcr.io', 'europe'],
  ['asia.gcr.io', 'asia'],
])

const pkgHost = /^([a-z0-9-]+)-docker\.pkg\.dev$/

/** Where the API finds what a host serves. */
export interface GooglePlace {
  readonly location: string
  /** The one repository that the host stands for; undefined where names of images begin with theirs. */
  readonly repository: string | undefined
}

/** @param host lower case, without a port; undefined for a host that is not one of Google's registries */
export function googlePlace(host: string): GooglePlace | undefined {
  const location = locations.get(host)
  if (location !== undefined) return { location, repository: host }
  const [, named] = pkgHost.exec(host) ?? []
  return named === undefined ? undefined : { location: named, repository: undefined }
}

/**
 * The project that begins a path, as names of images spell it, and what follows. A project within a domain takes two
 * segments: `example.com/project` is `example.com:project`; no other project has a dot.
 */
export function splitProject(path: string): { readonly project: string; readonly rest: string } {
  const [first = '', second, ...others] = path.split('/')
  if (second === undefined) return { project: first, rest: '' }
  return first.includes('.')
    ? { project: `${first}/${second}`, rest: others.join('/') }
    : { project: first, rest: [second, ...others].join('/') }
}

/**
 * The other names of the images whose names begin with `name`: a host alone, or with a path; empty where there are none.
 * Of a host alone these are hosts, below which more lies than what has two names.
 */
export function otherGoogleNames(name: string): readonly string[] {
  const [host = '', path = ''] = name.split(/\/(.*)/s)
  const place = googlePlace(host)
  if (place === undefined) return []
  if (place.repository !== undefined) return [underPkgDev(place.location, place.repository, path)]
  const served = [...locations].filter(([, location]) => location === place.location).map(([gcr]) => gcr)
  return served.flatMap((gcr) => underGcr(gcr, path) ?? [])
}

function underPkgDev(location: string, repository: string, path: string): string {
  const host = `${location}-docker.pkg.dev`
  if (path === '') return host
  const { project, rest } = splitProject(path)
  return [host, project, repository, ...(rest === '' ? [] : [rest])].join('/')
}

function underGcr(gcr: string, path: string): string | undefined {
  if (path === '') return gcr
  const { project, rest } = splitProject(path)
  if (rest === '') return `${gcr}/${project}`
  if (rest === gcr) return `${gcr}/${project}`
  return rest.startsWith(`${gcr}/`) ? `${gcr}/${project}/${rest.slice(gcr.length + 1)}` : undefined
}
