/**
 * What kept a whole answer from coming, sorted by what it means to the user and whether trying again can help.
 *
 * It stays inside the client, which turns it into an error of http-errors.ts once there is nothing left to try.
 */
import { OperationalError } from '../../core/errors/errors.ts'
import { HttpTimeoutError, UnreachableError } from './http-errors.ts'
import { errorCode } from './redact.ts'
import type { Redactor } from './redact.ts'

export type FailureKind =
  'name' | 'refused' | 'connection' | 'certificate' | 'tls' | 'silence' | 'cut-short' | 'garbled' | 'proxy'

export class TransportFailure extends Error {
  override readonly name = 'TransportFailure'
  readonly kind: FailureKind
  /** Whether it may be different the next time. */
  readonly isPassing: boolean

  constructor(
    kind: FailureKind,
    message: string,
    isPassing: boolean,
    options?: { readonly cause?: unknown },
  ) {
    super(message, options)
    this.kind = kind
    this.isPassing = isPassing
  }
}

const CERTIFICATE_CODES = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'CERT_UNTRUSTED',
  'CERT_REJECTED',
  'CERT_REVOKED',
  'CERT_NOT_YET_VALID',
  'CERT_HAS_EXPIRED',
  'CERT_SIGNATURE_FAILURE',
  'INVALID_CA',
  'INVALID_PURPOSE',
  'ERR_TLS_CERT_ALTNAME_INVALID',
])

/** An error as it is where it already speaks for itself, else a TransportFailure. */
export function toTransportFailure(error: unknown, isProxied: boolean): Error {
  if (error instanceof OperationalError || error instanceof TransportFailure) return error
  const root = rootError(error)
  // An internal address found at connection time arrives as the failed connection's error.
  if (root instanceof OperationalError) return root
  const code = errorCode(root) ?? ''
  const message = root instanceof Error ? root.message : String(root)
  const { kind, text, isPassing } = explain(code, message, isProxied)
  return new TransportFailure(kind, text, isPassing, { cause: root })
}

/** Several addresses tried in a row end in an AggregateError with the same trouble in each. */
function rootError(error: unknown): unknown {
  if (error instanceof AggregateError && error.errors.length > 0) return rootError(error.errors[0])
  if (error instanceof Error && errorCode(error) === undefined && error.cause !== undefined)
    return rootError(error.cause)
  return error
}

interface Explanation {
  readonly kind: FailureKind
  readonly text: string
  readonly isPassing: boolean
}

function explain(code: string, message: string, isProxied: boolean): Explanation {
  if (CERTIFICATE_CODES.has(code)) {
    return {
      kind: 'certificate',
      text: `its certificate cannot be trusted (${message}, ${code})`,
      isPassing: false,
    }
  }
  if (code === 'EPROTO' || code.startsWith('ERR_SSL_') || code.startsWith('ERR_TLS_')) {
    return { kind: 'tls', text: `no encrypted connection came about (${code})`, isPassing: false }
  }
  if (isProxied && /HTTP Tunneling|Proxy Authentication|Proxy response/i.test(message)) {
    return { kind: 'proxy', text: `the proxy did not let the request through (${message})`, isPassing: false }
  }
  switch (code) {
    case 'ENOTFOUND':
      return { kind: 'name', text: 'its name is not known (DNS)', isPassing: false }
    case 'EAI_AGAIN':
      return { kind: 'name', text: 'its name could not be looked up (DNS)', isPassing: true }
    case 'ECONNREFUSED':
      return { kind: 'refused', text: 'nothing listens there (connection refused)', isPassing: true }
    case 'UND_ERR_CONNECT_TIMEOUT':
      return { kind: 'connection', text: 'no connection within 10 s', isPassing: true }
    case 'UND_ERR_HEADERS_TIMEOUT':
    case 'UND_ERR_BODY_TIMEOUT':
      return { kind: 'silence', text: 'it fell silent', isPassing: true }
    case 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH':
      return { kind: 'cut-short', text: 'its answer was cut short', isPassing: true }
    case 'UND_ERR_HEADERS_OVERFLOW':
    case 'HPE_HEADER_OVERFLOW':
      return { kind: 'garbled', text: 'its headers are too long', isPassing: false }
    default:
      if (code.startsWith('HPE_'))
        return { kind: 'garbled', text: `its answer is not HTTP (${code})`, isPassing: true }
      return {
        kind: 'connection',
        text: `the connection broke (${code === '' ? message : code})`,
        isPassing: true,
      }
  }
}

/** The error that a user sees once a failure is final. `url` is already redacted. */
export function toOperationalError(
  failure: TransportFailure,
  url: string,
  attempts: number,
  redactor: Redactor,
): OperationalError {
  const count = attempts === 1 ? '' : `, in ${attempts} attempts`
  const cause = redactor.cause(failure.cause ?? failure)
  const why = redactor.text(failure.message) + count
  if (failure.kind === 'silence') return new HttpTimeoutError(url, why, { cause })
  return new UnreachableError(url, why, HINTS[failure.kind], { cause })
}

const HINTS: Readonly<Record<FailureKind, string>> = {
  name: 'Check the spelling of the address, and that this machine can resolve it.',
  refused: 'Check that the server runs and that host and port are right.',
  connection: 'Check the server, the network between, and the proxy settings (HTTPS_PROXY, NO_PROXY).',
  certificate:
    'If its certificate comes from an authority of your own, name its file as `tls.caFile` of this registry, or in the environment:\nNODE_EXTRA_CA_CERTS=/path/to/ca.pem\nIf it has expired or is for another name, renew it.',
  tls: 'Check whether the server speaks plain http on this port (then the address must say http://), or demands a client certificate.',
  silence: 'Check the server and the network between.',
  'cut-short': 'Check the server and any proxy in front of it: it ends answers before they are whole.',
  garbled: 'Check that the address is that of a registry or cluster, and what stands in front of it.',
  proxy: 'Check HTTPS_PROXY and HTTP_PROXY, their credentials, and whether this host belongs in NO_PROXY.',
}
