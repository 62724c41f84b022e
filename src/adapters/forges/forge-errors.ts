/** What can go wrong between Winnow and a forge. Nothing here holds a credential. */
import { OperationalError } from '../../core/errors/errors.ts'

/** A forge did not say, or not in full, which pull requests are open. */
export class ForgeError extends OperationalError {
  readonly code = 'FORGE_UNREADABLE'
  override readonly category = 'incomplete'
  readonly hint: string

  constructor(message: string, hint: string) {
    super(message)
    this.hint = hint
  }
}
