/** What every composition is given, and where its state lies. */
import { defaultStateDirectory } from './adapters/journal/state-directory.ts'

export interface ComposeOptions {
  /** @default the XDG state directory */
  readonly stateDirectory?: string | undefined
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly version: string
  /** For whoever shows inventories: every config is read, whether a policy looks at it or not. @default false */
  readonly readsAllConfigs?: boolean
}

/** Where the state lies. */
export function stateDirectoryOf(options: ComposeOptions): string {
  return options.stateDirectory ?? defaultStateDirectory(options.environment)
}
