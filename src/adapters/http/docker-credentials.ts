/**
 * Credentials from where `docker login` and `podman login` leave them: their files, and the helpers those name.
 *
 * Places, in order; the first that has something for the host wins: $REGISTRY_AUTH_FILE, $DOCKER_CONFIG/config.json,
 * $XDG_RUNTIME_DIR/containers/auth.json, $XDG_CONFIG_HOME/containers/auth.json, ~/.docker/config.json (not when
 * DOCKER_CONFIG is set: then Docker does not look there either), ~/.dockercfg. In each file: the host's helper, then
 * the store for all, then what the file itself holds. A file that is not there is skipped; one that cannot be read
 * is an error.
 */
import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { AuthFile } from './auth-file.ts'
import { canonicalHost, findAuth, helperServer, parseAuthFile } from './auth-file.ts'
import { askHelper } from './credential-helper.ts'
import type { Credential, CredentialOptions, CredentialSource, CredentialTarget } from './credentials.ts'
import { CredentialUnavailableError } from './http-errors.ts'
import { errorCode } from './redact.ts'

export interface DockerCredentialsSettings {
  /** @default process.env */
  readonly environment?: Readonly<Record<string, string | undefined>>
  /** @default the user's home directory */
  readonly home?: string
  /** How long a helper may take. @default 30 000 */
  readonly helperTimeoutMs?: number
}

interface Place {
  readonly path: string
  readonly isLegacy: boolean
}

/** A source that reads files and asks helpers when it is first asked, and again on `refresh`. */
export function dockerCredentials(settings: DockerCredentialsSettings = {}): CredentialSource {
  const environment = settings.environment ?? process.env
  const places = authFilePlaces(environment, settings.home ?? homedir())
  let files: Promise<readonly AuthFile[]> | undefined
  const answers = new Map<string, Promise<Credential | undefined>>()

  const ask = async (
    suffix: string,
    host: string,
    options: CredentialOptions,
  ): Promise<Credential | undefined> => {
    // Helpers know hosts, not paths: one run serves every repository of a host.
    const key = `${suffix} ${helperServer(host)}`
    const known = options.refresh === true ? undefined : answers.get(key)
    if (known !== undefined) return await known
    const { signal } = options
    const timeout = settings.helperTimeoutMs === undefined ? {} : { timeoutMs: settings.helperTimeoutMs }
    const asking = askHelper(suffix, helperServer(host), {
      environment,
      ...timeout,
      ...(signal === undefined ? {} : { signal }),
    })
    answers.set(key, asking)
    asking.catch(() => answers.delete(key))
    return await asking
  }

  return {
    name: places.map(({ path }) => path).join(', '),
    get: async (target: CredentialTarget, options: CredentialOptions = {}) => {
      if (options.refresh === true) files = undefined
      files ??= readFiles(places)
      const reading = files
      for (const file of await forgetOnFailure(reading, () => (files = undefined))) {
        const credential = await findIn(file, target, (suffix) => ask(suffix, target.host, options))
        if (credential !== undefined) return credential
      }
      return undefined
    },
  }
}

async function findIn(
  file: AuthFile,
  target: CredentialTarget,
  ask: (suffix: string) => Promise<Credential | undefined>,
): Promise<Credential | undefined> {
  const own = file.credHelpers.get(canonicalHost(target.host))
  for (const suffix of [own, file.credsStore]) {
    const credential = suffix === undefined ? undefined : await ask(suffix)
    if (credential !== undefined) return credential
  }
  return findAuth(file, target.host, target.path)
}

/** Where login files may be, in the order they are looked at. */
function authFilePlaces(
  environment: Readonly<Record<string, string | undefined>>,
  home: string,
): readonly Place[] {
  const variable = (name: string): string | undefined =>
    environment[name] === '' ? undefined : environment[name]
  const explicit = variable('REGISTRY_AUTH_FILE')
  const dockerDirectory = variable('DOCKER_CONFIG')
  const runtime = variable('XDG_RUNTIME_DIR')
  const config = variable('XDG_CONFIG_HOME') ?? join(home, '.config')
  const paths = [
    explicit,
    dockerDirectory === undefined ? undefined : join(dockerDirectory, 'config.json'),
    runtime === undefined ? undefined : join(runtime, 'containers', 'auth.json'),
    join(config, 'containers', 'auth.json'),
    dockerDirectory === undefined ? join(home, '.docker', 'config.json') : undefined,
  ]
  const current = [...new Set(paths.filter((path) => path !== undefined))]
  return [
    ...current.map((path) => ({ path, isLegacy: false })),
    { path: join(home, '.dockercfg'), isLegacy: true },
  ]
}

async function readFiles(places: readonly Place[]): Promise<readonly AuthFile[]> {
  const files = await Promise.all(places.map(readPlace))
  return files.filter((file) => file !== undefined)
}

async function readPlace(place: Place): Promise<AuthFile | undefined> {
  let text: string
  try {
    text = await readFile(place.path, 'utf8')
  } catch (error) {
    const code = errorCode(error)
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw new CredentialUnavailableError(
      `The login file ${place.path} cannot be read (${code ?? 'unknown error'}).`,
      'Give this user the right to read it, or point DOCKER_CONFIG or REGISTRY_AUTH_FILE elsewhere.',
      { cause: error },
    )
  }
  // Podman leaves empty files behind after the last logout.
  return text.trim() === '' ? undefined : parseAuthFile(text, place.path, place.isLegacy)
}

async function forgetOnFailure<T>(work: Promise<T>, forget: () => void): Promise<T> {
  try {
    return await work
  } catch (error) {
    forget()
    throw error
  }
}
