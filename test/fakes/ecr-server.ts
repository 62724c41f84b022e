/**
 * Amazon ECR, or ECR Public, as its reference describes it: the JSON API with signatures that are really checked, the
 * distribution API with passwords that run out, roles by the token service. It ends as the product does: the last tag takes
 * its image along, an index keeps its parts, archived images are hidden from whoever does not ask for them.
 */
import { randomBytes } from 'node:crypto'
import { parseDigest } from '../../src/core/image/digest.ts'
import { parseRepositoryName, parseTagName } from '../../src/core/image/names.ts'
import { checkSignature, type AwsKey } from './aws-signature.ts'
import { answerOperation, EcrException, type EcrManners } from './ecr-operations.ts'
import { EcrState } from './ecr-state.ts'
import { json, startFakeServer, type FakeRequest, type FakeServer, type Reply } from './fake-server.ts'
import { answerOci } from './oci-server.ts'

export interface EcrServerOptions {
  /** @default false */
  readonly isPublic?: boolean
  readonly pageSize?: number
  readonly latencyMs?: number
}

export interface EcrServer {
  readonly fake: FakeServer
  readonly state: EcrState
  /** In ECR Public, the first part of every name. */
  readonly alias: string
  readonly account: string
  /** Credentials that are valid now, as the variables of the environment have them. */
  readonly credentials: () => Readonly<Record<string, string>>
  /** Makes all session tokens and passwords that were given out worthless. */
  readonly expire: () => void
  /** Makes the passwords of the distribution API worthless, and only them. */
  readonly expirePasswords: () => void
  /** Runs once, before an operation of that name is answered. */
  readonly before: (operation: string, act: () => void) => void
}

const ACCOUNT = '012345678910'
const ALIAS = 'w1n2n3o4'
const ROLE_KEY = 'ASIAROLE'
const TWELVE_HOURS = 12 * 3600

export async function startEcrServer(options: EcrServerOptions = {}): Promise<EcrServer> {
  const server = new EcrAnswers(options)
  const { latencyMs = 0 } = options
  const fake = await startFakeServer((request) => server.answer(request), { latencyMs })
  return {
    fake,
    state: server.state,
    alias: ALIAS,
    account: ACCOUNT,
    credentials: () => server.credentials(),
    expire: () => {
      server.expire()
    },
    expirePasswords: () => {
      server.passwords.clear()
    },
    before: (operation, act) => {
      server.acts.set(operation, act)
    },
  }
}

class EcrAnswers {
  readonly state = new EcrState()
  readonly acts = new Map<string, () => void>()
  /** Passwords and tokens of the distribution API that are valid. */
  readonly passwords = new Set<string>()
  readonly #options: EcrServerOptions
  readonly #keys = new Map<string, AwsKey>()

  constructor(options: EcrServerOptions) {
    this.#options = options
    this.expire()
  }

  credentials(): Readonly<Record<string, string>> {
    const { secret = '', sessionToken = '' } = this.#keys.get('ASIAWINNOW') ?? {}
    return {
      AWS_ACCESS_KEY_ID: 'ASIAWINNOW',
      AWS_SECRET_ACCESS_KEY: secret,
      AWS_SESSION_TOKEN: sessionToken,
    }
  }

  expire(): void {
    this.passwords.clear()
    for (const accessKeyId of ['ASIAWINNOW', ROLE_KEY])
      this.#keys.set(accessKeyId, { secret: secretOf(accessKeyId), sessionToken: random() })
  }

  answer(request: FakeRequest): Reply {
    const { pathname } = request.url
    if (pathname.startsWith('/v2/')) return this.#distribution(request)
    if (pathname === '/token/') return this.#token(request)
    if (request.method !== 'POST' || pathname !== '/') return { status: 404 }
    return this.#isForTokenService(request) ? this.#assumeRole(request) : this.#operation(request)
  }

  #operation(request: FakeRequest): Reply {
    const { isPublic = false } = this.#options
    const target = String(request.headers['x-amz-target'])
    const prefix = isPublic ? 'SpencerFrontendService' : 'AmazonEC2ContainerRegistry_V20150921'
    const [service, operation = ''] = target.split('.')
    try {
      const verdict = checkSignature(request, (id) => this.#keys.get(id))
      if (verdict.kind === 'refused') throw new EcrException(verdict.type, verdict.message)
      if (service !== prefix || request.headers['content-type'] !== 'application/x-amz-json-1.1')
        throw new EcrException('UnknownOperationException', target)
      const action = `${isPublic ? 'ecr-public' : 'ecr'}:${operation}`
      if (this.state.denied.has(action))
        throw new EcrException(
          'AccessDeniedException',
          `User: arn:aws:sts::${ACCOUNT}:assumed-role/ci/winnow is not authorized to perform: ${action} on resource: * because no identity-based policy allows the ${action} action`,
        )
      this.#act(operation)
      if (operation === 'GetAuthorizationToken') return amazon(200, this.#authorization(isPublic))
      const input = JSON.parse(request.body.toString('utf8')) as Record<string, unknown>
      return amazon(200, answerOperation(this.state, this.#manners(request), { operation, input }))
    } catch (error) {
      if (!(error instanceof EcrException)) throw error
      return amazon(400, { __type: error.type, message: error.message })
    }
  }

  #act(operation: string): void {
    const act = this.acts.get(operation)
    this.acts.delete(operation)
    act?.()
  }

  #manners({ url }: FakeRequest): EcrManners {
    const { isPublic = false, pageSize } = this.#options
    return { isPublic, alias: ALIAS, account: ACCOUNT, host: url.host, pageSize }
  }

  /** A list in ECR, a single one in ECR Public. */
  #authorization(isPublic: boolean): object {
    const password = random()
    this.passwords.add(password)
    const row = {
      authorizationToken: Buffer.from(`AWS:${password}`).toString('base64'),
      expiresAt: Date.now() / 1000 + TWELVE_HOURS,
    }
    return { authorizationData: isPublic ? row : [row] }
  }

