/**
 * What an answer of AWS, or a failure of its library, means in Winnow's words. The library's own errors hold whole
 * exchanges, signatures and session tokens among them, so nothing of them is kept but names and redacted messages.
 */
import { OperationalError } from '../../../core/errors/errors.ts'
import type { RegistryName } from '../../../core/image/names.ts'
import { CredentialUnavailableError, UnauthorizedError } from '../../http/http-errors.ts'
import type { HttpResponse } from '../../http/http-types.ts'
import { errorCode, type Redactor } from '../../http/redact.ts'
import { isRecord } from '../oci/answers.ts'
import { RegistryAnswerError } from '../oci/errors.ts'
import { ProductMismatchError } from '../product-api.ts'
import { AwsAccessDeniedError, AwsRegionUnknownError } from './ecr-errors.ts'

/** One call that failed. */
export interface FailedCall {
  readonly registry: RegistryName
  /** `Amazon ECR`. */
  readonly product: string
  /** `ecr:DescribeImages`. */
  readonly action: string
  readonly repository: string | undefined
  /** Undefined when it came to no answer. */
  readonly response: HttpResponse | undefined
  /** What the credentials are called. */
  readonly identity: string
  readonly redactor: Redactor
}

export interface AwsFailure {
  /** `ThrottlingException`, without its namespace. */
  readonly type: string
  readonly message: string
}

const SAID_LENGTH_MAX = 400
const CREDENTIALS_CURE =
  'Log in with the AWS command line (aws sso login), set AWS_PROFILE or the usual variables, give this machine or service account a role, or name a profile: aws: {profile: …}. To see who you are:\naws sts get-caller-identity'

/** What AWS calls the failure; undefined for an answer that is none of AWS. */
export function failureIn(response: HttpResponse): AwsFailure | undefined {
  if (response.status < 400) return undefined
  const body = parsed(response)
  const fields = isRecord(body) ? body : {}
  const told = fields['__type'] ?? response.headers.get('x-amzn-errortype')
  if (typeof told !== 'string') return undefined
  // `com.amazonaws.ecr#ThrottlingException:http://…`
  const type = told.split(':', 1)[0]?.split('#').at(-1) ?? ''
  const message = fields['message'] ?? fields['Message']
  return { type, message: typeof message === 'string' ? message : '' }
}

/** The operational error that a failed call is; what is none of AWS's or the network's doing is thrown on as it is. */
export function explain(error: unknown, call: FailedCall): unknown {
  if (error instanceof OperationalError) return error
  const { response, registry } = call
  if (response === undefined) return explainUnsent(error, call)
  const failure = failureIn(response)
  const what = `${call.action}${ofRepository(call)}`
  if (failure === undefined) {
    const why = `${what} was answered with status ${response.status} and nothing that AWS would say`
    return new ProductMismatchError(registry, call.product, why)
  }
  const said = safe(failure.message, call)
  if (deniedTypes.has(failure.type)) return denied(call, failure.type, said)
  if (identityTypes.has(failure.type)) {
    const { host } = new URL(response.url)
    return new UnauthorizedError(host, said === '' ? failure.type : `${failure.type}: ${said}`, {
      used: call.identity,
      searched: undefined,
    })
  }
  if (foreignTypes.has(failure.type))
    return new ProductMismatchError(registry, call.product, `${what} was answered with ${failure.type}`)
  return new RegistryAnswerError(registry, what, response.status, `${failure.type}: ${said}`)
}

const deniedTypes: ReadonlySet<string> = new Set(['AccessDeniedException', 'AccessDenied'])
/** The credentials were refused, not what they ask for. */
const identityTypes: ReadonlySet<string> = new Set([
  'ExpiredTokenException',
  'ExpiredToken',
  'UnrecognizedClientException',
  'InvalidClientTokenId',
  'InvalidSignatureException',
  'IncompleteSignatureException',
  'MissingAuthenticationTokenException',
  'RequestExpired',
  'OptInRequired',
])
const foreignTypes: ReadonlySet<string> = new Set(['UnknownOperationException', 'SerializationException'])

function denied(call: FailedCall, type: string, said: string): AwsAccessDeniedError {
  // AWS names the action itself, which is another one where an operation needs two.
  const action = /\bperform: ([a-z0-9-]+:[A-Za-z]+)/.exec(said)?.[1] ?? call.action
  return new AwsAccessDeniedError(call.registry, action, ofRepository(call), said === '' ? type : said)
}

/** The library came to no answer: no credentials, no region, no role. */
function explainUnsent(error: unknown, call: FailedCall): unknown {
  if (!(error instanceof Error)) return error
  if (error.message === 'Region is missing') return new AwsRegionUnknownError(call.registry)
  const isAboutCredentials =
    /Credentials|TokenProvider/.test(error.name) || isFromAws(error) || errorCode(error) !== undefined
  if (!isAboutCredentials) return error
  const why = safe(error.message, call)
  return new CredentialUnavailableError(
    `${call.registry}: ${call.identity} gave no AWS credentials (${why === '' ? error.name : why}).`,
    CREDENTIALS_CURE,
    { cause: call.redactor.cause(error) },
  )
}

/** A refusal of the token services, which are asked before the call itself. */
function isFromAws(error: Error): boolean {
  return '$metadata' in error
}

function ofRepository({ repository }: FailedCall): string {
  return repository === undefined ? '' : ` of ${repository}`
}

function safe(text: string, { redactor }: FailedCall): string {
  const plain = redactor.text(text).replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ')
  return plain.trim().replace(/\.$/, '').slice(0, SAID_LENGTH_MAX)
}

function parsed(response: HttpResponse): unknown {
  try {
    return response.json()
  } catch {
    // Then it is not AWS that speaks, which the caller says.
    return undefined
  }
}
