/** What an importer is: one pure module a system, from the file's tree to rules, findings and warnings. */
import type { ImportedConfiguration } from './imported-policy.ts'
import type { Reading } from './reading.ts'
import type { SourceDocument } from './source-document.ts'

export interface Importer {
  /** As it is called on the command line. */
  readonly system: string
  /** What else people call it. @default nothing */
  readonly aliases?: readonly string[]
  /** As people call what is imported: `an ECR lifecycle policy`. */
  readonly title: string
  readonly format: 'json' | 'yaml' | 'text'
  /** How to get the file, for the help and for messages. */
  readonly source: string
  /**
   * Whether a file looks like one of this system, for those who mistook one system for another. Documents come from
   * JSON or YAML, text is what it is.
   */
  recognises(document: SourceDocument): boolean
  /** Undefined when there are findings. */
  read(document: SourceDocument, reading: Reading): ImportedConfiguration | undefined
}
