/** Why a storage cannot be swept as the layout it was given as. */
import { OperationalError } from '../../../core/errors/errors.ts'

/** Something else lies there than the configuration says. */
export class LayoutMismatchError extends OperationalError {
  readonly code = 'LAYOUT_MISMATCH'
  override readonly category = 'configuration'
  readonly hint: string

  constructor(
    place: string,
    layout: string,
    why: string,
    options: { readonly hint: string; readonly cause?: unknown },
  ) {
    super(`The storage at ${place} cannot be read with layout: ${layout}, because ${why}.`, options)
    this.hint = options.hint
  }
}

/** A file that says what is needed is there and cannot be understood, or is missing while blobs are there. */
export class LayoutUnreadableError extends OperationalError {
  readonly code = 'LAYOUT_UNREADABLE'
  override readonly category = 'incomplete'
  readonly hint: string

  constructor(key: string, why: string, options: { readonly cause?: unknown; readonly hint?: string } = {}) {
    super(`${key} does not say which blobs are needed: ${why}. Nothing of the storage goes.`, options)
    this.hint =
      options.hint ??
      'Run again when nothing writes there. If it stays so, write it again from a copy, or remove its whole folder if nobody needs it.'
  }
}

/** What is needed is written down where Winnow does not look: in a database of the registry, or in its memory. */
export class MetadataElsewhereError extends OperationalError {
  readonly code = 'METADATA_ELSEWHERE'
  readonly hint: string

  constructor(place: string, why: string, hint: string) {
    super(`The storage at ${place} is not swept from outside: ${why}.`)
    this.hint = hint
  }
}
