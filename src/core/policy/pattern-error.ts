/** A pattern, range or stream template that cannot be understood. It is refused, never read as something near it. */
import { OperationalError } from '../errors/errors.ts'

export class PatternError extends OperationalError {
  readonly code = 'PATTERN_INVALID'
  readonly hint: string
  override readonly category = 'configuration'
  /** As written. */
  readonly source: string
  /** Why it is refused: a full sentence that does not repeat the source. */
  readonly reason: string

  constructor(source: string, reason: string, hint: string) {
    super(`The pattern ${JSON.stringify(shortened(source))} cannot be used. ${reason}`)
    this.source = source
    this.reason = reason
    this.hint = hint
  }
}

function shortened(source: string): string {
  return source.length > 120 ? `${source.slice(0, 120)}…` : source
}