  #isForTokenService({ headers }: FakeRequest): boolean {
    return headers['content-type']?.startsWith('application/x-www-form-urlencoded') === true
  }

  #assumeRole(request: FakeRequest): Reply {
    const verdict = checkSignature(request, (id) => this.#keys.get(id))
    const form = new URLSearchParams(request.body.toString('utf8'))
    const xml = { 'content-type': 'text/xml' }
    if (verdict.kind === 'refused' || form.get('RoleArn') !== `arn:aws:iam::${ACCOUNT}:role/winnow`) {
      const body =
        '<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>not authorized to perform: sts:AssumeRole</Message></Error></ErrorResponse>'
      return { status: 403, headers: xml, body }
    }
    const { secret = '', sessionToken = '' } = this.#keys.get(ROLE_KEY) ?? {}
    const expiration = new Date(Date.now() + 3_600_000).toISOString()
    const body = `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials><AccessKeyId>${ROLE_KEY}</AccessKeyId><SecretAccessKey>${secret}</SecretAccessKey><SessionToken>${sessionToken}</SessionToken><Expiration>${expiration}</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`
    return { status: 200, headers: xml, body }
  }

  #token(request: FakeRequest): Reply {
    if (!this.#isPassword(request)) return { status: 401 }
    const token = random()
    this.passwords.add(token)
    return json(200, { token })
  }

  #distribution(request: FakeRequest): Reply {
    const refusal =
      this.#options.isPublic === true ? this.#refusedPublic(request) : this.#refusedPrivate(request)
    if (refusal !== undefined) return refusal
    const [, name = '', reference = ''] = /^\/v2\/(.+)\/manifests\/([^/]+)$/.exec(request.url.pathname) ?? []
    const repository = parseRepositoryName(name)
    const held = repository && this.state.store.repositories.get(repository)
    const tag = parseTagName(reference)
    const digest = parseDigest(reference) ?? (tag && held?.tags.get(tag)?.digest)
    const { store } = this.state
    const answer = (): Reply =>
      answerOci(
        store,
        {},
        { method: request.method, url: request.target, headers: request.headers },
        request.body,
      )
    if (repository === undefined || digest === undefined) return answer()
    const isArchived = this.state.statusOf(repository, digest) !== 'ACTIVE'
    if (request.method === 'GET' && isArchived)
      return denied(404, 'MANIFEST_UNKNOWN', 'Requested image not found')
    // What every GET of a manifest does to the times.
    if (request.method === 'GET' && held?.manifests.has(digest) === true)
      this.state.pulled(repository, digest, Date.now())
    if (request.method !== 'PUT') return answer()
    if (tag !== undefined && this.state.immutable.has(repository))
      return denied(
        400,
        'TAG_INVALID',
        `The image tag '${tag}' already exists in the '${name}' repository and cannot be overwritten because the repository is immutable.`,
      )
    this.state.activate(repository, digest)
    return answer()
  }

  #refusedPrivate(request: FakeRequest): Reply | undefined {
    if (this.#isPassword(request)) return undefined
    if (request.headers.authorization !== undefined)
      return denied(403, 'DENIED', 'Your authorization token has expired. Reauthenticate and try again.')
    const challenge = `Basic realm="http://${request.url.host}/",service="ecr.amazonaws.com"`
    return { status: 401, headers: { 'www-authenticate': challenge }, body: 'Not Authorized\n' }
  }

  #refusedPublic({ headers, url }: FakeRequest): Reply | undefined {
    const token = headers.authorization?.startsWith('Bearer ') === true ? headers.authorization.slice(7) : ''
    if (this.passwords.has(token)) return undefined
    const challenge = `Bearer realm="http://${url.host}/token/",service="public.ecr.aws",scope="aws"`
    return { status: 401, headers: { 'www-authenticate': challenge }, body: 'Not Authorized\n' }
  }

  #isPassword({ headers }: FakeRequest): boolean {
    const [, basic = ''] = /^Basic (.+)$/.exec(headers.authorization ?? '') ?? []
    const [user, password = ''] = Buffer.from(basic, 'base64').toString('utf8').split(':')
    return user === 'AWS' && this.passwords.has(password)
  }
}

function amazon(status: number, body: object): Reply {
  const headers = { 'content-type': 'application/x-amz-json-1.1' }
  return { status, headers, body: JSON.stringify(body) }
}

function denied(status: number, code: string, message: string): Reply {
  return json(status, { errors: [{ code, message }] })
}

function secretOf(accessKeyId: string): string {
  return `secret-of-${accessKeyId}-0123456789`
}

function random(): string {
  return randomBytes(24).toString('hex')
}
