/** What readers of previews hand on: entries with the names, times and decisions that the source gives. */
import { OperationalError } from '../errors/errors.ts'
import type { InstantMs } from '../inventory/inventory.ts'

export interface PreviewEntry {
  /** As the source names it. */
  readonly repository?: string
  /** What else an inventory may call it, if it has no repository of the first name. */
  readonly otherName?: string
  /** The name may lack its beginning, such as the project; otherwise it is whole. */
  readonly mayLackBeginning?: boolean
  readonly digest?: string
  readonly tag?: string
  readonly decision: 'delete' | 'keep'
  /** When the source decided so, where it says. */
  readonly at?: InstantMs
  /** Why, where the source says: `rulePriority 2`. */
  readonly told?: string
}

export interface Preview {
  /** In the order of the file. */
  readonly entries: readonly PreviewEntry[]
  /** It names all it looked at, so what is missing was not looked at; otherwise what is missing is kept. */
  readonly isComplete: boolean
  /** It is about this repository alone: no other was looked at. */
  readonly onlyRepository?: string
}

/** The file given to `--compare` says nothing of deletions. */
export class PreviewUnreadableError extends OperationalError {
  readonly code = 'PREVIEW_UNREADABLE'
  readonly hint: string
  override readonly category = 'configuration'

  constructor(message: string, hint: string) {
    super(message)
    this.hint = hint
  }
}
