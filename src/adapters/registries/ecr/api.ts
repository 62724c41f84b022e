/**
 * The API of ECR and of ECR Public: the vendor's library, loaded at the first call, over Winnow's own HTTP client.
 *
 * Promises: "there is no such repository" and "no such image" are answers; every other failure is an OperationalError.
 * The library repeats nothing: the HTTP client repeats what the network lost, patience.ts what AWS asked to be asked
 * later, and credentials that have run out are fetched once more. Nothing leaves this file in the vendor's types.
 */
import { InterruptedError } from '../../../core/errors/errors.ts'
import type { RegistryName } from '../../../core/image/names.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { Redactor } from '../../http/redact.ts'
import type { HttpResponse } from '../../http/http-types.ts'
import type { DriverSettings } from '../driver.ts'
import { explain, failureIn } from './explain.ts'
import { identityName, type IdentitySettings } from './identity.ts'
import { Patience, ThrottledAnswer } from './patience.ts'
import type { EcrPlace } from './place.ts'
import { OwnHttpHandler, type Sending } from './request-handler.ts'
import { openSession, type AwsOperation, type AwsSession } from './session.ts'

export type { AwsOperation } from './session.ts'

export type AwsAnswer =
  | {
      readonly kind: 'answer'
      readonly output: Readonly<Record<string, unknown>>
      /** How often it was sent; above 1, "not found" may be the work of an earlier sending. */
      readonly attempts: number
    }
  | { readonly kind: 'absent'; readonly what: 'repository' | 'image' }

const absentTypes: ReadonlyMap<string, 'repository' | 'image'> = new Map([
  ['RepositoryNotFoundException', 'repository'],
  ['ImageNotFoundException', 'image'],
])
const throttledTypes: ReadonlySet<string> = new Set([
  'ThrottlingException',
  'Throttling',
  'TooManyRequestsException',
  'RequestLimitExceeded',
])
/** What other credentials may cure. */
const staleTypes: ReadonlySet<string> = new Set([
  'ExpiredTokenException',
  'ExpiredToken',
  'UnrecognizedClientException',
  'InvalidClientTokenId',
])

export class AwsApi {
  readonly registry: RegistryName
  readonly product: string
  readonly place: EcrPlace
  readonly patience = new Patience()
  readonly #identity: IdentitySettings
  #session: Promise<AwsSession> | undefined

  constructor(settings: DriverSettings, place: EcrPlace) {
    this.registry = settings.name
    this.product = place.isPublic ? 'Amazon ECR Public' : 'Amazon ECR'
    this.place = place
    // It sends what the library has signed, so it needs no credentials of its own.
    const handler = new OwnHttpHandler((origin) =>
      settings.openHttp({ base: origin, authorization: 'static' }),
    )
    const { aws, environment } = settings
    this.#identity = { aws, environment, place, handler, redactor: new Redactor() }
  }

  /** `ecr:DescribeImages`, as IAM calls it. */
  action(operation: AwsOperation): string {
    return `${this.place.isPublic ? 'ecr-public' : 'ecr'}:${operation}`
  }

  /** What the credentials are called. */
  get identity(): string {
    return identityName(this.#identity)
  }

  /**
   * Calls, waiting as long as AWS asks for patience.
   *
   * @throws AwsAccessDeniedError, RateLimitedError, UnauthorizedError, and what explain.ts makes of the rest
   */
  call(operation: AwsOperation, input: object, options: RunOptions = {}): Promise<AwsAnswer> {
    return this.patience.wait(() => this.#answer(operation, input, options, true), options)
  }

  /**
   * Calls, and never sends twice what AWS may have done once.
   *
   * @throws ThrottledAnswer when AWS asks for patience, and what `call` throws
   */
  callOnce(operation: AwsOperation, input: object, options: RunOptions = {}): Promise<AwsAnswer> {
    return this.#answer(operation, input, options, false)
  }

  async #answer(
    operation: AwsOperation,
    input: object,
    options: RunOptions,
    isRepeatable: boolean,
  ): Promise<AwsAnswer> {
    for (let isRenewed = false; ; isRenewed = true) {
      let response: HttpResponse | undefined
      let session: AwsSession | undefined
      if (options.signal?.aborted === true) throw new InterruptedError()
      const onAnswer = (answer: HttpResponse): void => {
        response = answer
      }
      const sending: Sending = { run: options, isRepeatable, onAnswer }
      try {
        session = await this.#open(false)
        const output = await session.send(operation, { ...this.#common(operation), ...input }, sending)
        return { kind: 'answer', output, attempts: attemptsOf(response) }
      } catch (error) {
        const type = response && failureIn(response)?.type
        const what = type === undefined ? undefined : absentTypes.get(type)
        if (what !== undefined) return { kind: 'absent', what }
        if (response !== undefined && throttledTypes.has(type ?? ''))
          throw new ThrottledAnswer(response.url, response)
        const isStale = staleTypes.has(type ?? '')
        // A refused request was not carried out, so it may be sent again, whatever it is.
        if (!isRenewed && (isStale || isClockCorrected(error))) {
          if (isStale) await this.#renew(session)
          continue
        }
        throw explain(error, {
          registry: this.registry,
          product: this.product,
          action: this.action(operation),
          repository: repositoryIn(input),
          response,
          identity: this.identity,
          redactor: this.#identity.redactor,
        })
      }
    }
  }

  /** Another account's registry is named in every call; tokens are for all of them. */
  #common(operation: AwsOperation): object {
    const { account } = this.place
    return account === undefined || operation === 'GetAuthorizationToken' ? {} : { registryId: account }
  }

  #open(isRenewed: boolean): Promise<AwsSession> {
    this.#session ??= openSession(this.#identity, isRenewed).catch((error: unknown) => {
      // A failure is not remembered: the next call may find what this one missed.
      this.#session = undefined
      throw error
    })
    return this.#session
  }

  /** Many calls may learn at once that the credentials have run out; the first of them opens anew. */
  async #renew(refused: AwsSession | undefined): Promise<void> {
    const current = await this.#session?.catch(() => undefined)
    if (current === refused) this.#session = undefined
    await this.#open(true)
  }
}

/** Through a function, since the compiler does not see what a callback writes. */
function attemptsOf(response: HttpResponse | undefined): number {
  return response?.attempts ?? 1
}

/** The library has found out by how much the clock is wrong, and will sign with the right time from now on. */
function isClockCorrected(error: unknown): boolean {
  const { $metadata } = error as { readonly $metadata?: { readonly clockSkewCorrected?: boolean } }
  return $metadata?.clockSkewCorrected === true
}

function repositoryIn(input: object): string | undefined {
  const { repositoryName } = input as { readonly repositoryName?: unknown }
  return typeof repositoryName === 'string' ? repositoryName : undefined
}
