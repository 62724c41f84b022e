/**
 * What can go wrong between Winnow and a cluster. Thrown inside this folder only: a source turns each of them into a
 * problem that stops the plan. No message holds a token, a password or a key; text that came from outside (a plugin's
 * stderr, a server's message) passes `withoutSecrets` first.
 */
import { OperationalError } from '../../../core/errors/errors.ts'

/** The kubeconfig, the context or the credentials cannot be used; nothing was asked of the cluster. */
export class ClusterAccessError extends OperationalError {
  readonly code = 'CLUSTER_ACCESS'
  override readonly category = 'incomplete'
  readonly hint: string

  constructor(message: string, hint: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    this.hint = hint
  }
}

/** The cluster answered, and the answer is a refusal or cannot be trusted to be whole. */
export class ClusterAnswerError extends OperationalError {
  readonly code = 'CLUSTER_ANSWER'
  override readonly category = 'incomplete'
  readonly hint: string
  /** The HTTP status; 200 where the status was fine and the content was not. */
  readonly status: number

  constructor(status: number, message: string, hint: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    this.status = status
    this.hint = hint
  }
}

/** A file made by kubectl cannot be read as a whole. */
export class ClusterDumpError extends OperationalError {
  readonly code = 'CLUSTER_DUMP'
  override readonly category = 'incomplete'
  readonly hint: string

  constructor(message: string, hint: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    this.hint = hint
  }
}

/** The first `charsMax` characters of foreign text on one line, with everything that could be a secret taken out. */
export function withoutSecrets(text: string, charsMax = 300): string {
  return text
    .replace(/\s+/g, ' ')
    .trim()
    .replace(/\b(bearer|basic)\s+\S+/gi, '$1 …')
    .replace(/\b(\w*(?:token|password|passwd|secret|key|credential)\w*["']?\s*[=:]\s*)\S+/gi, '$1…')
    .replace(/\/\/[^\s/@]+@/g, '//…@')
    .replace(/[A-Za-z0-9_+/=.-]{40,}/g, '…')
    .slice(0, charsMax)
}
